"""Keys as text: two values have one text exactly when MongoDB takes them for one key."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from bson import Binary, Code, DatetimeMS, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.keys import key_text
from sluice.misfit import Misfit
from sluice.nesting import MAX_DEPTH
from tests.bson_values import decoded, scalars, texts, values
from tests.factories import NOON

HEX = "65f000000000000000000001"
UUID_BYTES = bytes(range(16))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (ObjectId(HEX), HEX),
        (1, "1"),
        (Int64(-7), "-7"),
        (2**63 - 1, "9223372036854775807"),
        (0.5, "0.5"),
        (1e300, "1e+300"),
        (2.0**63, "9.223372036854776e+18"),
        (Decimal128("0.1"), "decimal:0.1"),
        (Decimal128("12300E-5"), "decimal:0.123"),
        (Decimal128("1E6144"), "decimal:1E+6144"),
        (float("nan"), "number:NaN"),
        (float("-inf"), "number:-Infinity"),
        ("a title", "a title"),
        ("", ""),
        (None, "null:"),
        (True, "bool:true"),
        (False, "bool:false"),
        (NOON, "date:1795435200000"),
        (DatetimeMS(2**60), "date:1152921504606846976"),
        (Timestamp(7, 2), "timestamp:7:2"),
        (b"\x01\xff", "binary:00:01ff"),
        (Binary(b"\x01", 128), "binary:80:01"),
        (Binary(UUID_BYTES, 4), "uuid:00010203-0405-0607-0809-0a0b0c0d0e0f"),
        (Binary(UUID_BYTES, 3), "binary:03:000102030405060708090a0b0c0d0e0f"),
        ({"user": "x", "no": 1.0}, 'object:{"user":"x","no":1}'),
        ({"a": {"b": [1, None, "é"]}}, 'object:{"a":{"b":[1,null:,"é"]}}'),
        ([1, "1"], 'array:[1,"1"]'),
        (Regex('a"', "i"), 'regex:"a\\"":2'),
        (Code("f()"), 'code:"f()"'),
        (Code("f()", {"a": 1}), 'code:"f()":{"a":1}'),
        (MinKey(), "minkey:"),
        (MaxKey(), "maxkey:"),
        (DBRef("c", 1), 'object:{"$ref":"c","$id":1}'),
    ],
)
def test_each_type_has_its_text(value: Any, text: str) -> None:
    assert key_text(value) == text


@pytest.mark.parametrize("text", ["1", "-7", "0.5", "1e+300", HEX, "s:", "null:", "bool:true", "date:5", "decimal:x\n"])
def test_a_string_that_reads_like_another_key_is_marked(text: str) -> None:
    assert key_text(text) == f"s:{text}"


@pytest.mark.parametrize(
    "text", ["01F", "1.", "1,0", "+1", " 1", "1\n", HEX.upper(), HEX[:-1], "https://x", "user:1", "Null:", "٣"]
)
def test_every_other_string_is_its_own_text(text: str) -> None:
    assert key_text(text) == text


@pytest.mark.parametrize(
    "one_key",
    [
        [1, Int64(1), 1.0, Decimal128("1"), Decimal128("1.00"), Decimal128("10E-1")],
        [0, 0.0, -0.0, Decimal128("-0"), Decimal128("0E+40")],
        [0.5, Decimal128("0.50")],
        [1e20, Decimal128("1E20")],
        [float("nan"), Decimal128("NaN"), Decimal128("-NaN"), Decimal128("sNaN")],
        [float("inf"), Decimal128("Infinity")],
        [{"a": 1, "b": [2.0]}, {"a": Decimal128("1.0"), "b": [Int64(2)]}],
    ],
)
def test_equal_numbers_are_one_key_whatever_their_type(one_key: list[Any]) -> None:
    assert len({key_text(value) for value in one_key}) == 1


@pytest.mark.parametrize(
    "keys",
    [
        [1, "1", True, [1], {"1": 1}],
        [0.1, Decimal128("0.1"), Decimal128("0.1000000000000000055511151231257827")],
        [2**53, 2**53 + 1, Decimal128(str(2**63)), 1e300, Decimal128("1E300")],
        [{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1}, {"a": "1"}, {"a": '1,"b":2'}],
        [b"ab", Binary(b"ab", 2), Binary(b"ab", 5), "ab", "binary:00:6162"],
        [NOON, Timestamp(int(NOON.timestamp()), 0), int(NOON.timestamp() * 1000)],
        [None, "null:", "s:null:", "null", [], {}, ""],
        [ObjectId(HEX), HEX, f"s:{HEX}", bytes.fromhex(HEX), {"": ObjectId(HEX)}, {"": HEX}],
        ["x", Code("x"), Code("x", {}), Regex("x"), Regex("x", "i"), 'code:"x"'],
    ],
)
def test_different_keys_have_different_texts(keys: list[Any]) -> None:
    assert len({key_text(value) for value in keys}) == len(keys)


def _same_key(value: Any) -> Any:
    """A second opinion on which keys are one: numbers by value, everything else by type and content."""
    if isinstance(value, (int, float, Decimal128)) and not isinstance(value, bool):
        return ("number", _same_number(value))
    value = value.as_doc() if isinstance(value, DBRef) else value
    if isinstance(value, dict):
        return ("object", tuple((name, _same_key(member)) for name, member in value.items()))
    if isinstance(value, list):
        return ("array", tuple(map(_same_key, value)))
    if isinstance(value, Code):
        return ("code", str(value), None if value.scope is None else _same_key(value.scope))
    return (type(value).__name__, repr(value))


def _same_number(value: float | Decimal128) -> Fraction | str:
    number = value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)
    if number.is_nan():
        return "NaN"
    return Fraction(number) if number.is_finite() else str(number)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(values, scalars, values.map(lambda v: key_text(decoded(v)))), min_size=2, max_size=8))
def test_texts_are_equal_exactly_when_keys_are(found: list[Any]) -> None:
    keys = [decoded(value) for value in found]

    assert len({key_text(key) for key in keys}) == len({_same_key(key) for key in keys})


@settings(deadline=None)
@given(texts)
def test_a_string_can_be_read_back(text: str) -> None:
    assert key_text(text).removeprefix("s:" if key_text(text) != text else "") == text


@settings(deadline=None)
@given(st.dictionaries(texts, texts, max_size=3))
def test_a_compound_key_of_strings_is_json(document: dict[str, str]) -> None:
    assert json.loads(key_text(document).removeprefix("object:")) == document


def test_what_mongod_can_nest_has_a_text_and_what_it_cannot_is_too_deep() -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = {"a": value}
        return value

    assert key_text(nested(MAX_DEPTH)).count("{") == MAX_DEPTH
    with pytest.raises(Misfit) as caught:
        key_text(nested(MAX_DEPTH + 1))
    assert caught.value.reason == "too_deep"
