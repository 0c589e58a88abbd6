"""What must hold of ``surrogate_key`` and ``references``: between collections, and with the columns that they add."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sluice.columns import ColumnType, Kind
from sluice.config.entries import Entry, children_of, columns_of
from sluice.config.problems import Loc, Problem
from sluice.spec import NUMBER, reference_number
from sluice.suggest import did_you_mean, shown

_LONGEST_NAME = 63


def is_numbered(collection: dict[str, Any]) -> bool:
    """Has it numeric keys?"""
    return collection.get("surrogate_key") is True


def reference_columns(columns: list[Entry]) -> list[Entry]:
    """The columns that references add."""
    number = ColumnType(Kind.INT64)
    return [
        Entry((*entry.loc, "references"), made, made, number)
        for entry in columns
        if entry.references and entry.name and (made := reference_number(entry.name))
    ]


def numeric_columns(collection: dict[str, Any], columns: list[Entry], loc: Loc) -> list[Entry]:
    """Every column that is added to a collection's own table."""
    own = [Entry(loc, NUMBER, NUMBER, ColumnType(Kind.INT64))] if is_numbered(collection) else []
    return [*own, *reference_columns(columns)]


def problems(collections: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    """Everything that is wrong with references, of every table of a file."""
    keys = {name: columns_of(section, ("collections", name))[0] for name, section in collections.items()}
    for name, section in collections.items():
        loc: Loc = ("collections", name)
        yield from _references(columns_of(section, loc), collections, keys)
        for child in children_of(section, loc):
            yield from _references(child.columns, collections, keys)


def _references(
    columns: list[Entry], collections: dict[str, dict[str, Any]], keys: dict[str, Entry]
) -> Iterator[Problem]:
    for entry in columns:
        if entry.references and (text := _wrong(entry, entry.references, collections, keys)):
            yield Problem((*entry.loc, "references"), text)


def _wrong(entry: Entry, to: str, collections: dict[str, dict[str, Any]], keys: dict[str, Entry]) -> str | None:
    if to not in collections:
        return f"there is no collection {shown(to)} in this file: {did_you_mean(to, collections)}"
    if not is_numbered(collections[to]):
        return f"{to} has no numeric keys: add `surrogate_key: true` to it"
    there = keys[to].type
    if entry.type and there and entry.type != there:
        return f"the ids of {to} are {there}, this column is {entry.type}: give both the same type, or they do not join"
    if entry.name and len(made := reference_number(entry.name)) > _LONGEST_NAME:
        return f"the column {made} has more than {_LONGEST_NAME} letters: give this column a shorter name"
    return None
