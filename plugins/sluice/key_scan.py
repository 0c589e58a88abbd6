"""What a reconcile reads of each document: its key, its version, and how many rows its arrays are. Pure.

A version is the modified date as its column has it. The rest of a document never leaves the server: a pipeline is
*narrowed* to these columns, and landed and staged like any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any, Final

from sluice.columns import ColumnType, Kind, OnError
from sluice.soft_deletes import SOFT
from sluice.spec import (
    ClickHouseOptions,
    Collection,
    Column,
    Pipeline,
    RedshiftOptions,
    Table,
    UnknownFields,
)
from sluice.window import Range

DATED: Final = (Kind.TIMESTAMP, Kind.DATE)
MODIFIED: Final = "_modified"


def narrowed(pipeline: Pipeline) -> Pipeline:
    """The pipeline whose documents are keys, versions and sizes."""
    return replace(pipeline, collections=tuple(map(narrowed_collection, pipeline.collections)))


def narrowed_collection(collection: Collection) -> Collection:
    """One collection of it. Without ``modified``: all of it is read, whatever its dates are."""
    version = version_of(collection)
    sizes = [Column(size_of(table), size_of(table), ColumnType(Kind.INT32)) for table in collection.tables[1:]]
    return replace(
        collection,
        modified=None,
        columns=(collection.key, *([version] if version else ()), *sizes),
        children=(),
        unknown_fields=UnknownFields.IGNORE,
        transform=None,
        surrogate_key=False,
        clickhouse=ClickHouseOptions(),
        redshift=RedshiftOptions(),
    )


def dated_collection(collection: Collection, field: str) -> Collection:
    """The collection whose documents are keys and dates as windows see them; without a date in the field, rejects."""
    column = Column(MODIFIED, field, ColumnType(Kind.TIMESTAMP), OnError.REPLACE)
    narrow = narrowed_collection(collection)
    return replace(narrow, columns=(collection.key, column), deletes="none")


def version_of(collection: Collection) -> Column | None:
    """The column that holds the modified date; None where there is none, and where a transform may have changed it."""
    columns = () if collection.transform else collection.columns
    return next((c for c in columns if c.path == collection.modified and c.type.kind in DATED), None)


def size_of(table: Table) -> str:
    """The name of the column with the number of rows that a document has in a child table."""
    return f"_rows_{table.name.removeprefix(f'{table.collection}_')}"


def only_keys(collection: Collection, pieces: Iterable[Range]) -> tuple[Range, ...]:
    """The same ranges, of which only what is compared is read."""
    fields = json.dumps(projection(collection))
    return tuple(replace(piece, fields=fields) for piece in pieces)


def projection(collection: Collection) -> dict[str, Any]:
    """What the server is asked for. It counts sizes itself; without children an index may cover all of it."""
    version = version_of(collection)
    paths = {"_id", *([version.path] if version else ()), *_mark(collection)}
    outer = {path for path in paths if not any(path.startswith(f"{other}.") for other in paths)}
    sizes = {size_of(table): _size(table) for table in collection.tables[1:]}
    return dict.fromkeys(sorted(outer), 1) | sizes


def _mark(collection: Collection) -> list[str]:
    return [collection.deletes.removeprefix(SOFT)] if collection.deletes.startswith(SOFT) else []


def _size(table: Table) -> dict[str, Any]:
    """How many rows a document has in a child table."""
    children = (*table.within, *([table.child] if table.child else ()))
    return _elements("$$ROOT", [path for child in children for path in (child.path, *[""] * (child.depth - 1))])


def _elements(around: str, paths: Sequence[str]) -> dict[str, Any]:
    """The number of elements of an array within a value, or of arrays within its elements and so on."""
    array, inner = _array(around, paths[0]), paths[1:]
    if not inner:
        return {"$size": array}
    element = f"e{len(inner)}"
    return {"$sum": {"$map": {"input": array, "as": element, "in": _elements(f"$${element}", inner)}}}


def _array(around: str, path: str) -> dict[str, Any]:
    """The array there; an empty one where there is none, as where a parent is no document."""
    places = (
        list(accumulate(path.split("."), lambda outer, name: f"{outer}.{name}", initial=around)) if path else [around]
    )
    parents = [{"$eq": [{"$type": place}, "object"]} for place in places[:-1]]
    return {"$cond": [{"$and": [*parents, {"$isArray": places[-1]}]}, places[-1], []]}
