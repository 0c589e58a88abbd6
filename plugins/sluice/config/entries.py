"""The declared fields of a pipeline file, read from plain values as far as they can be."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from sluice.columns import ColumnType, Kind, OnError
from sluice.config import grammar
from sluice.config.problems import Loc

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


def columns_of(collection: dict[str, Any], loc: Loc) -> list[Entry]:
    """The columns of a collection; first its key, also where the file leaves it out."""
    found = entries(collection.get("columns"), (*loc, "columns"))
    key = next((entry for entry in found if entry.path == KEY), Entry(loc, KEY, KEY, ColumnType(Kind.KEY)))
    return [key, *(entry for entry in found if entry is not key)]


def children_of(collection: dict[str, Any], loc: Loc) -> list[tuple[Loc, str | None, dict[str, Any]]]:
    """Where each child stands, its name, and its section."""
    children = {path: _long(given) for path, given in mapping(collection.get("children")).items()}
    return [((*loc, "children", path), _name(child, path), child) for path, child in children.items()]


def child_columns(child: dict[str, Any], loc: Loc) -> list[Entry]:
    """The columns of a child: of its documents, or the one of its values."""
    if "columns" in child:
        return entries(child["columns"], (*loc, "columns"))
    return [_entry(child, loc, "", "value")]


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


def _name(section: dict[str, Any], path: str) -> str | None:
    if isinstance(name := section.get("name"), str):
        return name
    default = grammar.default_name(path)
    return default if re.fullmatch(grammar.NAME, default) else None


def _type(section: dict[str, Any]) -> ColumnType | None:
    with suppress(ValueError):
        return ColumnType.parse(section["type"]) if isinstance(section.get("type"), str) else None
    return None


def _action(section: dict[str, Any]) -> OnError | None:
    given = section.get("on_error", OnError.REJECT)
    return OnError.NULL if given is None else next((action for action in OnError if action == given), None)
