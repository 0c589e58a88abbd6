"""What is said of a table's columns to those who read it: by the pipeline file, or of what Sluice adds. Pure."""

from __future__ import annotations

from sluice.spec import EXTRA, ORDINAL, PARENT, Table

_EXTRA = "The fields of the document that no column declares, as JSON; NULL where there are none."
_ORDINAL = "Where the element stands in its array, from 0."
_OUTER = "Where the array around it stands in that array, from 0."


def descriptions(table: Table) -> dict[str, str]:
    """Column → its description, for every column that is read; empty where nobody wrote one."""
    numbers = {
        key.name: f"The number of {key.of}, to join by: the same wherever that id of {key.collection} stands."
        for key in table.numeric
    }
    return {column: _of_column(table, column) or numbers.get(column, "") for column in table.readable}


def _of_column(table: Table, name: str) -> str:
    said = next((column.description for column in table.columns if column.name == name), "")
    return said or (_of_key(table, name) if name in table.key else _EXTRA * (name == EXTRA))


def _of_key(table: Table, name: str) -> str:
    if table.child is None:
        return f"The key of {table.collection}: one row for each."
    if name == PARENT:
        return f"The key of the document of {table.collection} in which it stands."
    return _ORDINAL if name == ORDINAL else _OUTER
