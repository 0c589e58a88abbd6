"""Where sequences are played: one pipeline on the real servers, emptied before each of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol

from sluice import audit
from sluice import pipeline as spine
from sluice.kept import KeptPlans
from sluice.mongo_client import connect
from sluice.settings import from_environment
from sluice.spec import Pipeline, WarehouseKind
from sluice.warehouse.base import Commit
from sluice.warehouse.clickhouse.fence import Pace as ClickHousePace
from sluice.warehouse.redshift.publish import Pace as RedshiftPace
from tests.acceptance import analysts
from tests.acceptance.conftest import World
from tests.model.death import Reaper
from tests.model.source import Clock, ClockedSource, Operated

PACES = {
    WarehouseKind.CLICKHOUSE: ClickHousePace(lease=0.2, patience=20.0, settle=0.0, poll=0.005),
    WarehouseKind.REDSHIFT: RedshiftPace(tries=5, pause=0.02),
}
"""The product's waiting times, shortened: nobody else publishes here, and many die."""

Rows = dict[str, list[dict[str, Any]]]
"""Key → the rows of a table that have it."""


class Server(Protocol):
    """An analyst who may also make it a pipeline that never published."""

    def rows(self, schema: str, table: str) -> list[dict[str, Any]]: ...

    def do(self, sql: str) -> None: ...

    def close(self) -> None: ...


class OnClickHouse(analysts.OnClickHouse):
    def do(self, sql: str) -> None:
        self._client.command(sql)


class OnRedshift(analysts.OnRedshift):
    """In one session: no sequence kills the server."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self._session = self._connect()
        self._session.autocommit = True

    def do(self, sql: str) -> None:
        self._session.cursor().execute(sql)

    def close(self) -> None:
        self._session.close()

    def _ask(self, sql: str) -> Any:
        cursor = self._session.cursor()
        cursor.execute(sql)
        return analysts._Answer([column[0] for column in cursor.description], cursor.fetchall())


SERVERS: dict[WarehouseKind, Any] = {WarehouseKind.CLICKHOUSE: OnClickHouse, WarehouseKind.REDSHIFT: OnRedshift}
CONTROL = {
    WarehouseKind.CLICKHOUSE: ("batches", "fences", "rejects", "settled_rejects"),
    WarehouseKind.REDSHIFT: ("batches", "rejects", "settled_rejects", "gone"),
}


@dataclass
class Arena:
    """One pipeline with its source, its systems and an analyst; ``reaper`` ends its processes."""

    world: World
    systems: spine.Systems
    source: Operated
    server: Server
    reaper: Reaper

    @property
    def pipeline(self) -> Pipeline:
        return self.world.pipeline

    def reset(self) -> None:
        """Nothing was ever written, nothing published."""
        self.source.empty()
        self.systems.source.clock = self.source.clock  # type: ignore[attr-defined]
        name = self.pipeline.name
        for table in self.pipeline.tables:
            self.server.do(f"TRUNCATE TABLE sluice_data.{name}_{table.name}")
        for control in CONTROL[self.pipeline.warehouse.kind]:
            self.server.do(f"DELETE FROM sluice.{control} WHERE pipeline = '{name}'")

    def revive(self) -> None:
        """Another process goes on: its connection to the warehouse is a new one."""
        self.systems.warehouse.close()
        warehouse = spine.connect_warehouse(self.pipeline, from_environment)
        warehouse._pace = PACES[self.pipeline.warehouse.kind]  # type: ignore[attr-defined]
        self.systems = replace(self.systems, warehouse=warehouse)

    def commits(self) -> list[Commit]:
        """The commit records, oldest first."""
        return self.systems.warehouse.commits(self.pipeline.name, limit=1000)[::-1]

    def tables(self) -> dict[str, Rows]:
        """Everything that readers see."""
        return {table.name: self._by_key(table.name, table.key[0]) for table in self.pipeline.tables}

    def open_rejects(self) -> set[tuple[str, str]]:
        """Collection and key of each."""
        rows = self.systems.warehouse.rejects(self.pipeline.name, limit=100_000)
        return {(row.collection, row.key) for row in rows}

    def sweep(self) -> None:
        spine.sweep(self.pipeline, self.systems, timedelta(0))

    def leftovers(self) -> list[str]:
        """Staging tables and unfinished uploads."""
        prefix = f"{self.pipeline.landing.prefix}/{self.pipeline.name}/"
        uploads = [key for key, _ in self.systems.landing._unfinished(prefix)]
        return self.world.analyst.staging(self.pipeline.name) + uploads

    def forget_plans(self) -> None:
        """No load that was begun is taken up."""
        plans = KeptPlans(self.systems.landing, self.pipeline.name)
        for kept in plans.all():
            plans.forget(kept.plan)

    def audited(self) -> list[str]:
        """What the product's own comparison finds different."""
        return [
            f"{found.collection} {found.different}"
            for found in audit.compare(self.pipeline, self.systems)
            if found.different
        ]

    def purge(self) -> None:
        self.systems.warehouse.purge(self.pipeline, older_than=timedelta(0))

    def _by_key(self, table: str, key: str) -> Rows:
        rows = defaultdict(list)
        for row in self.server.rows(self.pipeline.warehouse.schema, table):
            rows[row[key]].append(row)
        return dict(rows)


@contextmanager
def open_arena(world: World, environment: Any, reaper: Reaper) -> Iterator[Arena]:
    """An arena on the running servers, its tables made."""
    with spine.connect(world.pipeline, from_environment) as systems:
        systems.source.close()
        client = connect(from_environment(world.pipeline.source.conn_id))
        source = ClockedSource(client, world.pipeline.source.database)
        source.clock = Clock()
        server = SERVERS[world.pipeline.warehouse.kind](environment)
        capture = world.pipeline.capture
        operated = Operated(world.database, capture.overlap, capture.mode == "modified")
        arena = Arena(world, replace(systems, source=source), operated, server, reaper)
        arena.revive()
        operated.empty()
        spine.migrate(arena.pipeline, arena.systems)
        try:
            yield arena
        finally:
            arena.systems.__exit__()
            server.close()
