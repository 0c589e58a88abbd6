"""Under which columns the rows of a collection were written, and which of them a replay brings to today's. Pure.

A row's hash is of its document and of what decided its values. So long as that differs by columns and children that
were added, today's row follows from the old one and its ``_extra``; any other change needs the document itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Final

from sluice.hashes import child_terms, collection_hash, column_terms, columns_hash, deciding
from sluice.spec import Child, Collection, Column, Pipeline, UnknownFields
from sluice.window import Run

LONGEST: Final = 30_000
"""Characters of what decided a collection's values; more is not kept, and such rows are not replayed."""


@dataclass(frozen=True, slots=True)
class ColumnsRow:
    """One row of ``sluice.columns``: from this batch on, rows of a collection were written under such columns.

    ``hash`` is :func:`sluice.hashes.columns_hash`; empty where the ranges of a batch had several.
    ``columns`` is what it is of, as JSON; empty where that is not known.
    """

    collection: str
    batch: int
    hash: str
    columns: str


COLUMNS: Final = tuple(field.name for field in fields(ColumnsRow))


@dataclass(frozen=True, slots=True)
class Stale:
    """The rows of one run, which are not of today's columns. ``old``: what decided them, see :func:`deciding`.

    ``why``: what keeps a replay from them.
    """

    run: Run
    old: list[Any]
    why: str = ""


def columns_rows(
    pipeline: Pipeline, batch: int, known: Iterable[ColumnsRow], landed: Iterable[tuple[str, str]]
) -> list[ColumnsRow]:
    """What a batch adds: a row for each collection that it wrote under other columns than the batch before.

    ``landed``: (collection, :attr:`Manifest.columns`) of each range, and of each collection of a replay.
    """
    written = set(landed)
    newest = {row.collection: row.hash for row in sorted(known, key=lambda row: row.batch)}
    rows = []
    for collection in pipeline.collections:
        found = {columns for of, columns in written if of == collection.name}
        now = next(iter(found)) if len(found) == 1 else ""
        if found and newest.get(collection.name) != now:
            text = json.dumps(deciding(collection)) if now == columns_hash(collection) else ""
            rows.append(ColumnsRow(collection.name, batch, now, text if len(text) <= LONGEST else ""))
    return rows


def stale(collection: Collection, known: Iterable[ColumnsRow], base: int) -> list[Stale]:
    """The runs of a collection's batches, up to ``base``, whose rows are not of today's columns."""
    rows = sorted((row for row in known if row.collection == collection.name), key=lambda row: row.batch)
    texts = {row.hash: row.columns for row in rows if row.columns}
    if not rows or rows[0].batch > 1:
        rows = [ColumnsRow(collection.name, 1, "", ""), *rows]
    ends = [row.batch - 1 for row in rows[1:]] + [base]
    return [
        _stale(collection, row.batch, end, row.hash, texts.get(row.hash, ""))
        for row, end in zip(rows, ends, strict=True)
        if row.hash != columns_hash(collection) and row.batch <= end
    ]


def added(collection: Collection, runs: Iterable[Stale]) -> tuple[tuple[Column, ...], tuple[Child, ...]]:
    """The columns and the children that the rows of some of these runs do not have."""
    old = [(_texts(found.old[0]), _texts(found.old[1])) for found in runs]
    columns = (c for c in collection.columns if any(json.dumps(column_terms(c)) not in had for had, _ in old))
    children = (c for c in collection.children if any(json.dumps(child_terms(c)) not in had for _, had in old))
    return tuple(columns), tuple(children)


def _stale(collection: Collection, first: int, last: int, was: str, text: str) -> Stale:
    if not was or not text:
        return Stale(Run(first, last, 0), [], "it is not known what their columns were")
    old = json.loads(text)
    mark = int(was, 16) ^ collection_hash(collection)
    return Stale(Run(first, last, mark), old, _obstacle(old, json.loads(json.dumps(deciding(collection)))))


def _obstacle(old: list[Any], now: list[Any]) -> str:
    """What is different but for additions."""
    for what, before, after in zip(("columns", "children"), old, now, strict=False):
        if gone := _texts(before) - _texts(after):
            return f"these {what} are not as they were: {', '.join(sorted(json.loads(each)[0] for each in gone))}"
    if old[2:] != now[2:]:
        return "unknown_fields or the transform is not as it was"
    if now[2] != UnknownFields.KEEP:
        return "no undeclared field was kept"
    return "what the transform made of them cannot be made again" if now[3] else ""


def _texts(terms: Iterable[Any]) -> set[str]:
    return {json.dumps(each) for each in terms}
