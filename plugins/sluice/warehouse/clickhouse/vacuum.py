"""The vacuum on ClickHouse: see :class:`sluice.vacuum.Keeper`. What is decided stands in :mod:`sluice.vacuum_jobs`.

A mutation goes on in the server when whoever sent it dies, and does the same then. One that the time budget ends is
killed: the parts that it had written stay. A merge cannot be stopped, and so is not started when it may take too long.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from dataclasses import replace
from typing import Final, Self

from sluice.errors import WarehouseUnavailable
from sluice.settings import Endpoint
from sluice.spec import Pipeline
from sluice.statements import literal, name
from sluice.vacuum import Order, Outcome
from sluice.vacuum_jobs import Action, Backlog, Job, Partition, Wanted, clickhouse_jobs, waiting
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.fence import Fence, Pace
from sluice.warehouse.clickhouse.tables import CONTROL, DATA, comment
from sluice.warehouse.maintenance import Size

log = logging.getLogger(__name__)

MERGED_A_SECOND: Final = 10_000_000
"""Bytes, at least: a busy server with two cores was measured at 25 million."""
LONGEST: Final = (1 << 31) - 1
"""Seconds that the statements take."""
POLL: Final = 0.1
_DOES: Final = {
    Action.PURGE: "delete ended row versions of",
    Action.APPLY_PATCHES: "apply the patches of",
    Action.MERGE: "merge the parts of",
}


class Keeper:
    """The tables of one pipeline, its key tables, and those of the control schema."""

    def __init__(self, client: Client, pipeline: Pipeline, pace: Pace) -> None:
        self._client, self._pipeline = client, pipeline
        self._fence = Fence(client, pipeline.name, pace)
        self._horizon = 0

    @classmethod
    def connect(cls, endpoint: Endpoint, pipeline: Pipeline) -> Self:
        """Connect and log in. Raises ConfigError, AccessDenied, WarehouseUnavailable."""
        return cls(Client.connect(endpoint), pipeline, Pace())

    def jobs(self, order: Order, seconds: float) -> list[Job]:
        """What there is to do. Nothing that it asks waits for anything."""
        keep = min(int(order.keep.total_seconds()), LONGEST)
        self._horizon = self._client.number("purge_horizon", pipeline=self._pipeline.name, seconds=keep)
        tables = comment(self._pipeline.name, "table ")
        storages = [table for (table,) in self._client.rows("pipeline_storages", database=DATA, comment=tables)]
        backlogs = self._backlogs(storages)
        for line in waiting(backlogs):
            log.info("vacuum leaves alone %s", line)
        return clickhouse_jobs(self._partitions(storages), backlogs, order.wanted)

    def is_published_to(self, table: str = "") -> bool:
        """Whether a publisher of the pipeline holds the fence."""
        return self._fence.is_taken()

    def do(self, job: Job, wanted: Wanted, seconds: float) -> Outcome:
        """Do it."""
        database, table = job.target.split(".")
        if job.action is Action.KILL_MUTATION:
            self._client.run("kill_mutation", database=database, table=table, mutation=job.piece)
            return Outcome.DONE
        place: dict[str, object] = {"storage": name(database, table), "partition": literal(job.piece)}
        if job.action is Action.MERGE:
            if (job.before.bytes or 0) / MERGED_A_SECOND > seconds:
                return Outcome.LEFT
            self._client.run("merge_partition", **place)
            return Outcome.DONE
        end = time.monotonic() + seconds
        if job.action is Action.PURGE:
            self._client.run("purge_partition", **place, batch=self._horizon)
        else:
            self._client.run("apply_patches", **place)
        return self._await(database, table, end)

    def size(self, job: Job) -> Size:
        """The partition; of mutations how many are not done."""
        if job.action is Action.KILL_MUTATION:
            (backlog, *_) = [*self._backlogs([job.target.split(".")[1]]), Backlog(job.target, 0)]
            return Size(objects=backlog.unfinished)
        left = (found.size for found in self._partitions([]) if (found.table, found.id) == (job.target, job.piece))
        return next(left, Size(0, 0, 0))

    def told(self, job: Job, wanted: Wanted) -> str:
        """In words."""
        if job.action is Action.KILL_MUTATION:
            return f"give up the mutation {job.piece}"
        return f"{_DOES[job.action]} the partition {job.piece}"

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def _partitions(self, storages: list[str]) -> list[Partition]:
        """As the server reports them; rows that may be purged are counted in these storages."""
        ended: dict[tuple[str, str], int] = {}
        for table in storages:
            counts = self._client.rows("count_ended_versions", storage=name(DATA, table), batch=self._horizon)
            ended |= {(f"{DATA}.{table}", partition): rows for partition, rows in counts}
        places = {"control": CONTROL, "data": DATA, "comment": comment(self._pipeline.name)}
        found = [Partition(*row) for row in self._client.rows("partitions", **places)]
        return [replace(each, ended=ended.get((each.table, each.id), 0)) for each in found]

    def _backlogs(self, storages: list[str]) -> list[Backlog]:
        unfinished = defaultdict(list)
        for table, mutation, failure in self._client.rows("unfinished_mutations", database=DATA, tables=storages):
            unfinished[table].append((mutation, failure))
        found = []
        for table, mutations in unfinished.items():
            failing = next((each for each in mutations if each[1]), ("", ""))
            found.append(Backlog(f"{DATA}.{table}", len(mutations), *failing))
        return found

    def _await(self, database: str, table: str, end: float) -> Outcome:
        where = {"database": database, "table": table}
        while mine := self._client.rows("unfinished_maintenance", **where):
            failure = next((reason for _, reason in mine if reason), "")
            if failure or time.monotonic() > end:
                for mutation, _ in mine:
                    self._client.run("kill_mutation", **where, mutation=mutation)
                if failure:
                    raise _failed(f"{database}.{table}", failure)
                return Outcome.ENDED
            time.sleep(POLL)
        return Outcome.DONE


def _failed(table: str, why: str) -> WarehouseUnavailable:
    return WarehouseUnavailable(
        f"ClickHouse did not vacuum {table}",
        why=why,
        fix="nothing that readers see was changed; it is tried again, and if it stays, look at the server's log",
    )
