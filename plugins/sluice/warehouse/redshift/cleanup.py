"""Redshift as cleanup sees it: see :class:`sluice.warehouse.cleanup.Cleaner`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Self

from sluice.settings import Endpoint
from sluice.statements import Sql, literal
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.quarantine import quarantine


class Cleaner:
    """One pipeline on one cluster."""

    def __init__(self, client: Client, pipeline: str) -> None:
        self._client, self._pipeline = client, pipeline

    @classmethod
    def connect(cls, endpoint: Endpoint, pipeline: str) -> Self:
        """Connect and log in."""
        return cls(Client.connect(endpoint), pipeline)

    def published(self, plans: Sequence[str], older_than: timedelta) -> dict[str, bool]:
        """Plan → whether it is as old."""
        if not plans:
            return {}
        return dict(self._client.rows("published_plans", plans=_literals(plans), **self._since(older_than)))

    def listed(self, uris: Sequence[str], above: int) -> set[str]:
        """Those to which rejects point."""
        if not uris:
            return set()
        whose = {"quarantine": quarantine(), "pipeline": self._pipeline}
        rows = self._client.rows("listed_uris", **whose, uris=_literals(uris), batch=above)
        return {uri for (uri,) in rows}

    def batch_before(self, older_than: timedelta) -> int:
        """The newest batch that is as old."""
        return self._client.number("batch_horizon", **self._since(older_than))

    def count_rejects(self, batch: int) -> tuple[int, int]:
        """Of that batch and earlier ones, settled by then."""
        where = {"quarantine": quarantine(), "pipeline": self._pipeline, "batch": batch}
        return self._client.number("count_old_rejects", **where), self._client.number("count_old_settled", **where)

    def delete_rejects(self, batch: int) -> None:
        """Delete them while no other publishes."""
        with self._client.transaction():
            self._client.run("lock_batches")
            whose = {"pipeline": self._pipeline, "batch": batch}
            self._client.run("delete_old_rejects", quarantine=quarantine(), **whose)
            self._client.run("delete_old_settled", **whose)

    def count_checks(self, plan: str, older_than: timedelta) -> int:
        """By their own age."""
        return self._client.number("count_old_checks", plan=plan, **self._since(older_than))

    def delete_checks(self, plan: str, older_than: timedelta) -> None:
        """Delete them."""
        self._client.run("delete_old_checks", plan=plan, **self._since(older_than))

    def count_drift(self, batch: int) -> int:
        """None: publish takes out what a newer row says as well."""
        return 0

    def delete_drift(self, batch: int) -> None:
        """Nothing to delete."""

    def dead_rows(self) -> int:
        """None: the cluster rolls back what was not committed."""
        return 0

    def undo_dead(self) -> int:
        """Nothing to undo."""
        return 0

    def close(self) -> None:
        """End the session."""
        self._client.close()

    def _since(self, older_than: timedelta) -> dict[str, object]:
        return {"pipeline": self._pipeline, "seconds": int(older_than.total_seconds())}


def _literals(texts: Iterable[str]) -> Sql:
    return Sql(", ".join(literal(text).text for text in texts))
