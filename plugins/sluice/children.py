"""The rows of child tables: arrays of values and of documents, out of decoded documents, to any declared depth.

An element's row begins with its document's key and where it stands: an ordinal for each array around it, the outermost
first. So the row around an element is found by the beginning of its key, and its document by the first column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from sluice.arrow import arrow_schema
from sluice.fields import Document, as_document
from sluice.limits import Limits
from sluice.misfit import wrong_type
from sluice.reader import Findings, Reader
from sluice.rows import Rows, refuse_wide
from sluice.spec import Child, Collection, Table


@dataclass(frozen=True, slots=True)
class Owners:
    """The rows that arrays stand in, column by column: their keys, their documents' hashes, and which documents.

    ``place_of`` says where in its document a row stands. Of documents themselves, both are None.
    """

    key: tuple[pa.Array, ...]
    hashes: pa.Array
    documents: pa.Array | None = None
    place_of: Callable[[int], str] | None = None

    def elements(self, lists: Sequence[Sequence[Any]], path: str) -> Owners:
        """The elements of an array each, at a path within the owner, as owners of what is in them."""
        offsets = pa.array(list(accumulate(map(len, lists), initial=0)), pa.int32())
        size = offsets[-1].as_py()
        parents = pc.list_parent_indices(pa.ListArray.from_arrays(offsets, pa.nulls(size)))
        ordinals = pc.subtract(pa.arange(0, size), offsets.take(parents)).cast(pa.int32())

        def place_of(row: int) -> str:
            around = self.place_of(parents[row].as_py()) if self.place_of else ""
            return ".".join(filter(None, (around, path, str(ordinals[row]))))

        key = (*(column.take(parents) for column in self.key), ordinals)
        documents = parents if self.documents is None else self.documents.take(parents)
        return Owners(key, self.hashes.take(parents), documents, place_of)


class ChildRows:
    """Reads the arrays of one field into the rows of a child table, and the arrays inside into those of others."""

    def __init__(self, collection: Collection, table: Table, limits: Limits) -> None:
        child = cast("Child", table.child)
        self.path = child.path
        self._table, self._child, self._limits = table.name, child, limits
        self._schema = arrow_schema(table)
        self._rows = Rows(collection, limits, child) if child.of_documents else None
        self._value = None if child.of_documents else Reader(child.columns[0], limits, label=f"{child.name}.value")
        self._inner = children_of(collection, (*table.within, child), limits)

    def read(
        self, values: list[Any], owners: Owners, findings: Findings
    ) -> Iterator[tuple[str, pa.RecordBatch, pa.Array]]:
        """Each table, its rows, and the document of each row."""
        for level in range(self._child.depth):
            lists = self._lists(values, findings)
            owners = owners.elements(lists, self.path if level == 0 else "")
            values = list(chain.from_iterable(lists))
            findings = findings.of_children(owners.documents, owners.place_of)
        columns, pulled = self._columns(values, findings)
        rows = pa.RecordBatch.from_arrays([*owners.key, *columns, owners.hashes], schema=self._schema)
        yield self._table, rows, owners.documents
        for inner in self._inner:
            yield from inner.read(pulled[inner.path], owners, findings)

    def _lists(self, values: list[Any], findings: Findings) -> list[Sequence[Any]]:
        if {list}.issuperset(map(type, values)):
            return values
        for row, value in enumerate(values):
            if type(value) not in {list, type(None)}:
                findings.reject(row, self._child.name, wrong_type("array", value))
        return [value if type(value) is list else () for value in values]

    def _columns(self, elements: list[Any], findings: Findings) -> tuple[list[pa.Array], dict[str, list[Any]]]:
        if self._rows:
            return self._rows.read(self._documents(elements, findings), findings)
        arrays = [self._value.read(elements, findings)] if self._value else []
        refuse_wide(arrays, self._limits, findings)
        return arrays, {}

    def _documents(self, elements: list[Any], findings: Findings) -> list[Document]:
        if {dict}.issuperset(map(type, elements)):
            return elements
        documents = [as_document(element) for element in elements]
        for row, (element, document) in enumerate(zip(elements, documents, strict=True)):
            if document is None and element is not None:
                findings.reject(row, self._child.name, wrong_type("an array of documents", element))
        return [document or {} for document in documents]


def children_of(collection: Collection, within: tuple[Child, ...], limits: Limits) -> list[ChildRows]:
    """What reads the children directly inside of these; of the collection itself where there are none."""
    return [
        ChildRows(collection, table, limits) for table in collection.tables if table.child and table.within == within
    ]
