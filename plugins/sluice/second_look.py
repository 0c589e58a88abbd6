"""A second look at the keys that may differ, with their documents: which of them do.

What was read and compared before may be some minutes old, and says nothing of rejects; this is exact, and small.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from sluice import pipeline as spine
from sluice.key_scan import MODIFIED, dated_collection, narrowed_collection
from sluice.key_values import key_value
from sluice.spec import CHANGE_STREAM, Collection, Pipeline
from sluice.suspects import DIFFERENCES, Comparison, Seen, Suspect, judge
from sluice.warehouse.base import Commit
from sluice.window import Cut, Plan, next_window

if TYPE_CHECKING:
    from sluice.conform import Conformed
    from sluice.pipeline import Systems

log = logging.getLogger(__name__)

PAGE: Final = 10_000
"""Keys that are looked at together."""


@dataclass(frozen=True, slots=True)
class SecondLook:
    """At the suspects of one collection; each page of them at a cut of its own."""

    pipeline: Pipeline
    systems: Systems
    scan: Plan
    collection: Collection
    commit: Commit
    comparison: Comparison

    @classmethod
    def at(cls, pipeline: Pipeline, systems: Systems, scan: Plan, collection: Collection) -> SecondLook:
        """Stage the keys of a collection, and let the warehouse find the suspects."""
        spine.load(systems, scan, narrowed_collection(collection))
        last = systems.warehouse.last_commit(pipeline.name)
        assert last, "there was one when the scan was planned"
        commit, rows = systems.warehouse.find_suspects(pipeline, scan, collection, last)
        read = sum(manifest.read for manifest in systems.landing.manifests(scan, collection.name))
        return cls(pipeline, systems, scan, collection, commit, Comparison(collection.name, commit.batch, read, rows))

    def differing(self) -> Iterator[bytes]:
        """The keys that differ, as :mod:`sluice.key_lists` has them. Every suspect is counted in ``comparison``."""
        after = None
        while page := self.systems.warehouse.suspects(self.pipeline, self.scan, self.collection, after, PAGE):
            yield from self._judged(page)
            after = page[-1].key

    def _judged(self, page: list[Suspect]) -> Iterator[bytes]:
        import bson

        kind = self.collection.key.type.kind
        asked = {bson.encode({"_id": key_value(suspect.key, kind)}): suspect for suspect in page}
        self.comparison.looked += len(asked)
        seen = self._seen(asked)
        for key, suspect in asked.items():
            verdict = judge(suspect, seen[suspect.key], keeps_deleted=self.collection.deletes == "none")
            self.comparison.add(suspect.key, verdict)
            if verdict in DIFFERENCES:
                yield key

    def _seen(self, asked: dict[bytes, Suspect]) -> dict[str, Seen]:
        """What the source says of each key now: those that are neither gone nor conform were rejected."""
        from sluice.key_lists import keys_of

        cut = self.systems.source.now_cut()
        newer = self._changed(asked, cut)
        seen = {suspect.key: Seen(rejected=True) for suspect in asked.values()}
        conform, passed = spine.conformer(self.pipeline, self.collection), self._passed(cut)
        with closing(self.systems.source.read_keys(self.collection.name, b"".join(asked), cut)) as pieces:
            for found in pieces:
                seen |= {asked[key].key: Seen() for key in keys_of(found.gone)}
                rows = _rows(self.collection, conform(found.documents))
                seen |= rows
                newer |= rows.keys() - passed(found.documents, rows)
        return {key: replace(each, newer=key in newer) for key, each in seen.items()}

    def _passed(self, cut: Cut) -> Callable[[bytes, Iterable[str]], set[str]]:
        """Tells which documents the next batch will not read, by their modified dates."""
        collection = self.collection
        if self._streamed:
            return lambda _, keys: set(keys)
        field = collection.modified
        low = next_window(self.commit.position(collection), cut, self.pipeline.capture, field).low if field else None
        if field is None or low is None:
            return lambda _, __: set()  # it reads all of them
        conform = spine.conformer(self.pipeline, dated_collection(collection, field))

        def passed(documents: bytes, _: Iterable[str]) -> set[str]:
            rows = conform(documents).tables[collection.name]
            dates = zip(rows.column(0).to_pylist(), rows.column(MODIFIED).to_pylist(), strict=True)
            return {str(key) for key, date in dates if date is not None and date <= low}  # undated: read every time

        return passed

    def _changed(self, asked: dict[bytes, Suspect], cut: Cut) -> set[str]:
        """The keys that the change stream brings to the next batch."""
        from sluice.key_lists import settle

        position = self.commit.positions.get(self.collection.name)
        if not self._streamed:
            return set()
        if position is None or position.cluster is None:
            return {suspect.key for suspect in asked.values()}  # the next batch reads all of them
        left = list(asked)
        changes = self.systems.source.changes({self.collection.name: position.cluster}, cut)
        while some := list(islice(changes, PAGE)):
            left = [] if any(change.whole for change in some) else settle(left, [change.key for change in some])[1]
        return {asked[key].key for key in asked.keys() - set(left)}

    @property
    def _streamed(self) -> bool:
        return self.pipeline.capture.mode == CHANGE_STREAM


def _rows(collection: Collection, conformed: Conformed) -> dict[str, Seen]:
    rows = conformed.tables[collection.name]
    keys, hashes, gone = (rows.column(name).to_pylist() for name in (collection.key.name, "_hash", "_gone"))
    return {str(key): Seen(None if left else hash_) for key, hash_, left in zip(keys, hashes, gone, strict=True)}
