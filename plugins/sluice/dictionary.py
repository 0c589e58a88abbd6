"""The data dictionary of a pipeline: what analysts find in its tables, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from sluice.described import descriptions
from sluice.spec import EXTRA, PARENT, Collection, Pipeline, Table
from sluice.warehouse.clickhouse import tables as clickhouse
from sluice.warehouse.redshift import tables as redshift
from sluice.warehouse.views import ViewFile, read_views

_HEAD = """\
# Data dictionary: {pipeline}

Made of the pipeline file and `sql/<warehouse>/views/` by `sluice dictionary {pipeline}`: change those, not this. All is
in `{name}`, a database of ClickHouse or a schema of Redshift; the descriptions are also the comments there (on Redshift
a column's is on the table beneath its view, and columns of the views at the end have none). *Path* is where a value
stands in the document: where it is missing or null there, the column is NULL. The views have the same columns on
Redshift, where nothing else is said.
"""
_TABLE: Final = "| column | ClickHouse | Redshift | may be NULL | path | |\n|---|---|---|---|---|---|"
_VIEW: Final = "| column | ClickHouse | |\n|---|---|---|"
_MADE: Final = re.compile(r"CREATE (?:MATERIALIZED )?VIEW \$schema\.(\w+)")
_COLUMN: Final = re.compile(r"^    (\w+) (.+) COMMENT '(.+)',?$", re.MULTILINE)
_SAID: Final = re.compile(r"^COMMENT (?:ON VIEW .+ IS\n)?'(.+)';$", re.MULTILINE)


def dictionary(pipeline: Pipeline) -> str:
    """The whole text."""
    head = _HEAD.format(pipeline=pipeline.name, name=pipeline.warehouse.schema)
    sections = (_section(pipeline.collection(table.collection), table) for table in pipeline.tables)
    return "\n".join([head, *sections, *_views(pipeline)])


def _views(pipeline: Pipeline) -> Iterator[str]:
    """Those of both warehouses; what both have as ClickHouse has it, whose views have comments on their columns."""
    both = {file.name: file for warehouse in ("redshift", "clickhouse") for file in read_views(warehouse)}
    for _, file in sorted(both.items()):
        if file.pipeline == pipeline.name:
            yield from _view(file)


def _view(file: ViewFile) -> Iterator[str]:
    if made := _MADE.search(file.text):
        said = _SAID.search(file.text)
        rows = [_row(f"`{column}`", of, _unquoted(text)) for column, of, text in _COLUMN.findall(file.text)]
        what = f"{_unquoted(said[1])} A view." if said else "A view."
        yield "\n".join([f"## {made[1]}\n", what, *(["", _VIEW, *rows] if rows else [])]) + "\n"


def _unquoted(text: str) -> str:
    return text.replace("''", "'")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


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
        yield _row(*cells)


def _path(table: Table, name: str) -> str:
    """Where the value stands in the document; in a child within the element."""
    column = next((column for column in table.columns if column.name == name), None)
    if column is None or name == EXTRA or (table.child and name in table.key and name != PARENT):
        return ""
    return f"`{column.path}`" if column.path else "the element"


def _place_of(table: Table) -> str:
    assert table.child
    return ".".join(child.path for child in (*table.within, table.child))
