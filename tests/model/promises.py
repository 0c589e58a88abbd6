"""What the warehouse has to hold after each batch, and why: the model. Pure, and a second opinion to `window.py`.

**modified.** A live batch of cut T reads, in their state at T, the documents whose date lies above the last position
less ``overlap``, and all whose date says nothing; of a collection without a modified field it reads all. A backfill
reads those of its span instead. What a batch did not read stays as it was published: also a document that was deleted,
dropped or renamed away, and one that was written with a date from before the window. A document whose last write kept
the promise, to be visible within ``overlap`` after the date that it carries, is published as it is at T: ``broken``
says which are not.

**change_stream.** A live batch of cut T leaves every collection as it is at T, whatever happened to it: deletes, drops,
renames, dates that say nothing.

**Both.** Of two batches that read a document, the later cut wins, in whatever order they are published; a live batch
that comes after one of a later cut brings nothing. A document that is rejected stays as it was published. One that
marks itself as deleted leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sluice.keys import key_text
from sluice.spec import Collection, Pipeline
from sluice.window import Cut
from tests.acceptance import oracle

Document = dict[str, Any]
State = Mapping[str, list[Document]]
"""Collection → its documents, at one instant."""
Ends = tuple[datetime, datetime]


@dataclass(frozen=True)
class Reading:
    """What a batch has to read: decided when it is planned."""

    plan: str
    cut: Cut
    state: State
    low: datetime | None
    span: Ends | None
    late: Mapping[str, set[str]]
    """The keys whose last write did not keep the promise that a write makes."""

    complete: bool = False
    """Whether it tells of every key: what it does not have is gone."""

    def reads(self, collection: Collection, document: Document) -> bool:
        """Whether the batch reads the document."""
        if self.complete or not collection.modified:
            return True
        date = document.get(collection.modified)
        if self.span:
            return isinstance(date, datetime) and self.span[0] <= date <= self.span[1]
        if not isinstance(date, datetime):
            return True
        return self.low is None or date > self.low


@dataclass(frozen=True)
class Known:
    """The newest state of a key that was published; without a document it is gone."""

    cluster: int
    document: Document | None


@dataclass
class Promises:
    """The model of one pipeline."""

    pipeline: Pipeline
    position: datetime | None = None
    known: dict[str, dict[str, Known]] = field(default_factory=dict)
    rejected: dict[tuple[str, str], tuple[int, bool]] = field(default_factory=dict)
    """Collection and key → the latest cut at which a published batch read it, and whether it was rejected."""
    published: dict[str, Reading] = field(default_factory=dict)

    def plan(self, plan: str, cut: Cut, state: State, span: Ends | None, late: Mapping[str, set[str]]) -> Reading:
        """A batch that is planned now."""
        low = None if self.position is None else self.position - self.pipeline.capture.overlap
        promised = {name: set() if self.streamed else set(keys) for name, keys in late.items()}
        return Reading(plan, cut, state, low, span, promised, complete=self.streamed and span is None)

    @property
    def streamed(self) -> bool:
        return self.pipeline.capture.mode == "change_stream"

    def publish(self, reading: Reading) -> None:
        """A batch is published; nothing happens the second time."""
        if reading.plan in self.published:
            return
        self.published[reading.plan] = reading
        live = [other.cut.cluster for other in self.published.values() if other.span is None]
        late = max(live, default=0) > reading.cut.cluster
        for collection in self.pipeline.collections:
            if late and (self.streamed or reading.span is None or not collection.modified):
                continue
            for document in reading.state[collection.name]:
                if reading.reads(collection, document):
                    self._read(collection, reading.cut.cluster, document)
            if reading.complete:
                self._end_others(collection, reading)
        if reading.span is None:
            high = _milliseconds(reading.cut.time - self.pipeline.capture.lag)
            self.position = max(high, self.position or high)

    def expected(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """Table → key → the rows that readers see."""
        tables: dict[str, dict[str, list[dict[str, Any]]]] = {table.name: {} for table in self.pipeline.tables}
        for collection in self.pipeline.collections:
            for key, known in self.known.get(collection.name, {}).items():
                for table, rows in self._rows(collection, known.document).items():
                    if rows:
                        tables[table][key] = rows
        return tables

    def open_rejects(self) -> set[tuple[str, str]]:
        """Collection and key of the documents that were rejected when they were last read."""
        return {which for which, (_, rejected) in self.rejected.items() if rejected}

    def broken(self, reading: Reading) -> Iterator[str]:
        """The documents that a live batch must have published as they are at its cut, and did not."""
        newest = max(published.cut.cluster for published in self.published.values())
        if reading.span or reading.cut.cluster < newest:
            return
        for collection in self.pipeline.collections:
            known = self.known.get(collection.name, {})
            for document in reading.state[collection.name]:
                key = key_text(document["_id"])
                wanted = None if _left(collection, document) else document
                rejected = wanted is not None and not self._rows(collection, document)
                if not rejected and key not in reading.late[collection.name] and _state(known.get(key)) != wanted:
                    yield f"{collection.name} {key}"

    def _read(self, collection: Collection, cluster: int, document: Document) -> None:
        key, known = key_text(document["_id"]), self.known.setdefault(collection.name, {})
        rejected = not _left(collection, document) and not self._rows(collection, document)
        self._note(collection, key, cluster, rejected=rejected)
        if rejected:
            return
        if key not in known or known[key].cluster <= cluster:
            known[key] = Known(cluster, None if _left(collection, document) else document)

    def _note(self, collection: Collection, key: str, cluster: int, *, rejected: bool) -> None:
        """The later cut counts, whatever is published first."""
        before = self.rejected.get((collection.name, key), (0, False))
        self.rejected[collection.name, key] = max(before, (cluster, rejected))

    def _end_others(self, collection: Collection, reading: Reading) -> None:
        there = {key_text(document["_id"]) for document in reading.state[collection.name]}
        for name, key in self.rejected:
            if name == collection.name and key not in there:
                self._note(collection, key, reading.cut.cluster, rejected=False)
        for key, known in self.known.get(collection.name, {}).items():
            if key not in there and known.cluster <= reading.cut.cluster:
                self.known[collection.name][key] = Known(reading.cut.cluster, None)

    def _rows(self, collection: Collection, document: Document | None) -> dict[str, list[dict[str, Any]]]:
        """Table → rows; nothing for what is gone, and for what has to be rejected."""
        if document is None:
            return {}
        return oracle.rows(collection, document, oracle.BOUNDS[self.pipeline.warehouse.kind]) or {}


def _state(known: Known | None) -> Document | None:
    return known.document if known else None


def _left(collection: Collection, document: Document) -> bool:
    return collection.deletes.startswith("soft:") and bool(document.get(collection.deletes.removeprefix("soft:")))


def _milliseconds(time: datetime) -> datetime:
    return time - timedelta(microseconds=time.microsecond % 1000)
