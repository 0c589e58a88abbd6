"""Publish: the one step that makes a batch visible, all tables or none (I2). docs/architecture.md has the why.

fence → recover → recount staging → write versions → check, the pipeline file too → one row into sluice.batches
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, astuple, replace
from typing import Final

from sluice.drift import DRIFT_COLUMNS, DriftRow, drift_of, drift_rows
from sluice.errors import ChecksFailed, CountMismatch, Fenced, SluiceError, WarehouseUnavailable
from sluice.history import ColumnsRow, columns_rows
from sluice.spec import Pipeline
from sluice.statements import Sql, name
from sluice.warehouse.base import Batch, Commit, TableCounts
from sluice.warehouse.clickhouse.check import refuse_old_versions
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.data_checks import ClickHouseChecks, keep_results
from sluice.warehouse.clickhouse.fence import Fence, Pace
from sluice.warehouse.clickhouse.missing import Missing
from sluice.warehouse.clickhouse.numeric_keys import NumericKeys
from sluice.warehouse.clickhouse.quarantine import Rejects
from sluice.warehouse.clickhouse.recover import committed, recover
from sluice.warehouse.clickhouse.staging import drop_staging
from sluice.warehouse.clickhouse.tables import STAGING, place
from sluice.warehouse.clickhouse.versions import Versions
from sluice.warehouse.data_checks import refuse
from sluice.warehouse.records import commit_values, known_later, new_commit, tell_ended

log = logging.getLogger(__name__)

NUMBER_FIRST: Final = (26, 9)
"""From this version on servers were seen to read the batch's number before they choose parts: docs/adr/0002."""


class Publish:
    """One attempt to publish one batch."""

    def __init__(self, client: Client, pipeline: Pipeline, batch: Batch, pace: Pace) -> None:
        self._pipeline, self._batch, self._pace = pipeline, batch, pace
        self._plan = batch.plan
        self._fence, self._client = Fence(client, pipeline.name, pace), client

    def run(self) -> Commit:
        """Publish, or return the record of the attempt that did. Raises Fenced, CountMismatch."""
        done = self._found_done()
        if done is None:
            rejects = self._stage_rejects()
            with self._fence.held():
                done = self._found_done() or self._publish_or_yield(rejects)
        self._drop_staging()
        return done

    def _publish_or_yield(self, rejects: int) -> Commit:
        try:
            return self._publish(rejects)
        except (CountMismatch, ChecksFailed):
            self._fence.confirm()  # without the fence nothing this attempt sent took effect: then that is the news
            raise

    def _publish(self, rejects: int) -> Commit:
        last = recover(self._fence, self._pipeline.name)
        number = last.batch + 1 if last else 1
        staged = self._recount()
        ended = {missing.collection.name: missing.end() for missing in self._missing()}
        staged |= {table: staged[table] + rows for table, rows in ended.items()}
        numbers = NumericKeys(self._fence, self._pipeline)
        numbers.give(self._plan.staging, staged)
        known = self._known_later()
        counts: dict[str, TableCounts] = {}
        for collection in self._pipeline.collections:
            counts |= Versions(self._fence, self._plan, collection, staged, number, collection.name in known).write()
        commit = new_commit(self._pipeline, self._batch, last, counts)
        tell_ended(commit, ended)
        refuse_old_versions(self._client, self._pipeline, commit)
        numbers.check(number, staged)
        self._check_data(commit)
        self._rejects.publish(self._fence, commit, rejects)
        self._insert_drift(commit)
        self._insert_columns(commit)
        if self._client.version < NUMBER_FIRST:
            time.sleep(self._pace.settle)
        return self._commit(commit)

    def _check_data(self, commit: Commit) -> None:
        """The checks of the pipeline file, on what readers would see. Raises ChecksFailed."""
        if self._pipeline.checks:
            found = ClickHouseChecks(self._fence, self._pipeline, commit).run()
            keep_results(self._client, self._pipeline.name, found)
            refuse(self._pipeline.name, found)

    def _found_done(self) -> Commit | None:
        done = self._committed()
        return done and replace(done, found_done=True)

    def _committed(self) -> Commit | None:
        return committed(self._client, self._pipeline.name, self._plan.id)

    def _commit(self, commit: Commit) -> Commit:
        try:
            self._fence.client.run("insert_commit", **commit_values(commit), **self._fence.guard)
        except WarehouseUnavailable:
            # The answer is lost, not the question: the row says whether it arrived.
            log.warning("batch %d: no answer to the commit, reading it back", commit.batch)
            done = self._committed()
            if done is None:
                raise
            return done
        done = self._committed()
        if done is None:
            raise Fenced(
                f"batch {commit.batch} of {commit.pipeline} was not published",
                why="another publisher took over before the commit record was written",
                fix="nothing: the next attempt publishes it",
            )
        return done

    def _recount(self) -> dict[str, int]:
        """Rows per staging table, counted again: they may be hours old. Raises CountMismatch."""
        counts: dict[str, int] = {}
        self._refuse_unloaded()
        left = {missing.collection.name: missing.count() for missing in self._missing()}
        for loaded in self._batch.loaded:
            for table, rows in loaded.staged.items():
                counts[table] = self._client.number("count_rows", table=self._staging(table)) - left.get(table, 0)
                landed = sum(m.rows(table) for m in self._batch.manifests if m.collection == loaded.collection)
                repeated, copied = loaded.repeated[table], loaded.copied.get(table, 0)
                if counts[table] != rows or rows + repeated != landed + copied:
                    raise CountMismatch(
                        f"{table}: {landed:,} rows were landed, {counts[table]:,} are staged",
                        why=f"load counted {rows:,}, {repeated:,} repeated keys, {copied:,} copied from the master",
                        fix="nothing was published; run load again",
                    )
        return counts

    def _refuse_unloaded(self) -> None:
        wanted = {collection.name for collection in self._pipeline.collections}
        if missing := wanted - {loaded.collection for loaded in self._batch.loaded}:
            raise CountMismatch(
                f"{', '.join(sorted(missing))} of {self._pipeline.name} was not loaded",
                why="a batch is published with all its collections or not at all",
                fix="nothing was published; load them, also when nothing was landed",
            )

    def _known_later(self) -> set[str]:
        cut = {"cluster": self._plan.cut.cluster, "plan": self._plan.id}
        return known_later(self._plan, self._client.rows("later_counts", pipeline=self._plan.pipeline, **cut))

    def _missing(self) -> list[Missing]:
        """The collections whose rows are ended when the batch did not find them."""
        ending = filter(self._batch.ends_missing, self._pipeline.collections)
        return [Missing(self._fence, self._plan, collection, self._rejects.staged) for collection in ending]

    def _staging(self, table: str) -> Sql:
        found = next(t for t in self._pipeline.tables if t.name == table)
        return place(self._pipeline, found).staging(self._plan.staging)

    def _stage_rejects(self) -> int:
        rejected, staged = sum(manifest.rejected for manifest in self._batch.manifests), self._rejects.stage()
        if staged != rejected:
            raise CountMismatch(
                f"{rejected:,} documents were rejected, {staged:,} rejects were found on the landing",
                fix="nothing was published; run the batch again: a new plan lands its documents again",
            )
        return staged

    def _insert_drift(self, commit: Commit) -> None:
        """Here, and not staged before: what a row says depends on the batches that are published."""
        found, client = drift_of((m.collection, m.drift) for m in self._batch.manifests), self._fence.client
        if not found:
            return
        known = [DriftRow(*row) for row in client.rows("drift", pipeline=commit.pipeline)]
        client.run("create_staged_drift", staged=self._drift)
        client.insert(self._drift, DRIFT_COLUMNS, map(astuple, drift_rows(commit.batch, known, found)))
        client.run("insert_drift", staged=self._drift, **self._fence.guard)

    def _insert_columns(self, commit: Commit) -> None:
        client = self._fence.client
        known = [ColumnsRow(*row) for row in client.rows("columns", pipeline=commit.pipeline)]
        for row in columns_rows(self._pipeline, commit.batch, known, self._batch.columns(self._pipeline)):
            client.run("insert_columns", **asdict(row), **self._fence.guard)

    @property
    def _rejects(self) -> Rejects:
        staged, asked = self._control("rejects"), self._control("asked")
        return Rejects(self._client, self._pipeline, self._batch, staged, asked)

    @property
    def _drift(self) -> Sql:
        return self._control("drift")

    def _control(self, table: str) -> Sql:
        """What this attempt stages of a control table. No table of a pipeline starts with ``_``."""
        plan = self._plan.id.replace("-", "_")
        return name(STAGING, f"{self._pipeline.name}__{table}__{plan}__{self._fence.owner}")

    def _drop_staging(self) -> None:
        try:
            drop_staging(self._client, self._plan.id)
        except SluiceError as error:
            # The batch is published, whatever becomes of its staging; clean-up drops it too.
            log.warning("staging of %s was not dropped: %s", self._plan.id, error.what)
