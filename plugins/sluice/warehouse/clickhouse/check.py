"""Is a batch in the tables what its record says? Through the time-travel views, so before and after it is visible."""

from __future__ import annotations

from sluice.errors import CountMismatch
from sluice.spec import Collection, Pipeline, Table
from sluice.statements import name, names
from sluice.warehouse.base import Commit, TableCounts
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.tables import place
from sluice.warehouse.clickhouse.versions import slices


def recount(client: Client, pipeline: Pipeline, commit: Commit) -> None:
    """Count the rows that a batch wrote and closed. Raises CountMismatch."""
    for table in pipeline.tables:
        _recount(client, pipeline, table, _counts(commit, table), commit.batch)


def refuse_old_versions(client: Client, pipeline: Pipeline, commit: Commit) -> None:
    """Raise CountMismatch when a key that a batch wrote or ended is still visible as it was before, or twice."""
    for collection in pipeline.collections:
        own = _counts(commit, collection.tables[0])
        if written := own.published + own.gone:
            _refuse_double(client, pipeline, collection, written, commit.batch)


def _counts(commit: Commit, table: Table) -> TableCounts:
    return TableCounts(**commit.counts[table.collection]["tables"][table.name])


def _recount(client: Client, pipeline: Pipeline, table: Table, counts: TableCounts, batch: int) -> None:
    expected = (counts.published, counts.gone, counts.closed, counts.confirmed)
    found = client.row("count_written", versions=place(pipeline, table).versions, batch=batch)
    if found != expected:
        raise CountMismatch(
            f"{table.name} does not hold what batch {batch} says",
            why=f"(published, gone, closed, confirmed) are {found} in the table and {expected} in the record",
            fix=f"compare it with the source: `sluice verify {pipeline.name}`",
        )


def _refuse_double(client: Client, pipeline: Pipeline, collection: Collection, keys: int, batch: int) -> None:
    own = collection.tables[0]
    for table in collection.tables:
        for slice_ in slices(keys):
            wrong = client.rows(
                "find_double",
                at=place(pipeline, table).at,
                keys=names(table.key),
                key=name(table.key[0]),
                parents=place(pipeline, own).storage,
                parent_key=name(own.key[0]),
                batch=batch,
                **slice_,
            )
            if wrong:
                raise CountMismatch(
                    f"{table.name}: an old version is still visible at batch {batch}",
                    why=f"{', '.join(table.key)} = {wrong[0]} was not closed",
                    fix=f"compare it with the source: `sluice verify {pipeline.name}`, and report this",
                )
