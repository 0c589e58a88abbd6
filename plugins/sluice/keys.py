"""Keys as text: an ``_id`` of any BSON type, or of several, in one column. Injective, as MongoDB compares keys.

Two values have the same text exactly when a unique index takes them for the same key: 1, NumberLong(1), 1.0 and
Decimal128("1.00") are one key, the string "1" is another; Decimal128("0.1") and the double 0.1 differ (the double is a
little more); the fields of a compound key count in their order.

| value | text |
|---|---|
| ObjectId | its 24 hexadecimal digits |
| number, whole and within 64 bits | its decimal digits: ``1``, ``-7`` |
| number, any other that a double holds exactly | the shortest text of the double: ``0.5``, ``1e+300`` |
| Decimal128 that no double holds | ``decimal:0.1`` without trailing zeros |
| NaN, infinities (of either type) | ``number:NaN``, ``number:Infinity``, ``number:-Infinity`` |
| string | itself; ``s:`` before one that reads like another row of this table |
| null, bool | ``null:``, ``bool:true`` |
| date, timestamp | ``date:<milliseconds since 1970>``, ``timestamp:<seconds>:<increment>`` |
| Binary | ``uuid:xxxxxxxx-…`` (subtype 4), else ``binary:<subtype>:<hex>`` |
| document, array | ``object:{"a":1,"b":"x"}``, ``array:[…]``: members as in this table, strings quoted |
| others | ``regex:"…":<flags>``, ``code:"…"``, ``minkey:``, ``maxkey:`` |
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

from bson import Binary, Code, DatetimeMS, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

from sluice.nesting import types_within

_TAGS = "s|decimal|number|null|bool|date|timestamp|uuid|binary|object|array|regex|code|minkey|maxkey"
AMBIGUOUS = re.compile(rf"-?[0-9]+(\.[0-9]+)?(e[+-][0-9]+)?|[0-9a-f]{{24}}|({_TAGS}):.*", re.DOTALL)
_TAGS_OF_CONTAINERS = {dict: "object:", DBRef: "object:", list: "array:", Code: ""}
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_EXACT = Context(prec=40, Emax=MAX_EMAX, Emin=MIN_EMIN)


def key_text(value: Any) -> str:
    """The text of a key, from a value as pymongo decodes it. Raises Misfit ``too_deep`` for one nested too deeply."""
    kind = type(value)
    if kind is ObjectId:
        return str(value)
    if kind is str:
        return f"s:{value}" if AMBIGUOUS.fullmatch(value) else value
    if kind in _TAGS_OF_CONTAINERS:
        types_within([value])
        return _TAGS_OF_CONTAINERS[kind] + _text(value)
    return _text(value)


def _text(value: Any) -> str:
    """The text of a member: as that of a key, but that strings are quoted and containers have no tag."""
    kind = type(value)
    if kind is DBRef:
        value, kind = value.as_doc(), dict
    if kind is dict:
        return "{" + ",".join([f"{_quoted(name)}:{_text(member)}" for name, member in value.items()]) + "}"
    if kind is list:
        return "[" + ",".join([_text(member) for member in value]) + "]"
    return _SCALARS[kind](value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _double(value: float) -> str:
    if not math.isfinite(value):
        return _not_finite(Decimal(value))
    if value.is_integer() and _LOWEST <= value <= _HIGHEST:
        return str(int(value))
    return repr(value)


def _decimal(value: Decimal128) -> str:
    number = value.to_decimal()
    if not number.is_finite():
        return _not_finite(number)
    nearest = float(number)
    if Decimal(nearest) == number:
        return _double(nearest)
    if _LOWEST <= number <= _HIGHEST and number == int(number):
        return str(int(number))
    return f"decimal:{_EXACT.normalize(number)}"


def _not_finite(number: Decimal) -> str:
    if number.is_nan():
        return "number:NaN"
    return "number:-Infinity" if number < 0 else "number:Infinity"


def _date(value: datetime) -> str:
    return f"date:{(value.replace(tzinfo=value.tzinfo or UTC) - _EPOCH) // _MILLISECOND}"


def _binary(value: Binary) -> str:
    text = value.hex()
    if value.subtype == 4 and len(value) == 16:
        return f"uuid:{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return f"binary:{value.subtype:02x}:{text}"


def _code(value: Code) -> str:
    scope = "" if value.scope is None else f":{_text(value.scope)}"
    return f"code:{_quoted(str(value))}{scope}"


_SCALARS: dict[type, Callable[[Any], str]] = {
    str: _quoted,
    ObjectId: str,
    int: str,
    Int64: str,
    float: _double,
    Decimal128: _decimal,
    type(None): lambda _: "null:",
    bool: lambda value: "bool:true" if value else "bool:false",
    datetime: _date,
    DatetimeMS: lambda value: f"date:{int(value)}",
    Timestamp: lambda value: f"timestamp:{value.time}:{value.inc}",
    bytes: lambda value: f"binary:00:{value.hex()}",
    Binary: _binary,
    Regex: lambda value: f"regex:{_quoted(value.pattern)}:{int(value.flags)}",
    Code: _code,
    MinKey: lambda _: "minkey:",
    MaxKey: lambda _: "maxkey:",
}
