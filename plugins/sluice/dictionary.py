"""The data dictionary of a pipeline: what analysts find in its tables, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from sluice.described import descriptions
from sluice.spec import EXTRA, PARENT, Collection, Pipeline, Table
from sluice.warehouse.clickhouse import tables as clickhouse
from sluice.warehouse.redshift import tables as redshift

_HEAD = """\
# Data dictionary: {pipeline}

Made of the pipeline file by `sluice dictionary {pipeline}`: change that, not this. The tables are in `{name}`, a
database of ClickHouse or a schema of Redshift; the descriptions are also the comments on them (a column's, on
Redshift, is on the table beneath its view). *Path* is where a value stands in the document: where it is missing or
null there, the column is NULL.
"""
_TABLE = "| column | ClickHouse | Redshift | may be NULL | path | |\n|---|---|---|---|---|---|"


def dictionary(pipeline: Pipeline) -> str:
    """The whole text."""
    head = _HEAD.format(pipeline=pipeline.name, name=pipeline.warehouse.schema)
    sections = (_section(pipeline.collection(table.collection), table) for table in pipeline.tables)
    return "\n".join([head, *sections])


def _section(collection: Collection, table: Table) -> str:
    source = f"collection `{table.collection}`"
    if table.child:
        source = f"array `{_place_of(table)}` of the {source}"
    said = f"{table.description} " if table.description else ""
    lines = [f"## {table.name}\n", f"{said}From the {source}.\n", _TABLE, *_rows(collection, table)]
    return "\n".join(lines) + "\n"


def _rows(collection: Collection, table: Table) -> Iterator[str]:
    on_clickhouse = {column.name: column.type for column in clickhouse.stored(collection, table)}
    on_redshift = {column.name: column for column in redshift.stored(collection, table)}
    for column, said in descriptions(table).items():
        nullable = "no" if column in table.key or "Nullable" not in on_clickhouse[column] else "yes"
        cells = [f"`{column}`", on_clickhouse[column], on_redshift[column].type, nullable, _path(table, column), said]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _path(table: Table, name: str) -> str:
    """Where the value stands in the document; in a child within the element."""
    column = next((column for column in table.columns if column.name == name), None)
    if column is None or name == EXTRA or (table.child and name in table.key and name != PARENT):
        return ""
    return f"`{column.path}`" if column.path else "the element"


def _place_of(table: Table) -> str:
    assert table.child
    return ".".join(child.path for child in (*table.within, table.child))
