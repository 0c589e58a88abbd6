"""BSON → columns: a batch of raw documents in, Arrow record batches plus rejects out. DESIGN section 5.

Total and order-independent. Any sequence of length-prefixed documents gives ``read = rows of the own table + rejects``
(I1), and what becomes of a document depends on nothing but its bytes. The outcomes, beyond those of single values
(:mod:`sluice.values` has the table of types):

| a document … | outcome |
|---|---|
| that is not valid BSON | reject ``undecodable`` |
| nested beyond what Python decodes (about 900 levels) | reject ``too_deep`` |
| without ``_id`` | reject ``missing_key`` |
| whose ``_id`` its column does not take | reject, whatever the column's ``on_error`` |
| with a field that no column declares | ``unknown_fields``: kept in ``_extra``, dropped, or reject ``unknown_field`` |
| whose undeclared fields are nested beyond 200 levels, or are not UTF-8 | reject ``too_deep``, ``invalid_utf8`` |
| with a parent of declared fields that is no document (``watermark: "x"``) | the columns NULL, the value undeclared |
| with a field named ``a.b`` | undeclared: the path ``a.b`` is the field b of the document a |
| with a field name twice | the last value counts, as in MongoDB's drivers; not counted (docs/architecture.md) |
| with an array that a child table declares, missing, null or empty, at any depth | no rows |
| with something else there, or an element that must be a document or an array and is none | reject ``wrong_type`` |
| with an element that its child column does not take | the child column's ``on_error``; reject rejects the document |
| with an element that is null | a row of NULLs, so that ordinals stay true; none in what is inside of it |
| whose ``deletes: soft:<field>`` is set (:mod:`sluice.soft_deletes`) | a row that says "gone", with its key alone |
| whose row is wider than the warehouse's widest | reject ``row_too_wide`` |

Undefined, a type that MongoDB no longer has, is null; Symbol is string; DBPointer is a DBRef.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pyarrow as pa
from xxhash import xxh64_intdigest

from sluice.arrow import arrow_schema
from sluice.children import Owners, children_of
from sluice.errors import ConfigError
from sluice.key_lists import key_found
from sluice.keys import key_text
from sluice.limits import CLICKHOUSE_LIMITS, Limits
from sluice.misfit import MISSING, Misfit
from sluice.raw_documents import bounds_of, decode, pieces
from sluice.reader import Findings
from sluice.rows import Rows
from sluice.soft_deletes import soft_deleted
from sluice.spec import Collection
from sluice.transforms import load_transform
from sluice.undeclared import Undeclared

__all__ = ["CLICKHOUSE_LIMITS", "Conformed", "Conformer", "Limits", "Reject"]

# Decoded documents are ten times their BSON: pieces of this size stay in the processor's cache, and memory stays
# bounded whatever the size of a cursor batch (I6).
_PIECE_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True)
class Reject:
    """A document that could not be conformed: kept raw, with the first reason."""

    key: str
    column: str
    reason: str  # a short code: wrong_type, too_long, out_of_range, nul_character, invalid_utf8, unknown_field, …
    detail: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Conformed:
    """``read = rows of the collection's own table + len(rejects)`` (I1).

    ``tables``: table name → record batch whose columns are the table's, in order, then ``_extra`` where the table has
    it, then ``_hash`` and, on the collection's own table, ``_gone`` and ``_turn``. ``coerced``: column → action → uses.
    ``undeclared``: what is kept in ``_extra``, path by path, of all documents that were read.
    """

    read: int
    tables: dict[str, pa.RecordBatch]
    rejects: list[Reject]
    coerced: dict[str, dict[str, int]]
    undeclared: list[Undeclared] = field(default_factory=list, compare=False)  # a path comes once a piece


@dataclass(frozen=True, slots=True)
class _Piece:
    tables: dict[str, pa.RecordBatch]
    rejects: list[Reject]
    uses: Counter[tuple[str, str]]
    undeclared: list[Undeclared]


class Conformer:
    """Turns batches of one collection's raw documents into rows.

    ``_hash`` is the xxh64 of the document's bytes, mixed with ``hash_seed``, which a replay can exchange for another.
    ``turn`` is the ``_turn`` of every row.
    Raises ConfigError for a transform that cannot be imported and for a decimal that the warehouse does not have.
    """

    def __init__(self, collection: Collection, *, limits: Limits, hash_seed: int, turn: int = 0) -> None:
        _check_precision(collection, limits)
        self._own, self._seed, self._turn = collection.name, hash_seed, turn
        self._deleted = soft_deleted(collection.deletes)
        self._key = collection.columns.index(collection.key)
        self._schemas = {table.name: arrow_schema(table) for table in collection.tables}
        self._rows = Rows(collection, limits)
        self._children = children_of(collection, (), limits)
        self._transform = load_transform(collection)

    def __call__(self, raw: bytes, *, gone: bool = False) -> Conformed:
        """Conform concatenated BSON documents. Raises SourceUnavailable when their lengths do not add up.

        With ``gone`` they are keys alone, and each row says that its key is gone.
        """
        bounds = bounds_of(raw)
        with _collector_off():
            made = [self._piece(raw, part, gone=gone) for part in pieces(bounds, _PIECE_BYTES)]
        tables = {name: _joined([piece.tables[name] for piece in made], of) for name, of in self._schemas.items()}
        if self._transform:
            tables[self._own] = self._transform(tables[self._own])
        rejects = [reject for piece in made for reject in piece.rejects]
        unknown = [found for piece in made for found in piece.undeclared]
        return Conformed(len(bounds) - 1, tables, rejects, _by_column(piece.uses for piece in made), unknown)

    def _piece(self, raw: bytes, bounds: Sequence[int], *, gone: bool) -> _Piece:
        documents, undecodable = decode(raw, bounds)
        findings = Findings()
        for row, misfit in undecodable.items():
            findings.reject(row, "", misfit)
        deleted = pa.repeat(pa.scalar(gone), len(documents)) if gone else self._take_deleted(documents)
        arrays, pulled = self._rows.read(documents, findings)
        hashes = pa.array(
            [xxh64_intdigest(raw[start:end]) ^ self._seed for start, end in pairwise(bounds)], pa.uint64()
        )
        owners = Owners((arrays[self._key],), hashes)
        turn = pa.repeat(pa.scalar(self._turn, pa.int16()), len(documents))
        own = pa.RecordBatch.from_arrays([*arrays, hashes, deleted, turn], schema=self._schemas[self._own])
        rows = [(self._own, own, pa.arange(0, len(documents)))]
        rows += [table for child in self._children for table in child.read(pulled[child.path], owners, findings)]
        return _Piece(
            {name: findings.accepted(*found) for name, *found in rows},
            [
                Reject(_best_key(key_found(each) if row in undecodable else pulled["_id"][row]), *fault, each)
                for row, fault in sorted(findings.rejected.items())
                for each in [raw[bounds[row] : bounds[row + 1]]]
            ],
            findings.uses(),
            findings.undeclared,
        )

    def _take_deleted(self, documents: list[dict[str, Any]]) -> pa.Array:
        """Which documents are deleted by their own mark; only their keys are left, so that nothing else can reject."""
        if self._deleted is None:
            return pa.repeat(pa.scalar(value=False), len(documents))
        gone = [self._deleted(document) for document in documents]
        for row, deleted in enumerate(gone):
            if deleted:
                documents[row] = _key_alone(documents[row])
        return pa.array(gone, pa.bool_())


def _key_alone(document: dict[str, Any]) -> dict[str, Any]:
    return {"_id": document["_id"]} if "_id" in document else {}


def _best_key(value: Any) -> str:
    """The key's text as far as there is one: empty for a document without a key, or with one that is no text."""
    try:
        text = "" if value is MISSING else key_text(value)
        text.encode()
    except (Misfit, UnicodeEncodeError):
        return ""
    return text


def _joined(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    return pa.concat_batches(batches) if batches else pa.RecordBatch.from_pylist([], schema=schema)


def _by_column(uses: Iterable[Counter[tuple[str, str]]]) -> dict[str, dict[str, int]]:
    coerced: dict[str, dict[str, int]] = {}
    for (column, action), count in sum(uses, Counter[tuple[str, str]]()).items():
        coerced.setdefault(column, {})[action] = count
    return coerced


def _check_precision(collection: Collection, limits: Limits) -> None:
    for column in (column for table in collection.tables for column in table.columns):
        if column.type.precision > limits.max_decimal_precision:
            raise ConfigError(
                f"{collection.name}.{column.name}: {column.type} has too many digits",
                why=f"the warehouse holds decimals of {limits.max_decimal_precision} digits",
                fix="lower the precision, or use text",
            )


@contextmanager
def _collector_off() -> Iterator[None]:
    """Without the cycle collector: thousands of new dicts would set it off again and again, and none is garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
