"""Arrays in arrays: each declared one is a table, its rows are found from those around them, a fault says where."""

from __future__ import annotations

import json
import random
from typing import Any

import bson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.columns import OnError
from sluice.conform import CLICKHOUSE_LIMITS, Conformed, Conformer, Limits
from sluice.limits import REDSHIFT_LIMITS
from sluice.spec import MOST_LEVELS, Child, Collection, Column, Table, UnknownFields, WarehouseKind
from tests.acceptance import oracle
from tests.factories import a_collection, a_column, raw


def of_values(path: str, kind: str = "int32", **overrides: Any) -> Child:
    name, on_error = overrides.pop("name", path), overrides.pop("on_error", OnError.REJECT)
    return Child(name, path, (a_column("value", kind, path="", on_error=on_error),), of_documents=False, **overrides)


def of_documents(path: str, *columns: Column, **overrides: Any) -> Child:
    return Child(overrides.pop("name", path), path, columns, of_documents=True, **overrides)


NOTES = of_values("notes", "string(8)", name="chapters_sections_notes")
SECTIONS = of_documents("sections", a_column("title", "text"), name="chapters_sections", children=(NOTES,))
CHAPTERS = of_documents("chapters", a_column("title", "text"), children=(SECTIONS,))
POINTS = of_values("points", "float64", depth=2)


def conform_all(*documents: dict[str, Any], limits: Limits = CLICKHOUSE_LIMITS, **collection: Any) -> Conformed:
    return Conformer(a_collection(columns=(a_column(),), **collection), limits=limits, hash_seed=1)(raw(*documents))


def rows(conformed: Conformed, table: str) -> list[tuple[Any, ...]]:
    found = conformed.tables[f"documents_{table}"].drop_columns(["_hash"])
    return [tuple(row.values()) for row in found.to_pylist()]


def said(conformed: Conformed) -> list[tuple[str, str, str]]:
    return [(reject.column, reject.reason, reject.detail) for reject in conformed.rejects]


def a_book(key: int, *chapters: Any) -> dict[str, Any]:
    return {"_id": key, "chapters": list(chapters)}


# --- rows and their keys ----------------------------------------------------------------------------------------------


def test_every_element_says_where_it_stands_in_all_arrays_around_it() -> None:
    deep = {"title": "1", "sections": [{"title": "1.0", "notes": ["a", "b"]}, {"title": "1.1"}]}
    other = {"title": "0", "sections": [{"notes": ["c"]}]}

    conformed = conform_all(a_book(1, {"title": "0"}, deep), a_book(2, other), children=(CHAPTERS,))

    assert rows(conformed, "chapters") == [("1", 0, "0", None), ("1", 1, "1", None), ("2", 0, "0", None)]
    assert rows(conformed, "chapters_sections") == [
        ("1", 1, 0, "1.0", None),
        ("1", 1, 1, "1.1", None),
        ("2", 0, 0, None, None),
    ]
    assert rows(conformed, "chapters_sections_notes") == [
        ("1", 1, 0, 0, "a"),
        ("1", 1, 0, 1, "b"),
        ("2", 0, 0, 0, "c"),
    ]
    assert conformed.tables["documents_chapters_sections_notes"].schema.names == [
        *("parent_id", "ordinal_1", "ordinal_2", "ordinal"),
        *("value", "_hash"),
    ]


def test_a_table_of_a_child_comes_after_that_around_it() -> None:
    collection = a_collection(children=(CHAPTERS, POINTS), surrogate_key=True)

    own, *children = collection.tables

    assert [(table.name, table.key) for table in children] == [
        ("documents_chapters", ("parent_id", "ordinal")),
        ("documents_chapters_sections", ("parent_id", "ordinal_1", "ordinal")),
        ("documents_chapters_sections_notes", ("parent_id", "ordinal_1", "ordinal_2", "ordinal")),
        ("documents_points", ("parent_id", "ordinal_1", "ordinal")),
    ]
    assert [table.within for table in children] == [(), (CHAPTERS,), (CHAPTERS, SECTIONS), ()]
    assert [table.extra for table in children] == [True, True, False, False]
    assert {(key.name, key.of) for table in children for key in table.numeric} == {("parent_key", "parent_id")}
    assert own.numeric[0].name == "_key"


@pytest.mark.parametrize("nothing", [{}, {"sections": None}, {"sections": []}, {"sections": [None]}, None])
def test_what_is_missing_null_or_empty_has_no_rows_at_any_depth(nothing: Any) -> None:
    there = {"sections": [{"notes": ["x", None]}]}

    conformed = conform_all(a_book(1, nothing, there), children=(CHAPTERS,))

    assert [row[:2] for row in rows(conformed, "chapters")] == [("1", 0), ("1", 1)]
    inner = [("1", 0, 0)] if nothing == {"sections": [None]} else []  # null is an element, so that ordinals stay true
    assert [row[:3] for row in rows(conformed, "chapters_sections")] == [*inner, ("1", 1, 0)]
    assert rows(conformed, "chapters_sections_notes") == [("1", 1, 0, 0, "x"), ("1", 1, 0, 1, None)]


def test_arrays_of_arrays_are_one_table() -> None:
    conformed = conform_all({"_id": 1, "points": [[1, 2.5], [], None, [None, 4]]}, {"_id": 2}, children=(POINTS,))

    assert rows(conformed, "points") == [("1", 0, 0, 1.0), ("1", 0, 1, 2.5), ("1", 3, 0, None), ("1", 3, 1, 4.0)]


def test_arrays_of_arrays_may_hold_documents_with_arrays_of_arrays() -> None:
    inner = of_values("b", depth=2, name="a_b")
    child = of_documents("a", a_column("n", "int32"), depth=2, children=(inner,))

    conformed = conform_all({"_id": 1, "a": [[], [{"n": 5}, {"n": 6, "b": [[7], [8, 9]]}]]}, children=(child,))

    assert rows(conformed, "a") == [("1", 1, 0, 5, None), ("1", 1, 1, 6, None)]
    assert rows(conformed, "a_b") == [("1", 1, 1, 0, 0, 7), ("1", 1, 1, 1, 0, 8), ("1", 1, 1, 1, 1, 9)]


def test_what_an_element_has_beyond_its_columns_and_children_stays_with_it() -> None:
    section = {"title": "t", "notes": ["a"], "pages": [3, 4], "by": {"name": "n"}}
    book = a_book(1, {"sections": [section], "draft": True})

    conformed = conform_all(book, children=(CHAPTERS,))
    refused = conform_all(book, children=(CHAPTERS,), unknown_fields=UnknownFields.FAIL)

    assert rows(conformed, "chapters") == [("1", 0, None, '{"draft":true}')]
    assert json.loads(rows(conformed, "chapters_sections")[0][-1]) == {"pages": [3, 4], "by": {"name": "n"}}
    assert said(refused) == [("chapters.draft", "unknown_field", "chapters.draft is not declared, at chapters.0")]


def test_as_many_levels_as_mongodb_documents_are_read() -> None:
    child = of_values("a", name="c")
    value: Any = [1, None]
    for level in range(MOST_LEVELS - 1):
        child = of_documents("a", name=f"c{level}", children=(child,))
        value = [{"a": value}, None]

    conformed = conform_all({"_id": 1, "a": value}, children=(child,))

    assert conformed.rejects == []
    assert len(conformed.tables) == 1 + MOST_LEVELS
    assert rows(conformed, "c") == [("1", *[0] * MOST_LEVELS, 1), ("1", *[0] * (MOST_LEVELS - 1), 1, None)]


# --- rejects ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chapters", "column", "detail"),
    [
        (
            [{}, {"sections": [{}, {"notes": ["a", 5]}]}],
            "chapters_sections_notes.value",
            "chapters.1.sections.1.notes.1",
        ),
        ([{}, {"sections": [{"notes": "a"}]}], "chapters_sections_notes", "chapters.1.sections.0"),
        ([{}, {"sections": [None, "a"]}], "chapters_sections", "chapters.1.sections.1"),
        ([{}, {"sections": {"0": {}}}], "chapters_sections", "chapters.1"),
        ([{}, {"sections": [{"title": 5}]}], "chapters_sections.title", "chapters.1.sections.0"),
        ([{}, {"title": 5}], "chapters.title", "chapters.1"),
        ([[]], "chapters", "chapters.0"),
    ],
)
def test_a_fault_at_any_depth_rejects_its_document_and_says_where(chapters: Any, column: str, detail: str) -> None:
    good = a_book(2, {"title": "kept", "sections": [{"notes": ["n"]}]})

    conformed = conform_all(a_book(1, *chapters), good, a_book(3, *chapters), children=(CHAPTERS,))

    (first, second) = said(conformed)
    assert first == second
    assert first[:2] == (column, "wrong_type")
    assert first[2].endswith(f", at {detail}")
    assert [reject.raw for reject in conformed.rejects] == [bson.encode(a_book(n, *chapters)) for n in (1, 3)]
    for table in conformed.tables.values():
        assert table.num_rows == 1
        assert set(table[0].to_pylist()) == {"2"}


@pytest.mark.parametrize(
    ("points", "place"), [("x", None), ([1], "points.0"), ([[1], {"a": 1}], "points.1"), ([[1], [[2]]], "points.1.0")]
)
def test_an_array_of_arrays_holds_nothing_else(points: Any, place: str | None) -> None:
    if place is None:
        documents = [{"_id": 1, "points": points}]
    else:
        documents = [{"_id": 1, "points": points}, {"_id": 2, "points": [[1]]}]

    conformed = conform_all(*documents, children=(POINTS,))

    ((column, reason, detail),) = said(conformed)
    assert column.startswith("points")
    assert reason == "wrong_type"
    assert place is None or detail.endswith(f", at {place}")


def test_a_field_with_a_path_is_named_by_it() -> None:
    child = of_documents("meta.a", name="m", children=(of_values("of.b", name="m_b"),))

    conformed = conform_all({"_id": 1, "meta": {"a": [{}, {"of": {"b": ["x"]}}]}}, children=(child,))

    assert said(conformed) == [("m_b.value", "wrong_type", "takes a number, found string, at meta.a.1.of.b.0")]


def test_a_repair_deep_inside_is_counted_and_one_of_a_rejected_document_is_not() -> None:
    notes = of_values("notes", "string(2)", name="chapters_notes", on_error=OnError.TRUNCATE)
    child = of_documents("chapters", a_column("n", "int32"), children=(notes,))
    documents = [a_book(1, {"notes": ["abc", "d", "efg"]}), a_book(2, {"notes": ["abc"]}, {"n": "x"})]

    conformed = conform_all(*documents, children=(child,))

    assert conformed.coerced == {"chapters_notes.value": {"truncate": 2}}
    assert [row[-1] for row in rows(conformed, "chapters_notes")] == ["ab", "d", "ef"]


def test_a_row_that_is_too_wide_is_named_at_any_depth() -> None:
    limits = Limits(CLICKHOUSE_LIMITS.min_timestamp, CLICKHOUSE_LIMITS.max_timestamp, max_row_bytes=40)
    book = a_book(1, {"sections": [{"title": "x" * 20}, {"title": "x" * 41}]})

    assert said(conform_all(book, limits=limits, children=(CHAPTERS,))) == [
        ("", "row_too_wide", "41 bytes, 40 allowed, at chapters.0.sections.1")
    ]


@pytest.mark.parametrize("unknown", UnknownFields)
@pytest.mark.parametrize("limits", [CLICKHOUSE_LIMITS, REDSHIFT_LIMITS])
def test_an_element_may_have_children_and_no_column(unknown: UnknownFields, limits: Limits) -> None:
    child = of_documents("a", children=(of_values("b", name="a_b"),))
    documents = [{"_id": 1, "a": [{"b": [1]}, None, {}]}, {"_id": 2, "a": [{"b": ["x"]}]}]

    conformed = conform_all(*documents, limits=limits, children=(child,), unknown_fields=unknown)

    assert [row[:2] for row in rows(conformed, "a")] == [("1", 0), ("1", 1), ("1", 2)]
    assert rows(conformed, "a_b") == [("1", 0, 0, 1)]
    assert [column for column, _, _ in said(conformed)] == ["a_b.value"]


def test_a_deleted_document_leaves_no_row_at_any_depth() -> None:
    book = a_book(1, {"sections": [{"notes": ["a"]}]}) | {"deleted": True}

    conformed = conform_all(book, children=(CHAPTERS,), deletes="soft:deleted")

    assert [table.num_rows for table in conformed.tables.values()] == [1, 0, 0, 0]


# --- any documents: as the oracle says --------------------------------------------------------------------------------

VALUES = {"int32": (1, -5, 2.0), "text": ("", "a", "ab"), "json": (1, "a", {"b": [1]}, [2], 0.5), "bool": (True, False)}
"""Column type → values that it takes."""
ANYTHING = (None, 1, "a", 0.5, True, [], [1], {"a": 1}, {})


class Chance(random.Random):
    """A random pipeline and documents for it, most of which have what is declared: few are rejected."""

    def children(self, levels: int, outer: str = "") -> tuple[Child, ...]:
        """Children of paths x and y.z, with others inside them, so many levels deep."""
        paths = [path for path in ("x", "y.z") if self.random() < 0.7] if levels else []
        return tuple(self._child(path, f"{outer}{path[0]}", levels) for path in paths)

    def _child(self, path: str, name: str, levels: int) -> Child:
        depth = self.choice((1, 1, 2))
        if self.random() < 0.3:
            action = self.choice((OnError.REJECT, OnError.NULL))
            return of_values(path, self.choice(list(VALUES)), name=name, depth=depth, on_error=action)
        columns = tuple(a_column(field, self.choice(list(VALUES))) for field in "pq" if self.random() < 0.6)
        return of_documents(path, *columns, name=name, depth=depth, children=self.children(levels - 1, f"{name}_"))

    def document(self, of: Collection | Child) -> dict[str, Any]:
        made = {c.path: self._value(c) for c in of.columns if c.path != "_id" and self.random() < 0.8}
        for child in of.children:
            array = self._array(child, child.depth) if self.random() < 0.99 else self.choice(ANYTHING)
            if self.random() < 0.9:
                made |= {"y": {"z": array, "other": 1}} if child.path == "y.z" else {child.path: array}
        return made | ({"other": self.choice(ANYTHING)} if self.random() < 0.2 else {})

    def _array(self, child: Child, depth: int) -> list[Any]:
        return [self._element(child, depth) for _ in range(self.choice((0, 1, 2, 2, 3)))]

    def _element(self, child: Child, depth: int) -> Any:
        if self.random() < 0.03:
            return None if self.random() < 0.9 else self.choice(ANYTHING)
        if depth > 1:
            return self._array(child, depth - 1)
        return self.document(child) if child.of_documents else self._value(child.columns[0])

    def _value(self, column: Column) -> Any:
        return self.choice(VALUES[column.type.kind] if self.random() < 0.995 else ANYTHING)


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**64))
def test_any_documents_become_the_rows_that_the_oracle_says(seed: int) -> None:
    chance = Chance(seed)
    collection = Collection("t", None, (a_column(), a_column("p", "int32")), chance.children(3))
    documents = [{"_id": n, **chance.document(collection)} for n in range(3)]

    conformed = Conformer(collection, limits=CLICKHOUSE_LIMITS, hash_seed=1)(raw(*documents))

    bounds = oracle.BOUNDS[WarehouseKind.CLICKHOUSE]
    expected = [oracle.rows(collection, document, bounds) for document in documents]
    assert [int(r.key) for r in conformed.rejects] == [n for n, tables in enumerate(expected) if tables is None]
    for table in collection.tables:
        found, wanted = conformed.tables[table.name].to_pylist(), [r for t in expected if t for r in t[table.name]]
        assert len(found) == len(wanted)
        pairs = ((row[name], value) for row, like in zip(found, wanted, strict=True) for name, value in like.items())
        assert all(_same(one, other) for one, other in pairs), table.name
        _stand_in_rows_around_them(conformed, collection, table)


def _same(found: Any, wanted: Any) -> bool:
    """Equal values; what is JSON as text, as JSON."""
    return found == wanted or (type(found) is str and oracle.json_equal(wanted, json.loads(found)))


def _stand_in_rows_around_them(conformed: Conformed, collection: Collection, table: Table) -> None:
    around = next(t for t in collection.tables if t.child == (table.within[-1] if table.within else None))
    keys = {t: {tuple(r[c] for c in t.key) for r in conformed.tables[t.name].to_pylist()} for t in (around, table)}
    assert {key[: len(around.key)] for key in keys[table]} <= keys[around]
    assert len(keys[table]) == conformed.tables[table.name].num_rows
