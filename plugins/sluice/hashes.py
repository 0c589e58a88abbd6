"""Hashes of a pipeline file: of what a batch reads and writes, and of what decides a collection's values. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from sluice.columns import Kind, OnError
from sluice.spec import Child, Collection, Column, Pipeline


def pipeline_hash(pipeline: Pipeline) -> str:
    """A stable hash of everything that decides what a batch reads and writes, as 16 hexadecimal digits."""
    fields = _undescribed(asdict(pipeline))
    del fields["source"]["care"], fields["landing"]["retention"]
    for name in ("file", "schedule", "rejects", "freshness", "maintenance", "checks"):
        del fields[name]
    for collection in fields["collections"]:
        del collection["rejects"]
    return _digest(fields)


def collection_hash(collection: Collection) -> int:
    """A stable 64-bit hash of everything that decides conformed values; how and where they are stored does not."""
    return int(_digest(deciding(collection)), 16)


def columns_hash(collection: Collection) -> str:
    """The same as text, in hex: as manifests and ``sluice.columns`` have it."""
    return f"{collection_hash(collection):016x}"


def deciding(collection: Collection) -> list[Any]:
    """What :func:`collection_hash` is of: columns, children, what becomes of other fields, the transform."""
    kept = [collection.unknown_fields, collection.transform]
    return [_columns(collection.columns), _children(collection.children), *kept]


def column_terms(column: Column) -> list[str]:
    """What decides the values of a column. Not how much room it has, where what needs more is rejected."""
    roomy = ROOMS.get(column.type.kind) if column.on_error is OnError.REJECT else None
    return [column.name, column.path, roomy or str(column.type), column.on_error]


ROOMS: Final = {
    **dict.fromkeys((Kind.STRING, Kind.TEXT), "string"),
    **dict.fromkeys((Kind.INT32, Kind.INT64), "int"),
    Kind.DECIMAL: "decimal",
}
"""Types that differ in room alone: a document that fits into several has one value in all of them. So a column is made
wider, and what it rejected is published, while every other row stays what it is."""


def child_terms(child: Child) -> list[object]:
    """What decides the rows of a child."""
    found: list[object] = [child.name, child.path, child.of_documents, _columns(child.columns)]
    # Only where there is more than there was in the first files: their documents keep their hashes.
    return [*found, child.depth, _children(child.children)] if child.depth > 1 or child.children else found


def _undescribed(data: Any) -> Any:
    """Without descriptions, at every level: what is said of a column changes nothing in it."""
    if isinstance(data, dict):
        return {key: _undescribed(value) for key, value in data.items() if key != "description"}
    return [_undescribed(value) for value in data] if isinstance(data, list | tuple) else data


def _columns(columns: Iterable[Column]) -> list[list[str]]:
    # Sorted: moving a line of the file changes no value.
    return sorted(column_terms(column) for column in columns)


def _children(children: Iterable[Child]) -> list[list[object]]:
    return sorted(child_terms(child) for child in children)


def _digest(data: object) -> str:
    text = json.dumps(data, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
