"""Redshift as a :class:`sluice.warehouse.base.Warehouse`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Self

from sluice import spec
from sluice.errors import Superseded
from sluice.manifest import Manifest
from sluice.settings import Endpoint
from sluice.spec import Collection, Pipeline, Table
from sluice.statements import Sql, name
from sluice.suspects import Suspect
from sluice.warehouse.asked import Asked
from sluice.warehouse.base import Batch, Commit, Loaded, MigrationState, TableState
from sluice.warehouse.buckets import DIGITS, MODULUS, digits_of
from sluice.warehouse.differences import Comparison
from sluice.warehouse.migrations import Migration, read_migrations
from sluice.warehouse.quarantine import RejectRow, Which
from sluice.warehouse.records import read_commit
from sluice.warehouse.redshift import quarantine
from sluice.warehouse.redshift.check import recount
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.landed import Access
from sluice.warehouse.redshift.migrate import Migrator, analysts_views
from sluice.warehouse.redshift.probe import probe
from sluice.warehouse.redshift.publish import DEFAULT_PACE, Pace, Publish
from sluice.warehouse.redshift.staging import Load, drop_staging, staged_plans
from sluice.warehouse.redshift.suspects import Suspects
from sluice.warehouse.redshift.tables import place
from sluice.warehouse.replayable import Extras, Page
from sluice.warehouse.replayed import written
from sluice.warehouse.views import ViewFile, read_views
from sluice.window import Plan, Run


class Redshift(Asked):
    """One database of a cluster or workgroup. See the Protocol for what each method promises."""

    _client: Client

    def __init__(
        self,
        client: Client,
        access: Access,
        pace: Pace = DEFAULT_PACE,
        files: Sequence[Migration] | None = None,
        views: Sequence[ViewFile] | None = None,
    ) -> None:
        self._client, self._access, self._pace = client, access, pace
        self._quarantine = quarantine.quarantine()
        self._files = read_migrations("redshift") if files is None else files
        self._views = read_views("redshift") if views is None else views

    @classmethod
    def connect(cls, endpoint: Endpoint, landing: Endpoint, place: spec.Landing) -> Self:
        """Connect and log in. ``landing``: the connection to S3, whose keys COPY takes where there is no role.

        Raises ConfigError, AccessDenied, WarehouseUnavailable.
        """
        return cls(Client.connect(endpoint), Access.of(endpoint, landing, place))

    def migrate(self, pipeline: Pipeline | None) -> list[str]:
        """Apply what is missing."""
        return self._migrator.up(pipeline)

    def compare(self, pipeline: Pipeline) -> Comparison:
        """How the pipeline's tables differ from its file."""
        return self._migrator.compare(pipeline)

    def migration_states(self, pipeline: Pipeline | None = None) -> list[MigrationState]:
        """Every migration with its state, and a pipeline's views for analysts."""
        return self._migrator.states(pipeline)

    def aggregates(self, pipeline: Pipeline) -> list[str]:
        """The materialised views among a pipeline's views for analysts."""
        return [made.text for view in analysts_views(self._views, pipeline) for made in view.aggregates]

    def refresh(self, aggregate: str) -> None:
        """Make a materialised view again."""
        self._client.run("refresh_view", view=Sql(aggregate))

    def schema(self) -> str:
        """The product's schema: what ``migrations/redshift/schema.sql`` shows."""
        return self._migrator.schema()

    def load(
        self, plan: Plan, collection: Collection, manifests: Sequence[Manifest], rejects: Iterable[RejectRow] = ()
    ) -> Loaded:
        """Stage the landed parts of one collection."""
        return Load(self._client, self._access, plan, collection).run(manifests, rejects)

    def publish(self, pipeline: Pipeline, batch: Batch) -> Commit:
        """Make a batch visible."""
        return Publish(self._client, pipeline, batch, self._pace).run()

    def verify(self, pipeline: Pipeline, commit: Commit) -> None:
        """Recount a batch, and all rows of its tables."""
        recount(self._client, pipeline, commit)

    def drop_staging(self, plan: str) -> int:
        """Drop the staging tables of one plan."""
        return drop_staging(self._client, plan)

    def staged_plans(self, pipeline: Pipeline) -> dict[str, datetime]:
        """The plans that have staging tables → when the newest was made."""
        return staged_plans(self._client, pipeline)

    def purge(self, pipeline: Pipeline, *, older_than: timedelta) -> int:
        """Delete old marks of keys that are gone: there are no versions here."""
        with self._client.transaction():
            # A publisher reads the marks: one that is under way keeps those it has seen.
            self._client.run("lock_batches")
            return self._client.run("purge_gone", pipeline=pipeline.name, seconds=int(older_than.total_seconds()))

    def drop_rejects(self, pipeline: str, which: Which, *, who: str, why: str) -> int:
        """Mark rejects as dealt with."""
        if not self._client.has_table("settled_rejects"):
            return 0
        return quarantine.drop(self._client, pipeline, which, who, why)

    def extras_size(self, pipeline: Pipeline, collection: Collection, base: int, runs: Sequence[Run]) -> Extras:
        """How much a replay is about."""
        storage = place(pipeline, collection.tables[0]).storage
        return Extras(*self._client.row("extras_size", storage=storage, written=written(runs)))

    def extras(
        self, pipeline: Pipeline, collection: Collection, base: int, runs: Sequence[Run], page: Page
    ) -> list[tuple[Any, str]]:
        """Key and ``_extra`` of one page."""
        own = collection.tables[0]
        rows = self._client.rows(
            "extras",
            storage=place(pipeline, own).storage,
            key=name(own.key[0]),
            written=written(runs),
            pages=page.pages,
            page=page.number,
        )
        return [(key, extra) for key, extra in rows]

    def visible_state(self, pipeline: Pipeline, table: Table, batch: int) -> TableState:
        """Rows and hashes by bucket. Raises Superseded for any batch but the newest."""
        with self._at(pipeline, batch):
            rows = self._client.rows("visible_state", **_visible(pipeline, table))
        sums = {int(bucket, 16): int(total) % MODULUS for bucket, _, total in rows}
        return TableState(table.name, sum(count for _, count, _ in rows), batch, sums)

    def visible_keys(self, pipeline: Pipeline, table: Table, batch: int, bucket: int) -> dict[str, int]:
        """Keys and hashes of one bucket. Raises Superseded for any batch but the newest."""
        with self._at(pipeline, batch):
            rows = self._client.rows("visible_keys", **_visible(pipeline, table), bucket=digits_of(bucket))
        return {key: content % MODULUS for key, content in rows}

    def find_suspects(
        self, pipeline: Pipeline, scan: Plan, collection: Collection, commit: Commit
    ) -> tuple[Commit, int]:
        """Compare staged keys with the newest batch, whichever it is by now."""
        with self._client.transaction():
            newest = read_commit(self._client.row("commits", pipeline=pipeline.name, limit=1))
            return newest, Suspects(self._client, pipeline, scan, collection).find()

    def suspects(
        self, pipeline: Pipeline, scan: Plan, collection: Collection, after: str | None, limit: int
    ) -> list[Suspect]:
        """The next keys that may differ."""
        return Suspects(self._client, pipeline, scan, collection).page(after, limit)

    def server_version(self) -> str:
        """The server's name and version."""
        version, database, user = self._client.row("server_version")
        return f"{version.rpartition(', ')[2]}, database {database}, user {user}"

    def probe(self) -> str:
        """Try every right."""
        return probe(self._client, self._access)

    def close(self) -> None:
        """End the session."""
        self._client.close()

    @property
    def _migrator(self) -> Migrator:
        return Migrator(self._client, self._files, self._views)

    @contextmanager
    def _at(self, pipeline: Pipeline, batch: int) -> Iterator[None]:
        """One snapshot, of which the newest batch is that one."""
        with self._client.transaction():
            newest = read_commit(self._client.row("commits", pipeline=pipeline.name, limit=1)).batch
            if newest != batch:
                raise Superseded(
                    f"what readers saw of {pipeline.name} at batch {batch} is gone",
                    why=f"batch {newest} is published, and Redshift keeps no older state",
                    fix="ask again while no batch is published: pause the pipeline's DAG for as long as it takes",
                )
            yield


def _visible(pipeline: Pipeline, table: Table) -> dict[str, object]:
    return {"storage": place(pipeline, table).storage, "key": name(table.key[0]), "digits": DIGITS}
