"""``sluice.maintenance`` on Redshift: see :class:`sluice.warehouse.maintenance.Journal`."""

from __future__ import annotations

from typing import Self

from sluice.settings import Endpoint
from sluice.warehouse.maintenance import Entry
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.migrate import exists_table


class Journal:
    """What the maintenance DAGs did. A session of its own, whose statements commit by themselves."""

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
        if not exists_table(self._client, "maintenance"):
            return []
        return [
            Entry.of_row(row) for row in self._client.rows("maintenance", pipeline=pipeline, kind=kind, limit=limit)
        ]

    def close(self) -> None:
        """End the session."""
        self._client.close()
