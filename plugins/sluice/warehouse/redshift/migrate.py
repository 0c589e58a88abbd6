"""Migrating on Redshift: the control schema's history, its lock, and then the tables of a pipeline.

DDL is transactional: a statement and its row of the history are one transaction, whose first statement is the lock, and
so are a pipeline's tables, its views, and those for analysts: Redshift refuses no materialised view in a transaction. A
runner looks again once it has the lock: it does what is still to be done.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sluice.errors import SluiceError
from sluice.spec import Pipeline
from sluice.statements import Sql, name
from sluice.warehouse import migrations, views
from sluice.warehouse.base import MigrationState
from sluice.warehouse.differences import Comparison
from sluice.warehouse.migrations import Migration, Record, remaining
from sluice.warehouse.redshift.alters import altered, created_group, is_done, needs_no_transaction
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.schema import Schema, described, printed
from sluice.warehouse.redshift.tables import ANALYSTS, CONTROL, place
from sluice.warehouse.views import AnalystsView, ViewFile


class Migrator:
    """Brings a cluster's schema to what the files say. Looks first, and takes the lock only when there is work."""

    def __init__(self, client: Client, files: Sequence[Migration], views: Sequence[ViewFile] = ()) -> None:
        self._client, self._files, self._views = client, files, views
        self._ledger = _Ledger(client)

    def up(self, pipeline: Pipeline | None) -> list[str]:
        """Apply what is missing; see :meth:`sluice.warehouse.base.Warehouse.migrate`."""
        mine = analysts_views(self._views, pipeline) if pipeline else []
        done = self._history(None)
        return done + self._tables(pipeline, mine) if pipeline else done

    def compare(self, pipeline: Pipeline) -> Comparison:
        """See :meth:`sluice.warehouse.base.Warehouse.compare`."""
        migrations.refuse_pending(self._files, self._ledger.records(), pipeline.name)
        return Schema(self._client, pipeline).compare()

    def states(self, pipeline: Pipeline | None) -> list[MigrationState]:
        """Every migration with its state, and a pipeline's views for analysts."""
        records = self._ledger.records()
        mine = analysts_views(self._views, pipeline) if pipeline else []
        return migrations.states(self._files, records) + [view.state(records) for view in mine]

    def schema(self) -> str:
        """The product's tables, as ``migrations/redshift/schema.sql`` shows them."""
        return printed(self._client, CONTROL)

    def _history(self, owner: str | None) -> list[str]:
        pending = migrations.pending(self._files, self._ledger.records(), owner)
        if pending and not self._ledger.has_history():
            self._bootstrap()
        return migrations.run(self._ledger, pending)

    def _tables(self, pipeline: Pipeline, mine: Sequence[AnalystsView]) -> list[str]:
        schema = Schema(self._client, pipeline)
        done = self._locked(pipeline, views=False) if schema.missing_tables() or schema.missing_keys() else []
        self._make_way(pipeline, mine)
        done += self._history(pipeline.name)
        schema = Schema(self._client, pipeline)
        schema.refuse_differences()
        done += self._locked(pipeline, views=True) if schema.outdated_views() else []
        return done + self._analysts_views(mine)

    def _make_way(self, pipeline: Pipeline, mine: Sequence[AnalystsView]) -> None:
        """What a view reads cannot be altered: they are dropped when there is a migration, and made again after it."""
        records = self._ledger.records()
        if migrations.pending(self._files, records, pipeline.name):
            with self._ledger.locked():
                views.drop(self._ledger, [view for view in mine if view.state(records).state != "pending"])

    def _analysts_views(self, mine: Sequence[AnalystsView]) -> list[str]:
        if not views.outdated(mine, self._ledger.records()):
            return []
        with self._ledger.locked():
            return views.apply(self._ledger, mine)

    def _locked(self, pipeline: Pipeline, *, views: bool) -> list[str]:
        with self._ledger.locked():
            schema = Schema(self._client, pipeline)
            return schema.create_views() if views else schema.create_tables()

    def _bootstrap(self) -> None:
        # The table to lock is made by the first migration. Of two runners at once one fails here; then it is there.
        # Under the lock it is done again, where it has nothing to do, and recorded, like any other.
        first = self._files[0]
        try:
            with self._client.transaction():
                for number in range(1, len(first.statements) + 1):
                    self._client.execute(*first.statement(number))
        except SluiceError:
            if not self._ledger.has_history():
                raise


class _Ledger:
    """The history in ``sluice.migrations``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @contextmanager
    def locked(self) -> Iterator[None]:
        """A transaction beside which no other runner does anything."""
        with self._client.transaction():
            self._client.run("lock_migrations")
            yield

    def has_history(self) -> bool:
        return self._client.has_table("migrations")

    def records(self) -> list[Record]:
        return [Record(*row) for row in self._client.rows("applied_migrations")] if self.has_history() else []

    def apply(self, migration: Migration, statement: int) -> None:
        if needs_no_transaction(migration.statements[statement - 1]):
            self._apply_alone(migration, statement)
            return
        with self.locked():
            if statement in remaining(migration, self.records()):
                begun = time.monotonic()
                self._send(migration, statement)
                self._record(migration, statement, "applied", time.monotonic() - begun)

    def _apply_alone(self, migration: Migration, statement: int) -> None:
        """What no transaction takes is recorded before and after: in between it may or may not have had its effect."""
        with self.locked():
            if statement not in remaining(migration, self.records()):
                return
            self._record(migration, statement, "started", 0.0)
        begun = time.monotonic()
        self._send(migration, statement)
        self._record(migration, statement, "applied", time.monotonic() - begun)

    def _send(self, migration: Migration, statement: int) -> None:
        text = migration.statements[statement - 1]
        group, table = created_group(text), altered(text)
        if group and self._client.number("group_exists", group=group):
            return
        if table is None or not is_done(text, described(self._client, table[0]).get(table[1].lower(), {})):
            self._client.execute(*migration.statement(statement))

    def send(self, what: str, statement: str) -> None:
        self._client.execute(what, statement)

    def note(self, row: dict[str, object]) -> None:
        self._client.run("record_migration", **row)

    def grant(self, view: Sql) -> None:
        self._client.run("grant_view", view=view, role=name(ANALYSTS))

    def _record(self, migration: Migration, statement: int, state: str, seconds: float) -> None:
        self.note(migration.row(statement, state, seconds))


def analysts_views(files: Sequence[ViewFile], pipeline: Pipeline) -> list[AnalystsView]:
    """A pipeline's views for analysts, over its rows: a materialised view takes no view that is bound late."""
    return views.views_of(files, pipeline, {table.name: place(pipeline, table).storage for table in pipeline.tables})
