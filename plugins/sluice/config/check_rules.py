"""What must hold of ``checks``: one kind each, of a table and of columns that are there, of types that it can judge."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from sluice.columns import TEXT_KINDS, ColumnType, Kind
from sluice.config.entries import Entry, children_of, columns_of, mapping, texts
from sluice.config.numeric import numeric_columns, reference_columns
from sluice.config.problems import Loc, Problem
from sluice.spec import PARENT, CheckKind, ordinals
from sluice.suggest import did_you_mean, shown

KINDS: Final = tuple(str(kind) for kind in CheckKind)
_LISTED: Final = {*TEXT_KINDS, Kind.KEY, Kind.OBJECTID, Kind.INT32, Kind.INT64}
"""Kinds whose values have one text, the same on every warehouse."""

Tables = dict[str, list[Entry]]


def problems(collections: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    """Everything that is wrong with the checks of a file."""
    keys = {name: columns_of(section, ("collections", name))[0] for name, section in collections.items()}
    for name, section in collections.items():
        given, seen = section.get("checks"), set[str]()
        tables = _tables(name, section)
        for number, check in enumerate(given if isinstance(given, list) else []):
            loc: Loc = ("collections", name, "checks", number)
            yield from _check(mapping(check), loc, tables, keys)
            if (same := repr({**mapping(check), "severity": None})) in seen:
                yield Problem(loc, "stands here twice: remove one")
            seen.add(same)


def _tables(name: str, section: dict[str, Any]) -> Tables:
    loc: Loc = ("collections", name)
    own = columns_of(section, loc)
    found = {name: [*own, *numeric_columns(section, own, loc)]}
    for child in children_of(section, loc):
        places = [Entry(child.loc, place, place, ColumnType(Kind.INT32)) for place in ordinals(child.levels)]
        parent = Entry(child.loc, PARENT, PARENT, own[0].type)
        found[f"{name}_{child.name}"] = [parent, *places, *child.columns, *reference_columns(child.columns)]
    return found


def _check(check: dict[str, Any], loc: Loc, tables: Tables, keys: dict[str, Entry]) -> Iterator[Problem]:
    kinds = [kind for kind in KINDS if check.get(kind) is not None]
    if len(kinds) != 1:
        has = "has none of" if not kinds else f"has {' and '.join(kinds)}, and takes one of"
        yield Problem(loc, f"{has} {', '.join(KINDS)}: write one line for each check")
        return
    table = check.get("table") or next(iter(tables))
    if table not in tables:
        text = f"the collection has no table {shown(table)}: {did_you_mean(str(table), tables)}"
        yield Problem((*loc, "table"), text)
        return
    if kinds[0] not in {CheckKind.SQL, CheckKind.ROW_COUNT_CHANGE}:
        yield from _columns(kinds[0], check[kinds[0]], (*loc, kinds[0]), tables[table])
    if kinds == [CheckKind.RELATIONSHIP]:
        yield from _relationship(mapping(check[kinds[0]]), (*loc, kinds[0]), tables[table], keys)


def _columns(kind: str, given: Any, loc: Loc, entries: list[Entry]) -> Iterator[Problem]:
    known = {entry.name: entry for entry in entries if entry.name}
    for column in _named(given):
        entry = known.get(column)
        if entry is None:
            yield Problem(loc, f"there is no column {shown(column)}: {did_you_mean(column, known)}")
        elif (kinds := _judged(kind)) is not None and entry.type and entry.type.kind not in kinds:
            yield Problem(loc, f"{column} is {entry.type}: this check takes {', '.join(sorted(kinds))}")


def _named(given: Any) -> Iterable[str]:
    if isinstance(given, dict):
        return texts([given.get("column")])
    return texts(given if isinstance(given, list) else [given])


def _judged(kind: str) -> Collection[Kind] | None:
    """The kinds of columns that a check can judge; None for any."""
    if kind == CheckKind.ACCEPTED_VALUES:
        return _LISTED
    if kind == CheckKind.UNIQUE:
        return set(Kind) - {Kind.JSON, Kind.BOOL}  # Redshift has no text for a bool, and two values are soon alike
    return {Kind.TIMESTAMP} if kind == CheckKind.FRESHNESS else None


def _relationship(given: dict[str, Any], loc: Loc, entries: list[Entry], keys: dict[str, Entry]) -> Iterator[Problem]:
    to = given.get("to")
    if not isinstance(to, str):
        return
    if to not in keys:
        yield Problem((*loc, "to"), f"there is no collection {shown(to)} in this file: {did_you_mean(to, keys)}")
        return
    column = next((entry for entry in entries if entry.name == given.get("column")), None)
    there = keys[to].type
    if column and column.type and there and column.type != there:
        yield Problem(
            (*loc, "column"), f"the ids of {to} are {there}, this column is {column.type}: give both one type"
        )
