"""What cleanup asks of a warehouse: what is published and listed, and what dead batches and old ones left in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from sluice.spec import Pipeline, WarehouseKind

if TYPE_CHECKING:
    from sluice.settings import Resolver


class Cleaner(Protocol):
    """A pipeline's warehouse, as cleanup sees it. ``migrate`` has been there before."""

    def published(self, plans: Sequence[str], older_than: timedelta) -> dict[str, bool]:
        """Of these plans those that are published, and whether they were longer ago than that."""
        ...

    def listed(self, uris: Sequence[str], above: int) -> set[str]:
        """Of these objects those to which open rejects point, or such that a batch above that one has or settled."""
        ...

    def batch_before(self, older_than: timedelta) -> int:
        """The newest batch that was published longer ago than that; 0 when there is none."""
        ...

    def count_rejects(self, batch: int) -> tuple[int, int]:
        """How many rejects of that batch and earlier ones were settled by then, and notes of what became of them.

        Not those that are open, nor those that somebody dropped and that are their documents' newest: these stay.
        """
        ...

    def delete_rejects(self, batch: int) -> None:
        """Delete both. Waits for a publisher that is at work."""
        ...

    def count_checks(self, plan: str, older_than: timedelta) -> int:
        """How many results of checks were found longer ago than that, but for those of one plan."""
        ...

    def delete_checks(self, plan: str, older_than: timedelta) -> None:
        """Delete them."""
        ...

    def count_drift(self, batch: int) -> int:
        """How many rows of ``sluice.drift`` there are besides the newest of each path, up to that batch."""
        ...

    def delete_drift(self, batch: int) -> None:
        """Delete them."""
        ...

    def dead_rows(self) -> int:
        """How many rows dead attempts left, unpublished; 0 while a publisher is at work, who undoes them."""
        ...

    def undo_dead(self) -> int:
        """Undo them, as the next publish would. Returns how many there were. Waits for a publisher that is at work."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


def connect_cleaner(pipeline: Pipeline, resolve: Resolver) -> Cleaner:
    """Connect to a pipeline's warehouse. Raises ConfigError, AccessDenied, WarehouseUnavailable."""
    endpoint = resolve(pipeline.warehouse.conn_id)
    if pipeline.warehouse.kind is WarehouseKind.REDSHIFT:
        from sluice.warehouse.redshift import cleanup as redshift

        return redshift.Cleaner.connect(endpoint, pipeline.name)
    from sluice.warehouse.clickhouse import cleanup as clickhouse

    return clickhouse.Cleaner.connect(endpoint, pipeline.name)
