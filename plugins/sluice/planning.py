"""What a batch reads, decided once: the cut, a window for each collection, and the ranges.

By modified date, ranges are searched for in MongoDB. By change stream, and for given keys, they are lists of keys on
the landing; see docs/adr/0007-change-streams.md.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sluice.errors import ConfigError, StreamLost
from sluice.hashes import pipeline_hash
from sluice.key_lists import KeyList
from sluice.ranges import later_range, listed_range
from sluice.window import PLAN_TIME, BatchKind, Cut, Plan, Range, Window

if TYPE_CHECKING:
    from sluice.landing import Landing
    from sluice.mongo import Source
    from sluice.pipeline import Systems
    from sluice.spec import Pipeline
    from sluice.warehouse.base import Commit

log = logging.getLogger(__name__)

QUICK_KEYS: Final = 200_000
"""So many keys are read well within the 300 s for which MongoDB keeps its history; more are read as they are, and what
changed meanwhile after them."""


def new_plan(pipeline: Pipeline, kind: BatchKind, cut: Cut, windows: dict[str, Window]) -> Plan:
    """A plan with an id of its own, and nothing to read yet."""
    id_ = f"{datetime.now(UTC):{PLAN_TIME}}-{secrets.token_hex(3)}"
    return Plan(id_, pipeline.name, kind, cut, windows, (), pipeline_hash(pipeline))


def list_keys(landing: Landing, plan: Plan, collection: str, keys: Iterable[bytes]) -> Iterator[Range]:
    """Write the lists of a collection's keys to the landing, and give their ranges."""
    made = KeyRanges(landing, plan, collection)
    for key in keys:
        made.add(key)
    yield from made.close()


class KeyRanges:
    """The ranges of one collection's keys: a list is written when it is full."""

    def __init__(self, landing: Landing, plan: Plan, collection: str) -> None:
        self._landing, self._plan, self._collection = landing, plan, collection
        self._list = KeyList()
        self._ranges: list[Range] = []

    def add(self, key: bytes) -> None:
        """Take a key."""
        if self._list.add(key):
            self._write()

    def close(self) -> list[Range]:
        """Write the last list; every range."""
        if self._list:
            self._write()
        return self._ranges

    def _write(self) -> None:
        piece = listed_range(self._collection, self._plan, len(self._ranges), len(self._list))
        self._landing.put_keys(self._plan, piece, self._list.take())
        self._ranges.append(piece)


def plan_stream(pipeline: Pipeline, systems: Systems, last: Commit | None) -> Plan:
    """What changed since the last batch; collections that cannot go on from it are read whole."""
    cut = systems.source.now_cut()
    since = {}
    anew = {}
    for collection in pipeline.collections:
        position = last.positions.get(collection.name) if last else None
        if position and position.cluster is not None:
            since[collection.name] = position.cluster
        else:
            anew[collection.name] = BY_DATE if position else FIRST
    _refuse(cut, since)
    refuse_views(systems.source, pipeline)
    windows = {c.name: Window(None, cut.time, bounded=False, stream=True) for c in pipeline.collections}
    made = new_plan(pipeline, BatchKind.LIVE, cut, windows)
    ranges: list[Range] = []
    while since:
        try:
            ranges, replaced = _changed(systems, made, since)
            anew |= replaced
            break
        except StreamLost as lost:
            oldest = min(since.values())
            anew |= {name: lost.why for name, cluster in since.items() if cluster == oldest}
            since = {name: cluster for name, cluster in since.items() if cluster != oldest}
    return _with(pipeline, systems, made, ranges, anew)


def follow_stream(pipeline: Pipeline, systems: Systems, plan: Plan) -> Plan:
    """The plan with a later cut, and with what changed between the two cuts as ranges of a later turn."""
    turned = replace(plan, cut=systems.source.now_cut(), turn=plan.turn + 1)
    try:
        ranges, replaced = _changed(systems, turned, dict.fromkeys(plan.windows, plan.cut.cluster))
    except StreamLost as lost:
        fix = lost.fix or "enlarge the oplog, so that it holds longer than this batch takes; the next batch starts anew"
        raise StreamLost("what changed while the batch was read is lost", why=lost.why, fix=fix) from lost
    return _with(pipeline, systems, turned, ranges, replaced)


def _changed(systems: Systems, plan: Plan, since: Mapping[str, int]) -> tuple[list[Range], dict[str, str]]:
    """The keys that changed up to the plan's cut, and why collections have to be read whole."""
    listed = {name: KeyRanges(systems.landing, plan, name) for name in since}
    anew: dict[str, str] = {}
    for change in systems.source.changes(since, plan.cut):
        if change.whole:
            anew[change.collection] = change.whole
        elif change.collection not in anew:
            listed[change.collection].add(change.key)
    return [piece for name, ranges in listed.items() if name not in anew for piece in ranges.close()], anew


def _with(pipeline: Pipeline, systems: Systems, plan: Plan, listed: list[Range], anew: Mapping[str, str]) -> Plan:
    """The plan with these ranges and, instead of what it had of them, all of the collections that are read anew."""
    windows = {name: replace(w, high=plan.cut.time, anew=anew.get(name, w.anew)) for name, w in plan.windows.items()}
    kept = [piece for piece in plan.ranges if piece.collection not in anew]
    whole = [
        later_range(piece, plan)
        for name in anew
        for piece in systems.source.plan_ranges(pipeline.collection(name), windows[name], plan.cut)
    ]
    for name, why in anew.items():
        log.log(logging.INFO if why == FIRST else logging.WARNING, "plan %s: %s is read whole: %s", plan.id, name, why)
    many = sum(piece.keys or 0 for piece in listed) > QUICK_KEYS
    return replace(plan, windows=windows, ranges=(*kept, *listed, *whole), follow=bool(whole) or many)


FIRST: Final = "it was not read before"
BY_DATE: Final = "it was read by modified date before (capture.mode), which shows no deletes"


def refuse_views(source: Source, pipeline: Pipeline) -> None:
    """Raise ConfigError when a collection has no change stream: after the first batch it would stand still."""
    if silent := source.without_stream([collection.name for collection in pipeline.collections]):
        raise ConfigError(
            f"{', '.join(silent)} of {pipeline.source.database} has no change stream",
            why="it is a view or a time series",
            fix="put it into a pipeline of its own, with capture.mode modified",
        )


def _refuse(cut: Cut, since: Mapping[str, int]) -> None:
    if not cut.snapshot:
        raise ConfigError(
            "this MongoDB has no change streams",
            why="it is a standalone server, or older than 5.0",
            fix="run it as a replica set (one node is enough), or set capture.mode to modified",
        )
    if max(since.values(), default=0) > cut.cluster:
        raise ConfigError(
            "MongoDB is at an earlier time than the last batch",
            why="it was restored from a backup, or the connection leads to another server",
            fix="correct the connection; after a restore see docs/runbook.md, *MongoDB was restored*",
        )
