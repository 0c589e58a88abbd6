"""The storage tables and views of one pipeline: created from its file when missing, refused when they differ."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from sluice.described import descriptions
from sluice.errors import MigrationError
from sluice.spec import Collection, Pipeline, Table
from sluice.statements import Sql, bind, literal, name, names
from sluice.warehouse.differences import Comparison, Difference, refusal
from sluice.warehouse.redshift.alters import Columns, Described, sort_order
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.differences import UNALTERABLE, differences
from sluice.warehouse.redshift.tables import (
    ANALYSTS,
    DATA,
    Place,
    Stored,
    attributes,
    definitions,
    key_stem,
    key_table,
    key_type,
    place,
    stored,
)


def comment(pipeline: str, rest: str = "") -> str:
    """The comment on everything that belongs to a pipeline: how it is told from what others made."""
    return f"sluice: pipeline {pipeline}, {rest}"


def doubled(text: str) -> Sql:
    """A quoted string, in the only form that the driver's scanner of statements understands too."""
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return Sql(f"'{escaped}'")


def described(client: Client, schema: str) -> dict[str, Columns]:
    """The columns of every table of a schema, by table. Redshift keeps names in lower case."""
    found: dict[str, dict[str, Described]] = defaultdict(dict)
    for table, column, *rest in client.rows("described_columns", schema=schema.lower()):
        found[table][column] = Described(*rest)
    return dict(found)


def printed(client: Client, schema: str) -> str:
    """The tables of a schema as statements that would make them, without their defaults."""
    return "\n".join(_printed(schema, table, columns) for table, columns in described(client, schema).items())


def _printed(schema: str, table: str, columns: Columns) -> str:
    body = definitions(Stored(column, now.type, required=not now.nullable) for column, now in columns.items())
    keys = [f"DISTKEY ({name(column).text})" for column, now in columns.items() if now.distkey]
    attached = [*keys, f"COMPOUND SORTKEY ({names(sort_order(columns)).text})"]
    return f"CREATE TABLE {name(schema, table).text} ({body.text}) {' '.join(attached)};\n"


def exists(client: Client, schema: str) -> bool:
    """Whether there is a schema of that name."""
    return client.number("schema_exists", schema=schema.lower()) > 0


@dataclass(frozen=True, slots=True)
class View:
    """One view as it should be. Its comment carries a digest of its text: the server prints the text differently."""

    at: Place
    table: Table

    @property
    def label(self) -> str:
        """Its name for people."""
        return f"{self.at.schema}.{self.at.table}"

    @property
    def values(self) -> dict[str, Sql]:
        """What the statement that creates it takes."""
        return {"view": self.at.published, "columns": names(self.table.readable), "storage": self.at.storage}

    @property
    def comment(self) -> str:
        """What is said of it, and what tells whether the view that exists is this one."""
        text = bind("redshift/create_published_view", **self.values).text + repr(descriptions(self.table))
        mark = comment(self.at.pipeline, f"definition {hashlib.sha256(text.encode()).hexdigest()[:16]}")
        return f"{self.table.description} ({mark})" if self.table.description else mark

    def described(self) -> Iterator[tuple[Sql, Sql]]:
        """Each column, of the storage as those of a late-bound view take no comment, and what is said of it or NULL."""
        for column, said in descriptions(self.table).items():
            yield Sql(f"{self.at.storage.text}.{name(column).text}"), doubled(said) if said else Sql("NULL")


class Schema:
    """What one pipeline needs, against what the cluster has. Built once for each look."""

    def __init__(self, client: Client, pipeline: Pipeline) -> None:
        self._client, self._pipeline = client, pipeline
        self._places = {table: place(pipeline, table) for table in pipeline.tables}
        self._views = [View(at, table) for table, at in self._places.items()]
        self._keys = {c: key_stem(pipeline.name, c.name) for c in pipeline.collections if c.surrogate_key}
        self._existing = {schema: self._comments(schema) for schema in (DATA, pipeline.warehouse.schema)}
        self._refuse_foreign()

    def missing_tables(self) -> list[Table]:
        """The target tables without storage."""
        return [table for table, at in self._places.items() if at.stem not in self._existing[DATA]]

    def missing_keys(self) -> list[Collection]:
        """The collections with numeric keys that have no key table."""
        return [collection for collection, stem in self._keys.items() if stem not in self._existing[DATA]]

    def outdated_views(self) -> list[View]:
        """Views that are missing or not what the pipeline file says."""
        return [view for view in self._views if self._published.get(view.at.table) != view.comment]

    def create_tables(self) -> list[str]:
        """Create what is missing. Returns names."""
        created = self.missing_tables()
        for table in created:
            collection, at = self._pipeline.collection(table.collection), self._places[table]
            columns, attached = definitions(stored(collection, table)), attributes(collection, table)
            self._client.run("create_storage", storage=at.storage, definitions=columns, attributes=attached)
            mine = literal(comment(self._pipeline.name, f"table {table.name}"))
            self._client.run("comment_on_table", table=at.storage, comment=mine)
        return [f"table {self._places[table].stem}" for table in created] + self._create_keys()

    def _create_keys(self) -> list[str]:
        created = self.missing_keys()
        for collection in created:
            keys = key_table(self._pipeline.name, collection.name)
            self._client.run("create_keys", keys=keys, type=key_type(collection.tables[0]))
            mine = literal(comment(self._pipeline.name, f"keys of {collection.name}"))
            self._client.run("comment_on_table", table=keys, comment=mine)
        return [f"table {self._keys[collection]}" for collection in created]

    def create_views(self) -> list[str]:
        """Create or replace what is outdated. Returns names."""
        schema = self._pipeline.warehouse.schema
        if not exists(self._client, schema):
            self._client.run("create_schema", schema=name(schema))
        outdated = self.outdated_views()
        for view in outdated:
            self._client.run("drop_view", view=view.at.published)
            self._client.run("create_published_view", **view.values)
            self._client.run("comment_on_view", view=view.at.published, comment=doubled(view.comment))
            for column, said in view.described():
                self._client.run("comment_on_column", column=column, comment=said)
            self._client.run("grant_view", view=view.at.published, role=name(ANALYSTS))
        if outdated:
            self._client.run("grant_schema", schema=name(schema), role=name(ANALYSTS))
            self._client.run("grant_to_come", schema=name(schema), role=name(ANALYSTS))
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
        columns = described(self._client, DATA)
        for table, at in self._places.items():
            collection, now = self._pipeline.collection(table.collection), columns.get(at.stem.lower())
            for difference in differences(collection, table, at.storage, now) if now else ():
                yield at.stem, difference

    @property
    def _published(self) -> dict[str, str]:
        return self._existing[self._pipeline.warehouse.schema]

    def _comments(self, schema: str) -> dict[str, str]:
        """The comments on what this pipeline uses of a schema, by name."""
        names_ = [at.stem if schema == DATA else at.table for at in self._places.values()]
        names_ += self._keys.values() if schema == DATA else ()
        mine = {used.lower(): used for used in names_}
        rows = self._client.rows("described_comments", schema=schema.lower())
        return {mine[found]: text for found, text in rows if found in mine}

    def _refuse_foreign(self) -> None:
        for schema, found in self._existing.items():
            for table, text in found.items():
                if comment(self._pipeline.name) not in text:
                    raise MigrationError(
                        f"{schema}.{table} exists and does not belong to the pipeline {self._pipeline.name}",
                        why=f"its comment is {text!r}",
                        fix="rename the collection or the schema in the pipeline file, or remove that table",
                    )
