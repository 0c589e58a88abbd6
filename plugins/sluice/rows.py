"""The rows of a table, out of decoded documents: declared fields as columns, and the undeclared rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sluice.arrow import EXTRA
from sluice.columns import ColumnType, Kind
from sluice.fields import Document, fields_of, first_unknown, pull
from sluice.limits import Limits
from sluice.misfit import Misfit
from sluice.reader import Findings, Reader
from sluice.spec import Child, Collection, Column, UnknownFields
from sluice.texts import readable
from sluice.undeclared import undeclared

_FIXED_WIDTH = 8
_EXTRA = Column(EXTRA, "", ColumnType(Kind.JSON))


class Rows:
    """Reads documents (or with ``child`` the elements of its arrays) into one array a column, ``_extra`` last."""

    def __init__(self, collection: Collection, limits: Limits, child: Child | None = None) -> None:
        self._limits = limits
        self._unknown = collection.unknown_fields
        self._prefix = f"{child.name}." if child else ""
        self._columns = child.columns if child else collection.columns
        self._readers = [
            Reader(column, limits, label=self._prefix + column.name, key=column is collection.key)
            for column in self._columns
        ]
        self._extra = Reader(_EXTRA, limits, label=self._prefix + EXTRA)
        arrays = [array.path for array in (child or collection).children]
        paths = [column.path for column in self._columns] + arrays
        self._fields = fields_of(paths, required=None if child else collection.key.path)

    def read(self, documents: Sequence[Document], findings: Findings) -> tuple[list[pa.Array], dict[str, list[Any]]]:
        """The arrays, and every declared path with its values. Consumes the documents: only the undeclared stays."""
        pulled = pull(documents, self._fields)
        arrays = [
            reader.read(pulled[column.path], findings)
            for column, reader in zip(self._columns, self._readers, strict=True)
        ]
        if self._unknown is UnknownFields.KEEP:
            findings.undeclared.extend(undeclared(documents, self._fields, self._prefix))
            arrays.append(self._extra.read([document or None for document in documents], findings))
        elif self._unknown is UnknownFields.FAIL:
            self._refuse(documents, findings)
        refuse_wide(arrays, self._limits, findings)
        return arrays, pulled

    def _refuse(self, rest: Sequence[Document], findings: Findings) -> None:
        for row, document in enumerate(rest):
            if document:
                path = self._prefix + readable(first_unknown(document, self._fields))
                findings.reject(row, path, Misfit("unknown_field", f"{path} is not declared"))


def refuse_wide(arrays: Sequence[pa.Array], limits: Limits, findings: Findings) -> None:
    """Reject the rows that are wider than the warehouse's widest: see :class:`sluice.limits.Limits`."""
    widest = limits.max_row_bytes
    if widest is None or not arrays:  # elements of which only what is inside of them is declared
        return
    # Twice its bytes is what a text takes at most: its quotes are counted only where that is too much.
    suspects = pc.indices_nonzero(pc.greater(_widths(arrays, pc.binary_length), widest))
    widths = _widths([array.take(suspects) for array in arrays], lambda array: pc.count_substring(array, '"'))
    for row, width in zip(suspects.to_pylist(), widths.to_pylist(), strict=True):
        if width > widest:
            findings.reject(row, "", Misfit("row_too_wide", f"{width} bytes, {widest} allowed"))


def _widths(arrays: Sequence[pa.Array], quotes: Callable[[pa.Array], pa.Array]) -> pa.Array:
    widths = pa.array([0] * len(arrays[0]), pa.int64())
    for array in arrays:
        widths = pc.add(widths, _width(array, quotes))
    return widths


def _width(array: pa.Array, quotes: Callable[[pa.Array], pa.Array]) -> Any:
    if pa.types.is_binary(array.type):
        return pc.fill_null(pc.multiply(pc.binary_length(array), 2), 0)
    if pa.types.is_string(array.type):
        return pc.fill_null(pc.add(pc.binary_length(array), quotes(array)), 0)
    return _FIXED_WIDTH
