"""The declared fields of a pipeline file, read from plain values as far as they can be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from sluice.columns import ColumnType, Kind, OnError
from sluice.config import grammar
from sluice.config.problems import Loc
from sluice.spec import MOST_LEVELS

KEY: Final = "_id"


@dataclass(frozen=True, slots=True)
class Entry:
    """One declared field, as far as it can be read. ``name`` is None when the path cannot be one and none is given."""

    loc: Loc
    path: str
    name: str | None
    type: ColumnType | None
    on_error: OnError | None = OnError.REJECT
    references: str | None = None


@dataclass(frozen=True, slots=True)
class ChildEntry:
    """One declared child, as far as it can be read. ``levels``: the arrays around its elements."""

    loc: Loc
    path: str
    name: str | None
    section: dict[str, Any]
    levels: int

    @property
    def columns(self) -> list[Entry]:
        """Its columns: of its documents, or the one of its values."""
        if self.of_documents:
            return entries(self.section.get("columns"), (*self.loc, "columns"))
        return [_entry(self.section, self.loc, "", "value")]

    @property
    def of_documents(self) -> bool:
        """Whether its elements have fields."""
        return "columns" in self.section or bool(self.section.get("children"))


def columns_of(collection: dict[str, Any], loc: Loc) -> list[Entry]:
    """The columns of a collection; first its key, also where the file leaves it out."""
    found = entries(collection.get("columns"), (*loc, "columns"))
    key = next((entry for entry in found if entry.path == KEY), Entry(loc, KEY, KEY, ColumnType(Kind.KEY)))
    return [key, *(entry for entry in found if entry is not key)]


def children_of(collection: dict[str, Any], loc: Loc) -> list[ChildEntry]:
    """The children of a collection, each before its own children."""
    return list(_children(collection, loc, "", 0))


def _children(section: dict[str, Any], loc: Loc, outer: str, levels: int) -> Iterator[ChildEntry]:
    for path, given in mapping(section.get("children")).items():
        child, at = _long(given), (*loc, "children", path)
        found = ChildEntry(at, path, _name(child, path, outer), child, levels + _depth(child))
        yield found
        if found.levels <= MOST_LEVELS:
            inner = found.name if re.fullmatch(grammar.NAME, found.name or "") else grammar.plain_name(path)
            yield from _children(child, at, f"{inner}_", found.levels)


def entries(columns: Any, loc: Loc) -> list[Entry]:
    """The columns of a mapping from path to type or section."""
    sections = {path: _long(given) for path, given in mapping(columns).items()}
    return [_entry(section, (*loc, path), path, _name(section, path)) for path, section in sections.items()]


def mapping(value: Any) -> dict[str, Any]:
    """The value, or nothing when it is no mapping."""
    return value if isinstance(value, dict) else {}


def texts(value: Any) -> list[str]:
    """The texts of a list, or none when it is no list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _entry(section: dict[str, Any], loc: Loc, path: str, name: str | None) -> Entry:
    references = section.get("references")
    known = references if isinstance(references, str) else None
    return Entry(loc, path, name, _type(section), _action(section), known)


def _long(given: Any) -> dict[str, Any]:
    if isinstance(given, str):
        return {"type": given}
    return {key: value for key, value in mapping(given).items() if value is not None or key == "on_error"}


def _name(section: dict[str, Any], path: str, outer: str = "") -> str | None:
    if isinstance(name := section.get("name"), str):
        return name
    default = outer + grammar.default_name(path)
    return default if re.fullmatch(grammar.NAME, default) else None


def _depth(section: dict[str, Any]) -> int:
    depth = section.get("depth")
    return depth if type(depth) is int and 0 < depth <= MOST_LEVELS else 1


def _type(section: dict[str, Any]) -> ColumnType | None:
    with suppress(ValueError):
        return ColumnType.parse(section["type"]) if isinstance(section.get("type"), str) else None
    return None


def _action(section: dict[str, Any]) -> OnError | None:
    given = section.get("on_error", OnError.REJECT)
    return OnError.NULL if given is None else next((action for action in OnError if action == given), None)
