"""What is said of a table's columns to those who read it: by the pipeline file, or of what Sluice adds. Pure."""

from __future__ import annotations

from sluice.spec import EXTRA, ORDINAL, PARENT, Table

_EXTRA = "The fields of the document that no column declares, as JSON; NULL where there are none."
_ORDINAL = "Where the element stands in its array, from 0."
_ELEMENT = "The element itself."
_OUTER = "Where the array around it stands in that array, from 0."


def descriptions(table: Table) -> dict[str, str]:
    """Column → its description, for every column that is read; empty where nobody wrote one."""
    numbers = {
        key.name: f"The number of {key.of}, to join by: the same wherever that id of {key.collection} stands."
        for key in table.numeric
    }
    return {column: _of_column(table, column) or numbers.get(column, "") for column in table.readable}


def _of_column(table: Table, name: str) -> str:
    column = next((column for column in table.columns if column.name == name), None)
    if column and column.description:
        return column.description
    if name in table.key:
        return _of_key(table, name)
    return _EXTRA if name == EXTRA else _ELEMENT if column and not column.path else ""


def _of_key(table: Table, name: str) -> str:
    if table.child is None:
        return f"The key of {table.collection}: one row for each."
    if name == PARENT:
        return f"The key of the document of {table.collection} in which it stands."
    return _ORDINAL if name == ORDINAL else _OUTER
