"""The vacuum on Redshift: see :class:`sluice.vacuum.Keeper`. What is decided stands in :mod:`sluice.vacuum_jobs`.

A session of its own, in which each statement commits by itself: VACUUM refuses a transaction. A cluster does one VACUUM
at a time, whoever asked for it: another one is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Self

from sluice.errors import SluiceError, WarehouseUnavailable
from sluice.settings import Endpoint
from sluice.spec import Pipeline
from sluice.statements import Sql, name
from sluice.vacuum import Order, Outcome, await_publish
from sluice.vacuum_jobs import Action, Job, TableInfo, Wanted, redshift_jobs, threshold
from sluice.warehouse.maintenance import Size
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.failures import Conflict
from sluice.warehouse.redshift.tables import CONTROL, key_table, place

POLL: Final = 1.0
MEGABYTE: Final = 1 << 20
LONGEST: Final = (1 << 31) - 1
"""Seconds, and milliseconds, that the statements take."""


class Keeper:
    """The tables of one pipeline, its key tables, and those of the control schema."""

    def __init__(self, client: Client, pipeline: Pipeline) -> None:
        self._client, self._pipeline = client, pipeline
        self._keep, self._end = LONGEST, 0.0

    @classmethod
    def connect(cls, endpoint: Endpoint, pipeline: Pipeline) -> Self:
        """Connect and log in. Raises ConfigError, AccessDenied, WarehouseUnavailable."""
        return cls(Client.connect(endpoint), pipeline)

    def jobs(self, order: Order, seconds: float) -> list[Job]:
        """What there is to do."""
        self._keep = min(int(order.keep.total_seconds()), LONGEST)
        self._end = time.monotonic() + seconds
        return redshift_jobs(self._tables(), self._old_marks(), order.wanted)

    def is_published_to(self, table: str = "") -> bool:
        """Whether somebody publishes, or writes the table."""
        schema, _, table = table.partition(".")
        return self._client.number("count_holders", schema=schema, table=table) > 0

    def do(self, job: Job, wanted: Wanted, seconds: float) -> Outcome:
        """Do it. A publish that began while another VACUUM was waited for goes first."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                with self._limited(left):
                    self._send(job, wanted)
            except Conflict:
                time.sleep(min(POLL, max(end - time.monotonic(), 0)))
                await_publish(self, job, end)
            except WarehouseUnavailable:
                if time.monotonic() < end:
                    raise
                return Outcome.ENDED
            else:
                return Outcome.DONE
        return Outcome.LEFT

    def size(self, job: Job) -> Size:
        """The table; of marks those that are old."""
        if job.action is Action.PURGE:
            return Size(rows=self._old_marks())
        return next((found.size for found in self._tables() if found.table == job.target), Size(0, 0))

    def told(self, job: Job, wanted: Wanted) -> str:
        """The statement."""
        if job.action is Action.PURGE:
            return "delete old marks"
        if job.action is Action.ANALYZE:
            return f"ANALYZE {job.target}"
        return f"VACUUM {job.action} {job.target}{threshold(job, wanted)}"

    def close(self) -> None:
        """End the session."""
        self._client.close()

    def _send(self, job: Job, wanted: Wanted) -> None:
        if job.action is Action.PURGE:
            with self._client.transaction():
                # As publish does: one that is under way keeps the marks that it has seen.
                self._client.run("lock_batches")
                self._client.run("purge_gone", pipeline=self._pipeline.name, seconds=self._keep)
            return
        table = name(*job.target.split("."))
        if job.action is Action.ANALYZE:
            self._client.run("analyze_table", table=table)
        else:
            mode, rest = Sql(job.action.value), Sql(threshold(job, wanted))
            self._client.run("vacuum_table", mode=mode, table=table, threshold=rest)

    @contextmanager
    def _limited(self, seconds: float) -> Iterator[None]:
        """The server ends what takes longer."""
        milliseconds = max(1, min(int(seconds * 1000), LONGEST))
        self._client.run("limit_statements", milliseconds=Sql(str(milliseconds)))
        try:
            yield
        finally:
            with suppress(SluiceError):  # a session that was lost has no limit any more
                self._client.run("limit_statements", milliseconds=Sql("0"))

    def _tables(self) -> list[TableInfo]:
        collections = self._pipeline.collections
        storages = [place(self._pipeline, table).storage for table in self._pipeline.tables]
        storages += [key_table(self._pipeline.name, each.name) for each in collections if each.surrogate_key]
        mine = {storage.text.replace('"', "").lower() for storage in storages}
        found = [_table_info(row) for row in self._client.rows("table_info")]
        return [each for each in found if each.table in mine or each.table.startswith(f"{CONTROL}.")]

    def _old_marks(self) -> int:
        """A publish that began meanwhile keeps readers of the commit records waiting, but not beyond the time given."""
        with self._limited(self._end - time.monotonic()):
            return self._client.number("count_old_marks", pipeline=self._pipeline.name, seconds=self._keep)


def _table_info(row: tuple[Any, ...]) -> TableInfo:
    """The driver has a Decimal for a number."""
    table, rows, visible, unsorted, benefit, stats_off, megabytes = row
    share, gained = (None if found is None else float(found) for found in (unsorted, benefit))
    return TableInfo(table, int(rows), int(visible), share, gained, float(stats_off), int(megabytes) * MEGABYTE)
