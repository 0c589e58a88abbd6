"""What both warehouses are asked by the same statements: commit records, and what is kept beside them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Protocol

from sluice.drift import DriftRow
from sluice.history import ColumnsRow
from sluice.statements import Query
from sluice.warehouse.base import Commit
from sluice.warehouse.data_checks import CheckResult, read_result
from sluice.warehouse.quarantine import ANY, RejectGroup, RejectRow, Which
from sluice.warehouse.records import read_commit


class Asking(Protocol):
    """A connection."""

    def rows(self, name: str, /, **values: object) -> list[tuple[Any, ...]]:
        """Send a query of the warehouse's own folder; its rows."""
        ...

    def has_table(self, table: str) -> bool:
        """Whether the control schema has a table."""
        ...


class Asked:
    """The part of a warehouse that is the same on both. Before the first ``migrate`` there is nothing of anything.

    ``_quarantine``: every reject, and what became of it.
    """

    _client: Asking
    _quarantine: Query

    def last_commit(self, pipeline: str) -> Commit | None:
        """The newest commit record."""
        return next(iter(self.commits(pipeline, limit=1)), None)

    def commits(self, pipeline: str, *, limit: int = 20) -> list[Commit]:
        """The newest commit records."""
        return [read_commit(row) for row in self._rows("commits", "batches", pipeline=pipeline, limit=limit)]

    def commit_of(self, pipeline: str, plan: str) -> Commit | None:
        """The commit record of a plan."""
        rows = self._rows("commit_of_plan", "batches", pipeline=pipeline, plan=plan)
        return read_commit(rows[0]) if rows else None

    def rejects(self, pipeline: str, which: Which = ANY, *, settled: bool = False, limit: int = 50) -> list[RejectRow]:
        """Rejects of published batches, newest batch first."""
        chosen = {"quarantine": self._quarantine, "pipeline": pipeline, **asdict(which)}
        rows = self._rows("rejects", "settled_rejects", **chosen, all=settled, limit=limit)
        return [RejectRow(*row) for row in rows]

    def reject_groups(self, pipeline: str) -> list[RejectGroup]:
        """Open rejects by column and reason."""
        rows = self._rows("reject_groups", "settled_rejects", quarantine=self._quarantine, pipeline=pipeline)
        return [RejectGroup(*row) for row in rows]

    def drift(self, pipeline: str) -> list[DriftRow]:
        """What is known of undeclared paths."""
        return [DriftRow(*row) for row in self._rows("drift", "drift", pipeline=pipeline)]

    def columns(self, pipeline: str) -> list[ColumnsRow]:
        """Under which columns rows were written."""
        return [ColumnsRow(*row) for row in self._rows("columns", "columns", pipeline=pipeline)]

    def check_results(self, pipeline: str, *, failed: bool = False, limit: int = 50) -> list[CheckResult]:
        """The newest results of checks."""
        rows = self._rows("checks", "checks", pipeline=pipeline, failed=failed, limit=limit)
        return [read_result(row) for row in rows]

    def _rows(self, statement: str, table: str, /, **values: object) -> list[tuple[Any, ...]]:
        """The rows of a query; none where its table was not made yet."""
        return self._client.rows(statement, **values) if self._client.has_table(table) else []
