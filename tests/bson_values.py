"""Any BSON value, as hypothesis strategies: what a document may hold, as pymongo decodes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import bson
from bson import Binary, Code, DatetimeMS, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.codec_options import CodecOptions, DatetimeConversion
from hypothesis import strategies as st

CODEC: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)

# Every exponent and coefficient that sixteen bytes may carry, and the small ones that people store.
decimals = st.one_of(
    st.binary(min_size=16, max_size=16).map(Decimal128.from_bid),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**6), max_value=10**6).map(Decimal128),
    st.builds(lambda n, e: Decimal128(f"{n}E{e}"), st.integers(-(10**34) + 1, 10**34 - 1), st.integers(-40, 40)),
    st.sampled_from(["NaN", "-NaN", "sNaN", "Infinity", "-Infinity", "-0", "0E+40", "1E+6111", "1E-6176"]).map(
        Decimal128
    ),
)
doubles = st.one_of(st.floats(), INT64.map(float), st.integers(-100, 100).map(lambda n: n / 4))
numbers = st.one_of(INT32, INT64.map(Int64), st.integers(-3, 3).map(Int64), st.integers(-3, 3), doubles, decimals)
midnights = st.integers(-(10**5), 10**5).map(lambda day: EPOCH + timedelta(days=day))
moments = st.datetimes(timezones=st.just(UTC)).map(lambda m: m.replace(microsecond=m.microsecond // 1000 * 1000))
dates = st.one_of(midnights, moments, INT64.map(DatetimeMS))
texts = st.one_of(st.text(max_size=12), st.sampled_from(["", "a\0b", "é" * 5, "𝄞" * 3, "1", "1.0", "s:x", "null:"]))
binaries = st.one_of(
    st.binary(max_size=20),
    st.builds(Binary, st.binary(max_size=20), st.sampled_from([1, 2, 3, 5, 128])),
    st.builds(Binary, st.binary(min_size=16, max_size=16), st.just(4)),
)
others = st.one_of(
    st.builds(Timestamp, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
    st.builds(Regex, st.sampled_from(["a+", '"']), st.sampled_from(["", "i", "mx"])),
    st.builds(Code, texts, st.sampled_from([None, {}, {"a": 1}])),
    st.sampled_from([MinKey(), MaxKey()]),
)
scalars = st.one_of(
    st.none(), st.booleans(), numbers, texts, dates, st.binary(min_size=12, max_size=12).map(ObjectId), binaries, others
)
names = st.sampled_from(["a", "b", "c", "a.b", "", "é", "$ref"])


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3))


values = st.recursive(scalars, _containers, max_leaves=6)


def decoded(value: Any) -> Any:
    """The value as pymongo gives it back."""
    return bson.decode(bson.encode({"v": value}), CODEC)["v"]
