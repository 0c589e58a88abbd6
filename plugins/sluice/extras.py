"""From ``_extra`` of published rows to the columns that were added since: the same conforming as of documents.

What ``_extra`` holds becomes a document again, with the row's key as its ``_id``, and a collection that has nothing but
the key and what was added conforms it. So a value becomes what it would have become when its document was read, and a
document that does not fit is a reject, raw as far as it is known.

Relaxed Extended JSON is exact for every column type. But for one thing, which no reader of it can tell apart: a
document whose field names imitate it (``{"$oid": "…24 digits…"}``) is taken for what it imitates.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import bson
import pyarrow as pa
from bson import json_util
from bson.codec_options import DatetimeConversion
from bson.json_util import JSONMode, JSONOptions

from sluice.arrow import arrow_schema
from sluice.columns import ColumnType, Kind
from sluice.conform import Conformed, Conformer, Reject
from sluice.key_lists import key_found
from sluice.limits import limits_of
from sluice.spec import Child, Collection, Column, UnknownFields, WarehouseKind

_OPTIONS: Final = JSONOptions(
    json_mode=JSONMode.RELAXED, tz_aware=False, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
_INTEGERS: Final = range(-(2**63), 2**63)


class Mover:
    """Conforms what was added to a collection, out of rows (key, ``_extra``)."""

    def __init__(
        self, collection: Collection, columns: Sequence[Column], children: tuple[Child, ...], warehouse: WarehouseKind
    ) -> None:
        key = replace(collection.key, type=_key_type(collection.key.type))
        only = Collection(collection.name, None, (key, *columns), children, unknown_fields=UnknownFields.KEEP)
        self._conform = Conformer(only, limits=limits_of(warehouse), hash_seed=0)
        self._schemas = {table.name: arrow_schema(table) for table in collection.tables}

    def __call__(self, rows: Sequence[tuple[Any, str]]) -> Conformed:
        """Rows of the collection's tables, NULL in every other column; each row that was read, or its reject."""
        found = self._conform(b"".join(_document(key, extra) for key, extra in rows))
        tables = {name: _widened(batch, self._schemas[name]) for name, batch in found.tables.items()}
        return Conformed(found.read, tables, [_keyed(reject) for reject in found.rejects], found.coerced)


def _document(key: Any, extra: str) -> bytes:
    identity = key if isinstance(key, int) else str(key)
    return bson.encode({"_id": identity, **read_extended_json(extra)})


def read_extended_json(text: str) -> Any:
    """The value of an Extended JSON text; what only looks like one stays the document that it is."""
    return json.loads(text, object_hook=_special, parse_int=_number)


def _special(document: dict[str, Any]) -> Any:
    if not any(name.startswith("$") for name in document):
        return document
    try:
        return json_util.object_hook(document, _OPTIONS)
    except Exception:  # noqa: BLE001  any error at all says that it is no extended type
        return document


def _number(text: str) -> int | float:
    """A double may have been written with all its digits."""
    number = int(text)
    return number if number in _INTEGERS else float(text)


def _key_type(declared: ColumnType) -> ColumnType:
    """The key is a text already, but where it is a number."""
    return declared if declared.kind in {Kind.INT32, Kind.INT64} else ColumnType(Kind.TEXT)


def _widened(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    there = set(batch.schema.names)
    arrays = [batch[f.name] if f.name in there else pa.nulls(batch.num_rows, f.type) for f in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _keyed(reject: Reject) -> Reject:
    """With the key as it stands in the table: as an ``_id`` it was a text, of which another text is made."""
    return replace(reject, key=str(key_found(reject.raw)))
