"""What the command line shows: progress bars while work is done, tables of what was done."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table

from sluice.drift import is_undeclared
from sluice.kept import from_beginning
from sluice.pipeline import Systems, Watch
from sluice.suspects import Verdict

if TYPE_CHECKING:
    from sluice.audit import Finding
    from sluice.checks import Check
    from sluice.drift import DriftRow
    from sluice.manifest import Manifest
    from sluice.progress import Progress
    from sluice.rehearsal import Rehearsal
    from sluice.rejects import ReadAgain
    from sluice.replay import Replayed
    from sluice.spec import Pipeline
    from sluice.suspects import Comparison
    from sluice.warehouse.base import Commit, MigrationState
    from sluice.warehouse.data_checks import CheckResult
    from sluice.warehouse.maintenance import Entry
    from sluice.warehouse.quarantine import RejectGroup, RejectRow
    from sluice.window import Plan, Range

_SHOWN = 5

# A pipe has no width: without this, tables would be cut at 80 columns there, and a script could not read them.
console = Console(width=None if sys.stdout.isatty() else 200)


IDLE = timedelta(minutes=10)
"""A load of which nothing was landed for so long may be dead."""


class RunProgress(Watch):
    """A progress bar for each collection while its ranges are landed."""

    def __init__(self, pipeline: Pipeline, systems: Systems) -> None:
        self._pipeline, self._systems = pipeline, systems
        self._read: Counter[tuple[str, str]] = Counter()
        self._progress = _progress()
        self._step = self._progress.add_task("connected", total=1)
        self._bars = {c.name: self._progress.add_task(c.name, total=None, visible=False) for c in pipeline.collections}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def step(self, name: str) -> None:
        """Name the step that starts."""
        self._progress.update(self._step, description=name, completed=int(name == "verify"))

    def planned(self, plan: Plan) -> None:
        """Show the bars; a first load knows how many documents to expect."""
        whole = from_beginning(plan)
        for name, bar in self._bars.items():
            total = self._systems.source.estimate(name) if name in whole else None
            self._progress.update(bar, visible=True, total=total)

    def read(self, piece: Range, documents: int) -> None:
        """Move the bar of the range's collection."""
        self._read[piece.collection, piece.name] += documents
        self._progress.advance(self._bars[piece.collection], documents)

    def landed(self, manifest: Manifest) -> None:
        """A range that was landed before is not read again, yet counts."""
        before = manifest.read - self._read[manifest.collection, manifest.range]
        self._progress.advance(self._bars[manifest.collection], before)


class SampleProgress:
    """A progress bar for each collection while it is sampled. ``sizes``: collection → about how many documents."""

    def __init__(self, sizes: Mapping[str, int], sample: int) -> None:
        self._progress = _progress()
        self._bars = {name: self._progress.add_task(name, total=min(size, sample)) for name, size in sizes.items()}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def read(self, collection: str, documents: int) -> None:
        """Move a collection's bar."""
        self._progress.advance(self._bars[collection], documents)


def show_commit(pipeline: Pipeline, commit: Commit) -> None:
    """What a batch did."""
    console.print(
        f"{pipeline.name}: batch {commit.batch} ({commit.kind}) is visible, true to {_instant(commit.cut.time)}"
    )
    _show_counts(commit)


def show_line(commit: Commit) -> None:
    """A batch in one line."""
    tables = [counts for found in commit.counts.values() for counts in found["tables"].values()]
    published, gone = (sum(counts[what] for counts in tables) for what in ("published", "gone"))
    behind = _seconds_behind(commit)
    console.print(f"batch {commit.batch}: {published:,} rows published, {gone:,} gone, {behind:.1f} s after its cut")
    _show_anew(commit)


def _seconds_behind(commit: Commit) -> float:
    return (datetime.now(UTC) - commit.cut.time).total_seconds()


def show_replayed(pipeline: Pipeline, replayed: Replayed) -> None:
    """What a replay did, and what it had to leave."""
    if replayed.commit is None:
        console.print(f"{pipeline.name}: nothing to replay: no published row lacks a column of today's")
    else:
        show_commit(pipeline, replayed.commit)
    for words in replayed.left:
        console.print(f"left: {words}", markup=False, soft_wrap=True)


def show_status(pipeline: Pipeline, commits: Sequence[Commit], drift: Sequence[DriftRow]) -> None:
    """The last batch of a pipeline, what was read whole and repaired lately, and what no column declares."""
    if not commits:
        console.print(f"{pipeline.name}: nothing published yet; `sluice run {pipeline.name}` makes the first batch")
        return
    commit, *earlier = commits
    lag = datetime.now(UTC) - commit.cut.time
    console.print(
        f"{pipeline.name}: batch {commit.batch} ({commit.kind}), cut {_instant(commit.cut.time)}, "
        f"{_duration(lag)} behind now, published {_instant(commit.committed_at)}"
    )
    _show_counts(commit)
    for before in earlier:
        _show_anew(before, f"batch {before.batch}: ")
    if repair := next((c for c in commits if c.kind == "repair"), None):
        console.print(f"differences were last repaired by batch {repair.batch}, {_instant(repair.committed_at)}")
    _show_undeclared(pipeline, drift)


def show_drift(pipeline: Pipeline, rows: Sequence[DriftRow]) -> None:
    """One line a path."""
    if not rows:
        console.print(f"{pipeline.name}: no drift")
        return
    table = _table("collection", "path", "types", "documents", "first batch", "last batch", "sample")
    for row in rows:
        numbers = (f"{row.documents:,}", str(row.first_batch), str(row.batch))
        declared = "" if is_undeclared(pipeline, row) else " (declared now)"
        table.add_row(row.collection, f"{escape(row.path)}{declared}", row.types, *numbers, escape(row.sample))
    console.print(table)
    console.print("documents: the most that one batch found it in; at least so many have had it", style="dim")


def _show_undeclared(pipeline: Pipeline, drift: Sequence[DriftRow]) -> None:
    paths = [f"{row.collection}.{row.path} ({row.types})" for row in drift if is_undeclared(pipeline, row)]
    if paths:
        more = f" and {len(paths) - _SHOWN:,} more" if len(paths) > _SHOWN else ""
        console.print(
            f"undeclared fields, kept in _extra: {', '.join(paths[:_SHOWN])}{more}; see `sluice drift {pipeline.name}`",
            markup=False,
        )


def show_loads(pipeline: Pipeline, loads: Sequence[Progress]) -> None:
    """How far loads are that read collections from their beginning."""
    for load in loads:
        idle = datetime.now(UTC) - load.seen
        console.print(f"{pipeline.name}: loading since {_instant(load.started)}: {load}")
        if idle > IDLE:
            console.print(
                f"  nothing was landed for {_duration(idle)}: if no run is at work, `sluice run` goes on from there"
            )


def show_rehearsal(pipeline: Pipeline, rehearsal: Rehearsal) -> None:
    """What a dry run found."""
    table = _table("collection", "read", "rows", "rejected", "reasons")
    for name, found in rehearsal.items():
        reasons = ", ".join(f"{column}: {reason} x {n:,}" for (column, reason), n in found.reasons.most_common(5))
        table.add_row(name, f"{found.read:,}", f"{found.rows:,}", f"{found.read - found.rows:,}", reasons)
    console.print(f"{pipeline.name}: dry run, nothing was written")
    console.print(table)


def show_checks(results: Iterable[tuple[str, Sequence[Check]]]) -> bool:
    """One line a check; True when all passed."""
    passed = True
    for name, checks in results:
        table = _table("", name, "found", "what to do")
        for check in checks:
            passed = passed and check.state != "failed"
            table.add_row(_MARKS[check.state], check.name, check.found, check.fix)
        console.print(table)
    return passed


def show_migrations(states: Sequence[MigrationState]) -> bool:
    """One line a migration; True when none is wrong."""
    table = _table("version", "name", "state", "applied")
    for state in states:
        table.add_row(state.version, state.name, state.state, _instant(state.applied_at))
    console.print(table)
    return all(state.state in {"applied", "pending", "changed"} for state in states)


def show_quarantine(pipeline: Pipeline, groups: Sequence[RejectGroup]) -> None:
    """How many rejects are open, and mostly why; nothing when there are none."""
    if groups:
        most = ", ".join(f"{g.collection} {g.column} {g.reason} x {g.rejects:,}" for g in groups[:5])
        total = sum(group.rejects for group in groups)
        console.print(f"{total:,} open rejects: {most}; see sluice rejects list {pipeline.name}", markup=False)


def show_rejects(pipeline: Pipeline, rows: Sequence[RejectRow], *, settled: bool, more: bool) -> None:
    """One line a reject; with ``settled`` what became of each. ``more``: these are not all."""
    if not rows:
        console.print(f"{pipeline.name}: no rejects" if settled else f"{pipeline.name}: no open rejects")
        return
    table = _table("batch", "collection", "key", "column", "reason", "detail", *(["state"] if settled else []))
    for row in rows:
        state = [_state(row)] if settled else []
        cells = (str(row.batch), row.collection, row.key, row.column, row.reason, row.detail, *state)
        table.add_row(*map(escape, cells))
    console.print(table)
    if more:
        console.print(f"the newest {len(rows):,}: --limit shows more", style="dim")
    console.print(f"the raw document of one: sluice rejects show {pipeline.name} KEY", style="dim")


def show_reject(row: RejectRow, raw: str) -> None:
    """One reject with its raw document (Extended JSON)."""
    console.print(
        f"{row.collection} {row.key}: {row.column}: {row.reason}: {row.detail} (batch {row.batch}, {_state(row)})",
        markup=False,
    )
    console.print(f"kept at {row.raw_uri}", style="dim", markup=False)
    console.print(raw, markup=False, highlight=False, soft_wrap=True)


def show_cleanup(pipeline: Pipeline, entries: Sequence[Entry], *, dry_run: bool) -> None:
    """One line for each thing that was done."""
    if not entries:
        console.print(f"{pipeline.name}: nothing is due")
        return
    table = _table("action", "what", "why")
    for entry in entries:
        table.add_row(entry.action, entry.did, entry.reason)
    console.print(f"{pipeline.name}: dry run, nothing was deleted" if dry_run else f"{pipeline.name}: cleaned up")
    console.print(table)


def show_check_results(pipeline: Pipeline, results: Sequence[CheckResult]) -> None:
    """One line a result."""
    if not results:
        console.print(f"{pipeline.name}: no results of checks; `checks` in the pipeline file say what must hold")
        return
    table = _table("batch", "cut", "check", "", "failing", "as")
    for result in results:
        batch = str(result.batch) if result.batch else "not published"
        failing = f"{result.failing:,}" if result.failing else ""
        table.add_row(batch, _instant(result.cut), result.name, result.state, failing, escape(_samples(result)))
    console.print(table)


def show_failing(results: Iterable[CheckResult]) -> None:
    """A line for each check that did not hold."""
    for result in results:
        what = (
            f"batch {result.batch}" if result.batch else f"the batch of {_instant(result.cut)}, which is not published"
        )
        console.print(
            f"  {result.name} {result.state} {what}: {result.failing:,} fail: {_samples(result)}", markup=False
        )


def _samples(result: CheckResult) -> str:
    return "; ".join(result.samples)


def show_read_again(pipeline: Pipeline, done: ReadAgain) -> bool:
    """What became of the rejects that were read again; True when none is left."""
    if not done.found:
        console.print(f"{pipeline.name}: no open rejects")
    elif done.commit:
        outcomes = "".join(f", {rejects:,} {outcome}" for outcome, rejects in sorted(done.settled.items()))
        read = done.found - done.left.total()
        console.print(
            f"{pipeline.name}: {read:,} documents read again by batch {done.commit.batch}"
            f"{outcomes}, {done.rejected:,} rejected again"
        )
    for why, rejects in done.left.items():
        console.print(f"{pipeline.name}: {rejects:,} not read again: {why}", markup=False)
    return not done.rejected and not done.left


def show_audit(pipeline: Pipeline, findings: Sequence[Finding]) -> bool:
    """One line a table; True when source and warehouse are equal."""
    table = _table("collection", "source", "rejected", "warehouse", "changed since", "different", "equal")
    for found in findings:
        equal = "yes" if found.equal else "NO"
        counts = (found.source, found.rejected, found.warehouse, found.newer, len(found.different))
        table.add_row(found.collection, *(f"{n:,}" for n in counts), equal)
    console.print(f"{pipeline.name}: source and warehouse at {_instant(findings[0].cut)}")
    console.print(table)
    for found in findings:
        for key, what in list(found.different.items())[:20]:
            console.print(f"{found.collection} {key}: {what}", markup=False)
    return all(found.equal for found in findings)


def show_reconcile(pipeline: Pipeline, comparisons: Sequence[Comparison], *, dry_run: bool) -> bool:
    """One line a collection; True when no difference is left."""
    table = _table("collection", "keys", "rows", "looked at", *VERDICTS, "repaired", "left")
    for found in comparisons:
        verdicts = (found.counts.get(Verdict(verdict), 0) for verdict in VERDICTS)
        counts = (found.keys, found.rows, found.looked, *verdicts, found.repaired, found.left)
        table.add_row(found.collection, *(f"{n:,}" for n in counts))
    what = "dry run, nothing was published" if dry_run else "compared and repaired"
    console.print(f"{pipeline.name}: {what}, against batch {max(found.batch for found in comparisons)}")
    console.print(table)
    for found in comparisons:
        for key, verdict in found.examples.items():
            console.print(f"{found.collection} {key}: {verdict}", markup=False)
    return not any(found.left for found in comparisons)


VERDICTS = [str(verdict) for verdict in Verdict if verdict is not Verdict.EQUAL]
_MARKS = {"passed": "[green]ok[/]", "warning": "[yellow]![/]", "failed": "[red]x[/]", "skipped": "[dim]-[/]"}


def show_maintenance(pipeline: Pipeline, entries: Sequence[Entry]) -> None:
    """What was done, why, and what that saved."""
    if not entries:
        console.print(f"{pipeline.name}: no reason to do anything")
        return
    table = _table("table", "", "because", "rows", "MB", "seconds")
    for entry in entries:
        sizes = (_change(entry.before.rows, entry.after.rows), _change(entry.before.bytes, entry.after.bytes, 1e6))
        table.add_row(entry.target, entry.did, entry.reason, *sizes, f"{entry.seconds:.1f}")
    console.print(table)


def _change(before: int | None, after: int | None, unit: float = 1) -> str:
    """From how much to how much."""
    known = (f"{size / unit:,.0f}" for size in (before, after) if size is not None)
    return " → ".join(known)


def _state(row: RejectRow) -> str:
    by = f" by {row.who}, {_instant(row.settled_at)}: {row.why}" if row.who else ""
    return f"{row.state}{by}" + (f" by batch {row.settled_by}" if row.settled_by else "")


def _show_counts(commit: Commit) -> None:
    console.print(_counts_table(commit))
    _show_anew(commit)


def _show_anew(commit: Commit, prefix: str = "") -> None:
    for collection, counts in commit.counts.items():
        if why := counts.get("anew"):
            ended = f"; {counts['ended']:,} rows that it no longer has were ended" if "ended" in counts else ""
            console.print(f"{prefix}{collection} was read whole: {why}{ended}", markup=False)


def _counts_table(commit: Commit) -> Table:
    each = [rows for counts in commit.counts.values() for rows in counts["tables"].values()]
    seldom = ("unchanged", "superseded", "gone", "closed")
    rows_of = ("staged", "published", *(name for name in seldom if any(rows[name] for rows in each)))
    table = _table("table", "read", "rejected", *rows_of, "position")
    for collection, counts in commit.counts.items():
        for index, (name, rows) in enumerate(counts["tables"].items()):
            own = (f"{counts['read']:,}", f"{counts['rejected']:,}") if index == 0 else ("", "")
            cells = (f"{rows[c]:,}" for c in rows_of)
            table.add_row(name, *own, *cells, str(commit.positions.get(collection, "")) if index == 0 else "")
    return table


def _progress() -> Bars:
    return Bars(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    numbers = {"read", "rows", "rejected", "staged", "published", "unchanged", "superseded", "gone", "closed", "source"}
    numbers |= {"warehouse", "changed since", "different", "batch", "keys", "looked at", "repaired", "left", *VERDICTS}
    numbers |= {"documents", "first batch", "last batch"}
    for header in headers:
        table.add_column(header, justify="right" if header in numbers else "left", overflow="fold")
    return table


def _instant(instant: datetime | None) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if instant else ""


def _duration(length: timedelta) -> str:
    return str(timedelta(seconds=int(length.total_seconds())))
