"""A target table as Redshift has it: names, column types, the pieces of its DDL. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, Self

from sluice.columns import ColumnType, Kind
from sluice.errors import ConfigError
from sluice.spec import EXTRA, Collection, Pipeline, Table
from sluice.statements import Sql, name, names

CONTROL: Final = "sluice"
DATA: Final = "sluice_data"
STAGING: Final = "sluice_staging"
ANALYSTS: Final = "sluice_analysts"
"""The group of those who may read what is published, and nothing else."""

HASH, GONE, TURN, FROM = "_hash", "_gone", "_turn", "_from"
READ: Final = "_read"
"""The batch that read a row's document, where a replay wrote the row anew; it decides what is newer (I4)."""

LONGEST_NAME: Final = 127
"""Bytes; Redshift cuts a longer identifier, and two tables would become one."""
Helper = Literal["later", "once", "refused", "skipped", "suspect", "whole"]
"""What stands beside a staging table. The longest of them bounds other names: ``sluice.config.redshift``."""
LONGEST_KEY: Final = 1024
LONGEST_TEXT: Final = 65_535

_TYPES: Final = {
    Kind.KEY: f"character varying({LONGEST_KEY})",
    Kind.TEXT: f"character varying({LONGEST_TEXT})",
    Kind.INT32: "integer",
    Kind.INT64: "bigint",
    Kind.FLOAT64: "double precision",
    Kind.BOOL: "boolean",
    Kind.TIMESTAMP: "timestamp with time zone",
    Kind.DATE: "date",
    Kind.OBJECTID: "character varying(24)",
    Kind.UUID: "character varying(36)",
    # As hex text: every format of COPY loads it alike, and any client shows it. VARBYTE has a text form of its own.
    Kind.BINARY: f"character varying({LONGEST_TEXT})",
    Kind.JSON: "super",
}
_NO_KEY: Final = (Kind.JSON,)


@dataclass(frozen=True, slots=True)
class Stored:
    """One column of a storage or staging table; its type as the server prints it."""

    name: str
    type: str
    required: bool = False
    encoding: str = ""

    @property
    def definition(self) -> str:
        """As it stands in CREATE and ALTER."""
        encoded = f" ENCODE {self.encoding.upper()}" if self.encoding else ""
        return f"{name(self.name).text} {self.type}{encoded}{' NOT NULL' if self.required else ''}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one table of a pipeline lives: its storage, and the view that analysts read."""

    pipeline: str
    schema: str
    table: str

    @property
    def stem(self) -> str:
        """The name of the storage table. Raises ConfigError for a name that Redshift would cut."""
        return _fits(f"{self.pipeline}_{self.table}")

    @property
    def storage(self) -> Sql:
        """The published rows, with Sluice's columns."""
        return name(DATA, self.stem)

    @property
    def published(self) -> Sql:
        """What analysts read."""
        return name(self.schema, _fits(self.table))

    def staging(self, plan: str, *helper: Helper) -> Sql:
        """The staging table of one plan, or a helper of it. Raises ConfigError as :attr:`stem` does."""
        return name(STAGING, self.staging_stem(plan, *helper))

    def staging_stem(self, plan: str, *helper: Helper) -> str:
        """Its name, without its schema."""
        return _fits("__".join((self.pipeline, self.table, plan_suffix(plan), *helper)))


def place(pipeline: Pipeline, table: Table) -> Place:
    """Where a table of the pipeline lives."""
    return Place(pipeline.name, pipeline.warehouse.schema, table.name)


def plan_suffix(plan: str) -> str:
    """A plan's id, as it stands in the names of its staging tables."""
    return plan.replace("-", "_").lower()


def key_stem(pipeline: str, collection: str) -> str:
    """The name of a collection's key table, without its schema. Raises ConfigError as :attr:`Place.stem` does."""
    return _fits(f"{pipeline}_{collection}__keys")


def key_table(pipeline: str, collection: str) -> Sql:
    """The key table of a collection."""
    return name(DATA, key_stem(pipeline, collection))


def declared_columns(table: Table) -> tuple[str, ...]:
    """The declared columns, and ``_extra``."""
    return tuple(column.name for column in _declared(table))


def replayed(table: Table) -> tuple[Stored, ...]:
    """The columns of a replay's staging table."""
    return (*staged(table), Stored(READ, "integer", required=True))


def master_columns(table: Table) -> tuple[str, ...]:
    """What publish copies from staging: the declared columns and, on a collection's own table, the document's hash."""
    return (*(column.name for column in _declared(table)), *(() if table.child else (HASH,)))


def landed_columns(table: Table) -> tuple[str, ...]:
    """The column list of COPY: the columns of a landed part, in its order."""
    return tuple(column.name for column in staged(table))


@dataclass(frozen=True, slots=True)
class Selection:
    """What is inserted from staging into storage: the columns, their values, the joins that give the numbers."""

    columns: Sql
    values: Sql
    joins: Sql

    @classmethod
    def of(cls, pipeline: str, table: Table, more: tuple[str, ...] = ()) -> Self:
        """A table's own, and more. Its staging table is ``staged`` there."""
        columns, numeric = (*master_columns(table), *more), tuple(enumerate(table.numeric))
        values = [f"staged.{name(column).text}" for column in columns] + [f"numbers{n}.number" for n, _ in numeric]
        joins = [
            f"LEFT JOIN {key_table(pipeline, key.collection).text} AS numbers{n} "
            f"ON numbers{n}.id = staged.{name(key.of).text}"
            for n, key in numeric
        ]
        return cls(names((*columns, *(key.name for _, key in numeric))), Sql(", ".join(values)), Sql(" ".join(joins)))


def stored(collection: Collection, table: Table) -> tuple[Stored, ...]:
    """The columns of the storage table. Raises ConfigError when two have one name."""
    hashed = () if table.child else (Stored(HASH, "bigint", required=True),)
    encodings = {} if table.child else dict(collection.redshift.encode)
    columns = {column.name: column for column in (*_declared(table), *_numeric(table))}
    readable = (replace(columns[column], encoding=encodings.get(column, "")) for column in table.readable)
    read = () if table.child else (Stored(READ, "integer"),)
    return _distinct(table, (*readable, *hashed, Stored(FROM, "integer", required=True), *read))


def staged(table: Table) -> tuple[Stored, ...]:
    """The columns of the staging table: those of a landed part."""
    read = (Stored(GONE, "boolean", required=True), Stored(TURN, "smallint", required=True))
    marked = () if table.child else read
    return _distinct(table, (*_declared(table), Stored(HASH, "bigint", required=True), *marked))


def has_super(table: Table) -> bool:
    """Is there JSON in it?"""
    return any(column.type == _TYPES[Kind.JSON] for column in staged(table))


def definitions(columns: Iterable[Stored]) -> Sql:
    """The body of CREATE TABLE."""
    return Sql("\n    " + ",\n    ".join(column.definition for column in columns) + "\n")


def distribution(collection: Collection, table: Table) -> str:
    """The column whose rows of one value stay on one slice. Raises ConfigError for one that there is not."""
    if table.child or not collection.redshift.distkey:
        return table.key[0]
    return _key_column(table, collection.redshift.distkey, "distkey")


def sorting(collection: Collection, table: Table) -> tuple[str, ...]:
    """The columns that the rows are sorted by: the modified date unless said. Raises ConfigError."""
    if table.child:
        return table.key
    if collection.redshift.sortkey:
        return tuple(_key_column(table, column, "sortkey") for column in collection.redshift.sortkey)
    modified = next((c for c in table.columns if c.path == collection.modified), None)
    return (modified.name,) if modified and modified.type.kind is not Kind.JSON else table.key


def attributes(collection: Collection, table: Table) -> Sql:
    """How the table is distributed and sorted, as it stands after the body of CREATE TABLE."""
    return _attributes(distribution(collection, table), sorting(collection, table))


def staged_attributes(collection: Collection, table: Table) -> Sql:
    """The same of its staging table, which has no numeric keys: the document's key stands for them."""
    landed = landed_columns(table)
    key = distribution(collection, table)
    order = tuple(column for column in sorting(collection, table) if column in landed)
    return _attributes(key if key in landed else table.key[0], order or table.key)


def column_type(logical: ColumnType) -> str:
    """The Redshift type of a logical one, as the server prints it."""
    if logical.kind is Kind.DECIMAL:
        return f"numeric({logical.precision},{logical.scale})"
    if logical.kind is Kind.STRING:
        return f"character varying({logical.length})"
    return _TYPES[logical.kind]


def key_type(table: Table) -> Sql:
    """The type of the document's key, in its own table and in its children."""
    return Sql(column_type(next(column for column in table.columns if column.name == table.key[0]).type))


def _attributes(key: str, order: tuple[str, ...]) -> Sql:
    return Sql(f"DISTSTYLE KEY DISTKEY ({name(key).text}) COMPOUND SORTKEY ({names(order).text})")


def _numeric(table: Table) -> tuple[Stored, ...]:
    """They take nulls, because no other column can be added to rows that are there; publish looks for rows without."""
    return tuple(Stored(key.name, "bigint") for key in table.numeric)


def _declared(table: Table) -> tuple[Stored, ...]:
    columns = tuple(Stored(c.name, column_type(c.type), required=c.name in table.key) for c in table.columns)
    return (*columns, *((Stored(EXTRA, "super"),) if table.extra else ()))


def _distinct(table: Table, columns: tuple[Stored, ...]) -> tuple[Stored, ...]:
    """Redshift takes names in any case for the same name, also quoted ones."""
    seen: dict[str, str] = {}
    for column in columns:
        _fits(column.name)
        other = seen.setdefault(column.name.lower(), column.name)
        if other != column.name:
            raise ConfigError(
                f"the columns {other} and {column.name} of {table.name} are one column on Redshift",
                why="it takes names that differ in case only for the same name",
                fix="give one of them a `name` of its own in the pipeline file",
            )
    return columns


def _key_column(table: Table, column: str, option: str) -> str:
    if column in {key.name for key in table.numeric}:
        return column
    found = next((c for c in table.columns if c.name == column), None)
    if found is None or found.type.kind in _NO_KEY:
        raise ConfigError(
            f"redshift.{option} of {table.collection} names {column}",
            why="there is no such column" if found is None else f"a column of type {found.type} cannot be one",
            fix=f"use one of {', '.join(c.name for c in table.columns if c.type.kind not in _NO_KEY)}",
        )
    return column


def _fits(text: str) -> str:
    if len(text) > LONGEST_NAME:
        raise ConfigError(
            f"the name {text} is longer than Redshift's {LONGEST_NAME} bytes",
            fix="shorten the name of the pipeline, the collection or the column",
        )
    return text
