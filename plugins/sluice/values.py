"""One value at a time: what each column type takes from BSON, and what ``on_error`` makes of everything else.

Null and a missing field are NULL in every column but the key. ``on_error: null`` works for every type but the key;
where this table has no repair, ``truncate`` and ``replace`` reject.

| type | takes | truncate | replace |
|---|---|---|---|
| key | any BSON type, as text (:mod:`sluice.keys`) | | |
| string(n) | string of at most n bytes of UTF-8 | cut to n bytes, between characters | U+FFFD (1) |
| text | string | cut to the warehouse's longest text | U+FFFD (1) |
| int32, int64 | int32, int64; double (2) and Decimal128 when whole | | nearest (3) |
| float64 | double; int32, int64 and Decimal128 when a double holds them exactly | | nearest |
| decimal(p,s) | Decimal128, int32, int64; double, by its shortest text | rounded to s places (4) | nearest (3) |
| bool | bool | | |
| timestamp | date within the warehouse's range | | nearest end of the range |
| date | date at midnight UTC within the range | its day | nearest end of the range |
| objectid | ObjectId, as 24 hexadecimal digits | | |
| uuid | Binary of subtype 4, as text | | |
| binary | Binary of subtype 0 | | |
| json | anything, as relaxed Extended JSON | | U+FFFD (1) |

(1) for what is not UTF-8, and for U+0000 where the warehouse has none; too long rejects. (2) up to 2^53: beyond, a
whole double may have been another number once. (3) halves to even; NaN and infinities to NULL. (4) halves to even.

Texts, keys, binaries and JSON have longest lengths of the warehouse's too (:mod:`sluice.limits`).

Reasons: ``wrong_type``, ``too_long``, ``out_of_range``, ``inexact`` (the column would have to round), ``not_finite``,
``nul_character``, ``invalid_utf8``, ``too_deep``, ``missing_key``.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from bson import Binary, DatetimeMS, Decimal128, Int64, ObjectId

from sluice.columns import ColumnType, Kind, OnError
from sluice.extended_json import extended_json
from sluice.keys import key_text
from sluice.limits import Limits
from sluice.misfit import MISSING, Misfit, wrong_type
from sluice.texts import fit_json, fit_text, fits, longest_key

Rule = Callable[[Any], Any]

# Wide enough for every Decimal128 shifted by 38 places: nothing is rounded, nothing overflows.
_EXACT = Context(prec=80, Emax=MAX_EMAX, Emin=MIN_EMIN)
_LARGEST_EXACT_DOUBLE = 2.0**53
_INTEGERS = {Kind.INT32: range(-(2**31), 2**31), Kind.INT64: range(-(2**63), 2**63)}


def rule_for(column_type: ColumnType, limits: Limits) -> Rule:
    """The function from a BSON value (not null) to what Arrow takes for it. It raises Misfit."""
    return _RULES[column_type.kind](column_type, limits)


def required(rule: Rule) -> Rule:
    """The rule of a key: nothing at all is a misfit, and none of them can be repaired."""

    def take(value: Any) -> Any:
        if value is MISSING:
            raise Misfit("missing_key", "the document has no _id")
        return rule(value)

    return take


def settle(rule: Rule, on_error: OnError, value: Any) -> tuple[Any, OnError | None]:
    """A value for Arrow, and the action that it took to get one. Raises Misfit where the column rejects."""
    try:
        return rule(value), None
    except Misfit as misfit:
        if on_error is OnError.NULL:
            return None, on_error
        if on_error in misfit.repairs:
            return misfit.repairs[on_error], on_error
        raise


def _string(column: ColumnType, limits: Limits) -> Rule:
    longest = min((n for n in (column.length, limits.max_text_bytes) if n), default=None)

    def take(value: Any) -> str:
        if type(value) is not str:
            raise wrong_type("string", value)
        return fit_text(value, longest, limits)

    return take


def _key(_: ColumnType, limits: Limits) -> Rule:
    def take(value: Any) -> str:
        try:
            return fit_text(key_text(value), longest_key(limits), limits)
        except Misfit as misfit:  # a repaired key could be another document's key
            raise Misfit(misfit.reason, misfit.detail) from None

    return take


def _json(_: ColumnType, limits: Limits) -> Rule:
    def take(value: Any) -> str:
        return fit_json(extended_json(value), limits)

    return take


def _integer(column: ColumnType, _: Limits) -> Rule:
    bounds = _INTEGERS[column.kind]
    whole = _fixed_point(0, bounds, int, repairs=("replace",))

    def take(value: Any) -> Any:
        if type(value) is float and _LARGEST_EXACT_DOUBLE < abs(value) < math.inf:
            nearest = min(max(int(value), bounds[0]), bounds[-1])
            raise Misfit("inexact", f"the double {value!r} is beyond 2^53", replace=nearest)
        return whole(value)

    return take


def _decimal(column: ColumnType, _: Limits) -> Rule:
    bound = 10**column.precision

    def in_units(units: int) -> Decimal:
        return _EXACT.scaleb(Decimal(units), -column.scale)

    return _fixed_point(column.scale, range(1 - bound, bound), in_units, repairs=("truncate", "replace"))


def _fixed_point(scale: int, bounds: range, make: Callable[[int], Any], *, repairs: tuple[str, ...]) -> Rule:
    """Numbers of ``scale`` decimal places, ``bounds`` in units of the last one; ``make`` takes such units."""

    def take(value: Any) -> Any:
        number = decimal_of(value)
        if not number.is_finite():
            raise Misfit("not_finite", f"found {number}", replace=None)
        scaled = _EXACT.scaleb(number, scale)
        units = int(scaled.to_integral_value(ROUND_HALF_EVEN, _EXACT))
        if units not in bounds:
            raise Misfit("out_of_range", f"{number} is beyond the column", replace=make(bounds[-(number > 0)]))
        if units != scaled:
            places = f"{number} has more than {scale} decimal places"
            raise Misfit("inexact", places, **dict.fromkeys(repairs, make(units)))
        return make(units)

    return take


def decimal_of(value: Any) -> Decimal:
    """A number of any BSON type, exactly; a double by its shortest text. Raises Misfit for anything else."""
    kind = type(value)
    if kind is Decimal128:
        return value.to_decimal()  # type: ignore[no-any-return]
    if kind is float:
        return Decimal(repr(value))
    if kind in {int, Int64}:
        return Decimal(value)
    raise wrong_type("a number", value)


def _float64(_: ColumnType, __: Limits) -> Rule:
    def take(value: Any) -> float:
        if type(value) is float:
            return value
        number = decimal_of(value)
        nearest = float("nan") if number.is_nan() else float(number)
        if not number.is_finite():
            raise Misfit("not_finite", f"the Decimal128 {number}", replace=nearest)
        if math.isinf(nearest):
            largest = math.copysign(sys.float_info.max, number)
            raise Misfit("out_of_range", f"{number} is beyond every double", replace=largest)
        if Decimal(nearest) != number:
            raise Misfit("inexact", f"no double is {number}", replace=nearest)
        return nearest

    return take


def _timestamp(_: ColumnType, limits: Limits) -> Rule:
    return lambda value: _moment(value, limits, lambda moment: moment)


def _date(_: ColumnType, limits: Limits) -> Rule:
    def take(value: Any) -> date:
        moment = _moment(value, limits, datetime.date)
        if moment.time() != time.min:
            raise Misfit("inexact", f"{moment.time()} is not midnight", truncate=moment.date())
        return moment.date()

    return take


def _moment(value: Any, limits: Limits, repair: Callable[[datetime], date]) -> datetime:
    lowest, highest = limits.min_timestamp, limits.max_timestamp
    if type(value) is datetime:
        moment = value.replace(tzinfo=UTC)
        if lowest <= moment <= highest:
            return moment
        early, text = moment < lowest, moment.isoformat()
    elif type(value) is DatetimeMS:  # beyond the years 1 to 9999
        early, text = int(value) < 0, f"{int(value)} ms"
    else:
        raise wrong_type("date", value)
    raise Misfit(
        "out_of_range",
        f"{text} is outside {lowest:%Y-%m-%d} to {highest:%Y-%m-%d}",
        replace=repair(lowest if early else highest),
    )


def _bool(_: ColumnType, __: Limits) -> Rule:
    return _only(bool, "bool")


def _binary(_: ColumnType, limits: Limits) -> Rule:
    right_type, longest = _only(bytes, "binary (subtype 0)"), limits.max_binary_bytes

    def take(value: Any) -> Any:
        if not fits(right_type(value), longest):
            raise Misfit("too_long", f"{len(value)} bytes, {longest} allowed")
        return value

    return take


def _only(kind: type, name: str) -> Rule:
    def take(value: Any) -> Any:
        if type(value) is not kind:
            raise wrong_type(name, value)
        return value

    return take


def _objectid(_: ColumnType, __: Limits) -> Rule:
    def take(value: Any) -> str:
        if type(value) is not ObjectId:
            raise wrong_type("objectId", value)
        return str(value)

    return take


def _uuid(_: ColumnType, __: Limits) -> Rule:
    def take(value: Any) -> str:
        if type(value) is not Binary or value.subtype != 4 or len(value) != 16:
            raise wrong_type("binary (subtype 4) of 16 bytes", value)
        text = value.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    return take


_RULES: dict[Kind, Callable[[ColumnType, Limits], Rule]] = {
    Kind.KEY: _key,
    Kind.STRING: _string,
    Kind.TEXT: _string,
    Kind.INT32: _integer,
    Kind.INT64: _integer,
    Kind.FLOAT64: _float64,
    Kind.DECIMAL: _decimal,
    Kind.BOOL: _bool,
    Kind.TIMESTAMP: _timestamp,
    Kind.DATE: _date,
    Kind.OBJECTID: _objectid,
    Kind.UUID: _uuid,
    Kind.BINARY: _binary,
    Kind.JSON: _json,
}
