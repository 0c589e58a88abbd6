"""The Arrow types of a table: what conform makes, landing writes, and a warehouse declares its staging by."""

from __future__ import annotations

import pyarrow as pa

from sluice.columns import ColumnType, Kind
from sluice.spec import Table

EXTRA = "_extra"
HASH = "_hash"
GONE = "_gone"
TURN = "_turn"

_TYPES: dict[Kind, pa.DataType] = {
    Kind.KEY: pa.string(),
    Kind.STRING: pa.string(),
    Kind.TEXT: pa.string(),
    Kind.INT32: pa.int32(),
    Kind.INT64: pa.int64(),
    Kind.FLOAT64: pa.float64(),
    Kind.BOOL: pa.bool_(),
    Kind.TIMESTAMP: pa.timestamp("ms", tz="UTC"),
    Kind.DATE: pa.date32(),
    Kind.OBJECTID: pa.string(),
    Kind.UUID: pa.string(),
    Kind.BINARY: pa.binary(),
    Kind.JSON: pa.string(),
}


def arrow_type(column_type: ColumnType) -> pa.DataType:
    """The Arrow type that holds a logical type."""
    if column_type.kind is Kind.DECIMAL:
        return pa.decimal128(column_type.precision, column_type.scale)
    return _TYPES[column_type.kind]


def arrow_schema(table: Table) -> pa.Schema:
    """The schema of a table's landed parts: its columns, ``_extra`` where it has it, ``_hash``.

    A collection's own table also has ``_gone`` and ``_turn``, see :class:`sluice.spec.Table`. The key and what Sluice
    adds are never null; every other column may be.
    """
    fields = [pa.field(c.name, arrow_type(c.type), nullable=c.name not in table.key) for c in table.columns]
    if table.extra:
        fields.append(pa.field(EXTRA, pa.string()))
    fields.append(pa.field(HASH, pa.uint64(), nullable=False))
    if table.child is None:
        fields += [pa.field(GONE, pa.bool_(), nullable=False), pa.field(TURN, pa.int16(), nullable=False)]
    return pa.schema(fields)
