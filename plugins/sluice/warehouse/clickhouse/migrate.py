"""Migrating on ClickHouse: the control schema's history, its lock, and then the tables of a pipeline."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property

from sluice.spec import Pipeline
from sluice.statements import Sql, name
from sluice.warehouse import migrations, views
from sluice.warehouse.base import MigrationState
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.fence import Fence, Pace
from sluice.warehouse.clickhouse.schema import Schema
from sluice.warehouse.clickhouse.tables import ANALYSTS, place
from sluice.warehouse.differences import Comparison
from sluice.warehouse.migrations import Migration, Record
from sluice.warehouse.views import AnalystsView, ViewFile

LOCK = "(migrations)"
"""The fence that migration runners take; no pipeline can have this name."""


class Migrator:
    """Brings a server's schema to what the files say. Looks first, and takes the lock only when there is work."""

    def __init__(self, client: Client, pace: Pace, files: Sequence[Migration], views: Sequence[ViewFile] = ()) -> None:
        self._client, self._pace, self._files, self._views = client, pace, files, views

    def up(self, pipeline: Pipeline | None) -> list[str]:
        """Apply what is missing; see :meth:`sluice.warehouse.base.Warehouse.migrate`."""
        mine = analysts_views(self._views, pipeline) if pipeline else []
        if not self._has_work(pipeline, mine):
            return []
        if not self._client.has_table("migrations"):
            self._bootstrap()
        fence = Fence(self._client, LOCK, self._pace)
        with fence.held():
            ledger = _Ledger(fence.client, fence)
            return self._apply(ledger, fence, pipeline) + views.apply(ledger, mine)

    def compare(self, pipeline: Pipeline) -> Comparison:
        """See :meth:`sluice.warehouse.base.Warehouse.compare`."""
        migrations.refuse_pending(self._files, _Ledger(self._client).records(), pipeline.name)
        return Schema(self._client, pipeline).compare()

    def states(self, pipeline: Pipeline | None) -> list[MigrationState]:
        """Every migration with its state, and a pipeline's views for analysts."""
        records = _Ledger(self._client).records()
        mine = analysts_views(self._views, pipeline) if pipeline else []
        return migrations.states(self._files, records) + [view.state(records) for view in mine]

    def _has_work(self, pipeline: Pipeline | None, mine: Sequence[AnalystsView]) -> bool:
        records = _Ledger(self._client).records()
        scopes = (None, pipeline.name) if pipeline else (None,)
        if any(migrations.pending(self._files, records, scope) for scope in scopes):
            return True
        if pipeline is None:
            return False
        schema = Schema(self._client, pipeline)
        schema.refuse_differences()
        if schema.missing_tables() or schema.keys.outdated() or schema.outdated_views():
            return True
        return views.outdated(mine, records)

    def _apply(self, ledger: _Ledger, fence: Fence, pipeline: Pipeline | None) -> list[str]:
        done = migrations.run(ledger, migrations.pending(self._files, ledger.records(), None))
        if pipeline is None:
            return done
        done += Schema(self._client, pipeline).create_tables()
        done += migrations.run(ledger, migrations.pending(self._files, ledger.records(), pipeline.name))
        schema = Schema(self._client, pipeline)
        schema.refuse_differences()
        return done + schema.keys.create(fence) + schema.create_views()

    def _bootstrap(self) -> None:
        # The lock lives in what the first migration creates. Two runners may do this at once: each statement allows
        # for what exists. Under the lock it is then done, and recorded, like any other.
        first = self._files[0]
        for statement in first.statements:
            self._client.execute(f"migration {first.label}", statement)


class _Ledger:
    """The history in ``sluice.migrations``. Under the lock, each step first shows that it is still held."""

    def __init__(self, client: Client, fence: Fence | None = None) -> None:
        self._client, self._fence = client, fence

    @cached_property
    def _has_history(self) -> bool:
        return self._client.has_table("migrations")

    def records(self) -> list[Record]:
        return [Record(*row) for row in self._client.rows("applied_migrations")] if self._has_history else []

    def apply(self, migration: Migration, statement: int) -> None:
        self._record(migration, statement, "started", 0.0)
        begun = time.monotonic()
        self._client.execute(*migration.statement(statement))
        self._record(migration, statement, "applied", time.monotonic() - begun)

    def send(self, what: str, statement: str) -> None:
        self._renew()
        self._client.execute(what, statement)

    def note(self, row: dict[str, object]) -> None:
        self._renew()
        self._client.run("record_migration", **row)

    def grant(self, view: Sql) -> None:
        self._client.run("grant_view", view=view, role=name(ANALYSTS))

    def _record(self, migration: Migration, statement: int, state: str, seconds: float) -> None:
        self.note(migration.row(statement, state, seconds))

    def _renew(self) -> None:
        if self._fence:
            self._fence.renew()


def analysts_views(files: Sequence[ViewFile], pipeline: Pipeline) -> list[AnalystsView]:
    """A pipeline's views for analysts, over the versions that were published."""
    return views.views_of(files, pipeline, {table.name: place(pipeline, table).history for table in pipeline.tables})
