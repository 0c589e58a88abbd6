"""The fast path: how Arrow makes a whole column of one type, and how to see which values it must not be trusted with.

Nothing here decides what a value becomes: :mod:`sluice.reader` sends everything doubtful through :mod:`sluice.values`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from bson import Decimal128, Int64, ObjectId

from sluice.arrow import arrow_type
from sluice.columns import ColumnType, Kind
from sluice.extended_json import extended_json_of_all
from sluice.keys import key_text
from sluice.limits import Limits
from sluice.misfit import BSON_TYPES
from sluice.texts import ESCAPED_NUL, longest_key

Values = list[Any]

# A Decimal128 as (high word, low word), and a pair that is none.
_halves = Decimal128.__getstate__
_NEITHER = (-1, 0)


@dataclass(frozen=True, slots=True)
class Vector:
    """The fast path of a type.

    ``build`` makes the array of values of the ``plain`` types and None; it may raise. ``beyond`` gives the rows of an
    array, built from these values, that the column cannot hold.
    """

    plain: frozenset[type]
    build: Callable[[Values], pa.Array]
    beyond: Callable[[pa.Array, Values], list[int]] | None = None


def vector_for(column_type: ColumnType, limits: Limits) -> Vector:
    """How to read a list of values of one type."""
    return _VECTORS[column_type.kind](column_type, limits)


def _as_is(*plain: type) -> Callable[[ColumnType, Limits], Vector]:
    """Types whose values Arrow converts exactly, or refuses."""

    def vector(column: ColumnType, _: Limits) -> Vector:
        return Vector(frozenset(plain), lambda values: pa.array(values, arrow_type(column)))

    return vector


def _string(column: ColumnType, limits: Limits) -> Vector:
    longest = min((n for n in (column.length, limits.max_text_bytes) if n), default=None)
    return Vector(frozenset({str}), lambda values: pa.array(values, pa.string()), _beyond_text(longest, limits))


def _key(_: ColumnType, limits: Limits) -> Vector:
    def build(values: Values) -> pa.Array:
        if {ObjectId}.issuperset(map(type, values)):
            return _hexadecimal(values)
        return pa.array([value if value is None else key_text(value) for value in values], pa.string())

    return Vector(frozenset({ObjectId, str, int, Int64}), build, _beyond_text(longest_key(limits), limits))


def _beyond_text(longest: int | None, limits: Limits) -> Callable[[pa.Array, Values], list[int]] | None:
    def beyond(array: pa.Array, _: Values) -> list[int]:
        rows = _longer(array, longest) if longest else []
        return rows if limits.nul_allowed else [*rows, *_rows(pc.match_substring(array, "\0"))]

    return beyond if longest or not limits.nul_allowed else None


def _longer(array: pa.Array, longest: int) -> list[int]:
    return _rows(pc.greater(pc.binary_length(array), pa.scalar(longest, pa.int32())))


def _binary(_: ColumnType, limits: Limits) -> Vector:
    longest = limits.max_binary_bytes
    beyond = (lambda array, _: _longer(array, longest)) if longest else None
    return Vector(frozenset({bytes}), lambda values: pa.array(values, pa.binary()), beyond)


def _json(_: ColumnType, limits: Limits) -> Vector:
    def build(values: Values) -> pa.Array:
        present = [value for value in values if value is not None]
        if not present:
            return pa.nulls(len(values), pa.string())
        texts = iter(extended_json_of_all(present))
        return pa.array([None if value is None else next(texts) for value in values], pa.string())

    # Only a longer text can hold a text that is too long.
    longest = min((n for n in (limits.max_json_bytes, limits.max_text_bytes) if n), default=None)

    def beyond(array: pa.Array, _: Values) -> list[int]:
        rows = _longer(array, longest) if longest else []
        return rows if limits.nul_allowed else [*rows, *_rows(pc.match_substring(array, ESCAPED_NUL))]

    return Vector(frozenset(BSON_TYPES), build, beyond)


def _objectid(_: ColumnType, __: Limits) -> Vector:
    return Vector(frozenset({ObjectId}), _hexadecimal)


def _hexadecimal(values: Values) -> pa.Array:
    return pa.array([value if value is None else str(value) for value in values], pa.string())


def _decimal(column: ColumnType, _: Limits) -> Vector:
    """Decimal128 without :class:`decimal.Decimal`, which is thirty times slower.

    Its high word holds sign, exponent and the top of the coefficient, the low word the rest. One look-up by the high
    word gives what to multiply the low word by, for every exponent that fits the scale and a coefficient below 2^64.
    """
    factors = _factors(column.scale)
    units = pa.decimal128(38, 0)
    largest = pa.scalar(Decimal(10**column.precision - 1), units)

    def build(values: Values) -> pa.Array:
        pairs = [_halves(value) if value else _NEITHER for value in values]
        scaled = [low * factors[high] if high in factors else None for high, low in pairs]
        try:
            array = pa.array(scaled, pa.int64()).cast(units)
        except (OverflowError, pa.ArrowInvalid):
            array = pa.array(scaled, units)
        return array.view(arrow_type(column))

    def beyond(array: pa.Array, values: Values) -> list[int]:
        missed = _rows(array.is_null()) if array.null_count else ()
        too_large = _rows(pc.greater(pc.abs(array.view(units)), largest))
        return [*too_large, *(row for row in missed if values[row] is not None)]

    return Vector(frozenset({Decimal128}), build, beyond)


def _factors(scale: int) -> dict[int, int]:
    """The high word of a Decimal128 with a coefficient below 2^64 → the units of ``10^-scale`` in its exponent."""
    bias, sign = 6176, 1 << 63
    # Up to 10^18: 2^64 times that is still below 10^38.
    positive = {(bias - scale + power) << 49: 10**power for power in range(19)}
    return positive | {high | sign: -factor for high, factor in positive.items()}


def _timestamp(column: ColumnType, limits: Limits) -> Vector:
    kind = arrow_type(column)
    return Vector(
        frozenset({datetime}),
        lambda values: pa.array(values, kind),
        _outside(pa.scalar(limits.min_timestamp, kind), pa.scalar(limits.max_timestamp, kind)),
    )


def _date(column: ColumnType, limits: Limits) -> Vector:
    kind = arrow_type(column)

    def build(values: Values) -> pa.Array:
        moments = pa.array(values, pa.timestamp("ms"))
        days = moments.cast(kind)
        if not days.cast(moments.type).equals(moments):
            raise ValueError("not all at midnight")
        return days

    lowest, highest = limits.min_timestamp.date(), limits.max_timestamp.date()
    return Vector(frozenset({datetime}), build, _outside(pa.scalar(lowest, kind), pa.scalar(highest, kind)))


def _outside(lowest: pa.Scalar, highest: pa.Scalar) -> Callable[[pa.Array, Values], list[int]]:
    return lambda array, _: [*_rows(pc.less(array, lowest)), *_rows(pc.greater(array, highest))]


def _rows(mask: pa.Array) -> list[int]:
    return pc.indices_nonzero(mask).to_pylist() if mask.true_count else []


_VECTORS: dict[Kind, Callable[[ColumnType, Limits], Vector]] = {
    Kind.KEY: _key,
    Kind.STRING: _string,
    Kind.TEXT: _string,
    Kind.INT32: _as_is(int, Int64),
    Kind.INT64: _as_is(int, Int64),
    Kind.FLOAT64: _as_is(float, int, Int64),
    Kind.DECIMAL: _decimal,
    Kind.BOOL: _as_is(bool),
    Kind.TIMESTAMP: _timestamp,
    Kind.DATE: _date,
    Kind.OBJECTID: _objectid,
    Kind.UUID: _as_is(),
    Kind.BINARY: _binary,
    Kind.JSON: _json,
}
