"""How rows become the bytes of a part: Parquet with zstd, or CSV with gzip, as the warehouse loads them.

ClickHouse takes the columns as they are. Redshift has no unsigned integers, keeps binaries as hexadecimal text, and
parses a column of Parquet into SUPER only when it is marked as JSON.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

import pyarrow as pa
import pyarrow.parquet as pq

from sluice.arrow import EXTRA, HASH
from sluice.columns import Kind
from sluice.csv_lines import csv_lines
from sluice.spec import LandingFormat, Pipeline, Table, WarehouseKind
from sluice.warehouse.redshift.copy_options import null_marker

if TYPE_CHECKING:
    from sluice.window import Plan

MIB = 2**20
ZSTD: Mapping[str, Any] = {"compression": "zstd", "compression_level": 1}
GZIP = 31  # zlib's name for the gzip format with the largest window
GZIP_LEVEL = 1  # measured: level 3 makes parts 8 % smaller and takes 40 % longer
LINES_AT_ONCE = (
    4_096  # as text with its copies it is a megabyte or two: more at once is no faster, and takes more memory
)
PART_BYTES: dict[LandingFormat, int] = {LandingFormat.PARQUET: 64 * MIB, LandingFormat.CSV: 16 * MIB}
"""A part is closed at that size, compressed: large enough to load fast, small enough to load in parallel. One slice of
Redshift reads a whole part of gzip, so these are smaller: soon there are more of them than slices, and all alike."""

Transform = Callable[[pa.ChunkedArray], pa.ChunkedArray]


class Sink(Protocol):
    """Where encoded bytes go."""

    def write(self, data: Any) -> int:
        """Take bytes."""


class Encoder(Protocol):
    """Writes the rows of one part."""

    def write_table(self, rows: pa.Table) -> None:
        """Write rows."""

    def close(self) -> None:
        """Write what ends the object; the sink stays open."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """What parts are, and for which warehouse. ``null`` stands for NULL in the texts of CSV."""

    warehouse: WarehouseKind
    format: LandingFormat
    null: str

    @classmethod
    def of(cls, pipeline: Pipeline, plan: Plan) -> Self:
        """How a plan of the pipeline is landed."""
        return cls(pipeline.warehouse.kind, pipeline.landing.format, null_marker(plan.id))

    @property
    def ending(self) -> str:
        """How the names of parts end."""
        return "csv.gz" if self.format is LandingFormat.CSV else "parquet"

    @property
    def part_bytes(self) -> int:
        """The size at which a part is closed, compressed."""
        return PART_BYTES[self.format]

    def encoder(self, table: Table, sink: Sink) -> Encoder:
        """What writes one part of a table."""
        if self.format is LandingFormat.CSV:
            return _Csv(sink, _for_redshift(table), frozenset(_json_columns(table)), self.null)
        if self.warehouse is WarehouseKind.REDSHIFT:
            return _Parquet(sink, _for_redshift(table) | _for_redshifts_parquet(table))
        return _Parquet(sink, {})


class _Parquet:
    def __init__(self, sink: Sink, changes: Mapping[str, Transform]) -> None:
        self._sink, self._changes = sink, changes
        self._writer: pq.ParquetWriter | None = None

    def write_table(self, rows: pa.Table) -> None:
        rows = _changed(rows, self._changes)
        if self._writer is None:
            texts = [field.name for field in rows.schema if pa.types.is_string(field.type)]
            # Only for texts a dictionary may pay: hashes, dates and numbers hardly ever repeat.
            self._writer = pq.ParquetWriter(self._sink, rows.schema, use_dictionary=texts, **ZSTD)
        self._writer.write_table(rows, row_group_size=rows.num_rows)

    def close(self) -> None:
        if self._writer:
            self._writer.close()


class _Csv:
    def __init__(self, sink: Sink, changes: Mapping[str, Transform], json: frozenset[str], null: str) -> None:
        self._sink, self._changes, self._json, self._null = sink, changes, json, null
        self._gzip = zlib.compressobj(GZIP_LEVEL, wbits=GZIP)

    def write_table(self, rows: pa.Table) -> None:
        for batch in _changed(rows, self._changes).to_batches(max_chunksize=LINES_AT_ONCE):
            nulls = {name: "" if name in self._json else self._null for name in batch.schema.names}
            self._sink.write(self._gzip.compress(csv_lines(batch, nulls)))

    def close(self) -> None:
        self._sink.write(self._gzip.flush())


def _changed(rows: pa.Table, changes: Mapping[str, Transform]) -> pa.Table:
    for place, name in enumerate(rows.schema.names):
        if name in changes:
            rows = rows.set_column(place, name, changes[name](rows.column(place)))
    return rows


def _for_redshift(table: Table) -> dict[str, Transform]:
    return {HASH: _signed, **dict.fromkeys(_columns_of(table, Kind.BINARY), _hexadecimal)}


def _for_redshifts_parquet(table: Table) -> dict[str, Transform]:
    times = dict.fromkeys(_columns_of(table, Kind.TIMESTAMP), _microseconds)
    return times | dict.fromkeys(_json_columns(table), _as_json)


def _json_columns(table: Table) -> list[str]:
    return [*_columns_of(table, Kind.JSON), *((EXTRA,) if table.extra else ())]


def _columns_of(table: Table, kind: Kind) -> list[str]:
    return [column.name for column in table.columns if column.type.kind is kind]


def _signed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The same 64 bits."""
    return pa.chunked_array([chunk.view(pa.int64()) for chunk in column.chunks], pa.int64())


def _microseconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.timestamp("us", column.type.tz))


def _hexadecimal(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([[None if v is None else v.hex() for v in column.to_pylist()]], pa.string())


def _as_json(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = pa.json_(pa.string())
    return pa.chunked_array([pa.ExtensionArray.from_storage(kind, chunk) for chunk in column.chunks], kind)
