"""Key text against MongoDB itself: a unique index refuses a key exactly when its text was there before."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from bson import Binary, Code, DatetimeMS, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.decimal128 import create_decimal128_context
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from sluice.keys import key_text
from tests.bson_values import decoded

HEX = "5f" * 12
NUMBERS = [
    0,
    0.0,
    -0.0,
    1,
    Int64(1),
    1.0,
    0.1,
    0.5,
    2**53,
    2.0**53,
    Int64(2**53 + 1),
    2**63 - 1,
    2.0**63,
    -(2**63),
    1e19,
]
NUMBERS += [1e20, 1e23, 1e300, 5e-324, float("nan"), float("inf"), float("-inf")]
DECIMALS = ["0", "-0", "0E+3", "1.00", "0.1", "0.50", "9007199254740993", "9223372036854775807", "9223372036854775808"]
DECIMALS += ["1E19", "1E20", "1E23", "1E300", "1E6144", "1E-6176", "NaN", "-NaN", "sNaN", "Infinity", "-Infinity"]
# The double 0.1 to 34 digits, and what is next to it.
DECIMALS += ["0.1000000000000000055511151231257827", "0.1000000000000000055511151231257828"]
OTHERS = [
    *("", "1", "1.0", "nan", "s:1", "s:", "null:", "bool:true", "date:5", HEX, 'code:"x"', "object:{}"),
    *(None, True, False, ObjectId(HEX), DatetimeMS(5), DatetimeMS(2**62), Timestamp(5, 0), Timestamp(0, 5), MinKey()),
    *(b"ab", Binary(b"ab", 2), Binary(b"ab", 5), Binary(b"a" * 16, 3), Binary(b"a" * 16, 4), b"", MaxKey()),
    *({}, {"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1.0, "b": Decimal128("2.0")}, {"a": "1"}, {"a": '1,"b":2'}),
    *({"a": {}}, {"a": []}, {"a": [{}]}, {"a": [1, 2]}, {"a": [1.0, Int64(2)]}, {"a": None}, {"a": True}, {"a": b"x"}),
    *({"a": Regex("x", "i")}, {"a": Regex("x", "m")}, {"a": ObjectId(HEX)}, {"a": HEX}, {"a": 1e300}),
    *(Code("x"), Code("x", {"a": 1}), Code("x", {"a": 1.0}), {"a": Code("x")}, {"a": Code("x", {})}, {"a": "x"}),
]


def _numbers(chance: random.Random) -> Iterator[Any]:
    """Doubles of all sizes, the Decimal128 nearest to each, its short text as Decimal128, and a neighbour."""
    context = create_decimal128_context()
    for _ in range(300):
        double = chance.choice(
            [
                struct.unpack("<d", chance.randbytes(8))[0],
                chance.randrange(-(10**6), 10**6) / 2 ** chance.randrange(8),
                float(chance.randrange(2**70)),
                chance.randrange(-1000, 1000) * 10.0 ** chance.randrange(-30, 30),
            ]
        )
        yield double
        nearest = context.create_decimal(Decimal(double))
        yield from map(Decimal128, (nearest, context.create_decimal(repr(double)), nearest.next_plus(context)))


def test_mongodb_takes_two_ids_for_one_exactly_when_their_texts_are_equal(database: Database[dict[str, Any]]) -> None:
    chance = random.Random(5)
    keys = [decoded(key) for key in (*NUMBERS, *map(Decimal128, DECIMALS), *OTHERS, *_numbers(chance))]
    chance.shuffle(keys)
    texts: dict[str, Any] = {}

    for key in keys:
        text = key_text(key)
        try:
            database["keys"].insert_one({"_id": key})
        except DuplicateKeyError:
            assert text in texts, f"{key!r} is a key that was there, {text} is not"
        else:
            assert text not in texts, f"{key!r} is another key than {texts[text]!r}, but both are {text}"
        texts.setdefault(text, key)
