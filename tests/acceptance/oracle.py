"""What the warehouse must hold, worked out from the source document by document, without the package's conform.

Only the text of keys comes from the package (``sluice.keys``, which has its own specification): everything else here is
a second, slow and plain opinion.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from bson import Binary, DatetimeMS, Decimal128, ObjectId, json_util

from sluice.columns import Kind, OnError
from sluice.keys import key_text
from sluice.spec import Child, Collection, Column, WarehouseKind

MISSING = object()


class Unfit(Exception):
    """The column cannot hold the value."""


class Beyond(Unfit):
    """The warehouse cannot hold the value, nor a piece of it."""


@dataclass(frozen=True)
class Bounds:
    """What a warehouse can hold of what a column takes: years, bytes of a text, the character U+0000."""

    years: range
    longest: int | None = None
    nul: bool = True

    def check(self, value: Any) -> None:
        """Raises Unfit."""
        if isinstance(value, date) and value.year not in self.years:  # an instant is one as well
            raise Unfit
        texts = list(_texts(value))
        if not self.nul and any("\0" in text for text in texts):
            raise Beyond
        if self.longest and any(len(text.encode()) > self.longest for text in texts):
            raise Unfit


BOUNDS = {
    WarehouseKind.CLICKHOUSE: Bounds(range(1900, 2300)),
    WarehouseKind.REDSHIFT: Bounds(range(1, 10_000), longest=65_535, nul=False),
}


def _texts(value: Any) -> Iterator[str]:
    """A text, or the texts inside of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for item in pair for text in _texts(item))
    elif isinstance(value, list):
        yield from (text for item in value for text in _texts(item))


def rows(collection: Collection, document: dict[str, Any], bounds: Bounds) -> dict[str, list[dict[str, Any]]] | None:
    """Table → the rows that a document becomes; None when it must be rejected."""
    try:
        own = _row(collection.columns, document, bounds)
        own_extra = _undeclared(document, collection, bounds)
        out = {collection.name: [{**own, "_extra": own_extra}]}
        for child in collection.children:
            _children(out, collection, child, {"parent_id": own[collection.key.name]}, (document, bounds))
    except Unfit:
        return None
    return out


def same(expected: Any, found: Any) -> bool:
    """Equality of values, with NaN equal to itself and ``_extra`` compared as JSON."""
    if isinstance(expected, float) and isinstance(found, float) and math.isnan(expected):
        return math.isnan(found)
    if isinstance(expected, (dict, list)) and isinstance(found, str):
        return json_equal(expected, json.loads(found))
    return bool(expected == found)


def json_equal(expected: Any, found: Any) -> bool:
    """Equality of JSON values; the numbers 1 and 1.0 are the same."""
    return json.dumps(expected, sort_keys=True) == json.dumps(found, sort_keys=True)


def _children(
    out: dict[str, list[dict[str, Any]]], collection: Collection, child: Child, around: dict[str, Any], of: Any
) -> None:
    """Add the rows of a child, and of everything inside. ``around``: the key of the row that it stands in."""
    document, bounds = of
    table = out.setdefault(f"{collection.name}_{child.name}", [])
    for inner in child.children:  # also without a row
        out.setdefault(f"{collection.name}_{inner.name}", [])
        _children(out, collection, inner, around, ({}, bounds))
    for place, element in _elements(_get(document, child.path), child.depth):
        if child.of_documents and element is not None and not isinstance(element, dict):
            raise Unfit
        places = [*(value for name, value in around.items() if name != "parent_id"), *place]
        numbered = {f"ordinal_{n}": place for n, place in enumerate(places[:-1], 1)}
        key = {"parent_id": around["parent_id"], **numbered, "ordinal": places[-1]}
        if child.of_documents:
            row = _row(child.columns, element or {}, bounds)
            table.append({**key, **row, "_extra": _undeclared(element or {}, child, bounds)})
        else:
            table.append({**key, "value": _fit(child.columns[0], element, bounds)})
        for inner in child.children:
            _children(out, collection, inner, key, (element or {}, bounds))


def _elements(array: Any, depth: int) -> Iterator[tuple[list[int], Any]]:
    """Where each element stands, and the element."""
    if array is MISSING or array is None:
        return
    if not isinstance(array, list):
        raise Unfit
    for ordinal, element in enumerate(array):
        if depth == 1:
            yield [ordinal], element
        else:
            yield from (([ordinal, *place], inner) for place, inner in _elements(element, depth - 1))


def _row(columns: tuple[Column, ...], document: dict[str, Any], bounds: Bounds) -> dict[str, Any]:
    return {column.name: _fit(column, _get(document, column.path), bounds) for column in columns}


def _get(document: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(document, dict) or name not in document:
            return MISSING
        document = document[name]
    return document


def _fit(column: Column, value: Any, bounds: Bounds) -> Any:
    if value is MISSING or (value is None and column.path != "_id"):
        return None
    try:
        return _converted(column, value, bounds)
    except Unfit as unfit:
        if column.on_error is OnError.NULL:
            return None
        if isinstance(unfit, Beyond):
            raise
        if column.on_error is OnError.TRUNCATE and type(value) is str and column.type.length:
            return value.encode()[: column.type.length].decode(errors="ignore")
        raise


def _converted(column: Column, value: Any, bounds: Bounds) -> Any:
    bounds.check(value if type(value) is str else None)
    converted = _CONVERT[column.type.kind](column, value)
    bounds.check(converted)
    return converted


def _string(column: Column, value: Any) -> str:
    # not isinstance: Code is a str of Python, and no string of BSON
    if type(value) is not str or (column.type.length and len(value.encode()) > column.type.length):
        raise Unfit
    return value


def _integer(column: Column, value: Any) -> int:
    bits = 31 if column.type.kind is Kind.INT32 else 63
    if isinstance(value, Decimal128):
        value = value.to_decimal()
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise Unfit
    if not _finite(value) or value != int(value) or not -(2**bits) <= value < 2**bits:
        raise Unfit
    if isinstance(value, float) and abs(value) > 2**53:
        raise Unfit
    return int(value)


def _finite(value: Any) -> bool:
    return value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)


def _float(_: Column, value: Any) -> float:
    if isinstance(value, Decimal128):
        value = value.to_decimal()
        if not value.is_finite() or Decimal(float(value)) != value:
            raise Unfit
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise Unfit
    if isinstance(value, int) and int(float(value)) != value:
        raise Unfit
    return float(value)


def _decimal(column: Column, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal128)):
        raise Unfit
    if isinstance(value, Decimal128):
        number = value.to_decimal()
    else:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    if not number.is_finite():
        raise Unfit
    scaled = number.scaleb(column.type.scale)
    if scaled != int(scaled) or abs(int(scaled)) >= 10**column.type.precision:
        raise Unfit
    return number


def _timestamp(_: Column, value: Any) -> datetime:
    if isinstance(value, DatetimeMS) or not isinstance(value, datetime):
        raise Unfit
    return value.astimezone(UTC)


def _date(column: Column, value: Any) -> date:
    instant = _timestamp(column, value)
    if instant.time() != datetime.min.time():
        raise Unfit
    return instant.date()


def _exactly(kind: type) -> Any:
    def convert(_: Column, value: Any) -> Any:
        if type(value) is not kind:
            raise Unfit
        return str(value) if kind is ObjectId else value

    return convert


def _uuid(_: Column, value: Any) -> str:
    if not isinstance(value, Binary) or value.subtype != 4:
        raise Unfit
    return str(value.as_uuid())


def _json(_: Column | None, value: Any) -> Any:
    return json.loads(json_util.dumps(value, json_options=json_util.RELAXED_JSON_OPTIONS))


_CONVERT: dict[Kind, Any] = {
    Kind.KEY: lambda _, value: key_text(value),
    Kind.STRING: _string,
    Kind.TEXT: _string,
    Kind.INT32: _integer,
    Kind.INT64: _integer,
    Kind.FLOAT64: _float,
    Kind.DECIMAL: _decimal,
    Kind.BOOL: _exactly(bool),
    Kind.TIMESTAMP: _timestamp,
    Kind.DATE: _date,
    Kind.OBJECTID: _exactly(ObjectId),
    Kind.UUID: _uuid,
    Kind.BINARY: _exactly(bytes),
    Kind.JSON: _json,
}


def _undeclared(document: dict[str, Any], of: Collection | Child, bounds: Bounds) -> Any:
    declared = {c.path for c in of.columns} | {c.path for c in of.children}
    left = _without(document, declared, "")
    extra = _json(None, left) if left else None
    bounds.check(extra)
    return extra


def _without(document: dict[str, Any], declared: set[str], prefix: str) -> dict[str, Any]:
    left: dict[str, Any] = {}
    for name, value in document.items():
        path = f"{prefix}{name}"
        if path in declared:
            continue
        inside = any(p.startswith(f"{path}.") for p in declared)
        if inside and isinstance(value, dict):
            if deeper := _without(value, declared, f"{path}."):
                left[name] = deeper
        elif not (inside and value is None):
            left[name] = value
    return left
