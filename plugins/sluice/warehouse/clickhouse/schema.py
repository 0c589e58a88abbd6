"""The storage tables and views of one pipeline: created from its file when missing, refused when they differ."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sluice.errors import MigrationError
from sluice.spec import Pipeline, Table
from sluice.statements import OPEN, Sql, bind, literal, name, names
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.differences import UNALTERABLE, Found, differences
from sluice.warehouse.clickhouse.key_tables import KeyTables
from sluice.warehouse.clickhouse.tables import (
    ANALYSTS,
    DATA,
    Place,
    comment,
    definitions,
    indexes,
    key_stem,
    order_sql,
    partition,
    place,
    read_columns,
    shown,
    stored,
)
from sluice.warehouse.differences import Comparison, Difference, refusal


@dataclass(frozen=True, slots=True)
class View:
    """One view as it should be. Its comment carries a digest of its text: the server prints the text differently."""

    database: str
    table: str
    statement: str
    values: dict[str, object]
    pipeline: str
    description: str = ""
    readers: bool = False
    """Whether analysts may read it."""

    @property
    def label(self) -> str:
        """Its name for people."""
        return f"{self.database}.{self.table}"

    @property
    def comment(self) -> str:
        """What is said of it, and what tells whether the view that exists is this one."""
        text = bind(f"clickhouse/{self.statement}", **self.values, comment=Sql("")).text
        mark = comment(self.pipeline, f"definition {hashlib.sha256(text.encode()).hexdigest()[:16]}")
        return f"{self.description} ({mark})" if self.description else mark


@dataclass(frozen=True, slots=True)
class Existing:
    """One table or view that exists."""

    comment: str
    order: str
    partition: str


class Schema:
    """What one pipeline needs, against what the server has. Built once for each look."""

    def __init__(self, client: Client, pipeline: Pipeline) -> None:
        self._client, self._pipeline = client, pipeline
        self._places = {table: place(pipeline, table) for table in pipeline.tables}
        self._views = [view for table in pipeline.tables for view in self._views_of(table)]
        self._existing = self._describe()
        self._refuse_foreign()
        comments = {table: found.comment for (database, table), found in self._existing.items() if database == DATA}
        self.keys = KeyTables(client, pipeline, comments)

    def missing_tables(self) -> list[Table]:
        """The target tables without storage."""
        return [table for table, at in self._places.items() if (DATA, at.stem) not in self._existing]

    def outdated_views(self) -> list[View]:
        """Views that are missing or not what the pipeline file says."""
        return [view for view in self._views if self._comment(view) != view.comment]

    def create_tables(self) -> list[str]:
        """Create what is missing. Returns names."""
        created = self.missing_tables()
        for table in created:
            collection, at = self._pipeline.collection(table.collection), self._places[table]
            self._client.run(
                "create_storage",
                storage=at.storage,
                definitions=definitions(stored(collection, table), indexes(collection, table)),
                order=order_sql(collection, table),
                partition=Sql(partition(collection, table)),
                comment=literal(comment(self._pipeline.name, f"table {table.name}")),
            )
        return [f"table {self._places[table].stem}" for table in created]

    def create_views(self) -> list[str]:
        """Create or replace what is outdated. Returns names."""
        self._client.run("create_database", database=name(self._pipeline.warehouse.schema))
        outdated = self.outdated_views()
        for view in outdated:
            if view.readers:
                self._client.run("grant_view", view=name(view.database, view.table), role=name(ANALYSTS))
            self._client.run(view.statement, **view.values, comment=literal(view.comment))
        return [f"view {view.label}" for view in outdated]

    def refuse_differences(self) -> None:
        """Raise MigrationError, with the ALTER statements, when a storage table is not what the pipeline file says."""
        comparison = self.compare()
        if comparison.found:
            raise refusal(comparison, UNALTERABLE)

    def compare(self) -> Comparison:
        """How the tables differ from the pipeline file."""
        missing = tuple(self._places[table].stem for table in self.missing_tables())
        return Comparison(self._pipeline.name, missing, tuple(self._differences()))

    def _differences(self) -> Iterator[tuple[str, Difference]]:
        stems = [at.stem for at in self._places.values()]
        columns, indexed = (
            _by_table(self._client.rows(query, database=DATA, tables=stems))
            for query in ("described_columns", "described_indexes")
        )
        for table, at in self._places.items():
            if at.stem not in columns:
                continue
            described = self._existing[DATA, at.stem]
            found = Found(columns[at.stem], described.order, described.partition, indexed.get(at.stem, ()))
            for difference in differences(self._pipeline.collection(table.collection), table, at.storage, found):
                yield at.stem, difference

    def _describe(self) -> dict[tuple[str, str], Existing]:
        stems = [at.stem for at in self._places.values()]
        stems += [key_stem(self._pipeline.name, collection) for collection in self._pipeline.collections]
        rows = self._client.rows(
            "described_tables",
            databases=[DATA, self._pipeline.warehouse.schema],
            tables=[*stems, *(view.table for view in self._views)],
        )
        wanted = {*((DATA, stem) for stem in stems), *((view.database, view.table) for view in self._views)}
        return {(database, table): Existing(*rest) for database, table, *rest in rows if (database, table) in wanted}

    def _refuse_foreign(self) -> None:
        for (database, table), existing in self._existing.items():
            if comment(self._pipeline.name) not in existing.comment:
                raise MigrationError(
                    f"{database}.{table} exists and does not belong to the pipeline {self._pipeline.name}",
                    why=f"its comment is {existing.comment!r}",
                    fix="rename the collection or the schema in the pipeline file, or remove that table",
                )

    def _views_of(self, table: Table) -> Iterator[View]:
        at, collection = self._places[table], self._pipeline.collection(table.collection)
        yield from _inner_views(table, at)
        yield View(
            at.schema,
            at.table,
            "create_published_view",
            {
                "view": at.published,
                "definitions": shown(collection, table),
                "columns": names(table.readable),
                "history": at.history,
                "pipeline": literal(at.pipeline),
            },
            at.pipeline,
            table.description,
            readers=True,
        )

    def _comment(self, view: View) -> str | None:
        existing = self._existing.get((view.database, view.table))
        return existing.comment if existing else None


def _inner_views(table: Table, at: Place) -> Iterator[View]:
    make = partial(View, pipeline=at.pipeline)
    columns = names(read_columns(table))
    yield make(
        DATA,
        f"{at.stem}__all",
        "create_versions_view",
        {"view": at.versions, "columns": columns, "storage": at.storage},
    )
    yield make(
        DATA,
        f"{at.stem}__at",
        "create_at_view",
        {"view": at.at, "columns": columns, "versions": at.versions, "batch": OPEN},
    )
    yield make(
        DATA,
        f"{at.stem}__history",
        "create_history_view",
        {"view": at.history, "columns": columns, "versions": at.versions, "pipeline": literal(at.pipeline)},
        readers=True,
    )


def _by_table(rows: list[tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for table, *described in rows:
        found[table].append(tuple(described))
    return {table: tuple(each) for table, each in found.items()}
