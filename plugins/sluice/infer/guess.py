"""A census → the columns and children to start from. Every choice takes everything that was sampled.

| sampled | becomes |
|---|---|
| values of one type, or of numeric types that one column holds exactly | that type, with head-room |
| values of several types, or beyond what their type holds | ``json`` |
| documents | a column for each field, to :data:`~sluice.infer.census.DEPTH` levels |
| documents with names that are data, or nested deeper | ``json`` |
| arrays of values, of documents, of arrays, to :data:`~sluice.infer.census.ARRAYS` levels | a child, in a child |
| arrays sometimes, arrays nested deeper, arrays that were always empty | ``json`` |
| nothing but null | ``json`` |
| a field that no path can name | nothing: it is kept in ``_extra`` |
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Final

from sluice.columns import KEY_KINDS, LONGEST_STRING, MAX_PRECISION, ColumnType, Kind, OnError
from sluice.config import grammar
from sluice.config.problems import Wrong
from sluice.infer.census import DEPTH, Census, Seen
from sluice.infer.names import LONGEST_NAME, Tables, free_name
from sluice.spec import PARENT, RESERVED, ordinals

_ORDER: Final = (
    *(Kind.INT32, Kind.INT64, Kind.FLOAT64, Kind.DECIMAL, Kind.BOOL),
    *(Kind.TEXT, Kind.TIMESTAMP, Kind.OBJECTID, Kind.UUID, Kind.BINARY),
)
_JSON: Final = ColumnType(Kind.JSON)
_LENGTHS: Final = (*(2**power for power in range(4, 16)), LONGEST_STRING)
_MODIFIED: Final = ("updat", "modif", "chang", "mtime", "lastwrite", "last_write")


@dataclass(frozen=True, slots=True)
class Guess:
    """One column. ``name`` is None where the path has a good one by itself."""

    path: str
    name: str | None
    type: ColumnType
    seen: Seen
    on_error: OnError = OnError.REJECT


@dataclass(frozen=True, slots=True)
class ChildGuess:
    """One child: of values of the ``type``, else of documents; ``elements`` are those of its innermost arrays."""

    path: str
    name: str | None
    seen: Seen
    elements: Seen
    depth: int = 1
    type: ColumnType | None = None
    on_error: OnError = OnError.REJECT
    columns: tuple[Guess, ...] = ()
    children: tuple[ChildGuess, ...] = ()


@dataclass(frozen=True, slots=True)
class CollectionGuess:
    """One collection. ``modified`` is the field to read by, ``doubts`` are those that only look like it, and why.

    ``undeclared``: paths that are left to ``_extra``.
    """

    name: str
    census: Census
    modified: str | None
    doubts: tuple[str, ...]
    columns: tuple[Guess, ...]
    children: tuple[ChildGuess, ...]
    undeclared: tuple[str, ...]


@dataclass(slots=True)
class _Found:
    """What was found below one document, with the names that are taken."""

    taken: set[str]
    columns: list[tuple[str, Seen]] = field(default_factory=list)
    arrays: list[tuple[str, Seen]] = field(default_factory=list)
    undeclared: list[str] = field(default_factory=list)


def guess_collection(name: str, census: Census, tables: set[str], indexed: Callable[[str], bool]) -> CollectionGuess:
    """What to declare of a collection. ``tables``: names that are taken, to which its children's are added.

    ``indexed`` is asked whether an index finds documents by a field.
    """
    found = _Found(set())
    _look(census.root, "", found)
    children = _children(found, Tables(name, tables), "", 0)
    modified, doubts = _modified(census, found.columns, indexed)
    columns = _columns(found.columns, {name.lower() for name in RESERVED}, key="_id")
    return CollectionGuess(name, census, modified, doubts, columns, children, tuple(found.undeclared))


def column_type(seen: Seen) -> ColumnType:
    """The narrowest type, with head-room, that takes every value that was seen."""
    misfits = seen.misfits
    kind = next((kind for kind in _ORDER if seen.present and not misfits[kind]), Kind.JSON)
    return roomy(kind, seen)


def roomy(kind: Kind, seen: Seen) -> ColumnType:
    """The type of a kind, with room for more than was seen."""
    if kind is Kind.TEXT:
        wanted = seen.longest + seen.longest // 2
        length = next((length for length in _LENGTHS if length >= wanted), None)
        return ColumnType(Kind.STRING, length=length) if length else ColumnType(kind)
    if kind is Kind.INT32 and not -(2**30) <= seen.integers.low <= seen.integers.high < 2**30:
        return ColumnType(Kind.INT64)
    if kind is Kind.DECIMAL:
        precision = max(18, seen.whole + seen.places + 4)
        return ColumnType(kind, precision=min(precision, MAX_PRECISION), scale=seen.places)
    return ColumnType(kind)


def _key_type(seen: Seen) -> ColumnType:
    found = column_type(seen)
    if "null" in seen.types or found.kind not in KEY_KINDS or seen.garbled:
        return ColumnType(Kind.KEY)
    return ColumnType(Kind.INT64) if found.kind is Kind.INT32 else found


def _look(seen: Seen, prefix: str, found: _Found) -> None:
    """Sort the fields below a document into columns, arrays and what no path can name."""
    for name, inner in seen.fields.items():
        path = f"{prefix}{name}"
        if not _is_path(name, path):
            found.undeclared.append(path)
        elif path != "_id" and _has_columns(inner):
            _look(inner, f"{path}.", found)
        elif path != "_id" and _is_array(inner):
            found.arrays.append((path, inner))
        else:
            found.columns.append((path, inner))


def _is_path(name: str, path: str) -> bool:
    try:
        grammar.path(path)
    except Wrong:
        return False
    return "." not in name


def _has_columns(seen: Seen) -> bool:
    """Documents whose fields can be columns: at least one, all of them known, and their names are not data."""
    if seen.present != {"object"} or seen.others or seen.depth > DEPTH:
        return False
    # Of 40 names and more, each in few of the documents: keys of a map, such as dates or ids.
    values = sum(each.types.total() for each in seen.fields.values())
    is_map = len(seen.fields) > 40 and values < len(seen.fields) * seen.types["object"] / 5
    return not is_map and any(_is_path(name, name) for name in seen.fields)


def _is_array(seen: Seen) -> bool:
    return seen.present == {"array"} and seen.elements is not None and bool(seen.elements.present)


def _children(found: _Found, tables: Tables, outer: str, levels: int) -> tuple[ChildGuess, ...]:
    """A child for each array below a document; without a name for it, it is a column. ``levels``: arrays around."""
    children = []
    for path, seen in found.arrays:
        name = tables.name(f"{outer}{path}")
        if name is None:
            found.columns.append((path, seen))
        else:
            children.append(_child(path, seen, tables, name, levels))
            if name == grammar.default_name(f"{outer}{path}"):
                children[-1] = replace(children[-1], name=None)
    return tuple(children)


def _child(path: str, seen: Seen, tables: Tables, name: str, levels: int) -> ChildGuess:
    depth, elements = 1, seen.elements or Seen()
    while _is_array(elements):
        depth, elements = depth + 1, elements.elements or Seen()
    if _has_columns(elements):
        found = _Found(set())
        _look(elements, "", found)
        children = _children(found, tables, f"{name}.", levels + depth)
        columns = _columns(found.columns, {*RESERVED, PARENT, *ordinals(levels + depth)})
        if columns or children:
            return ChildGuess(path, name, seen, elements, depth, columns=columns, children=children)
    kind = column_type(elements)
    return ChildGuess(path, name, seen, elements, depth, kind, _on_error(kind, elements))


def _columns(found: list[tuple[str, Seen]], taken: set[str], key: str | None = None) -> tuple[Guess, ...]:
    """A column each; the ``key`` first, whose name nobody may take."""
    made = []
    for path, seen in sorted(found, key=lambda each: each[0] != key):
        name = free_name(path, lambda name: name.lower() in taken, LONGEST_NAME)
        taken.add(name.lower())
        kind = _key_type(seen) if path == key else column_type(seen)
        on_error = OnError.REJECT if path == key else _on_error(kind, seen)
        made.append(Guess(path, None if name == grammar.default_name(path) else name, kind, seen, on_error))
    return tuple(made)


def _on_error(kind: ColumnType, seen: Seen) -> OnError:
    return OnError.REPLACE if OnError.REPLACE in kind.actions and seen.all_garbled() else OnError.REJECT


def _modified(
    census: Census, columns: Collection[tuple[str, Seen]], indexed: Callable[[str], bool]
) -> tuple[str | None, tuple[str, ...]]:
    """The field that writes move, by its name: a date in every document, with an index. And what only looks so."""
    doubts = []
    for path, seen in sorted(columns, key=lambda each: each[0].count(".")):
        if not any(word in path.rpartition(".")[2].lower() for word in _MODIFIED) or "date" not in seen.types:
            continue
        if seen.types["date"] < census.documents or column_type(seen).kind is not Kind.TIMESTAMP:
            doubts.append(f"{path} is not a date in every document")
        elif not indexed(path):
            doubts.append(f"{path} has no index")
        else:
            return path, ()
    return None, tuple(doubts)
