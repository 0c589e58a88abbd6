"""A pipeline as data: the tables of a collection, and how many rejects are too many."""

from __future__ import annotations

import pytest

from sluice.columns import ColumnType, Kind
from sluice.spec import Column, Rejects, UnknownFields
from tests.factories import a_child, a_collection, a_column, a_pipeline


def test_a_collections_own_table_comes_first_and_its_key_is_made_of_the_id() -> None:
    collection = a_collection(columns=(a_column("title", "text"), a_column("key", "objectid", path="_id")))

    (own,) = collection.tables

    assert collection.key.name == "key"
    assert (own.name, own.key, own.columns, own.child) == ("documents", ("key",), collection.columns, None)


def test_an_array_of_values_becomes_a_table_of_parent_ordinal_and_value() -> None:
    child = a_child()

    _, table = a_collection(children=(child,)).tables

    assert (table.name, table.key, table.child) == ("documents_keywords", ("parent_id", "ordinal"), child)
    assert table.columns == (
        Column("parent_id", "_id", ColumnType(Kind.KEY)),
        Column("ordinal", "", ColumnType(Kind.INT32)),
        Column("value", "", ColumnType(Kind.STRING, length=64)),
    )


@pytest.mark.parametrize("kind", ["objectid", "int64"])
def test_a_childs_reference_has_the_type_of_its_parents_key(kind: str) -> None:
    _, table = a_collection(columns=(a_column("_id", kind),), children=(a_child(),)).tables

    assert table.columns[0].type == ColumnType.parse(kind)


def test_undeclared_fields_have_a_place_where_there_are_documents_and_they_are_kept() -> None:
    children = (a_child(), a_child(name="scores", path="scores", of_documents=True))

    kept = a_collection(children=children).tables
    dropped = a_collection(children=children, unknown_fields=UnknownFields.IGNORE).tables

    assert [table.extra for table in kept] == [True, False, True]
    assert [table.extra for table in dropped] == [False, False, False]


def test_a_pipelines_tables_are_those_of_its_collections_in_order() -> None:
    pipeline = a_pipeline(collections=(a_collection(children=(a_child(),)), a_collection(name="tickets")))

    assert [table.name for table in pipeline.tables] == ["documents", "documents_keywords", "tickets"]
    assert pipeline.collection("tickets").name == "tickets"


@pytest.mark.parametrize(
    ("limit", "read", "allowed"),
    [
        (0.01, 1_000_000, 10_000),
        (0.01, 3, 100),  # a share is taken of at least 10,000 documents: one bad one stops no small batch (I7)
        (1, 1_000_000, 1),
        (50, 3, 50),
        (0, 1_000_000, 0),
    ],
)
def test_the_reject_limit_is_a_share_below_one_and_a_count_above(limit: float, read: int, allowed: int) -> None:
    assert Rejects(limit).allowed(read) == allowed
