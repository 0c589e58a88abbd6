"""One column of many documents: a list of BSON values → an Arrow array, and what happened on the way.

The fast path (:mod:`sluice.vectors`) makes the whole array in C. The reader knows which values it cannot vouch for:
those of a type that Arrow would take too kindly (it reads True as 1.0, bytes as a string, 2.5 as 2), and those beyond
the column's bounds. Only they go through :mod:`sluice.values`, one by one; a list that Arrow refuses goes there whole.
So both paths give the same array for every list of values; a property test holds them to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from sluice.arrow import arrow_type
from sluice.columns import OnError
from sluice.limits import Limits
from sluice.misfit import Misfit
from sluice.spec import Column
from sluice.undeclared import Undeclared
from sluice.values import required, rule_for, settle
from sluice.vectors import vector_for


class Fault(NamedTuple):
    """Why a document was rejected. Not the Misfit itself: an exception's traceback would keep the whole piece alive."""

    column: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What happened to the documents of one piece: the first misfit of each, and every tolerant action.

    ``document_of`` gives the document that a row belongs to: child tables share their parents' findings. ``place_of``
    says where in its document an element stands, as a path of MongoDB: ``chapters.3.notes.0``.
    ``undeclared``: what the documents had that no column declares, where it is kept.
    """

    rejected: dict[int, Fault] = field(default_factory=dict)
    coerced: list[tuple[int, str, OnError]] = field(default_factory=list)
    document_of: Callable[[int], int] = int
    place_of: Callable[[int], str] | None = None
    undeclared: list[Undeclared] = field(default_factory=list)

    def reject(self, row: int, column: str, misfit: Misfit) -> None:
        """Note a row's misfit; only the first of a document counts."""
        document = self.document_of(row)
        if document not in self.rejected:
            detail = f"{misfit.detail}, at {self.place_of(row)}" if self.place_of else misfit.detail
            self.rejected[document] = Fault(column, misfit.reason, detail)

    def coerce(self, row: int, column: str, action: OnError) -> None:
        """Note that a column's ``on_error`` was used."""
        self.coerced.append((self.document_of(row), column, action))

    def of_children(self, documents: pa.Array, place_of: Callable[[int], str] | None) -> Findings:
        """The same findings, as a child table sees them whose rows have these documents and places."""
        return Findings(self.rejected, self.coerced, lambda row: documents[row].as_py(), place_of, self.undeclared)

    def uses(self) -> Counter[tuple[str, str]]:
        """How often each column used each action, in documents that were not rejected."""
        return Counter((column, str(action)) for row, column, action in self.coerced if row not in self.rejected)

    def accepted(self, batch: pa.RecordBatch, documents: pa.Array) -> pa.RecordBatch:
        """The rows whose ``documents`` were not rejected."""
        if not self.rejected:
            return batch
        return batch.filter(pc.invert(pc.is_in(documents, pa.array(list(self.rejected), documents.type))))


class Reader:
    """Reads one column. ``label`` names it in findings; a ``key`` is never null and never repaired."""

    def __init__(self, column: Column, limits: Limits, *, label: str = "", key: bool = False) -> None:
        self._label = label or column.name
        self._key = key
        self._type = arrow_type(column.type)
        rule = rule_for(column.type, limits)
        self._rule = required(rule) if key else rule
        self._on_error = OnError.REJECT if key else column.on_error
        self._vector = vector_for(column.type, limits)
        self._certain = self._vector.plain if key else self._vector.plain | {type(None)}

    def read(self, values: list[Any], findings: Findings) -> pa.Array:
        """The column's array, null where the value was rejected."""
        doubtful: list[int] = []
        certain = values
        if not self._certain.issuperset(map(type, values)):
            doubtful = [row for row, value in enumerate(values) if type(value) not in self._certain]
            certain = _without(values, doubtful)
        try:
            array = self._vector.build(certain)
        except (ValueError, TypeError, OverflowError, Misfit):
            return self._corrected(pa.nulls(len(values), self._type), values, range(len(values)), findings)
        if self._vector.beyond:
            doubtful += self._vector.beyond(array, certain)
        return self._corrected(array, values, doubtful, findings) if doubtful else array

    def _corrected(self, array: pa.Array, values: list[Any], rows: Sequence[int], findings: Findings) -> pa.Array:
        settled = {row: self._settled(row, values[row], findings) for row in sorted(set(rows))}
        mask = [False] * len(values)
        for row in settled:
            mask[row] = True
        return pc.replace_with_mask(array, pa.array(mask), pa.array(list(settled.values()), self._type))

    def _settled(self, row: int, value: Any, findings: Findings) -> Any:
        if value is None and not self._key:
            return None
        try:
            result, action = settle(self._rule, self._on_error, value)
        except Misfit as misfit:
            findings.reject(row, self._label, misfit)
            return None
        if action:
            findings.coerce(row, self._label, action)
        return result


def _without(values: list[Any], rows: list[int]) -> list[Any]:
    kept = values.copy()
    for row in rows:
        kept[row] = None
    return kept
