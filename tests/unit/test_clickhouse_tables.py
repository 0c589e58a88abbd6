"""Target tables as ClickHouse has them, and the names of landed parts: pure functions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.columns import ColumnType
from sluice.errors import ConfigError
from sluice.settings import Endpoint
from sluice.spec import ClickHouseOptions, Collection
from sluice.warehouse.clickhouse.differences import Found, differences
from sluice.warehouse.clickhouse.landed import Access, bucket_address, exactly
from sluice.warehouse.clickhouse.tables import (
    Place,
    column_type,
    index_definition,
    indexes,
    order,
    partition,
    staged,
    stored,
    structure,
)
from tests.contract.specs import a_collection

TYPES = {
    "key": "String",
    "objectid": "String",
    "string(16)": "String",
    "text": "String",
    "int32": "Int32",
    "int64": "Int64",
    "float64": "Float64",
    "decimal(18,4)": "Decimal(18, 4)",
    "bool": "Bool",
    "timestamp": "DateTime64(3, 'UTC')",
    "date": "Date32",
    "uuid": "UUID",
    "binary": "String",
    "json": "String",
}


@pytest.mark.parametrize(("logical", "expected"), TYPES.items())
def test_every_logical_type_has_a_column_type(logical: str, expected: str) -> None:
    parsed = ColumnType.parse(logical)

    assert column_type(parsed, nullable=False) == expected
    assert column_type(parsed, nullable=True) == f"Nullable({expected})"


def test_only_text_is_stored_as_low_cardinality() -> None:
    assert column_type(ColumnType.parse("string(8)"), nullable=True, low=True) == "LowCardinality(Nullable(String))"
    assert column_type(ColumnType.parse("int32"), nullable=True, low=True) == "Nullable(Int32)"


def test_a_master_has_the_columns_then_what_publish_needs() -> None:
    collection = a_collection()
    own, child = collection.tables

    assert [c.name for c in stored(collection, own)] == [
        "_id",
        "title",
        "updated_at",
        "_extra",
        "_hash",
        "_from",
        "_to",
    ]
    assert [c.name for c in stored(collection, child)] == ["parent_id", "ordinal", "value", "_from", "_to"]


def test_staging_has_the_columns_of_a_landed_part() -> None:
    collection = a_collection()
    own, child = collection.tables

    assert [c.name for c in staged(collection, own)][-3:] == ["_hash", "_gone", "_turn"]
    assert [c.name for c in staged(collection, child)][-1] == "_hash"
    assert structure(staged(collection, child)) == (
        "`parent_id` String, `ordinal` Int32, `value` Nullable(String), `_hash` UInt64"
    )


def test_a_key_is_never_null_and_everything_else_may_be() -> None:
    collection = a_collection()
    types = {c.name: c.type for c in stored(collection, collection.tables[0])}

    assert types["_id"] == "String"
    assert types["title"] == "Nullable(String)"


def test_a_staging_table_is_named_after_its_plan() -> None:
    at = Place("publishing", "read", "documents")

    assert (
        at.staging("20260101T000000-abc123").text == '"sluice_staging"."publishing_documents__20260101T000000_abc123"'
    )


def with_options(**options: object) -> Collection:
    return replace(a_collection(), clickhouse=ClickHouseOptions(**options))  # type: ignore[arg-type]


def test_the_order_ends_with_the_batch_and_has_to_contain_the_key() -> None:
    assert order(with_options(order_by=("title", "_id")), a_collection().tables[0]) == ("title", "_id", "_from")
    with pytest.raises(ConfigError, match="lacks the key column _id"):
        order(with_options(order_by=("title",)), a_collection().tables[0])


def test_storage_options_are_those_of_the_collections_own_table() -> None:
    collection = with_options(
        order_by=("title", "_id"), partition_by="toYYYYMM(updated_at)", skip_indexes=(("title", "minmax"),)
    )
    child = collection.tables[1]

    assert order(collection, child) == ("parent_id", "ordinal", "_from")
    assert partition(collection, child) == "tuple()"
    assert indexes(collection, child) == ()


@pytest.mark.parametrize("expression", ["toYYYYMM(updated_at)", "title", "intDiv(toYear(updated_at), 10)"])
def test_a_partition_is_an_expression_over_columns(expression: str) -> None:
    assert partition(with_options(partition_by=expression), a_collection().tables[0]) == expression


@pytest.mark.parametrize("expression", ["toYYYYMM(created)", "1; DROP TABLE x", "(SELECT 1)", "'x'", "title -- x"])
def test_any_other_partition_is_refused(expression: str) -> None:
    with pytest.raises(ConfigError):
        partition(with_options(partition_by=expression), a_collection().tables[0])


@pytest.mark.parametrize("kind", ["minmax) x", "set(100); DROP", "bloom_filter('x')", ""])
def test_an_index_type_is_a_name_with_numbers(kind: str) -> None:
    with pytest.raises(ConfigError):
        index_definition("title", kind)


# --- differences


def as_created(collection: Collection, number: int = 0) -> Found:
    table = collection.tables[number]
    columns = tuple((c.name, c.type, c.computed) for c in stored(collection, table))
    return Found(columns, ", ".join(order(collection, table)), "", indexes(collection, table))


def found_differences(collection: Collection, found: Found) -> list[tuple[str, str]]:
    place = Place("p", "s", "documents")
    return [(d.what, d.alter) for d in differences(collection, collection.tables[0], place.storage, found)]


def test_a_table_as_it_was_created_does_not_differ() -> None:
    collection = with_options(
        order_by=("title", "_id"), skip_indexes=(("title", "set(100)"),), low_cardinality=("title",)
    )

    assert found_differences(collection, as_created(collection)) == []


def test_the_order_of_columns_does_not_matter() -> None:
    found = as_created(a_collection())

    assert found_differences(a_collection(), replace(found, columns=found.columns[::-1])) == []


def test_a_missing_column_is_added_where_it_belongs() -> None:
    found = as_created(a_collection())
    without = tuple(c for c in found.columns if c[0] != "title")

    (difference,) = found_differences(a_collection(), replace(found, columns=without))

    added = 'ADD COLUMN IF NOT EXISTS "title" Nullable(String) CODEC(ZSTD(1)) AFTER "_id";'
    assert difference == ("column title is missing", f'ALTER TABLE "sluice_data"."p_documents" {added}')


def test_a_column_too_many_is_dropped() -> None:
    found = as_created(a_collection())
    (difference,) = found_differences(a_collection(), replace(found, columns=(*found.columns, ("old", "Int8", ""))))

    assert difference[1] == 'ALTER TABLE "sluice_data"."p_documents" DROP COLUMN IF EXISTS "old";'


def test_another_order_cannot_be_altered() -> None:
    (difference,) = found_differences(a_collection(), replace(as_created(a_collection()), order="title, _id, _from"))

    assert difference == ("it is ordered by (title, _id, _from), the pipeline file says (_id, _from)", "")


# --- landed parts

KEY = st.text("abcdef/._-0123456789", min_size=1, max_size=30)


def expand(pattern: str) -> list[str]:
    head, brace, rest = pattern.partition("{")
    return [head + each for each in rest.removesuffix("}").split(",")] if brace else [head]


@given(st.lists(KEY, min_size=1, max_size=20, unique=True))
def test_the_pattern_names_exactly_these_keys(keys: list[str]) -> None:
    assert expand(exactly(keys)) == keys


def test_what_all_keys_share_is_written_once() -> None:
    assert exactly(["a/b/r0/x.parquet", "a/b/r1/x.parquet"]) == "a/b/{r0/x.parquet,r1/x.parquet}"


@pytest.mark.parametrize("key", ["a*b", "a?b", "a{b}", "a,b", "a b", "ä", "a%20b"])
def test_a_key_that_would_be_a_pattern_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="cannot be named"):
        exactly([key])


def test_a_hundred_keys_go_into_one_statement() -> None:
    sources = list(Access("http://s3/bucket").sources([f"k{n}" for n in range(250)]))

    assert [len(expand(str(source["url"]))) for source in sources] == [100, 100, 50]


def test_a_bucket_has_an_address_with_and_without_an_endpoint() -> None:
    aws = Endpoint("s3", extra={"region_name": "eu-west-1"})
    local = Endpoint("s3", extra={"endpoint_url": "http://127.0.0.1:9000/"})
    inside = Endpoint("s3", extra={"endpoint_url": "http://localhost:9000", "warehouse_endpoint_url": "http://s3:9000"})

    assert bucket_address(aws, "landing") == "https://landing.s3.eu-west-1.amazonaws.com"
    assert bucket_address(local, "landing") == "http://127.0.0.1:9000/landing"
    assert bucket_address(inside, "landing") == "http://s3:9000/landing"
