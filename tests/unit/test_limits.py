"""What Redshift cannot hold, kind by kind: each value beyond its limits has the outcome that ``on_error`` says (I7)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from bson import DatetimeMS, Decimal128, ObjectId

from sluice.columns import KEY_KINDS, Kind, OnError
from sluice.conform import Conformed, Conformer
from sluice.limits import CLICKHOUSE_LIMITS, REDSHIFT_LIMITS, Limits, limits_of
from sluice.pipeline import conformer
from sluice.spec import Child, Warehouse, WarehouseKind
from sluice.warehouse.redshift import tables
from tests.factories import a_collection, a_column, a_pipeline, raw

LONGEST = 65_535
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
TOO_LATE = DatetimeMS(253_402_300_800_000)  # the year 10000
NUL = {"a": "x\0y", "b\\": "\\u0000"}


def conformed(kind: str, value: Any, on_error: OnError = OnError.REJECT, limits: Limits = REDSHIFT_LIMITS) -> Conformed:
    columns = (a_column(), a_column("c", kind, on_error=on_error))
    return Conformer(a_collection(columns=columns), limits=limits, hash_seed=1)(raw({"_id": 1, "c": value}))


def outcome(kind: str, value: Any, on_error: OnError = OnError.REJECT, limits: Limits = REDSHIFT_LIMITS) -> Any:
    """What the column holds, or why the document was rejected."""
    made = conformed(kind, value, on_error, limits)
    return made.rejects[0].reason if made.rejects else made.tables["documents"].column("c")[0].as_py()


HELD = [
    ("string(9)", "ä€𝄞"),
    ("text", "x" * LONGEST),
    ("text", "ä" * (LONGEST // 2)),
    ("decimal(38,4)", Decimal128("9" * 34)),
    ("timestamp", FIRST),
    ("timestamp", LAST),
    ("date", FIRST),
    ("binary", b"x" * (LONGEST // 2)),
    ("json", {"a": "x" * LONGEST}),
    ("json", {"many": ["x" * 60_000] * 20}),
    ("json", {"a": "\\u0000"}),
    ("float64", float("inf")),
]


@pytest.mark.parametrize(("kind", "value"), HELD, ids=[kind for kind, _ in HELD])
def test_what_redshift_holds_is_taken(kind: str, value: Any) -> None:
    assert not conformed(kind, value).rejects


BEYOND = [
    ("string(4)", "abcde", "too_long", {"truncate": "abcd"}),
    ("string(4)", "a\0b", "nul_character", {"replace": "nul_character"}),  # the replacement is longer
    ("string(9)", "a\0b", "nul_character", {"replace": "a\ufffdb"}),
    ("text", "x" * (LONGEST + 1), "too_long", {"truncate": "x" * LONGEST}),
    ("text", "ä" * (LONGEST // 2 + 1), "too_long", {"truncate": "ä" * (LONGEST // 2)}),
    ("text", "a\0b", "nul_character", {"replace": "a\ufffdb"}),
    ("int32", 2**31, "out_of_range", {"replace": 2**31 - 1}),
    ("decimal(6,2)", float("nan"), "not_finite", {"replace": None}),
    ("decimal(6,2)", Decimal128("12345.6"), "out_of_range", {"replace": Decimal("9999.99")}),
    ("timestamp", TOO_LATE, "out_of_range", {"replace": LAST}),
    ("timestamp", DatetimeMS(-(2**60)), "out_of_range", {"replace": FIRST}),
    ("date", TOO_LATE, "out_of_range", {"replace": date(9999, 12, 31)}),
    ("binary", b"x" * (LONGEST // 2 + 1), "too_long", {}),
    ("json", {"a": "x" * (LONGEST + 1)}, "too_long", {}),
    ("json", NUL, "nul_character", {"replace": '{"a":"x\ufffdy","b\\\\":"\\\\u0000"}'}),
]


@pytest.mark.parametrize(("kind", "value", "reason", "repaired"), BEYOND, ids=[f"{k} {r}" for k, _, r, _ in BEYOND])
@pytest.mark.parametrize("on_error", OnError)
def test_what_redshift_cannot_hold_has_the_outcome_that_on_error_says(
    kind: str, value: Any, reason: str, repaired: dict[str, Any], on_error: OnError
) -> None:
    expected = {"null": None, **repaired}.get(str(on_error), reason)

    made = conformed(kind, value, on_error)

    assert outcome(kind, value, on_error) == expected
    assert made.coerced == ({} if made.rejects else {"c": {str(on_error): 1}})


def test_a_text_that_only_redshift_cannot_hold_is_published_on_clickhouse() -> None:
    for kind, value in (("text", "x" * (LONGEST + 1)), ("text", "a\0b"), ("json", NUL), ("binary", b"x" * LONGEST)):
        assert not conformed(kind, value, limits=CLICKHOUSE_LIMITS).rejects


# --- whole rows -------------------------------------------------------------------------------------------------------


def whole(document: dict[str, Any], limits: Limits = REDSHIFT_LIMITS, **collection: Any) -> list[tuple[str, str]]:
    made = Conformer(a_collection(**collection), limits=limits, hash_seed=1)(raw(document))
    return [(reject.column, reject.reason) for reject in made.rejects]


KEYS = [
    ("k" * 1024, []),
    ("k" * 1025, [("_id", "too_long")]),
    ("ä" * 512, []),
    ({"a": "x" * 1024}, [("_id", "too_long")]),
]


@pytest.mark.parametrize(("key", "rejected"), KEYS)
def test_a_key_longer_than_its_column_is_a_reject_and_no_failed_load(key: Any, rejected: list[tuple[str, str]]) -> None:
    assert whole({"_id": key}) == rejected
    assert whole({"_id": key}, CLICKHOUSE_LIMITS) == []


def test_a_row_that_is_too_wide_for_a_line_of_copy_rejects() -> None:
    fits = {"extra": ["x" * 50_000] * 77}
    quotes = {"extra": ['"' * 20_000] * 70}  # 2.8 MB of JSON, and 4.2 MB with its quotes doubled

    assert whole({"_id": 1, **fits}) == []
    assert whole({"_id": 1, "extra": ["x" * 50_000] * 79}) == [("", "row_too_wide")]
    assert whole({"_id": 1, **quotes}) == [("", "row_too_wide")]
    assert whole({"_id": 1, **quotes}, CLICKHOUSE_LIMITS) == []


def test_unknown_fields_are_bounded_as_json_is() -> None:
    assert whole({"_id": 1, "extra": "x" * LONGEST}) == []
    assert whole({"_id": 1, "extra": "x" * (LONGEST + 1)}) == [("_extra", "too_long")]


def test_values_of_children_are_bounded_too() -> None:
    child = Child("notes", "notes", (a_column("value", "text", path=""),), of_documents=False)

    assert whole({"_id": 1, "notes": ["a\0b"]}, children=(child,)) == [("notes.value", "nul_character")]


def test_a_hash_does_not_depend_on_the_warehouse() -> None:
    batch = raw({"_id": ObjectId(), "title": "x", "updated_at": FIRST + timedelta(days=800_000)})
    both = [a_pipeline(warehouse=a_warehouse(kind)) for kind in WarehouseKind]

    hashes = {conformer(p, p.collections[0])(batch).tables["documents"].column("_hash")[0].as_py() for p in both}

    assert len(hashes) == 1


def a_warehouse(kind: WarehouseKind) -> Warehouse:
    return Warehouse(kind, "warehouse", "publishing")


@pytest.mark.parametrize("kind", WarehouseKind)
def test_a_pipeline_conforms_to_its_own_warehouse(kind: WarehouseKind) -> None:
    pipeline = a_pipeline(warehouse=a_warehouse(kind))
    rejected = conformer(pipeline, pipeline.collections[0])(raw({"_id": 1, "title": "a\0b"})).rejects

    assert bool(rejected) is not limits_of(kind).nul_allowed


def test_the_limits_are_those_of_the_columns() -> None:
    assert REDSHIFT_LIMITS.max_key_bytes == tables.LONGEST_KEY
    assert REDSHIFT_LIMITS.max_text_bytes == tables.LONGEST_TEXT
    assert REDSHIFT_LIMITS.max_binary_bytes == tables.LONGEST_TEXT // 2
    assert Kind.BINARY not in KEY_KINDS
