"""The vacuum of a pipeline's tables: look, decide (:mod:`sluice.vacuum_jobs`), do one job after the other, note it.

Nothing here changes what a reader sees, and every job may die at any point: what it did stays, the rest is found again
by the next run. A publish goes first: no job starts beside one, and one that starts meanwhile only waits for a job.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Protocol

from sluice.errors import ConfigError, SluiceError
from sluice.kept import KeptPlans
from sluice.spec import Pipeline, WarehouseKind
from sluice.vacuum_jobs import MODES, PERCENT, Action, Job, Wanted
from sluice.warehouse.maintenance import VACUUM, Entry, Journal, Size, connect_journal
from sluice.window import planned_at

if TYPE_CHECKING:
    from sluice.settings import Resolver

log = logging.getLogger(__name__)

POLL: Final = 1.0
"""Seconds between two looks at whether a publish has ended."""
CLOCKS: Final = timedelta(hours=1)
"""By which those of workers and of the warehouse may differ."""


class Outcome(Enum):
    """What became of a job."""

    DONE = "done"
    ENDED = "ended by the time budget: what it did so far stays"
    LEFT = "not started"


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is to do. ``budget``: after it nothing is started, and what can be stopped is."""

    budget: timedelta
    keep: timedelta
    wanted: Wanted = field(default_factory=Wanted)
    dry_run: bool = False


class Keeper(Protocol):
    """A warehouse's side of the vacuum of one pipeline, on a connection of its own."""

    def jobs(self, order: Order, seconds: float) -> list[Job]:
        """What there is to do, in its order. Looks for no longer than these seconds."""
        ...

    def is_published_to(self, table: str = "") -> bool:
        """Whether a publish is under way that a job on this table would disturb; without a table: any."""
        ...

    def do(self, job: Job, wanted: Wanted, seconds: float) -> Outcome:
        """Do it, and give up when the time is used up."""
        ...

    def size(self, job: Job) -> Size:
        """How much there is now of what the job is done to."""
        ...

    def told(self, job: Job, wanted: Wanted) -> str:
        """What doing it means, for people."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


def connect_keeper(pipeline: Pipeline, resolve: Resolver) -> Keeper:
    """Connect to the pipeline's warehouse: by a session of its own, outside of any transaction."""
    endpoint = resolve(pipeline.warehouse.conn_id)
    if pipeline.warehouse.kind is WarehouseKind.REDSHIFT:
        from sluice.warehouse.redshift import vacuum as redshift

        return redshift.Keeper.connect(endpoint, pipeline)
    from sluice.warehouse.clickhouse import vacuum as clickhouse

    return clickhouse.Keeper.connect(endpoint, pipeline)


def order_of(pipeline: Pipeline, params: Mapping[str, Any]) -> Order:
    """The order that a person gave, by the names of the trigger form; the pipeline file's where it says nothing."""
    section, minutes, percent = pipeline.maintenance.vacuum, params.get("minutes"), params.get("to_percent")
    wanted = Wanted(
        target_of(pipeline, params.get("table")),
        mode_of(pipeline, params.get("mode")),
        PERCENT if percent is None else percent,
        bool(params.get("boost")),
    )
    _check(wanted)
    budget = section.budget if minutes is None else timedelta(minutes=minutes)
    return Order(budget, section.keep, wanted, bool(params.get("dry_run")))


def spare_loads(pipeline: Pipeline, resolve: Resolver, order: Order) -> Order:
    """The order, with all kept that ended since a load was planned that is under way.

    It brings states as old as its plan: without the mark of a key that is gone since, a row of it would be back (I4).
    """
    from sluice.landing import Landing

    landing, now = Landing.connect(resolve(pipeline.landing.conn_id), pipeline.landing), datetime.now(UTC)
    return replace(order, keep=_kept_for(order.keep, KeptPlans(landing, pipeline.name).alive(now), now))


def _kept_for(keep: timedelta, loads: Iterable[str], now: datetime) -> timedelta:
    """``loads``: the ids of their plans."""
    return max([keep, *(now - planned_at(load) + CLOCKS for load in loads)])


def target_of(pipeline: Pipeline, table: str | None) -> str:
    """The storage of one of the pipeline's tables, as ``schema.table``; empty for all of them. Raises ConfigError."""
    known = [found.name for found in pipeline.tables]
    if table and table not in known:
        raise ConfigError(f"{pipeline.name} has no table {table!r}", fix=f"name one of {', '.join(known)}")
    stem = f"sluice_data.{pipeline.name}_{table}"
    if pipeline.warehouse.kind is WarehouseKind.REDSHIFT:
        stem = stem.lower()
    return stem if table else ""


def mode_of(pipeline: Pipeline, mode: str | None) -> Action | None:
    """The mode of Redshift's VACUUM that a person chose. Raises ConfigError for an unknown one, and on ClickHouse."""
    if not mode:
        return None
    if pipeline.warehouse.kind is not WarehouseKind.REDSHIFT:
        raise ConfigError(f"the mode {mode} is of Redshift's VACUUM", fix="leave it out on ClickHouse")
    if mode not in {str(each) for each in MODES}:
        raise ConfigError(f"VACUUM has no mode {mode!r}", fix=f"use one of {', '.join(MODES)}")
    return Action(mode)


def _check(wanted: Wanted) -> None:
    """What Redshift would refuse, or what would have no effect, before anything is done."""
    if not 0 <= wanted.percent <= 100:
        raise ConfigError(f"a table cannot be sorted to {wanted.percent} percent", fix="use 0 to 100")
    if wanted.boost and not wanted.table:
        raise ConfigError("BOOST keeps publishes out of a table for as long as it takes", fix="name that table")


def vacuum(pipeline: Pipeline, resolve: Resolver, order: Order) -> list[Entry]:
    """Connect, and :func:`run`."""
    with closing(connect_keeper(pipeline, resolve)) as keeper, closing(connect_journal(pipeline, resolve)) as journal:
        return run(pipeline, keeper, journal, order)


def run(pipeline: Pipeline, keeper: Keeper, journal: Journal, order: Order) -> list[Entry]:
    """Do what there is a reason for, most gain first. Returns what was done; raises the first error after all jobs."""
    end = time.monotonic() + order.budget.total_seconds()
    # What it looks at is about to change, and on Redshift it could not even look.
    if not wait_until(lambda: not keeper.is_published_to(), end, f"{pipeline.name}: a publish is under way"):
        log.info("vacuum %s: time is used up", pipeline.name)
        return []
    jobs = keeper.jobs(order, end - time.monotonic())
    log.info("vacuum %s: %s", pipeline.name, f"{len(jobs)} jobs" if jobs else "no reason to do anything")
    work = _Work(pipeline, keeper, order, end)
    done: list[Entry] = []
    for entry in work.entries(jobs):
        _tell(entry)
        journal.append(entry)
        done.append(entry)
    if len(done) < len(jobs):
        log.info("vacuum %s: time is used up, %d jobs are left to the next run", pipeline.name, len(jobs) - len(done))
    if work.failed:
        raise work.failed[0]
    return done


@dataclass
class _Work:
    pipeline: Pipeline
    keeper: Keeper
    order: Order
    end: float
    failed: list[SluiceError] = field(default_factory=list)

    def entries(self, jobs: list[Job]) -> Iterator[Entry]:
        """One for each job that was done, or tried, or would be."""
        for job in jobs:
            found = self._planned(job) if self.order.dry_run else self._done(job)
            if found:
                yield found

    def _planned(self, job: Job) -> Entry:
        return replace(self._entry(job, "would do"), dry_run=True)

    def _done(self, job: Job) -> Entry | None:
        """None when there was no time to start it."""
        begun = time.monotonic()
        try:
            if not await_publish(self.keeper, job, self.end):
                return None
            before, begun = self.keeper.size(job), time.monotonic()  # a publish may have been waited for
            outcome = self.keeper.do(job, self.order.wanted, self.end - begun)
            if outcome is Outcome.LEFT:
                return None
            seconds, after = time.monotonic() - begun, self.keeper.size(job)
        except SluiceError as error:
            self.failed.append(error)
            return replace(self._entry(job, "failed"), seconds=time.monotonic() - begun, error=str(error))
        entry = self._entry(job, "" if outcome is Outcome.DONE else outcome.value)
        entry = replace(entry, before=before, after=after, seconds=seconds)
        return _judged(entry, job) if outcome is Outcome.DONE else entry

    def _entry(self, job: Job, how: str) -> Entry:
        did = self.keeper.told(job, self.order.wanted)
        did = f"{how}: {did}" if how else did
        return Entry(self.pipeline.name, VACUUM, job.action.lower(), job.target, job.reason, did, job.before)


def _judged(entry: Entry, job: Job) -> Entry:
    """A VACUUM that may not do anything, or cannot, says that it succeeded."""
    before, after = entry.before.rows, entry.after.rows
    if not job.dead or before is None or after is None or after < before:
        return entry
    why = "it freed nothing: the login does not own the table, or an old transaction may still read these rows"
    return replace(entry, did=f"{entry.did}; {why}")


def await_publish(keeper: Keeper, job: Job, end: float) -> bool:
    """Wait until nobody publishes to the table of a job; False when time is used up before."""
    return wait_until(lambda: not keeper.is_published_to(job.target), end, f"{job.target}: a publish is under way")


def wait_until(free: Callable[[], bool], end: float, what: str) -> bool:
    """Wait until it is so; False when time is used up before."""
    told = False
    while time.monotonic() < end:
        if free():
            return True
        if not told:
            log.info("vacuum waits: %s", what)
            told = True
        time.sleep(min(POLL, max(end - time.monotonic(), 0)))
    return False


def _tell(entry: Entry) -> None:
    tell = log.warning if entry.error else log.info
    what = entry.error or _saved(entry.before, entry.after)
    tell(
        "vacuum %s: %s, because %s; %.1f s%s",
        entry.target,
        entry.did,
        entry.reason,
        entry.seconds,
        what and f"; {what}",
    )


def _saved(before: Size, after: Size) -> str:
    """Rows, bytes and parts that are no longer there."""
    found = []
    for what in ("rows", "bytes", "objects"):
        old, new = getattr(before, what), getattr(after, what)
        if old is not None and new is not None:
            found.append(f"{what} {old:,} → {new:,}")
    return ", ".join(found)
