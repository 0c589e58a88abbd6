"""Is the warehouse equal to the source? Every document is compared by the hash of its content.

Both sides are added up in buckets of their keys, so that equal collections of any size cost two scans and no memory;
only buckets that differ are looked into key by key.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sluice.errors import ConfigError, Superseded
from sluice.pipeline import Systems, conformer
from sluice.spec import Collection, Pipeline
from sluice.warehouse.buckets import BUCKETS, MODULUS, bucket_of
from sluice.window import BatchKind, Cut, Window, next_window

if TYPE_CHECKING:
    from sluice.warehouse.base import Commit

log = logging.getLogger(__name__)

RECENT: Final = 100
"""Commit records among which the one with the newest cut is looked for."""
TRIES: Final = 4
"""How often a comparison begins that a newly published batch overtakes."""


@dataclass(slots=True)
class Finding:
    """One collection's comparison. ``newer``: keys that changed after the last batch, which the next one brings.

    ``kept``: keys that only the warehouse has. ``different``: key → what differs, for every other difference.
    """

    collection: str
    cut: datetime
    source: int = 0
    rejected: int = 0
    warehouse: int = 0
    newer: int = 0
    kept: int = 0
    different: dict[str, str] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        """Nothing differs but what is not yet due."""
        return not self.different


def compare(pipeline: Pipeline, systems: Systems) -> list[Finding]:
    """Compare each collection with its table, at the newest cut of a batch while the source still remembers it.

    Readers see what is true at that cut, whichever batch was published last (I4). Where the warehouse keeps no older
    state, and a batch is published meanwhile, it begins again with that one, a few times. Then it raises Superseded.
    """
    for left in reversed(range(TRIES)):
        try:
            return _compare_newest(pipeline, systems)
        except Superseded as error:
            if not left:
                raise
            log.info("verify: %s; beginning again with the newest batch", error.what)
    raise AssertionError("the last try raises")


def _compare_newest(pipeline: Pipeline, systems: Systems) -> list[Finding]:
    commits = systems.warehouse.commits(pipeline.name, limit=RECENT)
    if not commits:
        raise ConfigError(
            f"{pipeline.name} has nothing to compare: no batch is published", fix=f"`sluice run {pipeline.name}`"
        )
    cut = _readable(systems, max(commits, key=lambda commit: commit.cut.cluster))
    return [compare_collection(pipeline, systems, collection, commits[0], cut) for collection in pipeline.collections]


def compare_collection(
    pipeline: Pipeline, systems: Systems, collection: Collection, commit: Commit, cut: Cut
) -> Finding:
    """Compare one collection as it is at a cut with what readers see at a commit."""
    return _Comparison(pipeline, systems, collection, commit, cut).run()


class _Comparison:
    """One collection: two scans, and a third of the buckets that differ."""

    def __init__(self, pipeline: Pipeline, systems: Systems, collection: Collection, commit: Commit, cut: Cut) -> None:
        self._pipeline, self._systems, self._collection = pipeline, systems, collection
        self._commit, self._cut = commit, cut
        self._table = collection.tables[0]
        self._rejected: set[str] = set()
        self._finding = Finding(collection.name, cut.time)

    def run(self) -> Finding:
        state = self._systems.warehouse.visible_state(self._pipeline, self._table, self._commit.batch)
        source = self._source_sums()
        self._finding.rejected, self._finding.warehouse = len(self._rejected), state.rows
        suspects = sorted(b for b in range(BUCKETS) if source.get(b, 0) != state.hashes.get(b, 0))
        if suspects:
            self._look_into(suspects)
        return self._finding

    def _source_sums(self) -> dict[int, int]:
        sums: dict[int, int] = defaultdict(int)
        for key, content in self._source_rows():
            self._finding.source += 1
            bucket = bucket_of(key)
            sums[bucket] = (sums[bucket] + content) % MODULUS
        self._finding.source += len(self._rejected)
        return sums

    def _source_rows(self, window: Window | None = None) -> Iterator[tuple[str, int]]:
        """Key and content hash of each document that conforms; the keys of the others go to ``_rejected``."""
        import pyarrow.compute as pc

        window = window or Window(None, self._cut.time, bounded=False)
        conform = conformer(self._pipeline, self._collection)
        for piece in self._systems.source.plan_ranges(self._collection, window, self._cut):
            with closing(self._systems.source.read_raw(self._collection, piece, self._cut, window)) as batches:
                for conformed in map(conform, batches):
                    own = conformed.tables[self._table.name]
                    self._rejected.update(reject.key for reject in conformed.rejects)
                    own = own.filter(pc.invert(own["_gone"]))  # deleted by its own mark
                    keys = map(str, own.column(self._table.key[0]).to_pylist())
                    yield from zip(keys, own.column("_hash").to_pylist(), strict=True)

    def _look_into(self, suspects: list[int]) -> None:
        wanted, warehouse = set(suspects), dict[str, int]()
        source = {key: content for key, content in self._source_rows() if bucket_of(key) in wanted}
        for bucket in suspects:
            warehouse |= self._systems.warehouse.visible_keys(self._pipeline, self._table, self._commit.batch, bucket)
        for key in sorted((source.keys() | warehouse.keys()) - self._rejected):
            if source.get(key) != warehouse.get(key):
                self._finding.different[key] = _difference(key in source, key in warehouse)
        self._set_aside()

    def _set_aside(self) -> None:
        """Move what the next batch would bring, and what deletes leave behind, out of ``different``."""
        finding = self._finding
        pending = self._pending() if finding.different else set()
        finding.newer = len(pending & finding.different.keys())
        kept = {key for key, what in finding.different.items() if what == ONLY_WAREHOUSE and self._keeps_deleted}
        finding.kept = len(kept)
        finding.different = {k: what for k, what in finding.different.items() if k not in pending and k not in kept}

    @property
    def _keeps_deleted(self) -> bool:
        return self._collection.deletes == "none"

    def _pending(self) -> set[str]:
        """The keys of what a live batch has not read yet, as the cut compared is later than that of each."""
        commits = self._systems.warehouse.commits(self._pipeline.name, limit=RECENT)
        if any(commit.cut == self._cut and commit.kind == BatchKind.LIVE for commit in commits):
            return set()
        position = self._commit.positions.get(self._collection.name)
        if position and position.cluster is not None:
            return set(self._changed_after(position.cluster))
        window = next_window(self._commit.position(self._collection), self._cut, self._pipeline.capture)
        return {key for key, _ in self._source_rows(window)}

    def _changed_after(self, cluster: int) -> Iterator[str]:
        """The keys, as the table has them."""
        conform = conformer(self._pipeline, self._collection)
        for change in self._systems.source.changes({self._collection.name: cluster}, self._cut):
            own = conform(change.key, gone=True).tables[self._table.name]
            yield from map(str, own.column(self._table.key[0]).to_pylist())


ONLY_SOURCE = "only in the source"
ONLY_WAREHOUSE = "only in the warehouse (deleted in the source)"


def _difference(in_source: bool, in_warehouse: bool) -> str:  # noqa: FBT001  two halves of one fact
    if in_source and in_warehouse:
        return "the contents differ"
    return ONLY_SOURCE if in_source else ONLY_WAREHOUSE


def _readable(systems: Systems, commit: Commit) -> Cut:
    """The last batch's cut while the source's snapshots reach back to it, else now."""
    now = systems.source.now_cut()
    age = (now.time - commit.cut.time).total_seconds()
    if commit.cut.snapshot and age < systems.source.snapshot_window() / 2:
        return commit.cut
    log.warning("the cut of batch %d is too old to be read: comparing now, without what changed since", commit.batch)
    return now
