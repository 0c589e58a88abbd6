"""A target table as Redshift has it: names, column types, the pieces of its DDL. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from sluice.columns import ColumnType, Kind
from sluice.errors import ConfigError
from sluice.spec import Collection, Pipeline, Table
from sluice.statements import Sql, name, names

CONTROL: Final = "sluice"
DATA: Final = "sluice_data"
STAGING: Final = "sluice_staging"

EXTRA, HASH, GONE, TURN, FROM = "_extra", "_hash", "_gone", "_turn", "_from"

LONGEST_NAME: Final = 127
"""Bytes; Redshift cuts a longer identifier, and two tables would become one."""
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

    def staging(self, plan: str, *suffix: str) -> Sql:
        """The staging table of one plan; a suffix names a helper of it. Raises ConfigError as :attr:`stem` does."""
        return name(STAGING, _fits("__".join((self.pipeline, self.table, plan_suffix(plan), *suffix))))


def place(pipeline: Pipeline, table: Table) -> Place:
    """Where a table of the pipeline lives."""
    return Place(pipeline.name, pipeline.warehouse.schema, table.name)


def plan_suffix(plan: str) -> str:
    """A plan's id, as it stands in the names of its staging tables."""
    return plan.replace("-", "_").lower()


def visible_columns(table: Table) -> tuple[str, ...]:
    """What analysts see, in order."""
    return (*(column.name for column in table.columns), *((EXTRA,) if table.extra else ()))


def master_columns(table: Table) -> tuple[str, ...]:
    """What publish copies from staging: what analysts see and, on a collection's own table, the document's hash."""
    return (*visible_columns(table), *(() if table.child else (HASH,)))


def landed_columns(table: Table) -> tuple[str, ...]:
    """The column list of COPY: the columns of a landed part, in its order."""
    return (*visible_columns(table), HASH, *(() if table.child else (GONE, TURN)))


def stored(collection: Collection, table: Table) -> tuple[Stored, ...]:
    """The columns of the storage table. Raises ConfigError when two have one name."""
    hashed = () if table.child else (Stored(HASH, "bigint", required=True),)
    encodings = {} if table.child else dict(collection.redshift.encode)
    visible = (replace(column, encoding=encodings.get(column.name, "")) for column in _visible(table))
    return _distinct(table, (*visible, *hashed, Stored(FROM, "integer", required=True)))


def staged(table: Table) -> tuple[Stored, ...]:
    """The columns of the staging table: those of a landed part."""
    read = (Stored(GONE, "boolean", required=True), Stored(TURN, "smallint", required=True))
    marked = () if table.child else read
    return _distinct(table, (*_visible(table), Stored(HASH, "bigint", required=True), *marked))


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
    key, order = name(distribution(collection, table)).text, names(sorting(collection, table)).text
    return Sql(f"DISTSTYLE KEY DISTKEY ({key}) COMPOUND SORTKEY ({order})")


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


def _visible(table: Table) -> tuple[Stored, ...]:
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
