"""A target table as ClickHouse has it: names, column types, the pieces of its DDL. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from sluice.columns import ColumnType, Kind
from sluice.described import descriptions
from sluice.errors import ConfigError
from sluice.spec import EXTRA, Collection, Pipeline, Table
from sluice.statements import Sql, literal, name, names

CONTROL: Final = "sluice"
DATA: Final = "sluice_data"
STAGING: Final = "sluice_staging"
ANALYSTS: Final = "sluice_analysts"
"""The role of those who may read what is published, and nothing else."""

HASH, GONE, TURN, FROM, TO = "_hash", "_gone", "_turn", "_from", "_to"

_TYPES: Final = {
    Kind.KEY: "String",
    Kind.STRING: "String",
    Kind.TEXT: "String",
    Kind.INT32: "Int32",
    Kind.INT64: "Int64",
    Kind.FLOAT64: "Float64",
    Kind.BOOL: "Bool",
    Kind.TIMESTAMP: "DateTime64(3, 'UTC')",
    Kind.DATE: "Date32",
    Kind.OBJECTID: "String",
    Kind.UUID: "UUID",
    Kind.BINARY: "String",
    Kind.JSON: "String",
}
_CODECS: Final = {
    Kind.TIMESTAMP: "Delta(8), ZSTD(1)",
    Kind.INT32: "T64, ZSTD(1)",
    Kind.INT64: "T64, ZSTD(1)",
    Kind.TEXT: "ZSTD(3)",
    Kind.JSON: "ZSTD(3)",
}
_KEY_CODEC: Final = "LZ4"
"""Of the document's key: every batch reads all of them, four times, and this takes a third of the time of ZSTD."""
_TEXTUAL: Final = {Kind.KEY, Kind.STRING, Kind.TEXT, Kind.OBJECTID}


def comment(pipeline: str, rest: str = "") -> str:
    """The comment on everything that belongs to a pipeline: how it is told from what others made."""
    return f"sluice: pipeline {pipeline}, {rest}"


@dataclass(frozen=True, slots=True)
class Stored:
    """One column of a storage or staging table. ``computed``: the expression from which the server computes it."""

    name: str
    type: str
    codec: str = "ZSTD(1)"
    computed: str = ""

    @property
    def definition(self) -> str:
        """As it stands in CREATE and ALTER."""
        computed = f" MATERIALIZED {self.computed}" if self.computed else ""
        return f"{name(self.name).text} {self.type}{computed} CODEC({self.codec})"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one table of a pipeline lives: its storage, the views over it, and the database that analysts read."""

    pipeline: str
    schema: str
    table: str

    @property
    def stem(self) -> str:
        """The name of the storage table; the names of its views start with it."""
        return f"{self.pipeline}_{self.table}"

    @property
    def storage(self) -> Sql:
        """Every version of every row."""
        return name(DATA, self.stem)

    @property
    def versions(self) -> Sql:
        """The inner view."""
        return name(DATA, f"{self.stem}__all")

    @property
    def at(self) -> Sql:
        """The time-travel view."""
        return name(DATA, f"{self.stem}__at")

    @property
    def history(self) -> Sql:
        """Every version of the batches that were published."""
        return name(DATA, f"{self.stem}__history")

    @property
    def published(self) -> Sql:
        """What analysts read."""
        return name(self.schema, self.table)

    def staging(self, plan: str, *suffix: str) -> Sql:
        """The staging table of one plan; a suffix names a helper of it, or one attempt's."""
        return name(STAGING, "__".join((self.stem, plan_suffix(plan), *suffix)))


def place(pipeline: Pipeline, table: Table) -> Place:
    """Where a table of the pipeline lives."""
    return Place(pipeline.name, pipeline.warehouse.schema, table.name)


def plan_suffix(plan: str) -> str:
    """A plan's id, as it stands in the names of its staging tables."""
    return plan.replace("-", "_")


def key_table(pipeline: str, collection: Collection) -> Sql:
    """The key table of a collection."""
    return name(DATA, key_stem(pipeline, collection))


def key_stem(pipeline: str, collection: Collection) -> str:
    """The name of the key table, without its database."""
    return f"{pipeline}_{collection.name}__keys"


def number_of(column: str) -> str:
    """The number of an id: 63 bits of a hash of its text, as the server prints the expression but for quotes."""
    return f"toInt64(bitAnd(xxHash64(toString({name(column).text})), 9223372036854775807))"


def declared_columns(table: Table) -> tuple[str, ...]:
    """The declared columns, and ``_extra``."""
    return (*(column.name for column in table.columns), *((EXTRA,) if table.extra else ()))


def master_columns(table: Table) -> tuple[str, ...]:
    """What publish copies from staging: the declared columns and, on a collection's own table, the document's hash."""
    return (*declared_columns(table), *(() if table.child else (HASH,)))


def read_columns(table: Table) -> tuple[str, ...]:
    """What the inner views show: what analysts see, the document's hash, and the batches of a version."""
    return (*table.readable, *(() if table.child else (HASH,)), FROM, TO)


def stored(collection: Collection, table: Table) -> tuple[Stored, ...]:
    """The columns of the storage table."""
    hashed = () if table.child else (Stored(HASH, "UInt64", "NONE"),)  # a hash does not compress
    columns = {column.name: column for column in (*_declared(collection, table), *_numeric(table))}
    readable = tuple(columns[column] for column in table.readable)
    return (*readable, *hashed, Stored(FROM, "UInt32", "LZ4"), Stored(TO, "UInt32", "LZ4"))


def staged(collection: Collection, table: Table) -> tuple[Stored, ...]:
    """The columns of the staging table: those of a landed part."""
    read = () if table.child else (Stored(GONE, "Bool"), Stored(TURN, "Int16"))
    columns = (*_declared(collection, table), Stored(HASH, "UInt64"), *read)
    return tuple(replace(column, codec="LZ4") for column in columns)  # read once or twice, then dropped


def shown(collection: Collection, table: Table) -> Sql:
    """The columns of the view that analysts read, each with what is said of it."""
    said, types = descriptions(table), {column.name: column.type for column in stored(collection, table)}
    lines = [f"{name(c).text} {types[c]} COMMENT {literal(said[c]).text}" for c in table.readable]
    return Sql("\n    " + ",\n    ".join(lines) + "\n")


def definitions(columns: Iterable[Stored], indexes: Iterable[tuple[str, str]] = ()) -> Sql:
    """The body of CREATE TABLE."""
    lines = [column.definition for column in columns]
    lines += [index_definition(column, kind) for column, kind in indexes]
    return Sql("\n    " + ",\n    ".join(lines) + "\n")


def structure(columns: Iterable[Stored]) -> str:
    """The columns of a landed part, as the s3 table function takes them."""
    return ", ".join(f"`{column.name}` {column.type}" for column in columns)


def index_definition(column: str, kind: str) -> str:
    """One skip index. Raises ConfigError for a type that is not like ``set(100)``."""
    if not re.fullmatch(r"[a-z0-9_]+(\([0-9., ]*\))?", kind):
        raise ConfigError(f"{kind!r} is no type of a skip index", fix="use minmax, set(100), bloom_filter(0.01) …")
    return f"INDEX {name(f'ix_{column}').text} {name(column).text} TYPE {kind} GRANULARITY 1"


def indexes(collection: Collection, table: Table) -> tuple[tuple[str, str], ...]:
    """The skip indexes of the storage table, as (column, type)."""
    return () if table.child else collection.clickhouse.skip_indexes


def order(collection: Collection, table: Table) -> tuple[str, ...]:
    """The sorting key of the storage table. Raises ConfigError when it does not contain the key."""
    by = () if table.child else collection.clickhouse.order_by
    by = by or table.key
    if missing := set(table.key) - set(by):
        raise ConfigError(
            f"clickhouse.order_by of {collection.name} lacks the key column {', '.join(missing)}",
            why="closing a version and reading one row look it up by its key",
            fix=f"add it: order_by: [{', '.join((*by, *missing))}]",
        )
    return (*by, FROM)


def partition(collection: Collection, table: Table) -> str:
    """The partition expression of the storage table. Raises ConfigError unless it is a plain one over columns."""
    expression = None if table.child else collection.clickhouse.partition_by
    if expression is None:
        return "tuple()"
    words = set(re.findall(r"[A-Za-z_]\w*(?!\w*\()", expression))
    if not re.fullmatch(r"[\w(), ]+", expression) or not words <= set(table.readable):
        raise ConfigError(
            f"clickhouse.partition_by of {collection.name} is not an expression over its columns: {expression!r}",
            fix="use a function of one column, as toYYYYMM(created_at)",
        )
    return expression


def _numeric(table: Table) -> Iterator[Stored]:
    """Not NULL where the id is a key; computed for rows that were there before the column, too."""
    for key in table.numeric:
        kind = "Int64" if key.of in table.key else "Nullable(Int64)"
        yield Stored(key.name, kind, "LZ4", number_of(key.of))


def _declared(collection: Collection, table: Table) -> tuple[Stored, ...]:
    low = set() if table.child else set(collection.clickhouse.low_cardinality)
    columns = [
        Stored(
            column.name,
            column_type(column.type, nullable=column.name not in table.key, low=column.name in low),
            _KEY_CODEC if column.name == table.key[0] else _CODECS.get(column.type.kind, "ZSTD(1)"),
        )
        for column in table.columns
    ]
    return (*columns, *((Stored(EXTRA, "Nullable(String)", "ZSTD(3)"),) if table.extra else ()))


def column_type(logical: ColumnType, *, nullable: bool, low: bool = False) -> str:
    """The ClickHouse type of a logical one, as the server prints it."""
    decimal = f"Decimal({logical.precision}, {logical.scale})"
    found = decimal if logical.kind is Kind.DECIMAL else _TYPES[logical.kind]
    found = f"Nullable({found})" if nullable else found
    return f"LowCardinality({found})" if low and logical.kind in _TEXTUAL else found


def key_type(table: Table) -> Sql:
    """The type of the document's key, in its own table and in its children."""
    column = next(column for column in table.columns if column.name == table.key[0])
    return Sql(column_type(column.type, nullable=False))


def order_sql(collection: Collection, table: Table) -> Sql:
    """The sorting key, quoted."""
    return names(order(collection, table))
