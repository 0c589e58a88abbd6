"""Which rows a replay brings to today's columns: those whose columns only became more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sluice.columns import OnError
from sluice.hashes import collection_hash, columns_hash
from sluice.history import ColumnsRow, added, columns_rows, stale
from sluice.spec import Collection, UnknownFields
from tests.factories import a_child, a_collection, a_column, a_pipeline

OLD = a_collection(children=(a_child(),))
MORE = (*OLD.columns, a_column("isbn", "string(13)"))
TAGS = a_child(name="tags", path="tags")
NOW = replace(OLD, columns=MORE, children=(*OLD.children, TAGS))


def published(*batches: tuple[int, Collection]) -> list[ColumnsRow]:
    """What batches wrote that had these columns, each as the first of its kind."""
    known: list[ColumnsRow] = []
    for batch, collection in batches:
        landed = [("documents", columns_hash(collection))]
        known += columns_rows(a_pipeline(collections=(collection,)), batch, known, landed)
    return known


def test_a_row_is_written_only_when_the_columns_change() -> None:
    known = published((1, OLD), (2, OLD), (3, NOW), (4, NOW), (5, OLD))

    assert [(row.batch, row.hash) for row in known] == [(n, columns_hash(c)) for n, c in ((1, OLD), (3, NOW), (5, OLD))]


def test_a_batch_without_documents_says_nothing_of_columns() -> None:
    assert columns_rows(a_pipeline(collections=(OLD,)), 1, [], []) == []


def test_a_batch_that_was_landed_under_two_files_is_not_known() -> None:
    landed = [("documents", columns_hash(each)) for each in (OLD, NOW)]

    assert columns_rows(a_pipeline(collections=(NOW,)), 1, [], landed) == [ColumnsRow("documents", 1, "", "")]


def test_rows_of_other_columns_are_found_with_what_turns_their_hashes_into_todays() -> None:
    known = published((1, OLD), (4, NOW), (6, OLD))

    one, other = stale(NOW, known, 9)

    mark = collection_hash(OLD) ^ collection_hash(NOW)
    assert [(each.run.first, each.run.last, each.run.mark, each.why) for each in (one, other)] == [
        (1, 3, mark, ""),
        (6, 9, mark, ""),
    ]
    assert added(NOW, [one]) == ((MORE[-1],), (TAGS,))


def test_rows_of_todays_columns_are_not_stale() -> None:
    assert stale(NOW, published((1, NOW)), 9) == []
    assert added(NOW, []) == ((), ())


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ({"columns": (*OLD.columns, a_column("gone"))}, "these columns are not as they were: gone"),
        ({"columns": (a_column(), a_column("title", "json"), OLD.columns[2])}, "not as they were: title"),
        ({"columns": (a_column(), replace(OLD.columns[1], on_error=OnError.NULL), OLD.columns[2])}, "title"),
        ({"children": (a_child(columns=(a_column("value", "int32", path=""),)),)}, "these children"),
        ({"unknown_fields": UnknownFields.IGNORE}, "unknown_fields or the transform is not as it was"),
        ({"transform": "a:b"}, "unknown_fields or the transform is not as it was"),
    ],
)
def test_whatever_else_changed_needs_the_document_itself(before: dict[str, Any], why: str) -> None:
    (found,) = stale(NOW, published((1, replace(OLD, **before))), 1)

    assert why in found.why


@pytest.mark.parametrize(
    ("both", "why"),
    [({"unknown_fields": UnknownFields.IGNORE}, "no undeclared field was kept"), ({"transform": "a:b"}, "transform")],
)
def test_what_cannot_be_made_again_is_not_replayed(both: dict[str, Any], why: str) -> None:
    (found,) = stale(replace(NOW, **both), published((1, replace(OLD, **both))), 1)

    assert why in found.why


def test_batches_of_which_nothing_is_known_are_not_replayed() -> None:
    before, _ = stale(NOW, published((3, OLD)), 9)
    (nothing,) = stale(NOW, [], 9)
    (mixed, _) = stale(NOW, [ColumnsRow("documents", 1, "", ""), *published((2, OLD))], 9)

    assert [(each.run.first, each.run.last) for each in (before, nothing, mixed)] == [(1, 2), (1, 9), (1, 1)]
    assert all("it is not known" in each.why for each in (before, nothing, mixed))
