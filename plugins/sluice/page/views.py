"""What the page's templates show, made of what the warehouse and Airflow said. Pure: no clock, no server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sluice.drift import DriftRow, is_undeclared
from sluice.errors import SluiceError
from sluice.page import words
from sluice.page.actions import actions
from sluice.page.chart import Chart, draw
from sluice.page.freshness import freshness
from sluice.page.known import Contents, Dag, Rights, Run, Step
from sluice.spec import Collection, Pipeline
from sluice.warehouse.base import Commit, MigrationState
from sluice.warehouse.data_checks import CheckResult
from sluice.warehouse.maintenance import Entry
from sluice.warehouse.quarantine import RejectGroup, RejectRow

STEPS = ("migrate", "plan", "land", "follow", "load", "publish", "verify", "clean_up")
"""The steps that have a colour."""
COUNTED = ("staged", "published", "unchanged", "superseded", "gone", "closed")
WORST = ("stopped", "warned", "passed")
"""States of checks, in the order in which they are shown."""
RUNS = 20
"""Results that are shown of each check."""
SAMPLES = 3
"""Rejects that are shown of each reason."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One pipeline with all that is known of it now. ``contents``: an error when the warehouse said nothing."""

    pipeline: Pipeline
    contents: Contents | SluiceError
    dags: Mapping[str, Dag]
    now: datetime

    @property
    def commits(self) -> Sequence[Commit]:
        """The batches; none when the warehouse said nothing."""
        return () if isinstance(self.contents, SluiceError) else self.contents.commits

    @property
    def error(self) -> SluiceError | None:
        """Why the warehouse said nothing."""
        return self.contents if isinstance(self.contents, SluiceError) else None


@dataclass(frozen=True, slots=True)
class State:
    """How a pipeline is, in one word of a kind: good, busy, idle or bad."""

    kind: str
    word: str


@dataclass(frozen=True, slots=True)
class Card:
    """A pipeline in the overview, and the head of its own page. ``rejects``: open ones."""

    name: str
    kind: str
    schedule: str | None
    state: State
    age: timedelta | None
    chart: Chart | None
    last: BatchRow | None
    rejects: int
    error: SluiceError | None


@dataclass(frozen=True, slots=True)
class StepPart:
    """A step of a run: its share of the run's time, in percent, and where in it the step began."""

    step: Step
    at: float
    width: float


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch. ``run``: the run of Airflow that published it; None for one of the command line.

    ``parts`` are the steps of a run that published nothing else.
    """

    commit: Commit
    took: timedelta
    read: int
    published: int
    gone: int
    rejected: int
    bytes: int
    run: Run | None = None
    parts: tuple[StepPart, ...] = ()


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """How far a collection was read: ``low`` to ``high`` by its last live batch. ``low`` None: from the beginning."""

    name: str
    tables: tuple[str, ...]
    how: str
    low: datetime | None
    high: datetime | None
    age: timedelta | None
    read: int
    rejected: int


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check of the pipeline file: its newest result, None before the first, and the last ones in their order."""

    name: str
    last: CheckResult | None
    results: tuple[CheckResult, ...]


@dataclass(frozen=True, slots=True)
class MaintenanceRow:
    """One thing that maintenance did, and what that changed in numbers."""

    entry: Entry
    changes: tuple[str, ...]


def pipeline_page(subject: Subject, may: Rights) -> dict[str, Any]:
    """All that the page of one pipeline shows to a visitor with these rights."""
    subject = (
        subject if may.runs else replace(subject, dags={name: replace(d, runs=()) for name, d in subject.dags.items()})
    )
    contents = subject.contents
    known = None if isinstance(contents, SluiceError) else contents
    return {
        "card": card(subject),
        "failed": failed_run(subject),
        "stopped": stopped_by(subject),
        "actions": actions(subject.pipeline, subject.dags, may.start),
        "collections": collection_rows(subject),
        "batches": batch_rows(subject),
        "rejects": reject_groups(known.groups, known.rejects) if known else [],
        "checks": check_rows(subject.pipeline, known.checks if known else ()),
        "drift": drift_rows(subject.pipeline, known.drift if known else ()),
        "samples": may.logs,
        "maintenance": [maintenance_row(entry) for entry in known.maintenance] if known else [],
        "migrations": migrations_by_state(known.migrations if known else ()),
        "steps": STEPS,
        "counted": COUNTED,
    }


def check_rows(pipeline: Pipeline, results: Iterable[CheckResult]) -> list[CheckRow]:
    """Every check of the pipeline file with its newest result, what failed first, and how it went before."""
    found: dict[str, list[CheckResult]] = {check.name: [] for check in pipeline.checks}
    for result in results:
        if result.name in found:
            found[result.name].append(result)
    rows = [CheckRow(name, each[0] if each else None, tuple(reversed(each[:RUNS]))) for name, each in found.items()]
    return sorted(rows, key=lambda row: WORST.index(row.last.state) if row.last else len(WORST))


def drift_rows(pipeline: Pipeline, rows: Iterable[DriftRow]) -> list[tuple[DriftRow, bool]]:
    """What documents have beside their columns, the most frequent first; with whether it still is undeclared."""
    found = [(row, is_undeclared(pipeline, row)) for row in rows]
    return sorted(found, key=lambda each: (not each[1], -each[0].documents))


def maintenance_row(entry: Entry) -> MaintenanceRow:
    """What was done, with the sizes that it changed."""
    before, after = entry.before, entry.after
    changes = (
        _change(before.rows, after.rows, "{:,} rows".format),
        _change(before.bytes, after.bytes, words.size),
        _change(before.objects, after.objects, "{:,} objects".format),
    )
    return MaintenanceRow(entry, tuple(filter(None, changes)))


def _change(before: int | None, after: int | None, write: Callable[[int], str]) -> str:
    return "" if before is None or after is None or before == after else f"{write(before)} → {write(after)}"


def card(subject: Subject) -> Card:
    """A pipeline at a glance."""
    pipeline, fresh = subject.pipeline, freshness(subject.commits, subject.now)
    rows = batch_rows(subject)
    return Card(
        pipeline.name,
        pipeline.warehouse.kind.value,
        pipeline.schedule,
        state(subject),
        fresh.age if fresh else None,
        draw(fresh, pipeline.freshness.limit if pipeline.freshness else None) if fresh else None,
        rows[0] if rows else None,
        0 if isinstance(subject.contents, SluiceError) else sum(group.rejects for group in subject.contents.groups),
        subject.error,
    )


def state(subject: Subject) -> State:
    """The word for a pipeline: what asks most for attention comes first."""
    dag = subject.dags.get(subject.pipeline.name)
    if word := _trouble(subject):
        return State("bad", word)
    if dag and any(run.state == "running" for run in dag.runs):
        return State("busy", "running")
    if dag is None or dag.paused:
        return State("idle", "paused" if dag else "no DAG")
    return State("good", "up to date") if subject.commits else State("idle", "nothing published yet")


def _trouble(subject: Subject) -> str:
    if subject.error:
        return "no answer"
    if stopped_by(subject):
        return "stopped by a check"
    if failed_run(subject):
        return "last run failed"
    return "too old" if is_too_old(subject) else ""


def is_too_old(subject: Subject) -> bool:
    """Whether what readers see is older than the pipeline file allows."""
    limit, fresh = subject.pipeline.freshness, freshness(subject.commits, subject.now)
    return limit is not None and fresh is not None and fresh.age > limit.limit


def batch_rows(subject: Subject) -> list[BatchRow]:
    """Batches, newest first."""
    runs = [run for dag in subject.dags.values() for run in dag.runs]
    own = {run.batch: run for run in runs if run.batch is not None}
    return [_batch_row(c, own.get(c.batch) or _streaming(runs, c)) for c in subject.commits]


def _streaming(runs: Iterable[Run], commit: Commit) -> Run | None:
    """The run that published it among many, in its task ``stream``."""
    at = commit.committed_at
    return next((run for run in runs if at and run.streamed(at)), None)


def _batch_row(commit: Commit, run: Run | None) -> BatchRow:
    own = run if run and run.batch == commit.batch else None
    counts = commit.counts.values()
    tables = [table for found in counts for table in found["tables"].values()]
    return BatchRow(
        commit,
        (own and own.took) or (commit.committed_at or commit.started_at) - commit.started_at,
        sum(found["read"] for found in counts),
        sum(table["published"] for table in tables),
        sum(table.get("gone", 0) for table in tables),
        sum(found["rejected"] for found in counts),
        sum(found["bytes"] for found in counts),
        run,
        tuple(step_parts(own)) if own else (),
    )


def step_parts(run: Run) -> Iterable[StepPart]:
    """The steps of a run that ended, beside each other on its time."""
    ended = [step for step in run.steps if step.ended]
    if not ended:
        return
    begin, end = min(step.begun for step in ended), max(step.ended for step in ended if step.ended)
    span = max((end - begin).total_seconds(), 0.001)
    for step in ended:
        yield StepPart(step, 100 * (step.begun - begin).total_seconds() / span, 100 * (step.seconds or 0.0) / span)


def collection_rows(subject: Subject) -> list[CollectionRow]:
    """The collections, in the order of the file."""
    live = [commit for commit in subject.commits if commit.kind == "live"]
    return [_collection_row(subject, collection, live) for collection in subject.pipeline.collections]


def _collection_row(subject: Subject, collection: Collection, live: Sequence[Commit]) -> CollectionRow:
    reached = [high for commit in live[:2] if (high := _reached(commit, collection)) is not None]
    low = reached[1] if len(reached) > 1 else None
    is_stream = bool(live) and _is_stream(live[0], collection)
    if low and not is_stream:
        low -= subject.pipeline.capture.overlap
    counts = live[0].counts.get(collection.name, {}) if live else {}
    return CollectionRow(
        collection.name,
        tuple(table.name for table in collection.tables),
        "change stream" if is_stream else f"by {collection.modified}" if collection.modified else "whole each time",
        None if counts.get("anew") else low,
        reached[0] if reached else None,
        subject.now - reached[0] if reached else None,
        counts.get("read", 0),
        counts.get("rejected", 0),
    )


def _is_stream(commit: Commit, collection: Collection) -> bool:
    position = commit.positions.get(collection.name)
    return position is not None and position.cluster is not None


def _reached(commit: Commit, collection: Collection) -> datetime | None:
    position = commit.positions.get(collection.name)
    if position is None:
        return None
    if position.cluster is not None:
        return datetime.fromtimestamp(position.cluster >> 32, UTC)
    return position.high


def reject_groups(
    groups: Iterable[RejectGroup], newest: Iterable[RejectRow]
) -> list[tuple[RejectGroup, list[tuple[str, str]]]]:
    """Each group of open rejects with a few keys and details; of one that is not among the newest, the one it names."""
    samples: dict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in newest:
        samples[row.collection, row.column, row.reason].append((row.key, row.detail))
    return [
        (group, samples[group.collection, group.column, group.reason][:SAMPLES] or [(group.key, group.detail)])
        for group in groups
    ]


def migrations_by_state(states: Iterable[MigrationState]) -> dict[str, list[MigrationState]]:
    """Migrations by what became of them."""
    found: dict[str, list[MigrationState]] = defaultdict(list)
    for each in states:
        found[each.state].append(each)
    return found


def stopped_by(subject: Subject) -> list[CheckResult]:
    """The checks that kept the last batch from being published."""
    if isinstance(subject.contents, SluiceError):
        return []
    rows = check_rows(subject.pipeline, subject.contents.checks)
    return [row.last for row in rows if row.last and row.last.state == "stopped"]


def failed_run(subject: Subject) -> Run | None:
    """The newest run of the pipeline's own DAG, if it failed."""
    dag = subject.dags.get(subject.pipeline.name)
    ended = [run for run in dag.runs if run.state in {"success", "failed"}] if dag else []
    return ended[0] if ended and ended[0].state == "failed" else None
