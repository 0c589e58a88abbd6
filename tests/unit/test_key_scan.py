"""What a reconcile reads of a document, and the columns that it becomes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sluice.columns import Kind
from sluice.key_scan import narrowed, narrowed_collection, only_keys, projection, version_of
from sluice.spec import RedshiftOptions
from tests.factories import a_child, a_collection, a_column, a_pipeline, a_range


def test_only_the_key_and_the_modified_date_are_read() -> None:
    assert projection(a_collection()) == {"_id": 1, "updated_at": 1}
    assert [column.name for column in narrowed_collection(a_collection()).columns] == ["_id", "updated_at"]


def test_sizes_of_arrays_are_counted_by_the_server() -> None:
    collection = a_collection(children=(a_child(), a_child(name="marks", path="watermark.marks")))

    assert set(projection(collection)) == {"_id", "updated_at", "_rows_keywords", "_rows_marks"}
    assert next(iter(projection(collection)["_rows_marks"])) == "$size"
    assert [c.name for c in narrowed_collection(collection).columns[2:]] == ["_rows_keywords", "_rows_marks"]


def test_a_mark_that_says_deleted_is_read_and_no_path_twice() -> None:
    assert projection(a_collection(deletes="soft:deleted_at")) == {"_id": 1, "updated_at": 1, "deleted_at": 1}
    nested = a_collection(
        deletes="soft:meta", modified="meta.at", columns=(a_column(), a_column("at", "timestamp", path="meta.at"))
    )
    assert projection(nested) == {"_id": 1, "meta": 1}


@pytest.mark.parametrize(
    "collection",
    [
        a_collection(modified=None),
        a_collection(modified="changed_at"),
        a_collection(transform="module:function"),
        a_collection(columns=(a_column(), a_column("updated_at", "json"))),
    ],
    ids=["no field", "no column", "a transform", "not a date"],
)
def test_without_a_version_only_keys_are_compared(collection: object) -> None:
    assert version_of(collection) is None  # type: ignore[arg-type]
    assert projection(collection) == {"_id": 1}  # type: ignore[arg-type]


def test_how_the_table_is_stored_says_nothing_of_how_keys_are_staged() -> None:
    options = RedshiftOptions(distkey="title", sortkey=("title",))
    pipeline = a_pipeline(collections=(a_collection(redshift=options, surrogate_key=True),))

    (narrow,) = narrowed(pipeline).collections

    assert (narrow.redshift, narrow.surrogate_key, narrow.modified) == (RedshiftOptions(), False, None)
    assert len(narrow.tables) == 1
    assert not narrow.tables[0].extra
    assert narrow.key.type.kind is Kind.KEY


def test_the_ranges_stay_and_read_less() -> None:
    piece = a_range(min_id="5")

    assert only_keys(a_collection(), [piece]) == (replace(piece, fields='{"_id": 1, "updated_at": 1}'),)
