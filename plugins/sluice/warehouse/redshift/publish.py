"""Publish: one transaction makes a batch visible in all tables, or in none (I2). docs/architecture.md has the why.

lock → already there? → recount staging → write rows → check, the pipeline file too → rejects → commit record → COMMIT
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any, Final

from sluice.drift import DriftRow, drift_of, drift_rows
from sluice.errors import ChecksFailed, CountMismatch, SluiceError, Terminal, WarehouseUnavailable
from sluice.history import ColumnsRow, columns_rows
from sluice.spec import Pipeline
from sluice.warehouse.base import Batch, Commit, Loaded
from sluice.warehouse.data_checks import CheckResult, refuse
from sluice.warehouse.records import commit_values, known_later, new_commit, read_commit, tell_ended
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.data_checks import RedshiftChecks, Unjudged, keep_results
from sluice.warehouse.redshift.missing import end_missing
from sluice.warehouse.redshift.numeric_keys import NumericKeys
from sluice.warehouse.redshift.quarantine import Rejects
from sluice.warehouse.redshift.rejects import asked_rejects, landed_rejects
from sluice.warehouse.redshift.staging import drop_staging
from sluice.warehouse.redshift.tables import place
from sluice.warehouse.redshift.versions import Versions, Written

log = logging.getLogger(__name__)

_DRIFT_TYPES: Final = (
    *("VARCHAR(127)", "VARCHAR(256)", "VARCHAR(1024)", "VARCHAR(1024)", "BIGINT"),
    *("VARCHAR(1024)", "INTEGER", "INTEGER"),
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a transaction that the cluster rolled back, or whose connection was lost, is tried; seconds between."""

    tries: int = 5
    pause: float = 1.0


DEFAULT_PACE: Final = Pace()

KEPT: Final = (
    "%s was read whole, and rows that it no longer has were not ended\n"
    "  why: COPY refused rows of it, and which keys those have it cannot say for sure\n"
    "  do:  correct the columns that it names (sluice rejects list), then load it again: sluice run --full %s %s"
)


class Publish:
    """One attempt to publish one batch."""

    def __init__(self, client: Client, pipeline: Pipeline, batch: Batch, pace: Pace = DEFAULT_PACE) -> None:
        self._client, self._pipeline, self._batch, self._pace = client, pipeline, batch, pace
        self._plan = batch.plan
        self._found: list[CheckResult] = []
        self._unjudged: dict[str, Terminal] = {}

    def run(self) -> Commit:
        """Publish, or return the record of the attempt that did. Raises CountMismatch, WarehouseUnavailable."""
        self._refuse_unloaded()
        done = self._found_done()
        if done is None:
            self._stage_rejects()
            try:
                done = self._publish()
            except ChecksFailed:
                keep_results(self._client, self._pipeline.name, self._found)  # the transaction took them with it
                raise
        self._drop_staging()
        return done

    def _publish(self) -> Commit:
        for left in reversed(range(self._pace.tries)):
            try:
                return self._once()
            except WarehouseUnavailable as error:
                # A lost answer to COMMIT and a lost COMMIT look alike: the record says which, to a new session.
                log.warning("publish of %s: %s", self._plan.id, error)
                done = self._look(error, last=not left)
                if done:
                    return done
        raise AssertionError("the last try raises")

    def _look(self, error: WarehouseUnavailable, *, last: bool) -> Commit | None:
        time.sleep(self._pace.pause)
        self._client.reconnect()
        try:
            done = self._committed()
        except WarehouseUnavailable:
            done = None
        if done is None and last:
            raise error
        return done

    def _once(self) -> Commit:
        """The transaction. Its lock also waits for one of a lost session, so that what is read in it is final."""
        while True:
            try:
                with self._client.transaction():
                    self._client.run("lock_batches")
                    return self._found_done() or self._write()
            except Unjudged as check:
                log.warning("publish of %s: the check %s cannot be run: once more without it", self._plan.id, check)

    def _write(self) -> Commit:
        rows = self._client.rows("commits", pipeline=self._pipeline.name, limit=1)
        last = read_commit(rows[0]) if rows else None
        staged = self._recount()
        for kept in filter(self._batch.keeps_missing, self._pipeline.collections):
            log.warning(KEPT, kept.name, kept.name, self._pipeline.name)
        ending = filter(self._batch.ends_missing, self._pipeline.collections)
        ended = {collection.name: end_missing(self._client, self._plan, collection) for collection in ending}
        staged |= {table: staged[table] + rows for table, rows in ended.items()}
        number = last.batch + 1 if last else 1
        numbers = NumericKeys(self._client, self._pipeline)
        numbers.give(self._plan.staging, staged)
        superseding = self._known_later()
        written: dict[str, Written] = {}
        for collection in self._pipeline.collections:
            known = last.counts.get(collection.name, {}).get("rows", {}) if last else {}
            superseded = collection.name in superseding
            written |= Versions(self._client, self._plan, collection, staged, number, superseded).write(known)
        commit = new_commit(self._pipeline, self._batch, last, {table: w.counts for table, w in written.items()})
        for collection in self._pipeline.collections:
            commit.counts[collection.name] |= self._more_counts(collection.name, written)
        tell_ended(commit, ended)
        numbers.check(number)
        self._check_data(commit)
        self._rejects.publish(commit)
        self._insert_drift(commit)
        self._insert_columns(commit)
        self._client.run("insert_commit", pipeline=commit.pipeline, **commit_values(commit))
        done = self._committed()
        assert done, "the record was written in this transaction"
        return done

    def _check_data(self, commit: Commit) -> None:
        """The checks of the pipeline file, on what readers would see. Raises ChecksFailed."""
        self._found = RedshiftChecks(self._client, self._pipeline, commit, self._unjudged).run()
        refuse(self._pipeline.name, self._found)
        keep_results(self._client, self._pipeline.name, self._found)

    def _known_later(self) -> set[str]:
        cut = {"cluster": self._plan.cut.cluster, "plan": self._plan.id}
        return known_later(self._plan, self._client.rows("later_counts", pipeline=self._plan.pipeline, **cut))

    def _more_counts(self, collection: str, written: dict[str, Written]) -> dict[str, Any]:
        """What only this warehouse counts: each table's rows after the batch, and what COPY let through."""
        (loaded,) = (loaded for loaded in self._batch.loaded if loaded.collection == collection)
        tables = {table: written[table].rows for table in loaded.staged}
        refused = {"refused": loaded.refused} if any(loaded.refused.values()) else {}
        return {"rows": tables, **refused, **({"replaced": loaded.replaced} if loaded.replaced else {})}

    def _found_done(self) -> Commit | None:
        done = self._committed()
        return done and replace(done, found_done=True)

    def _committed(self) -> Commit | None:
        rows = self._client.rows("commit_of_plan", pipeline=self._pipeline.name, plan=self._plan.id)
        return read_commit(rows[0]) if rows else None

    def _recount(self) -> dict[str, int]:
        """Rows per staging table, counted again: they may be hours old. Raises CountMismatch."""
        counts: dict[str, int] = {}
        for loaded in self._batch.loaded:
            for table in self._pipeline.collection(loaded.collection).tables:
                staging = place(self._pipeline, table).staging(self._plan.staging)
                counts[table.name] = self._client.number("count_rows", table=staging)
                self._compare(loaded, table.name, counts[table.name])
        return counts

    def _compare(self, loaded: Loaded, table: str, rows: int) -> None:
        landed = sum(m.rows(table) for m in self._batch.manifests if m.collection == loaded.collection)
        repeated, refused = loaded.repeated[table], loaded.refused.get(table, 0)
        copied = loaded.copied.get(table, 0)
        if rows != loaded.staged[table] or rows + repeated + refused != landed + copied:
            raise CountMismatch(
                f"{table}: {landed:,} rows were landed, {rows:,} are staged",
                why=f"load counted {loaded.staged[table]:,}, {repeated:,} repeated keys, {refused:,} refused rows, "
                f"{copied:,} copied from the master",
                fix="nothing was published; run load again",
            )

    def _refuse_unloaded(self) -> None:
        wanted = {collection.name for collection in self._pipeline.collections}
        if missing := wanted - {loaded.collection for loaded in self._batch.loaded}:
            raise CountMismatch(
                f"{', '.join(sorted(missing))} of {self._pipeline.name} was not loaded",
                why="a batch is published with all its collections or not at all",
                fix="nothing was published; load them, also when nothing was landed",
            )

    def _stage_rejects(self) -> None:
        rejected, staged = sum(manifest.rejected for manifest in self._batch.manifests), self._rejects.stage()
        if staged != rejected:
            raise CountMismatch(
                f"{rejected:,} documents were rejected, {staged:,} rejects were found on the landing",
                fix="nothing was published; run the batch again: a new plan lands its documents again",
            )

    def _insert_drift(self, commit: Commit) -> None:
        found = drift_of((m.collection, m.drift) for m in self._batch.manifests)
        if found:
            known = [DriftRow(*row) for row in self._client.rows("drift", pipeline=commit.pipeline)]
            rows = ((commit.pipeline, *astuple(row)) for row in drift_rows(commit.batch, known, found))
            self._client.insert("insert_drift", _DRIFT_TYPES, rows)
            self._client.run("delete_known_drift", pipeline=commit.pipeline, batch=commit.batch)

    def _insert_columns(self, commit: Commit) -> None:
        known = [ColumnsRow(*row) for row in self._client.rows("columns", pipeline=commit.pipeline)]
        for row in columns_rows(self._pipeline, commit.batch, known, self._batch.columns(self._pipeline)):
            self._client.run("insert_columns", pipeline=commit.pipeline, **asdict(row))

    @property
    def _rejects(self) -> Rejects:
        staged = (where(self._pipeline.name, self._plan.staging) for where in (landed_rejects, asked_rejects))
        return Rejects(self._client, self._pipeline, self._batch, *staged)

    def _drop_staging(self) -> None:
        try:
            drop_staging(self._client, self._plan.id)
        except SluiceError as error:
            # The batch is published, whatever becomes of its staging; clean-up drops it too.
            log.warning("staging of %s was not dropped: %s", self._plan.id, error.what)
