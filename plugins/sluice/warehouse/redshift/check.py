"""Is a batch in the tables what its record says? Asked before it is committed, and any time after."""

from __future__ import annotations

from sluice.errors import CountMismatch
from sluice.spec import Collection, Pipeline, Table
from sluice.statements import name, names
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
        refuse_double(client, pipeline, commit)


def refuse_double(client: Client, pipeline: Pipeline, commit: Commit) -> None:
    """Raise CountMismatch when a key that a batch wrote has another row, or one that it ended still has one."""
    for collection in pipeline.collections:
        counts = counts_of(commit, collection.tables[0])
        for table in collection.tables if counts.published else ():
            _refuse_double(client, pipeline, collection, table, commit.batch)
        for table in collection.tables if counts.gone else ():
            _refuse_ended(client, pipeline, table, commit.batch)


def counts_of(commit: Commit, table: Table) -> TableCounts:
    """What a commit record says of a table."""
    return TableCounts(**commit.counts[table.collection]["tables"][table.name])


def _recount(client: Client, pipeline: Pipeline, table: Table, commit: Commit, newest: Commit) -> None:
    rows, written = client.row("count_written", storage=place(pipeline, table).storage, batch=commit.batch)
    expected, published = newest.counts[table.collection]["rows"][table.name], counts_of(commit, table).published
    lost = written < published if commit.batch == newest.batch else False
    if rows != expected or written > published or lost:
        raise CountMismatch(
            f"{table.name} does not hold what batch {commit.batch} says",
            why=f"it has {rows:,} rows, {expected:,} after batch {newest.batch}; batch {commit.batch} wrote "
            f"{published:,}, of which {written:,} are there",
            fix=f"compare it with the source: `sluice verify {pipeline.name}`",
        )


def _refuse_double(client: Client, pipeline: Pipeline, collection: Collection, table: Table, batch: int) -> None:
    own = collection.tables[0]
    wrong = client.rows(
        "find_double",
        storage=place(pipeline, table).storage,
        keys=names(table.key),
        key=name(table.key[0]),
        parents=place(pipeline, own).storage,
        parent_key=name(own.key[0]),
        batch=batch,
    )
    if wrong:
        raise _old_version(pipeline, table, f"{', '.join(table.key)} = {wrong[0]} is there twice", batch)


def _refuse_ended(client: Client, pipeline: Pipeline, table: Table, batch: int) -> None:
    wrong = client.rows(
        "find_ended",
        storage=place(pipeline, table).storage,
        key=name(table.key[0]),
        pipeline=pipeline.name,
        collection=table.collection,
        batch=batch,
    )
    if wrong:
        raise _old_version(pipeline, table, f"{table.key[0]} = {wrong[0]} is gone, and still there", batch)


def _old_version(pipeline: Pipeline, table: Table, why: str, batch: int) -> CountMismatch:
    return CountMismatch(
        f"{table.name}: an old version is still visible at batch {batch}",
        why=why,
        fix=f"compare it with the source: `sluice verify {pipeline.name}`, and report this",
    )
