"""Undeclared fields are counted exactly, each by its path and BSON type, and in bounded memory."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Binary, Decimal128, Int64
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice import drift
from sluice.conform import CLICKHOUSE_LIMITS, Conformer
from sluice.drift import Drift, DriftRow, drift_of, drift_rows, is_undeclared
from sluice.misfit import type_name
from sluice.spec import Collection, UnknownFields
from tests.bson_values import values
from tests.factories import a_child, a_collection, a_column, a_pipeline, raw

NAMES = st.sampled_from(["a", "b", "title", "a.b", "größe", "$x", ""])


def found(collection: Collection, *documents: dict[str, Any]) -> dict[str, tuple[list[str], int]]:
    """Path → BSON types and how many values, as a manifest has it."""
    census = Drift()
    census.add(Conformer(collection, limits=CLICKHOUSE_LIMITS, hash_seed=1)(raw(*documents)).undeclared)
    return {path: (seen["types"], seen["times"]) for path, seen in census.to_json().get("paths", {}).items()}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.dictionaries(NAMES, values, max_size=5), max_size=8))
def test_every_value_of_every_undeclared_field_is_counted(documents: list[dict[str, Any]]) -> None:
    batch = [{"_id": number, **document} for number, document in enumerate(documents)]
    expected: dict[str, list[str]] = {}
    for document in documents:
        for name in document.keys() - {"title"}:
            expected.setdefault(name, []).append(type_name(document[name]))

    assert found(a_collection(), *batch) == {name: (sorted(set(types)), len(types)) for name, types in expected.items()}


def test_documents_of_many_shapes_are_counted_alike() -> None:
    """Names that are data: each document has others."""
    documents = [{"_id": n, f"day {n}": n, "x": n, "title": "a"} for n in range(40)]

    counted = found(a_collection(), *documents)

    assert counted["x"] == (["int"], 40)
    assert {name: each for name, each in counted.items() if name != "x"} == {
        f"day {n}": (["int"], 1) for n in range(40)
    }


def test_nothing_undeclared_is_no_drift() -> None:
    census = Drift()
    census.add(
        Conformer(a_collection(), limits=CLICKHOUSE_LIMITS, hash_seed=1)(raw({"_id": 1, "title": "a"})).undeclared
    )

    assert census.to_json() == {}


def test_a_path_ends_at_the_first_undeclared_field() -> None:
    columns = (*a_collection().columns, a_column("mark", "text", path="watermark.mark"))
    documents = [
        {"_id": 1, "watermark": {"mark": "x", "color": {"deep": 1}}, "note": {"deep": {"er": 1}}},
        {"_id": 2, "watermark": "no document", "note": None},
    ]

    assert found(a_collection(columns=columns), *documents) == {
        "watermark.color": (["object"], 1),
        "watermark": (["string"], 1),
        "note": (["null", "object"], 2),
    }


def test_the_elements_of_a_child_have_paths_of_their_own() -> None:
    child = a_child(name="review", path="reviews", of_documents=True, columns=(a_column("stars", "int32"),))
    documents = [{"_id": 1, "reviews": [{"stars": 1, "by": "a"}, {"by": 2}, {"stars": 3}]}]

    assert found(a_collection(children=(child,)), *documents) == {"review.by": (["int", "string"], 2)}


def test_bson_types_are_told_apart() -> None:
    several = [1, Int64(1), 1.0, Decimal128("1"), Binary(b"x", 4), Binary(b"x", 7), b"x", "x"]

    assert found(a_collection(), *({"_id": n, "x": value} for n, value in enumerate(several))) == {
        "x": (sorted(map(type_name, several)), len(several))
    }


@pytest.mark.parametrize("unknown", [UnknownFields.IGNORE, UnknownFields.FAIL])
def test_what_is_not_kept_is_not_drift(unknown: UnknownFields) -> None:
    assert found(a_collection(unknown_fields=unknown), {"_id": 1, "x": 1}) == {}


def test_paths_of_a_range_are_bounded_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "MOST_PATHS", 3)
    census = Drift()
    conform = Conformer(a_collection(), limits=CLICKHOUSE_LIMITS, hash_seed=1)
    for day in range(10):
        census.add(conform(raw({"_id": day, f"day {day % 5}": 1})).undeclared)

    data = census.to_json()
    assert list(data["paths"]) == ["day 0", "day 1", "day 2"]
    assert data["more"] == 2
    assert data["paths"]["day 0"] == {"types": ["int"], "times": 2, "sample": "1"}


def test_long_names_and_values_are_cut_and_what_is_not_utf8_is_replaced() -> None:
    document = raw({"_id": 1, "x" * 1000: "y" * 1000, "z": "?"}).replace(b"?", b"\xff")
    census = Drift()
    census.add(Conformer(a_collection(), limits=CLICKHOUSE_LIMITS, hash_seed=1)(document).undeclared)

    (long, short) = census.to_json()["paths"].items()
    assert len(long[0]) == len(long[1]["sample"]) == drift.LONGEST
    assert short[1]["sample"] == '"?"'


def test_ranges_add_up() -> None:
    one = {"paths": {"x": {"types": ["int"], "times": 2, "sample": "1"}}, "more": 3}
    other = {"paths": {"x": {"types": ["int", "null"], "times": 2, "sample": "2"}}, "more": 2}

    total = drift_of([("documents", one), ("documents", other), ("tickets", {})])

    assert list(total) == ["documents"]
    x = {"types": ["int", "null"], "times": 4, "sample": "1"}
    assert total["documents"].to_json() == {"paths": {"x": x}, "more": 3}


def test_a_path_that_is_seen_again_keeps_what_is_known_and_counts_no_document_twice() -> None:
    known = DriftRow("documents", "x", "int", 5, "1", first_batch=2, batch=3)
    again = drift_of([("documents", {"paths": {"x": {"types": ["null"], "times": 4, "sample": "null"}}, "more": 0})])

    assert drift_rows(7, [known], again) == [DriftRow("documents", "x", "int, null", 5, "1", first_batch=2, batch=7)]


def test_paths_of_a_collection_are_bounded_over_all_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "MOST_KNOWN", 2)
    known = [DriftRow("documents", "a", "int", 1, "1", 1, 1), DriftRow("tickets", "a", "int", 1, "1", 1, 1)]
    paths = {path: {"types": ["int"], "times": 1, "sample": "1"} for path in "abcd"}

    rows = drift_rows(2, known, drift_of([("documents", {"paths": paths, "more": 0})]))

    assert [row.path for row in rows] == ["a", "b"]


@pytest.mark.parametrize(
    ("path", "types", "expected"),
    [
        ("title", "string", False),
        ("isbn", "string", True),
        ("watermark", "object", False),
        ("watermark", "object, string", True),
        ("keywords", "array", False),
        ("chapters.notes", "array", False),
        ("chapters_notes.by", "string", False),
        ("chapters_notes.at", "date", True),
        ("by", "string", True),
    ],
)
def test_a_field_that_has_a_column_by_now_is_declared(path: str, types: str, expected: bool) -> None:
    columns = (*a_collection().columns, a_column("mark", "text", path="watermark.mark"))
    notes = a_child(name="chapters_notes", path="notes", columns=(a_column("by", "text"),), of_documents=True)
    chapters = a_child(name="chapters", path="chapters", columns=(), of_documents=True, children=(notes,))
    pipeline = a_pipeline(collections=(a_collection(columns=columns, children=(a_child(), chapters)),))

    assert is_undeclared(pipeline, DriftRow("documents", path, types, 1, "", 1, 1)) is expected
