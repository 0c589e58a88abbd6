"""The journal of maintenance, ``sluice.maintenance``: what the maintenance DAGs did, why, and what that saved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Self

from sluice.spec import Pipeline, WarehouseKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sluice.settings import Resolver
    from sluice.warehouse.clickhouse.client import Client as OnClickHouse
    from sluice.warehouse.redshift.client import Client as OnRedshift

    Client = OnClickHouse | OnRedshift

VACUUM, CLEANUP = "vacuum", "cleanup"
"""The kinds of maintenance: one of each DAG."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of something. None: the work does not change it, or nobody counted.

    ``objects`` are objects on S3, parts of a table on ClickHouse, files.
    """

    rows: int | None = None
    bytes: int | None = None
    objects: int | None = None


UNKNOWN: Final = Size()


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done; in a dry run that would have been done, with ``after`` as it is expected.

    ``target`` is what it was done to: a table, or an address on S3. ``did`` tells it in words, ``error`` why it was not
    done. ``at`` is the warehouse's clock's, when it was noted.
    """

    pipeline: str
    kind: str
    action: str
    target: str
    reason: str
    did: str
    before: Size = UNKNOWN
    after: Size = UNKNOWN
    seconds: float = 0.0
    dry_run: bool = False
    error: str = ""
    at: datetime | None = None

    def values(self) -> dict[str, object]:
        """The parameters of the statement ``insert_maintenance``."""
        sizes = {
            f"{what}_{when}": getattr(size, what)
            for when, size in (("before", self.before), ("after", self.after))
            for what in ("rows", "bytes", "objects")
        }
        texts = {
            name: _fitting(getattr(self, name), length)
            for name, length in (("target", 2048), ("reason", 2048), ("did", 2048), ("error", 4096))
        }
        named = {"pipeline": self.pipeline, "kind": self.kind, "action": self.action}
        return {**named, **texts, **sizes, "seconds": self.seconds, "dry_run": self.dry_run}

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Self:
        """A row of the statement ``maintenance``."""
        (
            pipeline,
            kind,
            action,
            target,
            reason,
            did,
            rows,
            rows_after,
            size,
            size_after,
            objects,
            objects_after,
            *rest,
        ) = row
        before, after = Size(rows, size, objects), Size(rows_after, size_after, objects_after)
        return cls(pipeline, kind, action, target, reason, did, before, after, *rest)


class Journal:
    """Append and read; nothing in it is ever changed."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def append(self, entry: Entry) -> None:
        """Note it. Raises MigrationError before the first ``migrate``."""
        self._client.run("insert_maintenance", **entry.values())

    def entries(self, pipeline: str, *, kind: str = "", limit: int = 50) -> list[Entry]:
        """The newest entries, newest first; none before the first ``migrate``. An empty kind means any."""
        if not self._client.has_table("maintenance"):
            return []
        rows = self._client.rows("maintenance", pipeline=pipeline, kind=kind, limit=limit)
        return [Entry.of_row(row) for row in rows]

    def close(self) -> None:
        """End the connection."""
        self._client.close()


def connect_journal(pipeline: Pipeline, resolve: Resolver) -> Journal:
    """Connect to the journal in a pipeline's warehouse, by a session of its own: it is no part of any transaction."""
    endpoint = resolve(pipeline.warehouse.conn_id)
    if pipeline.warehouse.kind is WarehouseKind.REDSHIFT:
        from sluice.warehouse.redshift import client as redshift

        return Journal(redshift.Client.connect(endpoint))
    from sluice.warehouse.clickhouse import client as clickhouse

    return Journal(clickhouse.Client.connect(endpoint))


def _fitting(text: str, length: int) -> str:
    """As much of a text as a column of so many bytes takes."""
    return text.encode()[:length].decode(errors="ignore")
