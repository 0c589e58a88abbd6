"""ClickHouse as a :class:`sluice.warehouse.base.Warehouse`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Self

from sluice import spec
from sluice.manifest import Manifest
from sluice.settings import Endpoint
from sluice.spec import Collection, Pipeline, Table
from sluice.statements import Sql, name
from sluice.suspects import Suspect
from sluice.warehouse.asked import Asked
from sluice.warehouse.base import Batch, Commit, Loaded, MigrationState, TableState
from sluice.warehouse.buckets import DIGITS, digits_of
from sluice.warehouse.clickhouse import quarantine
from sluice.warehouse.clickhouse.check import recount
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.fence import Pace
from sluice.warehouse.clickhouse.landed import Access
from sluice.warehouse.clickhouse.migrate import Migrator, analysts_views
from sluice.warehouse.clickhouse.probe import probe
from sluice.warehouse.clickhouse.publish import Publish
from sluice.warehouse.clickhouse.staging import Load, drop_staging, staged_plans
from sluice.warehouse.clickhouse.suspects import Suspects
from sluice.warehouse.clickhouse.tables import CONTROL, place
from sluice.warehouse.differences import Comparison
from sluice.warehouse.migrations import Migration, read_migrations
from sluice.warehouse.quarantine import RejectRow, Which
from sluice.warehouse.replayable import Extras, Page
from sluice.warehouse.replayed import written
from sluice.warehouse.views import ViewFile, read_views
from sluice.window import Plan, Run

DEFAULT_PACE = Pace()


class ClickHouse(Asked):
    """One ClickHouse server. See the Protocol for what each method promises."""

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
        self._files = read_migrations("clickhouse") if files is None else files
        self._views = read_views("clickhouse") if views is None else views

    @classmethod
    def connect(cls, endpoint: Endpoint, warehouse: spec.Warehouse, *, bucket: str = "") -> Self:
        """Connect and log in. ``bucket``: the landing's address as the engine sees it (:func:`bucket_address`).

        Raises ConfigError, AccessDenied, WarehouseUnavailable.
        """
        return cls(Client.connect(endpoint), Access(bucket, warehouse.named_collection))

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
        """Make a materialised view again, and wait for it."""
        self._client.run("refresh_view", view=Sql(aggregate))
        self._client.run("wait_view", view=Sql(aggregate))

    def schema(self) -> str:
        """The product's schema as the server prints it: what ``migrations/clickhouse/schema.sql`` shows."""
        rows = self._client.rows("created_objects", database=CONTROL)
        return "".join(f"{text};\n\n" for (text,) in rows).rstrip("\n") + "\n"

    def load(
        self, plan: Plan, collection: Collection, manifests: Sequence[Manifest], rejects: Iterable[RejectRow] = ()
    ) -> Loaded:
        """Stage the landed parts of one collection."""
        return Load(self._client, self._access, plan, collection).run(manifests, rejects)

    def publish(self, pipeline: Pipeline, batch: Batch) -> Commit:
        """Make a batch visible."""
        return Publish(self._client, pipeline, batch, self._pace).run()

    def verify(self, pipeline: Pipeline, commit: Commit) -> None:
        """Recount a batch that has not been purged. Publish has looked at its keys, one by one, before the commit."""
        recount(self._client, pipeline, commit)

    def drop_staging(self, plan: str) -> int:
        """Drop the staging tables of one plan."""
        return drop_staging(self._client, plan)

    def staged_plans(self, pipeline: Pipeline) -> dict[str, datetime]:
        """The plans that have staging tables → when the newest was made."""
        return staged_plans(self._client, pipeline)

    def purge(self, pipeline: Pipeline, *, older_than: timedelta) -> int:
        """Delete old closed versions."""
        seconds = int(older_than.total_seconds())
        batch = self._client.number("purge_horizon", pipeline=pipeline.name, seconds=seconds)
        total = 0
        for table in pipeline.tables:
            storage = place(pipeline, table).storage
            found = self._client.number("count_purgeable", storage=storage, batch=batch)
            if found:
                self._client.run("purge_versions", storage=storage, batch=batch)
            total += found
        return total

    def drop_rejects(self, pipeline: str, which: Which, *, who: str, why: str) -> int:
        """Mark rejects as dealt with."""
        if not self._client.has_table("settled_rejects"):
            return 0
        return quarantine.drop(self._client, pipeline, which, who, why)

    def extras_size(self, pipeline: Pipeline, collection: Collection, base: int, runs: Sequence[Run]) -> Extras:
        """How much a replay is about."""
        storage = place(pipeline, collection.tables[0]).storage
        return Extras(*self._client.row("extras_size", storage=storage, written=written(runs), base=base))

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
            base=base,
        )
        return [(key, extra) for key, extra in rows]

    def visible_state(self, pipeline: Pipeline, table: Table, batch: int) -> TableState:
        """Rows and hashes by bucket."""
        rows = self._client.rows("visible_state", **self._visible(pipeline, table, batch))
        sums = {int(bucket, 16): int(total) for bucket, _, total in rows}
        return TableState(table.name, sum(count for _, count, _ in rows), batch, sums)

    def visible_keys(self, pipeline: Pipeline, table: Table, batch: int, bucket: int) -> dict[str, int]:
        """Keys and hashes of one bucket."""
        wanted = {**self._visible(pipeline, table, batch), "bucket": digits_of(bucket)}
        return dict(self._client.rows("visible_keys", **wanted))

    def find_suspects(
        self, pipeline: Pipeline, scan: Plan, collection: Collection, commit: Commit
    ) -> tuple[Commit, int]:
        """Compare staged keys with what readers saw at a commit."""
        return commit, Suspects(self._client, pipeline, scan, collection).find(commit.batch)

    def suspects(
        self, pipeline: Pipeline, scan: Plan, collection: Collection, after: str | None, limit: int
    ) -> list[Suspect]:
        """The next keys that may differ."""
        return Suspects(self._client, pipeline, scan, collection).page(after, limit)

    def server_version(self) -> str:
        """The server's name and version."""
        version, host = self._client.row("server_version")
        return f"ClickHouse {version} on {host}"

    def probe(self) -> str:
        """Try every right."""
        return probe(self._client)

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    @property
    def _migrator(self) -> Migrator:
        return Migrator(self._client, self._pace, self._files, self._views)

    def _visible(self, pipeline: Pipeline, table: Table, batch: int) -> dict[str, object]:
        return {"at": place(pipeline, table).at, "key": name(table.key[0]), "batch": batch, "digits": DIGITS}
