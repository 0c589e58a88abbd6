"""Recover: undo what an attempt that never committed left behind. Runs under the fence, before a batch is numbered."""

from __future__ import annotations

import logging

from sluice.statements import name
from sluice.warehouse.base import Commit
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.fence import Fence
from sluice.warehouse.clickhouse.tables import CONTROL, DATA, comment
from sluice.warehouse.records import read_commit

log = logging.getLogger(__name__)

_RECORDS = tuple(name(CONTROL, table) for table in ("rejects", "settled_rejects", "drift", "columns"))


def recover(fence: Fence, pipeline: str) -> Commit | None:
    """Bring the pipeline's tables back to the newest published batch, and return its record.

    The order matters: mutations of a dead attempt end first, since they would change rows after the repair; then the
    newest batch is read, and nothing sent under an older fence can change it any more.
    """
    client = fence.client
    storages = _storages(client, pipeline)
    fence.wait(lambda: _mutating(fence, storages), f"mutations of {pipeline} do not end")
    last = _newest(client, pipeline)
    batch = last.batch if last else 0
    for table in storages:
        _undo(fence, table, batch)
    for control in _RECORDS:
        if client.number("count_unpublished_records", table=control, pipeline=pipeline, batch=batch):
            client.run("delete_unpublished_records", table=control, batch=batch, **fence.guard)
    return last


def count_left(client: Client, pipeline: str) -> int:
    """How many rows an attempt that never committed left: what :func:`recover` would undo."""
    last = _newest(client, pipeline)
    batch = last.batch if last else 0
    found = [client.row("count_unpublished", storage=name(DATA, t), batch=batch) for t in _storages(client, pipeline)]
    records = (
        client.number("count_unpublished_records", table=control, pipeline=pipeline, batch=batch)
        for control in _RECORDS
    )
    return sum(int(written) + int(closed) for written, closed in found) + sum(records)


def _storages(client: Client, pipeline: str) -> list[str]:
    tables = comment(pipeline, "table ")
    return [table for (table,) in client.rows("pipeline_storages", database=DATA, comment=tables)]


def _newest(client: Client, pipeline: str) -> Commit | None:
    rows = client.rows("commits", pipeline=pipeline, limit=1)
    return read_commit(rows[0]) if rows else None


def _mutating(fence: Fence, storages: list[str]) -> bool:
    unfinished = fence.client.rows("unfinished_mutations", database=DATA, tables=storages)
    for table, mutation, failure in unfinished:
        if failure:
            log.warning("giving up a mutation of %s that failed: %s", table, failure)
            fence.client.run("kill_mutation", database=DATA, table=table, mutation=mutation)
    if unfinished:
        fence.renew()
    return bool(unfinished)


def _undo(fence: Fence, table: str, batch: int) -> None:
    storage = name(DATA, table)
    written, closed = fence.client.row("count_unpublished", storage=storage, batch=batch)
    if written:
        log.warning("%s: removing %d rows that were never published", table, written)
        fence.client.run("delete_unpublished_versions", storage=storage, batch=batch, **fence.guard)
    if closed:
        log.warning("%s: reopening %d rows", table, closed)
        fence.client.run("reopen_versions", storage=storage, batch=batch, **fence.guard)


def committed(client: Client, pipeline: str, plan: str) -> Commit | None:
    """The commit record of a plan, if it was published."""
    rows = client.rows("commit_of_plan", pipeline=pipeline, plan=plan)
    return read_commit(rows[0]) if rows else None
