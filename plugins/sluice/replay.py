"""A replay: rows that were published before a column was added get its values, out of ``_extra``. MongoDB is not asked.

    migrate → plan → land[page of _extra] → load (joined with the master) → publish → verify

It is a batch like any other (I2, I3), but for where its documents come from, and for what is newer than it (I4): a row
that any batch wrote since the replay was planned stays as that batch wrote it. docs/adr/0008-replay.md has the why.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING, Final

from sluice import pipeline as spine
from sluice.errors import ConfigError
from sluice.history import added, stale
from sluice.planning import new_plan
from sluice.spec import Collection, Pipeline
from sluice.suggest import did_you_mean
from sluice.warehouse.replayable import Extras, Page
from sluice.window import BatchKind, Plan, Range, Run, Window

if TYPE_CHECKING:
    from sluice.manifest import Manifest
    from sluice.pipeline import Systems
    from sluice.warehouse.base import Commit

log = logging.getLogger(__name__)

PAGE_ROWS: Final = 50_000
PAGE_BYTES: Final = 16_000_000
"""What one range reads at a time, in memory (I6)."""


@dataclass(slots=True)
class Replayed:
    """What a replay did: its commit, None without anything to do. ``left``: which rows it had to leave, and why."""

    commit: Commit | None = None
    left: list[str] = field(default_factory=list)


def run(pipeline: Pipeline, systems: Systems, collections: Sequence[str] = ()) -> Replayed:
    """Bring the rows of some collections (default: all) to today's columns."""
    spine.migrate(pipeline, systems)
    made, left = plan(pipeline, systems, collections)
    if not made.runs:
        return Replayed(None, left)
    with spine.cleaned_up(systems, made):
        for piece in made.ranges:
            land(pipeline, systems, made, piece)
        loaded = [spine.load(systems, made, collection) for collection in pipeline.collections]
        commit = spine.publish(pipeline, systems, made, loaded)
    spine.verify(pipeline, systems, commit)
    return Replayed(commit, left)


def plan(pipeline: Pipeline, systems: Systems, collections: Sequence[str] = ()) -> tuple[Plan, list[str]]:
    """Decide once which rows are replayed, in which pages; and say which are left, and why."""
    last = systems.warehouse.last_commit(pipeline.name)
    if last is None:
        raise ConfigError(f"{pipeline.name} has nothing to replay: no batch is published", fix="`sluice run` makes one")
    runs: dict[str, tuple[Run, ...]] = {}
    ranges: list[Range] = []
    left: list[str] = []
    for collection in _chosen(pipeline, collections):
        ways, extras, words = _stale_rows(pipeline, systems, collection, last.batch)
        runs |= {collection.name: ways} if extras.rows else {}
        ranges += _pages(collection, extras)
        left += words
    windows = {collection.name: Window(None, last.cut.time, bounded=False) for collection in pipeline.collections}
    new = new_plan(pipeline, BatchKind.REPLAY, last.cut, windows)
    made = replace(new, ranges=tuple(ranges), base=last.batch, runs=runs)
    log.info(
        "plan %s: replay of %s at batch %d, %d ranges", made.id, ", ".join(runs) or "nothing", made.base, len(ranges)
    )
    for text in left:
        log.warning("plan %s: %s", made.id, text)
    return made, left


def land(pipeline: Pipeline, systems: Systems, plan: Plan, piece: Range) -> Manifest:
    """Copy one page of rows to S3, with what was added taken out of their ``_extra``."""
    from sluice.encoding import Encoding
    from sluice.extras import Mover

    landed = systems.landing.manifest(plan, piece)
    if landed:
        return landed
    collection = pipeline.collection(piece.collection)
    known = systems.warehouse.columns(pipeline.name)
    found = [each for each in stale(collection, known, plan.base) if not each.why]
    move = Mover(collection, *added(collection, found), pipeline.warehouse.kind)
    page = Page(int(piece.name.rpartition("-")[2]), sum(each.collection == collection.name for each in plan.ranges))
    rows = systems.warehouse.extras(pipeline, collection, plan.base, plan.runs[collection.name], page)
    with systems.landing.writer(plan, collection, piece, Encoding.of(pipeline, plan)) as writer:
        writer.write(move(rows), read_bytes=sum(len(extra) for _, extra in rows))
    return writer.manifest


def _chosen(pipeline: Pipeline, names: Sequence[str]) -> list[Collection]:
    for name in names:
        if name not in (known := [collection.name for collection in pipeline.collections]):
            raise ConfigError(f"{pipeline.name} has no collection {name!r}", fix=did_you_mean(name, known))
    return [collection for collection in pipeline.collections if not names or collection.name in names]


def _stale_rows(
    pipeline: Pipeline, systems: Systems, collection: Collection, base: int
) -> tuple[tuple[Run, ...], Extras, list[str]]:
    """What can be replayed of a collection, how much that is, and what is left, in words."""
    found = stale(collection, systems.warehouse.columns(pipeline.name), base)
    ways = tuple(each.run for each in found if not each.why)
    nothing = Extras(0, 0, 0)
    extras = systems.warehouse.extras_size(pipeline, collection, base, ways) if ways else nothing
    words = []
    for each in found:
        rows = systems.warehouse.extras_size(pipeline, collection, base, [each.run]).rows if each.why else 0
        if rows:
            batches = f"batches {each.run.first} to {each.run.last}"
            again = f"`sluice run {pipeline.name} --from … --to …` reads their documents again"
            words.append(f"{collection.name}: {rows:,} rows of {batches} are left: {each.why}; {again}")
    return ways, extras, words


def _pages(collection: Collection, extras: Extras) -> list[Range]:
    pages = max(ceil(extras.kept / PAGE_ROWS), ceil(extras.bytes / PAGE_BYTES))
    return [Range(collection.name, f"extra-{page:04d}", label=f"page {page + 1} of {pages}") for page in range(pages)]
