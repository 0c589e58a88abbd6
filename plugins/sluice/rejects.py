"""Read rejected documents again, after the pipeline file or the documents were corrected: a batch like any other.

Each is read by its key, as it is now: what was kept of it is the state of an old cut, and only the source knows whether
the document has changed since, or is gone (docs/adr/0013-rejects-are-read-again.md). What conforms is published, what
is gone is ended, and the batch settles their rejects; what is rejected again stays open.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sluice.errors import ConfigError
from sluice.spec import Pipeline, WarehouseKind
from sluice.suggest import did_you_mean
from sluice.texts import ESCAPED_NUL
from sluice.warehouse.quarantine import ANY, RejectRow, Which
from sluice.window import BatchKind, Plan

if TYPE_CHECKING:
    from sluice.landing import Landing
    from sluice.pipeline import Systems, Watch
    from sluice.warehouse.base import Commit

log = logging.getLogger(__name__)

MOST: Final = 100_000
"""Rejects that one batch reads again: within the time for which MongoDB keeps its history."""
WHOLE_KEY: Final = 1020
"""Bytes of a key on Redshift, up to which it was surely not cut."""


@dataclass(slots=True)
class ReadAgain:
    """What became of rejects. ``left``: those that cannot be read again by their key, by why."""

    found: int = 0
    left: Counter[str] = field(default_factory=Counter)
    commit: Commit | None = None

    @property
    def rejected(self) -> int:
        """Documents that were rejected again, and rows that the warehouse refused."""
        counts = self.commit.counts.values() if self.commit else ()
        return sum(c["rejected"] + sum(c.get("refused", {}).values()) for c in counts)

    @property
    def settled(self) -> Counter[str]:
        """Outcome → rejects."""
        total = Counter[str]()
        for counts in self.commit.counts.values() if self.commit else ():
            total.update(counts.get("quarantine", {}).get("settled", {}))
        return total


def replay(
    pipeline: Pipeline, systems: Systems, which: Which = ANY, limit: int = MOST, watch: Watch | None = None
) -> ReadAgain:
    """Read the documents of open rejects again, and publish what conforms now."""
    from sluice import pipeline as spine

    spine.migrate(pipeline, systems)
    rows = open_rejects(pipeline, systems, which, limit)
    keys, left = keys_of(pipeline, rows)
    done = ReadAgain(len(rows), left)
    if keys:
        done.commit = spine.run_plan(pipeline, systems, _plan(pipeline, systems, keys), watch)
    return done


def plan_rejects(pipeline: Pipeline, systems: Systems, which: Which) -> Plan:
    """What a batch reads that is made for open rejects; no range when there are none that can be read again."""
    keys, left = keys_of(pipeline, open_rejects(pipeline, systems, which))
    for why, rejects in left.items():
        log.warning("%d rejects are not read again: %s", rejects, why)
    return _plan(pipeline, systems, keys)


def open_rejects(pipeline: Pipeline, systems: Systems, which: Which, limit: int = MOST) -> list[RejectRow]:
    """Those that are meant. Raises ConfigError for a collection that nothing is known of."""
    known = [collection.name for collection in pipeline.collections]
    rows = systems.warehouse.rejects(pipeline.name, which, limit=limit)
    if which.collection and which.collection not in known and not rows:
        raise ConfigError(
            f"{pipeline.name} has no collection {which.collection!r}", fix=did_you_mean(which.collection, known)
        )
    return rows


def keys_of(pipeline: Pipeline, rows: Sequence[RejectRow]) -> tuple[dict[str, list[bytes]], Counter[str]]:
    """Collection → keys, as :mod:`sluice.key_lists` has them; and how many have none to go by, by why."""
    import bson

    from sluice.columns import Kind
    from sluice.key_values import key_value

    keys: dict[str, list[bytes]] = defaultdict(list)
    left = Counter[str]()
    for row in rows:
        if why := _unreadable(pipeline, row):
            left[why] += 1
        else:
            keys[row.collection].append(bson.encode({"_id": key_value(row.key, Kind.KEY)}))
    return dict(keys), left


def asked_keys(landing: Landing, plan: Plan) -> Iterator[tuple[str, str]]:
    """Collection and key, as text, of what a batch asks for that is made for rejects; nothing of any other."""
    from sluice.key_lists import identity
    from sluice.raw_documents import bounds_of

    for piece in plan.ranges if plan.kind is BatchKind.REJECTS else ():
        keys = landing.keys(plan, piece)
        for start, end in pairwise(bounds_of(keys)):
            yield piece.collection, str(identity(keys[start:end]))


def _plan(pipeline: Pipeline, systems: Systems, keys: dict[str, list[bytes]]) -> Plan:
    from sluice import pipeline as spine

    return spine.plan_keys(pipeline, systems, keys, BatchKind.REJECTS)


def _unreadable(pipeline: Pipeline, row: RejectRow) -> str:
    """Why a reject cannot be read again by its key; empty when it can."""
    if row.collection not in {collection.name for collection in pipeline.collections}:
        return f"the pipeline file has no collection {row.collection} any more: `sluice rejects drop` them"
    if not row.key:
        return f"they have no key that can be read: `sluice run --full {row.collection}` settles what is no reject now"
    cut = len(row.key.encode()) > WHOLE_KEY or ESCAPED_NUL in row.key
    if cut and pipeline.warehouse.kind is WarehouseKind.REDSHIFT:
        return "their keys are none that Redshift can hold: `sluice rejects drop` them"
    return ""
