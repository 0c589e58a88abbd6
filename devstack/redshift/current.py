"""The transaction that a session is in: the locks of its writes, and its place among the others (error 1023)."""

from __future__ import annotations

from typing import Final

from devstack.redshift import wire
from devstack.redshift.backend import Backend
from devstack.redshift.errors import SqlError
from devstack.redshift.isolation import Transaction
from devstack.redshift.shared import Shared

_HELD: Final = """
SELECT l.relation, l.mode
FROM pg_locks AS l
INNER JOIN pg_class AS c ON c.oid = l.relation
WHERE l.pid = {pid} AND c.relkind = 'r' AND c.relpersistence = 'p'
    AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'standin'::regnamespace)
"""


class Current:
    """One a session."""

    def __init__(self, shared: Shared, backend: Backend) -> None:
        self._shared, self._backend = shared, backend
        self._locked: set[str] = set()
        self._transaction: Transaction | None = None

    async def lock(self, table: str) -> None:
        """The lock of whoever writes a table: others wait to write it, nobody waits to read it."""
        if table not in self._locked:
            await self._backend.query(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
            self._locked.add(table)

    def take_snapshot(self) -> None:
        """The transaction begins to see."""
        if self._shared.isolation and not self._transaction:
            self._transaction = self._shared.isolation.begin()

    async def order(self) -> None:
        """Raises error 1023 when this transaction and others cannot be put into an order."""
        if not (self._shared.isolation and self._transaction) or self._backend.status == wire.FAILED:
            return
        held = await self._shared.system.query(_HELD.format(pid=self._backend.pid))
        tables = {
            mode: {int(oid or 0) for oid, m in held if m == mode} for mode in ("AccessShareLock", "RowExclusiveLock")
        }
        reads, writes = tables.values()
        mine = self._transaction
        if others := self._shared.isolation.cycle(mine, reads, writes):
            table = min(writes | reads)
            numbers = ", ".join(str(each.number) for each in (*others[1:], mine))
            await self._shared.system.query(
                "INSERT INTO standin.conflicts (xact_id, process_id, abort_time, table_id) "
                f"VALUES ({mine.number}, {self._backend.pid}, getdate(), {table})"
            )
            raise conflict(table, numbers, self._backend.pid)

    def end(self, *, committed: bool) -> None:
        """Its locks are gone."""
        self._locked.clear()
        if self._transaction and self._shared.isolation:
            self._shared.isolation.end(self._transaction, committed=committed)
            self._transaction = None


def conflict(table: int | str, numbers: str, pid: int) -> SqlError:
    """Error 1023 as a cluster sends it."""
    detail = f"Serializable isolation violation on table - {table}, transactions forming the cycle are: {numbers}"
    return SqlError("1023", "XX000", f"{detail} (pid:{pid})")
