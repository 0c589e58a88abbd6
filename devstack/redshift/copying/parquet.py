"""PARQUET. Page *COPY from columnar data formats* (copy-usage_notes-copy-from-columnar).

Columns are taken in their order, and as many as the table has. The first value that does not fit ends the load.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet, types

from devstack.redshift.copying.columns import TEXTS, Column
from devstack.redshift.copying.convert import NULL, escaped
from devstack.redshift.copying.job import Job
from devstack.redshift.copying.report import Replacement, RowError, failure
from devstack.redshift.errors import SqlError

_ROWS: Final = 65_536
_SPECTRUM: Final = 15007


@dataclass(slots=True)
class Parquet:
    """One file."""

    job: Job
    file: str

    def feed(self, block: bytes, *, final: bool) -> Iterator[bytes]:
        """Lines for PostgreSQL; ``block`` is the whole file."""
        try:
            found = parquet.ParquetFile(io.BytesIO(block))
        except pa.ArrowInvalid as error:
            raise self._failed(f"File '{self.file}' has an invalid version number: {error}") from error
        self._check(found.schema_arrow)
        self.job.report.files[self.file] = found.metadata.num_rows
        number = 0
        for batch in self._batches(found):
            yield self._lines(batch, _marked(found), number)
            number += batch.num_rows
            self.job.counted(batch.num_rows)

    def _batches(self, found: parquet.ParquetFile) -> Iterator[Any]:
        try:
            yield from found.iter_batches(_ROWS)
        except (OSError, pa.ArrowException) as error:
            raise self._failed(f"File '{self.file}' cannot be read: {error}") from error

    def _check(self, schema: Any) -> None:
        columns = self.job.columns
        missing = len(columns) - len(schema)
        if missing < 0 or (missing and not self.job.options.fill_record):
            counts = f"Table columns: {len(columns)}, Data columns: {len(schema)}"
            raise self._failed(f"Unmatched number of columns between table and file. {counts}, File name: {self.file}")
        for column, found in zip(columns, schema, strict=False):
            if not _compatible(column, found.type, nested=self.job.options.serialize_to_json):
                at = f"column '{self.file}.{found.name}'. Column type: {column.type}, Parquet schema: {found.type}"
                raise self._failed(f"File '{self.file}' has an incompatible Parquet schema for {at}")

    def _lines(self, batch: Any, marked: set[str], number: int) -> bytes:
        columns = [
            self._values(place, batch.column(place), number, marked=batch.schema.names[place] in marked)
            for place in range(batch.num_columns)
        ]
        # FILLRECORD.
        columns += [[NULL] * batch.num_rows] * (len(self.job.columns) - batch.num_columns)
        return "".join("\t".join(row) + "\n" for row in zip(*columns, strict=True)).encode()

    def _values(self, place: int, found: Any, number: int, *, marked: bool) -> list[str]:
        column = self.job.columns[place]
        if column.not_null and found.null_count:
            raise self._failed(f"NULL value in a not-null column '{column.name}', File name: {self.file}")
        stored = found.storage if isinstance(found, pa.ExtensionArray) else found
        as_json = column.type == "super" and not (marked and self.job.options.serialize_to_json)
        texts = _json(stored) if as_json else _texts(stored)
        return [NULL if text is None else self._value(place, text, number + row) for row, text in enumerate(texts)]

    def _value(self, place: int, text: str, row: int) -> str:
        column, converter = self.job.columns[place], self.job.converter
        converter.replaced.clear()
        try:
            value = converter.converts[place](text) if column.type not in _TIMES else text
        except RowError as error:
            raise self._unfit(column, text, error) from error
        if converter.replaced:
            self.job.report.replaced(Replacement(self.file, row + 1, column.name, ""))
        return NULL if value is None else escaped(value)

    def _unfit(self, column: Column, text: str, error: RowError) -> SqlError:
        if error.code == 1204 and column.type in TEXTS:
            size = len(text.encode("utf-8", "surrogateescape"))
            counts = f"Table: {column.size}, Data: {size}, File name: {self.file}"
            said = f"The length of the data column {column.name} is longer than the length defined in the table."
            return self._failed(f"{said} {counts}")
        if column.type == "super":
            return failure(error.reason, error.code, f"column {column.name}, File name: {self.file}")
        return self._failed(f"{error.reason}, column {column.name}, File name: {self.file}")

    @staticmethod
    def _failed(context: str) -> SqlError:
        return failure("Spectrum Scan Error", _SPECTRUM, context)


def _marked(found: parquet.ParquetFile) -> set[str]:
    """The columns that the file says are JSON. SERIALIZETOJSON parses them; without it their text is a SUPER."""
    leaves = [found.schema.column(place) for place in range(len(found.schema.names))]
    return {leaf.path for leaf in leaves if leaf.logical_type.type == "JSON"}


def _compatible(column: Column, found: Any, *, nested: bool) -> bool:
    """Whether the file stores it as the table does: the physical type has to be the same."""
    stored = found.storage_type if isinstance(found, pa.BaseExtensionType) else found
    if column.type == "super":
        return nested or not types.is_nested(stored)
    return _stores(column, stored)


def _stores(column: Column, found: Any) -> bool:
    match column.type:
        case "int2" | "int4":
            return found in {pa.int8(), pa.int16(), pa.int32()}
        case "int8":
            return bool(found == pa.int64())
        case "numeric":
            return bool(types.is_decimal(found)) and found.scale == column.scale and found.precision <= column.size
        case "timestamp" | "timestamptz":
            return bool(types.is_timestamp(found))
        case _:
            return bool(found in _STORED.get(column.type, ()))


def _texts(found: Any) -> list[str | None]:
    """As PostgreSQL reads them. Bytes that are no UTF-8 become lone surrogates, as everywhere here."""
    if types.is_timestamp(found.type):
        values = found.cast(_MICROSECONDS, safe=False).to_pylist()
        return [None if value is None else f"{value.isoformat(' ')}+00" for value in values]
    if types.is_string(found.type) or types.is_binary(found.type):
        values = found.cast(pa.binary()).to_pylist()
        return [None if value is None else value.decode("utf-8", "surrogateescape") for value in values]
    if types.is_decimal(found.type):  # which Arrow's own text would have with an exponent
        return [None if value is None else f"{value:f}" for value in found.to_pylist()]
    return list(found.cast(pa.string()).to_pylist())


def _json(found: Any) -> list[str | None]:
    """A SUPER of what is stored: a text, a number, an array or a structure."""
    return [
        None if value is None else json.dumps(value, ensure_ascii=False, default=str) for value in found.to_pylist()
    ]


_TIMES: Final = {"date", "timestamp", "timestamptz"}
_MICROSECONDS: Final = pa.timestamp("us")
_TEXTS: Final = (pa.string(), pa.large_string(), pa.binary())
_STORED: Final = {
    "float4": (pa.float32(),),
    "float8": (pa.float64(),),
    "bool": (pa.bool_(),),
    "date": (pa.date32(),),
    "varchar": _TEXTS,
    "char": _TEXTS,
}
