"""From a census to a pipeline file: it loads, and rejects nothing that was sampled (I7)."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId, json_util
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.conform import CLICKHOUSE_LIMITS, Conformer
from sluice.infer.census import ARRAYS, MOST_FIELDS, Census
from sluice.infer.describe import share
from sluice.infer.guess import guess_collection
from sluice.infer.text import Heading, pipeline_text
from sluice.limits import REDSHIFT_LIMITS, limits_of
from sluice.pipeline_file import parse_pipeline
from sluice.spec import Collection, WarehouseKind
from tests.bson_values import values
from tests.factories import NOON, raw, raw_document, raw_element

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
NAMES = st.one_of(
    st.sampled_from(["a", "b", "A", "a.b", "a_b", "_from", "parent_id", "ordinal", "$x", "", "größe", "1st", "null"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=70),
)
documents = st.dictionaries(
    NAMES,
    st.one_of(
        values,
        st.dictionaries(NAMES, values, max_size=3),
        st.lists(st.one_of(values, st.dictionaries(NAMES, values, max_size=3)), max_size=3),
        st.lists(st.dictionaries(NAMES, values, max_size=3), max_size=3),
        st.lists(st.dictionaries(NAMES, st.lists(values, max_size=2), max_size=2), max_size=2),
        st.lists(st.lists(values, max_size=2), max_size=2),
    ),
    max_size=5,
)


CLICKHOUSE, REDSHIFT = WarehouseKind.CLICKHOUSE, WarehouseKind.REDSHIFT


def inferred(
    *sampled: dict[str, Any] | bytes, indexed: tuple[str, ...] = (), warehouse: WarehouseKind = CLICKHOUSE
) -> tuple[Collection, str]:
    """What is declared for such documents, and the text of the file."""
    census = Census(limits_of(warehouse))
    census.add(raw(*sampled))
    guess = guess_collection("things", census, {"things"}, indexed.__contains__)
    sizes = {"things": len(sampled)}
    text = pipeline_text(Heading("p", "source", "database", "2026-11-25", sizes, warehouse=warehouse), [guess])
    return parse_pipeline(text, Path("p.yml")).collection("things"), text


def types(*sampled: dict[str, Any] | bytes) -> dict[str, str]:
    """Path → the type of its column; of a child in brackets."""
    found, _ = inferred(*sampled)
    children = {child.path: f"[{child.columns[0].type}]" for child in found.children if not child.of_documents}
    return {column.path: str(column.type) for column in found.columns} | children


def rejects(collection: Collection, *documents: dict[str, Any] | bytes) -> list[tuple[str, str]]:
    conformed = Conformer(collection, limits=CLICKHOUSE_LIMITS, hash_seed=1)(raw(*documents))
    return [(reject.column, reject.reason) for reject in conformed.rejects]


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(values.filter(lambda v: type(v) is not list), documents), max_size=6))
def test_nothing_that_was_sampled_is_rejected(sampled: list[tuple[Any, dict[str, Any]]]) -> None:
    batch = [{**document, "_id": key} for key, document in sampled]
    collection, _ = inferred(*batch)

    assert rejects(collection, *batch) == []


@pytest.mark.parametrize("name", ["books", "students"])
def test_real_documents_are_all_taken(name: str) -> None:
    file = SHARED / f"{name}.json"
    if not file.exists():
        pytest.skip(f"{file} is not here")
    batch = [json_util.loads(line) for line in file.read_text().splitlines()]
    collection, _ = inferred(*batch)

    assert rejects(collection, *batch) == []
    assert {child.path for child in collection.children} == {
        "books": {"authors", "categories"},
        "students": {"scores"},
    }[name]


@pytest.mark.parametrize(
    ("sampled", "expected"),
    [
        ([1, 2], "int32"),
        ([1, 2**30], "int64"),
        ([1, Int64(2)], "int64"),
        ([1, 2.0], "float64"),
        ([2.0], "float64"),
        ([Int64(2**53 + 1), 0.5], "decimal(21,1)"),
        ([Decimal128("12.50"), 3], "decimal(18,2)"),
        ([Decimal128("NaN")], "json"),
        ([Decimal128("1E+40")], "json"),
        ([True], "bool"),
        ([True, 1], "json"),
        (["x" * 212], "string(512)"),
        (["x" * 60_000], "text"),
        (["x", 1], "json"),
        ([NOON, None], "timestamp"),
        ([NOON, datetime(1, 1, 1)], "json"),  # noqa: DTZ001  as pymongo writes it
        ([ObjectId()], "objectid"),
        ([b"x"], "binary"),
        ([None], "json"),
        ([{}], "json"),
        ([[]], "json"),
        ([["x"], "x"], "json"),
        ([[1], [2], None], "[int32]"),
        ([["x", 1]], "[json]"),
        ([[["x"]], [None, []]], "[string(16)]"),
        ([[["x"], "x"]], "[json]"),
        ([[[]]], "[json]"),
    ],
)
def test_values_decide_the_type(sampled: list[Any], expected: str) -> None:
    assert types(*({"_id": n, "a": value} for n, value in enumerate(sampled)))["a"] == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [([1, 2], "int64"), ([ObjectId()], "objectid"), (["a"], "string(16)"), ([1, "a"], "key"), ([{"a": 1}], "key")],
)
def test_ids_of_several_types_are_a_key(keys: list[Any], expected: str) -> None:
    assert types(*({"_id": key} for key in keys)) == {"_id": expected}


def test_documents_become_columns_to_some_depth() -> None:
    assert types({"_id": 1, "a": {"b": {"c": {"d": 1, "e": {"f": 1}}}}}) == {
        "_id": "int64",
        "a.b.c.d": "int32",
        "a.b.c.e": "json",
    }


def test_arrays_inside_of_arrays_become_children_of_children() -> None:
    part = {"title": "x", "notes": [1, 2], "lines": [[[0.5]]], "ordinal_1": "x", "by": {"names": ["a"]}}
    batch = [{"_id": 1, "parts": [[part], [{"title": None}]]}, {"_id": 2}]

    collection, text = inferred(*batch)

    (parts,) = collection.children
    assert (parts.path, parts.depth, parts.of_documents) == ("parts", 2, True)
    assert [(column.path, column.name) for column in parts.columns] == [
        ("title", "title"),
        ("ordinal_1", "ordinal_1_2"),
    ]
    assert [(child.path, child.name, child.depth, str(child.columns[0].type)) for child in parts.children] == [
        ("notes", "parts_notes", 1, "int32"),
        ("lines", "parts_lines", 3, "float64"),
        ("by.names", "parts_by_names", 1, "string(16)"),
    ]
    assert rejects(collection, *batch) == []
    for line in (
        "parts: # array 50.0 %, missing 50.0 %, 2 elements, each: array 100 %, 1 elements",
        "  depth: 2",
        "  children:",
        "    lines: {type: float64, depth: 3} # array 50.0 %, missing 50.0 %, 1 elements"
        + ", each: array 100 %, 1 elements" * 2
        + ", each: double 100 %",
    ):
        assert f"\n      {line}\n" in text


def test_arrays_are_looked_at_to_some_depth() -> None:
    value: Any = "x"
    for _ in range(ARRAYS + 1):
        value = [value]

    (child,) = inferred({"_id": 1, "a": value})[0].children

    assert (child.depth, str(child.columns[0].type)) == (ARRAYS, "json")


def test_children_share_the_names_that_are_left() -> None:
    name = "a" * 40

    collection, _ = inferred({"_id": 1, name: [{"b" * 40: [{"c" * 40: [1]}], name: [1]}], f"{name}_{name}": [1]})

    assert len({table.name for table in collection.tables}) == 6
    assert max(len(table.name) for table in collection.tables) <= 63


def test_documents_whose_names_are_data_are_json() -> None:
    batch = [{"_id": n, "visits": {f"day{n}": n}} for n in range(50)]

    assert types(*batch)["visits"] == "json"


def test_more_fields_than_are_looked_at_are_kept_as_extra() -> None:
    batch = [{"_id": 0, **{f"f{n}": n for n in range(MOST_FIELDS + 50)}}]
    collection, text = inferred(*batch)

    assert len(collection.columns) == MOST_FIELDS
    assert "kept in _extra" in text
    assert rejects(collection, *batch) == []


def test_what_is_not_utf8_is_replaced_and_said() -> None:
    bad = raw_document(raw_element(0x10, b"_id", b"\1\0\0\0"), raw_element(2, b"a", b"\2\0\0\0\xff\0"))
    collection, text = inferred({"_id": 2, "a": "x"}, bad)

    assert rejects(collection, bad) == []
    assert "a: {type: string(16), on_error: replace} # string 100 %" in text
    assert "1 not UTF-8, which U+FFFD replaces" in text


def test_the_modified_field_is_a_date_everywhere_with_an_index_and_a_name() -> None:
    batch = [{"_id": n, "at": NOON, "updatedAt": NOON + timedelta(n)} for n in range(3)]

    assert inferred(*batch, indexed=("at", "updatedAt"))[0].modified == "updatedAt"
    without_index, text = inferred(*batch)
    assert without_index.modified is None
    assert "updatedAt has no index" in text
    assert inferred(*batch, {"_id": 9, "updatedAt": None}, indexed=("updatedAt",))[0].modified is None


def test_comments_say_what_was_seen() -> None:
    _, text = inferred(*({"_id": n, "a": "x" * n or None, "n": n} for n in range(4)), {"_id": 4, "a": 7})

    assert "a: json # string 60.0 %, int 20.0 %, null 20.0 %, longest 3 bytes, 7; string(16) would reject 1\n" in text
    assert "n: int32 # int 80.0 %, missing 20.0 %, 0 to 3\n" in text


def test_an_undecodable_document_is_counted() -> None:
    bad = raw_document(raw_element(0x7E, b"a", b""))

    assert "1 documents are not valid BSON" in inferred({"_id": 1}, bad)[1]


def test_an_empty_collection_is_named() -> None:
    assert inferred()[0].name == "things"


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(0, 9, "0 %"), (9, 9, "100 %"), (99_999, 100_000, "99.9 %"), (1, 100_000, "<0.1 %")]
)
def test_a_share_is_never_rounded_to_all_or_to_nothing(part: int, whole: int, text: str) -> None:
    assert share(part, whole) == text


def test_redshifts_limits_count_where_it_is_published_there() -> None:
    """Its dates reach further, and it has no U+0000; a text that no column of it holds is said."""
    batch = [{"_id": n, "at": datetime(1700, 1, 1), "nul": "a\0b", "long": "x" * 70_000} for n in range(3)]  # noqa: DTZ001
    there, text = inferred(*batch, warehouse=REDSHIFT)
    types_there = {column.path: (str(column.type), str(column.on_error)) for column in there.columns}

    assert types_there["at"] == ("timestamp", "reject")
    assert types(*batch)["at"] == "json"
    assert types_there["nul"] == ("string(16)", "replace")
    assert types_there["long"] == ("text", "reject")
    assert "3 larger than the warehouse holds: rejected, but for `on_error: truncate`" in text
    assert "warehouse: {kind: redshift, conn_id: redshift, schema: p}" in text
    conformed = Conformer(there, limits=REDSHIFT_LIMITS, hash_seed=1)(raw(*batch))
    assert [(reject.column, reject.reason) for reject in conformed.rejects] == [("long", "too_long")] * 3


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(values.filter(lambda v: type(v) is not list), documents), max_size=6))
def test_nothing_that_redshift_can_hold_is_rejected(sampled: list[tuple[Any, dict[str, Any]]]) -> None:
    batch = [{**document, "_id": key} for key, document in sampled]
    collection, _ = inferred(*batch, warehouse=REDSHIFT)
    conformed = Conformer(collection, limits=REDSHIFT_LIMITS, hash_seed=1)(raw(*batch))

    # A key cannot be repaired, and neither can what no path can name.
    assert [(r.column, r.reason) for r in conformed.rejects if not r.column.endswith(("_id", "_extra"))] == []
