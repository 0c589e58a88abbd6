"""Is a batch in the tables what its record says? Asked any time after it."""

from __future__ import annotations

from sluice.errors import CountMismatch
from sluice.spec import Pipeline, Table
from sluice.warehouse.base import Commit, TableCounts
from sluice.warehouse.records import read_commit
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.tables import place


def recount(client: Client, pipeline: Pipeline, commit: Commit) -> None:
    """Compare the tables with the newest commit record and with ``commit``, which may be older. Raises CountMismatch.

    Rows that a batch wrote leave when a later batch replaces them, so only the newest one's can be counted exactly. But
    every record says how many rows each table had in all, which finds a row lost or doubled of any batch.
    """
    with client.transaction():
        newest = read_commit(client.row("commits", pipeline=pipeline.name, limit=1))
        for table in pipeline.tables:
            _recount(client, pipeline, table, commit, newest)


def counts_of(commit: Commit, table: Table) -> TableCounts:
    """What a commit record says of a table."""
    return TableCounts(**commit.counts[table.collection]["tables"][table.name])


def _recount(client: Client, pipeline: Pipeline, table: Table, commit: Commit, newest: Commit) -> None:
    rows, written = client.row("count_written", storage=place(pipeline, table).storage, batch=commit.batch)
    counts = counts_of(commit, table)
    expected, published = newest.counts[table.collection]["rows"][table.name], counts.published + counts.confirmed
    lost = written < published if commit.batch == newest.batch else False
    if rows != expected or written > published or lost:
        raise CountMismatch(
            f"{table.name} does not hold what batch {commit.batch} says",
            why=f"it has {rows:,} rows, {expected:,} after batch {newest.batch}; batch {commit.batch} wrote "
            f"{published:,}, of which {written:,} are there",
            fix=f"compare it with the source: `sluice verify {pipeline.name}`",
        )
