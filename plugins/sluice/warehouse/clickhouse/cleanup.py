"""ClickHouse as cleanup sees it: see :class:`sluice.warehouse.cleanup.Cleaner`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final, Self

from sluice.settings import Endpoint
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.fence import Fence, Pace
from sluice.warehouse.clickhouse.quarantine import quarantine
from sluice.warehouse.clickhouse.recover import count_left, recover

DEFAULT_PACE = Pace(patience=300.0)

AT_ONCE: Final = 32
"""Parameters travel in the address of a request, of which a proxy may take no more than 8 KB."""


class Cleaner:
    """One pipeline on one server."""

    def __init__(self, client: Client, pipeline: str, pace: Pace = DEFAULT_PACE) -> None:
        self._client, self._pipeline, self._pace = client, pipeline, pace

    @classmethod
    def connect(cls, endpoint: Endpoint, pipeline: str) -> Self:
        """Connect and log in."""
        return cls(Client.connect(endpoint), pipeline)

    def published(self, plans: Sequence[str], older_than: timedelta) -> dict[str, bool]:
        """Plan → whether it is as old."""
        since = self._since(older_than)
        some = (self._client.rows("published_plans", plans=asked, **since) for asked in _some(plans))
        return {plan: old for rows in some for plan, old in rows}

    def listed(self, uris: Sequence[str], above: int) -> set[str]:
        """Those to which rejects point."""
        where = {"quarantine": quarantine(), "pipeline": self._pipeline, "batch": above}
        some = (self._client.rows("listed_uris", uris=asked, **where) for asked in _some(uris))
        return {uri for rows in some for (uri,) in rows}

    def batch_before(self, older_than: timedelta) -> int:
        """The newest batch that is as old."""
        return self._client.number("purge_horizon", **self._since(older_than))

    def count_rejects(self, batch: int) -> tuple[int, int]:
        """Of that batch and earlier ones, settled by then."""
        where = {"quarantine": quarantine(), "pipeline": self._pipeline, "batch": batch}
        return self._client.number("count_old_rejects", **where), self._client.number("count_old_settled", **where)

    def delete_rejects(self, batch: int) -> None:
        """Delete them under the fence."""
        fence = self._fence()
        with fence.held():
            fence.client.run("delete_old_rejects", quarantine=quarantine(), batch=batch, **fence.guard)
            fence.client.run("delete_old_settled", batch=batch, **fence.guard)
            fence.confirm()

    def count_checks(self, plan: str, older_than: timedelta) -> int:
        """By their own age."""
        return self._client.number("count_old_checks", plan=plan, **self._since(older_than))

    def delete_checks(self, plan: str, older_than: timedelta) -> None:
        """Delete them."""
        self._client.run("delete_old_checks", plan=plan, **self._since(older_than))

    def count_drift(self, batch: int) -> int:
        """Each batch that saw a path wrote a row."""
        return self._client.number("count_old_drift", pipeline=self._pipeline, batch=batch)

    def delete_drift(self, batch: int) -> None:
        """Delete them."""
        self._client.run("delete_old_drift", pipeline=self._pipeline, batch=batch)

    def dead_rows(self) -> int:
        """Versions that were written or closed above the newest batch, and their rejects."""
        return 0 if self._fence().is_taken() else self._count_dead()

    def undo_dead(self) -> int:
        """Recover, under the fence."""
        fence = self._fence()
        with fence.held():
            rows = self._count_dead()
            if rows:
                recover(fence, self._pipeline)
        return rows

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def _count_dead(self) -> int:
        return count_left(self._client, self._pipeline)

    def _fence(self) -> Fence:
        return Fence(self._client, self._pipeline, self._pace)

    def _since(self, older_than: timedelta) -> dict[str, object]:
        return {"pipeline": self._pipeline, "seconds": int(older_than.total_seconds())}


def _some(texts: Sequence[str]) -> Iterator[list[str]]:
    """A few at a time."""
    for start in range(0, len(texts), AT_ONCE):
        yield list(texts[start : start + AT_ONCE])
