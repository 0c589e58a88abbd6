"""Cleanup: what batches left behind and nobody needs any more is deleted, and counted. Read it top to bottom.

    rows of dead batches → old rejects → old results of checks → older drift
    → landed objects → unfinished uploads → staging tables → Airflow's logs

Deleted is only what this pipeline made: by its prefix, by the grammar of its keys, by its commit records, by the names
of its tables. What is due, :mod:`sluice.retention` says; here it is asked for, done, and noted in
``sluice.maintenance``. Rejects come before the objects to which they point. Each step may die and be run again: what is
left is found again.
"""

from __future__ import annotations

import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from sluice.errors import LandingUnavailable, MigrationError, SluiceError
from sluice.kept import KeptPlans
from sluice.landed_keys import read_key
from sluice.log_files import clean_logs
from sluice.retention import ABANDONED, Known, Landed, Looked, Spared, instant, length, plan_spared, upload_spared
from sluice.warehouse.maintenance import CLEANUP, Entry, Journal, Size

if TYPE_CHECKING:
    from sluice.landing import Landing
    from sluice.landing_objects import LandingObjects
    from sluice.log_files import LogFolder
    from sluice.settings import Resolver
    from sluice.spec import Pipeline
    from sluice.warehouse.base import Warehouse
    from sluice.warehouse.cleanup import Cleaner

log = logging.getLogger(__name__)

NAMED = 20
"""So many plans are named in the log."""
TIME_TO_LOOK = timedelta(hours=12)
NOTED = 200
"""Entries of the journal among which an older one is looked for."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What cleanup works with. Leaving it as a context manager closes the connections.

    ``logs``: Airflow's folder of logs, where there is an Airflow.
    """

    objects: LandingObjects
    landing: Landing
    warehouse: Warehouse
    cleaner: Cleaner
    journal: Journal
    logs: LogFolder | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self.warehouse, self.cleaner, self.journal):
            each.close()


def connect(pipeline: Pipeline, resolve: Resolver, logs: LogFolder | None = None) -> Tools:
    """Connect to landing and warehouse; MongoDB is not needed. Raises ConfigError where a landing has no prefix."""
    from sluice.landing import Landing
    from sluice.landing_objects import LandingObjects
    from sluice.pipeline import connect_warehouse
    from sluice.warehouse.cleanup import connect_cleaner
    from sluice.warehouse.maintenance import connect_journal

    objects = LandingObjects.connect(pipeline, resolve)
    landing = Landing.connect(resolve(pipeline.landing.conn_id), pipeline.landing)
    warehouse, cleaner = connect_warehouse(pipeline, resolve), connect_cleaner(pipeline, resolve)
    return Tools(objects, landing, warehouse, cleaner, connect_journal(pipeline, resolve), logs)


def run(pipeline: Pipeline, tools: Tools, *, dry_run: bool | None = False) -> list[Entry]:
    """Clean up after a pipeline. Returns what was done; with ``dry_run`` what would be, and then only that is noted.

    None: a dry run at first, until somebody had the time to look before anything is deleted. A step that fails keeps
    none of the others from its work; its error is raised at the end.
    """
    if dry_run:
        _refuse_pending(tools.warehouse)
    else:
        tools.warehouse.migrate(None)
    if dry_run is None:
        dry_run = not _looked_at(tools.journal.entries(pipeline.name, kind=CLEANUP, limit=NOTED))
    return _Cleanup(pipeline, tools, dry_run=dry_run).run()


def _refuse_pending(warehouse: Warehouse) -> None:
    found = [each for each in warehouse.migration_states() if each.state in {"pending", "half-applied"}]
    if found:
        raise MigrationError(
            "the control tables are older than this Sluice, and a dry run does not migrate them",
            why=", ".join(f"{each.version}_{each.name} is {each.state}" for each in found),
            fix="run `sluice migrate up`, then this again",
        )


def _looked_at(entries: Iterable[Entry]) -> bool:
    """Whether the journal told early enough what would be deleted; not by a try of the same run, a moment ago."""
    return any(entry.at and entry.at < datetime.now(UTC) - TIME_TO_LOOK for entry in entries)


class _Cleanup:
    """One run for one pipeline."""

    def __init__(self, pipeline: Pipeline, tools: Tools, *, dry_run: bool) -> None:
        self._pipeline, self._tools, self._dry_run = pipeline, tools, dry_run
        last = tools.warehouse.last_commit(pipeline.name)
        self._batch, self._plan = (last.batch, last.plan) if last else (0, "")
        self._now = datetime.now(UTC)
        self._kept = frozenset(kept.plan.id for kept in KeptPlans(tools.landing, pipeline.name).all())
        self._failed: list[SluiceError] = []

    def run(self) -> list[Entry]:
        """Every step, in this order."""
        steps = {
            "undo dead batches": self._dead_rows,
            "delete rejects": self._old_rejects,
            "delete check results": self._old_checks,
            "delete drift": self._old_drift,
            "delete landed objects": self._landed,
            "abort uploads": self._uploads,
            "drop staging": self._staging,
            "delete logs": self._logs,
        }
        entries = [entry for action, step in steps.items() if (entry := self._note(action, step))]
        if not entries and not self._tools.journal.entries(self._pipeline.name, kind=CLEANUP, limit=1):
            entries = [self._entry("look", did="nothing is due")]
            self._tools.journal.append(entries[0])
        if self._failed:
            raise self._failed[0]
        return entries

    def _note(self, action: str, step: Callable[[str], Entry | None]) -> Entry | None:
        """Do a step, and put what it did into log and journal. Nothing is noted where there was nothing to do."""
        begun = time.monotonic()
        try:
            entry = step(action)
        except SluiceError as error:
            self._failed.append(error)
            entry = self._entry(action, did="nothing", error=str(error))
        if entry is None:
            log.info("cleanup %s: nothing is due", action)
            return None
        entry = replace(entry, seconds=time.monotonic() - begun)
        log.log(logging.WARNING if entry.error else logging.INFO, "cleanup %s: %s", action, entry.error or entry.did)
        self._tools.journal.append(entry)
        return entry

    def _dead_rows(self, action: str) -> Entry | None:
        rows = self._tools.cleaner.dead_rows()
        if rows and not self._dry_run:
            rows = self._tools.cleaner.undo_dead()
        reason = f"above batch {self._batch}, the newest that is published"
        return self._rows(action, "sluice_data", rows, self._did("undone", f"{rows:,} rows"), reason)

    def _old_rejects(self, action: str) -> Entry | None:
        batch, retention = self._rejects_horizon(), self._pipeline.rejects.retention
        rejects, notes = self._tools.cleaner.count_rejects(batch)
        if (rejects or notes) and not self._dry_run:
            self._tools.cleaner.delete_rejects(batch)
        did = self._did("deleted", f"{rejects:,} rejects, and {notes:,} notes of what became of them,")
        reason = f"of batch {batch} and earlier, {self._published_before('rejects', retention)}"
        return self._rows(action, "sluice.rejects", rejects + notes, did, reason)

    def _old_checks(self, action: str) -> Entry | None:
        whose = (self._plan, self._pipeline.rejects.retention)
        rows = self._tools.cleaner.count_checks(*whose)
        if rows and not self._dry_run:
            self._tools.cleaner.delete_checks(*whose)
        reason = f"found before {self._before('rejects', self._pipeline.rejects.retention)}"
        return self._rows(action, "sluice.checks", rows, self._did("deleted", f"{rows:,} results of checks"), reason)

    def _old_drift(self, action: str) -> Entry | None:
        rows = self._tools.cleaner.count_drift(self._batch)
        if rows and not self._dry_run:
            self._tools.cleaner.delete_drift(self._batch)
        reason = "a newer row of the same path says all that they say"
        return self._rows(action, "sluice.drift", rows, self._did("deleted", f"{rows:,} rows"), reason)

    def _rows(self, action: str, target: str, rows: int, did: str, reason: str) -> Entry | None:
        """Rows that are gone; None when there were none."""
        if not rows:
            return None
        return self._entry(action, target=target, reason=reason, did=did, before=Size(rows=rows), after=Size(rows=0))

    def _landed(self, action: str) -> Entry | None:
        looked, failed = Looked(), list[SluiceError]()
        try:
            for page in self._tools.objects.pages():
                due = looked.take(page, self._known(page))
                left = (
                    {} if self._dry_run else self._delete([found.key for found in due], first=not looked.gone.objects)
                )
                looked.settle(due, left, self._tools.objects.root)
        except SluiceError as error:
            failed.append(error)
        if looked.left:
            failed.append(self._left(looked.left))
        self._failed += failed
        self._tell(looked)
        if not looked.gone.objects and not failed:
            return None
        return self._entry(
            action,
            target=self._tools.objects.address,
            reason=self._published_before("landing", self._pipeline.landing.retention),
            did=self._did("deleted", f"{looked.gone} of {len(looked.plans):,} plans"),
            before=Size(bytes=looked.total.bytes, objects=looked.total.objects),
            after=Size(
                bytes=looked.total.bytes - looked.gone.bytes, objects=looked.total.objects - looked.gone.objects
            ),
            error="; ".join(map(str, failed)),
        )

    def _delete(self, keys: list[str], *, first: bool) -> dict[str, str]:
        """Delete objects; before the first of them is noted that whoever asks for them is told so."""
        if keys and first:
            before = self._now - self._pipeline.landing.retention
            self._tools.landing.note_cleaning(self._pipeline.name, self._now, before)
        return self._tools.objects.delete(keys)

    def _uploads(self, action: str) -> Entry | None:
        root, before = self._tools.objects.root, self._now - ABANDONED
        found = list(self._tools.objects.uploads())
        verdicts = {upload.id: upload_spared(upload, root, self._kept, before) for upload in found}
        due = [upload for upload in found if verdicts[upload.id] is None]
        done = len(due) if self._dry_run else sum(map(self._tools.objects.abort, due))
        self._tell_spared(action, Counter(why for why in verdicts.values() if why))
        if not done:
            return None
        return self._entry(
            action,
            target=self._tools.objects.address,
            reason=f"begun before {instant(before)}, and nobody goes on with them",
            did=self._did("aborted", f"{done:,} unfinished uploads"),
            before=Size(objects=len(found)),
            after=Size(objects=len(found) - done),
        )

    def _staging(self, action: str) -> Entry | None:
        before = self._now - ABANDONED
        found = self._tools.warehouse.staged_plans(self._pipeline)
        verdicts = {plan: plan_spared(plan, made, self._kept, before) for plan, made in found.items()}
        due = [plan for plan, why in verdicts.items() if why is None]
        self._tell_spared(action, Counter(why for why in verdicts.values() if why))
        if not due:
            return None
        tables = 0 if self._dry_run else sum(map(self._tools.warehouse.drop_staging, due))
        what = "the staging tables" if self._dry_run else f"{tables:,} staging tables"
        return self._entry(
            action,
            target="sluice_staging",
            reason=f"made before {instant(before)}, and nobody goes on with them",
            did=self._did("dropped", f"{what} of {len(due):,} plans"),
            after=Size(objects=0),
        )

    def _logs(self, action: str) -> Entry | None:
        if self._tools.logs is None:
            return None
        retention = self._pipeline.maintenance.cleanup.logs
        before = self._now - retention
        logs = clean_logs(self._tools.logs, self._pipeline.name, before, dry_run=self._dry_run)
        if not logs.gone:
            return None
        return self._entry(
            action,
            target=f"{socket.gethostname()}:{self._tools.logs.root}",
            reason=f"last written before {instant(before)} (maintenance.cleanup.logs: {length(retention)})",
            did=self._did("deleted", f"{logs.gone:,} log files, {logs.gone_bytes / 1e6:,.1f} MB"),
            before=Size(bytes=logs.found_bytes, objects=logs.found),
            after=Size(bytes=logs.found_bytes - logs.gone_bytes, objects=logs.found - logs.gone),
        )

    def _known(self, page: list[Landed]) -> Known:
        """What there is to know of the objects of a page: asked now, of the warehouse."""
        retention, root = self._pipeline.landing.retention, self._tools.objects.root
        keys = {found.key: key for found in page if (key := read_key(found.key, root))}
        published = self._tools.cleaner.published(sorted({key.plan for key in keys.values()}), retention)
        uris = {
            f"s3://{self._tools.objects.bucket}/{key}": key for key, read in keys.items() if published.get(read.plan)
        }
        listed = frozenset(uris[uri] for uri in self._tools.cleaner.listed(list(uris), self._rejects_horizon()))
        return Known(root, self._plan, self._kept, published, listed, self._now - retention)

    def _rejects_horizon(self) -> int:
        return max(0, min(self._tools.cleaner.batch_before(self._pipeline.rejects.retention), self._batch - 1))

    def _left(self, left: Mapping[str, str]) -> SluiceError:
        key, why = next(iter(left.items()))
        return LandingUnavailable(
            f"{len(left):,} objects of {self._tools.objects.address} could not be deleted",
            why=f"{key}: {why}",
            fix="the landing connection needs DeleteObject there; what is left is deleted by the next run",
        )

    def _tell(self, looked: Looked) -> None:
        self._tell_spared("delete landed objects", looked.spared)
        for plan, tally in list(looked.unpublished.items())[:NAMED]:
            log.info("cleanup: plan %s was landed and not published: %s stay", plan, tally)

    def _tell_spared(self, action: str, found: Mapping[Spared, object]) -> None:
        for why, count in found.items():
            log.info("cleanup %s: spared %s %s", action, count, why)

    def _published_before(self, section: str, retention: timedelta) -> str:
        return f"published before {self._before(section, retention)}"

    def _before(self, section: str, retention: timedelta) -> str:
        return f"{instant(self._now - retention)} ({section}.retention: {length(retention)})"

    def _did(self, verb: str, what: str) -> str:
        return f"{what} would be {verb}" if self._dry_run else f"{what} {verb}"

    def _entry(self, action: str, **fields: object) -> Entry:
        found = {"target": self._pipeline.name, "reason": "", "did": "", **fields}
        return Entry(self._pipeline.name, CLEANUP, action, dry_run=self._dry_run, **found)  # type: ignore[arg-type]
