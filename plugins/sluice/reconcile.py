"""Is every document of the source in the warehouse, once, in its last version, with its children, and nothing else?

    plan → land[collection x range] → compare → repair

The keys of the source are landed and staged as documents are, narrowed to what is compared (:mod:`sluice.key_scan`).
The warehouse finds the keys that differ; those are looked at again, with their documents, and what remains is published
as any batch is. So the source is read once, and then what differs; memory does not grow with the collection (I6).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from sluice import pipeline as spine
from sluice.errors import ConfigError, SluiceError
from sluice.key_scan import narrowed, only_keys
from sluice.second_look import SecondLook
from sluice.spec import Pipeline
from sluice.suspects import Comparison
from sluice.warehouse.base import Commit
from sluice.window import BatchKind, Plan, Range, Window

if TYPE_CHECKING:
    from sluice.manifest import Manifest
    from sluice.pipeline import Systems, Watch

log = logging.getLogger(__name__)


def run(pipeline: Pipeline, systems: Systems, *, dry_run: bool = False, watch: Watch | None = None) -> list[Comparison]:
    """All of it in this process. With ``dry_run`` nothing is published."""
    watch = watch or spine.Watch()
    watch.step("plan")
    scan = plan(pipeline, systems)
    watch.planned(scan)
    with _cleaned_up(systems, scan):
        watch.step("read keys")
        for piece in scan.ranges:
            watch.landed(land(pipeline, systems, scan, piece, watch))
        watch.step("compare")
        found, repairing = compare(pipeline, systems, scan, dry_run=dry_run)
    if repairing:
        watch.step("repair")
        repair(pipeline, systems, repairing, found)
    return found


def plan(pipeline: Pipeline, systems: Systems) -> Plan:
    """What to read: all keys, at one cut. Raises ConfigError when there is nothing to compare them with."""
    if systems.warehouse.last_commit(pipeline.name) is None:
        raise ConfigError(
            f"{pipeline.name} has nothing to compare: no batch is published", fix=f"`sluice run {pipeline.name}`"
        )
    from sluice.planning import new_plan

    narrow, cut = narrowed(pipeline), systems.source.now_cut()
    windows = {c.name: Window(None, cut.time, bounded=False) for c in narrow.collections}
    ranges = [
        piece
        for whole, keys in zip(pipeline.collections, narrow.collections, strict=True)
        for piece in only_keys(whole, systems.source.plan_ranges(keys, windows[keys.name], cut))
    ]
    made = new_plan(narrow, BatchKind.REPAIR, cut, windows)
    # Each as it is when it is read: a snapshot might be too short. What changes meanwhile is seen by the second look.
    return replace(made, ranges=tuple(ranges), follow=cut.snapshot)


def land(pipeline: Pipeline, systems: Systems, scan: Plan, piece: Range, watch: Watch | None = None) -> Manifest:
    """Copy the keys of one range to the landing."""
    watch = watch or spine.Watch()
    return spine.land(narrowed(pipeline), systems, scan, piece, lambda documents: watch.read(piece, documents))


def compare(
    pipeline: Pipeline, systems: Systems, scan: Plan, *, dry_run: bool = False
) -> tuple[list[Comparison], Plan | None]:
    """What differs, and the plan that repairs it: None when there is nothing to repair, and for a dry run."""
    looks = [SecondLook.at(pipeline, systems, scan, collection) for collection in pipeline.collections]
    keys = {look.comparison.collection: look.differing() for look in looks}
    made = None
    if dry_run:
        for differing in keys.values():
            sum(1 for _ in differing)
    else:
        made = spine.plan_keys(pipeline, systems, keys)
    for look in looks:
        _tell(look.comparison)
    return [look.comparison for look in looks], made if made and made.ranges else None


def repair(pipeline: Pipeline, systems: Systems, made: Plan, found: list[Comparison]) -> Commit:
    """Read what differs again, and publish it as one batch; notes what that wrote."""
    commit = spine.run_plan(pipeline, systems, made)
    for comparison in found:
        own = commit.counts[comparison.collection]["tables"][comparison.collection]
        comparison.repaired = own["published"] + own["gone"] + own["superseded"]
    log.info("reconcile: batch %d repairs %d keys", commit.batch, sum(c.repaired for c in found))
    return commit


def clean_up(systems: Systems, scan: Plan) -> None:
    """Leave nothing of a scan. Safe at any time."""
    spine.clean_up(systems, scan)
    try:
        systems.landing.discard(scan)
    except SluiceError as error:  # some landings may not be deleted from
        log.warning("the keys that plan %s landed stay there: %s", scan.id, error)


@contextmanager
def _cleaned_up(systems: Systems, scan: Plan) -> Iterator[None]:
    """Clean up afterwards; an error before is not hidden by one of cleaning up after it."""
    try:
        yield
    except BaseException:
        try:
            clean_up(systems, scan)
        except SluiceError as error:
            log.warning("clean up: %s", error)
        raise
    clean_up(systems, scan)


def _tell(found: Comparison) -> None:
    say = log.warning if found.differences else log.info
    counts = ", ".join(f"{count:,} {verdict}" for verdict, count in found.counts.items()) or "no difference"
    say("reconcile %s: %s keys against %s rows: %s", found.collection, f"{found.keys:,}", f"{found.rows:,}", counts)
    for key, verdict in found.examples.items():
        log.info("reconcile %s: %s is %s", found.collection, key, verdict)
