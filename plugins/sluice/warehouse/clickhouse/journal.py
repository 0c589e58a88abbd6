"""``sluice.maintenance`` on ClickHouse: see :class:`sluice.warehouse.maintenance.Journal`."""

from __future__ import annotations

from typing import Self

from sluice.settings import Endpoint
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.tables import CONTROL
from sluice.warehouse.maintenance import Entry


class Journal:
    """What the maintenance DAGs did."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @classmethod
    def connect(cls, endpoint: Endpoint) -> Self:
        """Connect and log in. Raises ConfigError, AccessDenied, WarehouseUnavailable."""
        return cls(Client.connect(endpoint))

    def append(self, entry: Entry) -> None:
        """Note it."""
        self._client.run("insert_maintenance", **entry.values())

    def entries(self, pipeline: str, *, kind: str = "", limit: int = 50) -> list[Entry]:
        """The newest, newest first."""
        if not self._client.number("table_exists", database=CONTROL, table="maintenance"):
            return []
        return [
            Entry.of_row(row) for row in self._client.rows("maintenance", pipeline=pipeline, kind=kind, limit=limit)
        ]

    def close(self) -> None:
        """End the connections."""
        self._client.close()
