"""One value at a time: what each type takes, and what on_error makes of the rest. The table is in sluice.values."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import bson
import pytest
from bson import Binary, Code, DatetimeMS, DBRef, Decimal128, Int64, ObjectId, Regex, Timestamp, json_util
from bson.json_util import RELAXED_JSON_OPTIONS
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.columns import ColumnType, Kind, OnError
from sluice.extended_json import extended_json
from sluice.limits import CLICKHOUSE_LIMITS, Limits
from sluice.misfit import Misfit
from sluice.nesting import MAX_DEPTH
from sluice.values import rule_for, settle
from tests.bson_values import CODEC, INT64, decoded, numbers, texts, values

NARROW = Limits(
    min_timestamp=datetime(1970, 1, 1, tzinfo=UTC),
    max_timestamp=datetime(2100, 1, 1, tzinfo=UTC),
    max_text_bytes=8,
    max_key_bytes=8,
    max_binary_bytes=4,
    max_json_bytes=12,
    nul_allowed=False,
)
LAST = CLICKHOUSE_LIMITS.max_timestamp
UUID = Binary(bytes(range(16)), 4)
DAY = datetime(2026, 11, 23, tzinfo=UTC)
NAN, INFINITY = float("nan"), float("inf")


def take(kind: str, value: Any, on_error: str = "reject", limits: Limits = CLICKHOUSE_LIMITS) -> Any:
    """What a column makes of a value as pymongo decodes it."""
    return settle(rule_for(ColumnType.parse(kind), limits), OnError(on_error), decoded(value))[0]


def reason(kind: str, value: Any, on_error: str = "reject", limits: Limits = CLICKHOUSE_LIMITS) -> str:
    with pytest.raises(Misfit) as caught:
        take(kind, value, on_error, limits)
    return caught.value.reason


@pytest.mark.parametrize(
    ("kind", "value", "taken"),
    [
        ("string(5)", "abcde", "abcde"),
        ("string(4)", "𝄞", "𝄞"),
        ("string(5)", "a\0b", "a\0b"),
        ("text", "x" * 100_000, "x" * 100_000),
        ("int32", 2**31 - 1, 2**31 - 1),
        ("int32", Int64(7), 7),
        ("int32", -0.0, 0),
        ("int64", Int64(-(2**63)), -(2**63)),
        ("int64", 2.0**53, 2**53),
        ("int64", Decimal128("9223372036854775807"), 2**63 - 1),
        ("int64", Decimal128("1.20E1"), 12),
        ("float64", 0.1, 0.1),
        ("float64", INFINITY, INFINITY),
        ("float64", 3, 3.0),
        ("float64", Int64(2**60), 2.0**60),
        ("float64", Decimal128("0.5"), 0.5),
        ("decimal(5,2)", Decimal128("-999.99"), Decimal("-999.99")),
        ("decimal(5,2)", Decimal128("1.500"), Decimal("1.50")),
        ("decimal(5,2)", 0.1, Decimal("0.10")),
        ("decimal(5,2)", Int64(7), Decimal(7)),
        ("decimal(38,38)", Decimal128("1E-38"), Decimal("1E-38")),
        ("decimal(38,0)", 1e22, Decimal(10**22)),
        ("bool", False, False),
        ("timestamp", datetime(1900, 1, 1, tzinfo=UTC), datetime(1900, 1, 1, tzinfo=UTC)),
        ("timestamp", LAST, LAST),
        ("date", DAY, date(2026, 11, 23)),
        ("objectid", ObjectId("65F000000000000000000001"), "65f000000000000000000001"),
        ("uuid", UUID, "00010203-0405-0607-0809-0a0b0c0d0e0f"),
        ("binary", b"\xff\0", b"\xff\0"),
        ("json", {"a": [1, None]}, '{"a":[1,null]}'),
        ("json", "x", '"x"'),
        ("key", 1.0, "1"),
    ],
)
def test_a_type_takes_what_it_can_hold_exactly(kind: str, value: Any, taken: Any) -> None:
    assert take(kind, value) == taken


def test_nan_stays_nan_in_a_double() -> None:
    assert math.isnan(take("float64", NAN))


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("string(5)", 5, "wrong_type"),
        ("string(5)", b"abc", "wrong_type"),
        ("string(5)", Code("f()"), "wrong_type"),
        ("string(4)", "éé1", "too_long"),
        ("int32", True, "wrong_type"),
        ("int32", "5", "wrong_type"),
        ("int32", 2**31, "out_of_range"),
        ("int32", 1.5, "inexact"),
        ("int64", 2.0**53 + 2, "inexact"),
        ("int64", 1e300, "inexact"),
        ("int64", NAN, "not_finite"),
        ("int64", Decimal128("1E6144"), "out_of_range"),
        ("int64", Decimal128("0.1"), "inexact"),
        ("float64", 2**53 + 1, "inexact"),
        ("float64", Decimal128("0.1"), "inexact"),
        ("float64", Decimal128("1E+400"), "out_of_range"),
        ("float64", Decimal128("NaN"), "not_finite"),
        ("float64", False, "wrong_type"),
        ("decimal(5,2)", Decimal128("1000"), "out_of_range"),
        ("decimal(5,2)", Decimal128("0.001"), "inexact"),
        ("decimal(5,2)", 0.1 + 0.2, "inexact"),
        ("decimal(5,2)", Decimal128("sNaN"), "not_finite"),
        ("decimal(5,2)", -INFINITY, "not_finite"),
        ("decimal(5,2)", "1.5", "wrong_type"),
        ("bool", 1, "wrong_type"),
        ("timestamp", Timestamp(1, 1), "wrong_type"),
        ("timestamp", "2026-11-23", "wrong_type"),
        ("timestamp", datetime(1899, 12, 31, tzinfo=UTC), "out_of_range"),
        ("timestamp", datetime(2300, 1, 1, tzinfo=UTC), "out_of_range"),
        ("timestamp", DatetimeMS(2**62), "out_of_range"),
        ("date", DAY.replace(hour=1), "inexact"),
        ("date", DatetimeMS(-(2**62)), "out_of_range"),
        ("objectid", "65f000000000000000000001", "wrong_type"),
        ("uuid", Binary(bytes(16), 3), "wrong_type"),
        ("uuid", Binary(bytes(15), 4), "wrong_type"),
        ("uuid", "00010203-0405-0607-0809-0a0b0c0d0e0f", "wrong_type"),
        ("binary", Binary(b"x", 128), "wrong_type"),
        ("binary", "x", "wrong_type"),
    ],
)
def test_everything_else_is_rejected_with_its_reason(kind: str, value: Any, why: str) -> None:
    assert reason(kind, value) == why


def test_a_wrong_type_names_both_types_and_never_the_text() -> None:
    with pytest.raises(Misfit) as caught:
        take("int32", "a secret")
    assert caught.value.detail == "takes a number, found string"


@pytest.mark.parametrize("kind", [str(k) for k in Kind if k not in {Kind.STRING, Kind.DECIMAL, Kind.KEY, Kind.JSON}])
def test_on_error_null_gives_null_and_says_so(kind: str) -> None:
    rule = rule_for(ColumnType.parse(kind), CLICKHOUSE_LIMITS)

    assert settle(rule, OnError.NULL, Regex("x")) == (None, OnError.NULL)


@pytest.mark.parametrize(
    ("kind", "value", "made"),
    [
        ("string(3)", "éé", "é"),
        ("string(3)", "a𝄞", "a"),
        ("decimal(5,2)", Decimal128("2.345"), Decimal("2.34")),
        ("decimal(5,2)", Decimal128("2.355"), Decimal("2.36")),
        ("decimal(5,2)", Decimal128("-999.994"), Decimal("-999.99")),
        ("decimal(5,2)", 0.1 + 0.2, Decimal("0.30")),
        ("decimal(5,2)", Decimal128("1E-6176"), Decimal(0)),
        ("date", DAY.replace(hour=23, minute=59), date(2026, 11, 23)),
        ("date", datetime(1969, 12, 31, 1, tzinfo=UTC), date(1969, 12, 31)),
    ],
)
def test_truncate_cuts_strings_rounds_decimals_and_takes_the_day(kind: str, value: Any, made: Any) -> None:
    assert take(kind, value, "truncate") == made


@pytest.mark.parametrize(
    ("kind", "value", "made"),
    [
        ("int32", 2**40, 2**31 - 1),
        ("int32", -(2**40), -(2**31)),
        ("int32", 2.5, 2),
        ("int64", 1e300, 2**63 - 1),
        ("int64", -(2.0**60), -(2**60)),
        ("int64", Decimal128("-1E6144"), -(2**63)),
        ("int64", NAN, None),
        ("float64", 2**53 + 1, 2.0**53),
        ("float64", Decimal128("0.1"), 0.1),
        ("float64", Decimal128("-1E+400"), -1.7976931348623157e308),
        ("float64", Decimal128("-Infinity"), -INFINITY),
        ("decimal(5,2)", Decimal128("1E6144"), Decimal("999.99")),
        ("decimal(5,2)", -1e9, Decimal("-999.99")),
        ("decimal(5,2)", Decimal128("0.001"), Decimal(0)),
        ("decimal(5,2)", Decimal128("NaN"), None),
        ("decimal(5,2)", INFINITY, None),
        ("timestamp", datetime(1, 1, 1, tzinfo=UTC), datetime(1900, 1, 1, tzinfo=UTC)),
        ("timestamp", DatetimeMS(2**62), LAST),
        ("date", DatetimeMS(-(2**62)), date(1900, 1, 1)),
        ("date", datetime(2300, 5, 5, 5, tzinfo=UTC), date(2299, 12, 31)),
    ],
)
def test_replace_gives_the_nearest_value_that_the_column_holds(kind: str, value: Any, made: Any) -> None:
    assert take(kind, value, "replace") == made


@pytest.mark.parametrize(
    ("kind", "value", "on_error"),
    [
        ("string(3)", 5, "truncate"),
        ("string(3)", "abcd", "replace"),
        ("int32", 1.5, "truncate"),
        ("int32", "5", "replace"),
        ("decimal(5,2)", Decimal128("1000"), "truncate"),
        ("decimal(5,2)", Decimal128("999.995"), "truncate"),
        ("timestamp", DatetimeMS(2**62), "truncate"),
        ("date", DAY.replace(hour=1), "replace"),
        ("date", DatetimeMS(2**62), "truncate"),
        ("objectid", "x", "replace"),
        ("bool", 1, "truncate"),
    ],
)
def test_a_repair_that_means_nothing_for_the_value_rejects(kind: str, value: Any, on_error: str) -> None:
    assert reason(kind, value, on_error)


def test_the_repairs_that_a_pipeline_file_may_name_are_the_ones_that_exist() -> None:
    misfits: dict[str, list[Any]] = {
        "string(5)": ["abcdef", "\udcff"],
        "text": ["123456789", "\udcff"],
        "int64": [1.5],
        "float64": [Decimal128("0.1")],
        "decimal(5,2)": [Decimal128("0.001")],
        "timestamp": [DatetimeMS(2**62)],
        "date": [DAY.replace(hour=1, tzinfo=None), DatetimeMS(2**62)],
        "json": ["\udcff"],
    }
    for kind, found in misfits.items():
        column = ColumnType.parse(kind)
        repairs = {OnError.REJECT, OnError.NULL}
        for value in found:
            with pytest.raises(Misfit) as caught:
                rule_for(column, NARROW)(value)
            repairs |= set(map(OnError, caught.value.repairs))
        assert set(column.actions) == repairs, kind


# --- strings ----------------------------------------------------------------------------------------------------------


def test_nul_passes_where_the_warehouse_has_it_and_not_elsewhere() -> None:
    assert take("text", "a\0b") == "a\0b"
    assert reason("text", "a\0b", limits=NARROW) == "nul_character"
    assert reason("text", "a\0b", "truncate", limits=NARROW) == "nul_character"
    assert take("text", "a\0b", "replace", limits=NARROW) == "a\ufffdb"


def test_the_warehouse_bounds_texts_of_every_kind() -> None:
    assert take("text", "123456789", "truncate", NARROW) == "12345678"
    assert take("string(20)", "123456789", "truncate", NARROW) == "12345678"
    assert reason("json", {"a": "12345678"}, "truncate", NARROW) == "too_long"
    assert reason("key", "123456789", "truncate", NARROW) == "too_long"


def test_bytes_that_are_not_utf8_are_replaced_one_sequence_at_a_time() -> None:
    broken = b"a\xff\xe2\x82b".decode("utf-8", "surrogateescape")
    rule = rule_for(ColumnType.parse("string(8)"), CLICKHOUSE_LIMITS)

    assert settle(rule, OnError.REPLACE, broken) == ("a\ufffd\ufffdb", OnError.REPLACE)
    for on_error in (OnError.REJECT, OnError.TRUNCATE):
        with pytest.raises(Misfit, match="invalid_utf8"):
            settle(rule, on_error, broken)


def test_a_replacement_that_would_be_too_long_rejects() -> None:
    with pytest.raises(Misfit, match="invalid_utf8"):
        settle(rule_for(ColumnType.parse("string(2)"), CLICKHOUSE_LIMITS), OnError.REPLACE, "\udcff")


@settings(deadline=None)
@given(texts, st.integers(1, 12))
def test_a_cut_string_is_the_longest_prefix_that_fits(text: str, longest: int) -> None:
    cut = take(f"string({longest})", text, "truncate")

    assert text.startswith(cut)
    assert len(cut.encode()) <= longest
    assert cut == text or len(text[: len(cut) + 1].encode()) > longest


# --- numbers ----------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(numbers)
def test_an_integer_column_never_changes_a_number(number: Any) -> None:
    try:
        taken = take("int64", number)
    except Misfit:
        return
    exact = decoded(number)
    assert taken == (exact.to_decimal() if isinstance(exact, Decimal128) else exact)


@settings(deadline=None)
@given(numbers, st.integers(1, 38), st.data())
def test_a_decimal_column_agrees_with_quantize(number: Any, precision: int, data: st.DataObject) -> None:
    scale = data.draw(st.integers(0, precision))
    value = decoded(number)
    exact = (
        value.to_decimal()
        if isinstance(value, Decimal128)
        else Decimal(repr(value) if isinstance(value, float) else value)
    )
    wide = Context(prec=7000, Emax=99999, Emin=-99999)
    rounded = exact.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_EVEN, wide) if exact.is_finite() else None
    fits = rounded is not None and abs(wide.scaleb(rounded, scale)) < 10**precision
    for on_error in ("reject", "truncate"):
        if fits and (rounded == exact or on_error == "truncate"):
            assert take(f"decimal({precision},{scale})", number, on_error) == rounded
        else:
            assert reason(f"decimal({precision},{scale})", number, on_error)


@settings(deadline=None)
@given(INT64)
def test_a_double_column_takes_exactly_the_integers_that_a_double_holds(number: int) -> None:
    exact = int(float(number)) == number

    assert (take("float64", number) == number) if exact else (reason("float64", number) == "inexact")


# --- json -------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=300)
@given(values)
def test_json_is_what_json_util_writes(value: Any) -> None:
    document = bson.decode(bson.encode({"v": value}), CODEC)
    expected = json_util.dumps(document, json_options=RELAXED_JSON_OPTIONS)

    assert json.loads(extended_json(document)) == json.loads(expected)


def test_json_stays_json_whatever_the_numbers_and_strings_are() -> None:
    value = {"NaN": 'a "NaN" \\', "b": [NAN, -INFINITY, INFINITY], "c": "-Infinity", "d": DBRef("x", NAN)}
    expected = json.loads(json_util.dumps(value, json_options=RELAXED_JSON_OPTIONS))

    assert json.loads(extended_json(value), parse_constant=lambda _: pytest.fail("not JSON")) == expected


def test_code_inside_a_reference_is_still_code() -> None:
    assert json.loads(extended_json([DBRef("c", Code("f()", {"a": Code("g()")}))])) == [
        {"$ref": "c", "$id": {"$code": "f()", "$scope": {"a": {"$code": "g()"}}}}
    ]


def test_nesting_is_counted_in_documents_arrays_and_what_hides_them() -> None:
    def nested(levels: int, wrap: Any) -> Any:
        value: Any = {}
        for _ in range(levels - 1):
            value = wrap(value)
        return value

    for wrap in (lambda v: {"a": v}, lambda v: [v], lambda v: DBRef("c", v)):
        assert extended_json(nested(MAX_DEPTH, wrap))
        with pytest.raises(Misfit, match="too_deep"):
            extended_json(nested(MAX_DEPTH + 1, wrap))
    with pytest.raises(Misfit, match="too_deep"):
        extended_json(nested(5000, lambda v: {"a": v}))
    with pytest.raises(Misfit, match="too_deep"):
        extended_json(nested(MAX_DEPTH + 1, lambda v: Code("f()", {"a": v})))
