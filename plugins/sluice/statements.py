"""SQL lives in files, one statement each: ``sql/<warehouse>/<name>.sql``. This module loads one and binds it.

A file starts with a header of ``--`` lines: purpose, parameters, guarantee, why. Two kinds of slots follow, and each
must be given, and nothing else may be:

``$name``
    a piece of the text itself: an identifier, a list of them, a literal where the server takes no parameter, or the
    column definitions that a pure function made of a pipeline file. Always one of the classes below, never a bare str.
``{name:Type}``
    a value, sent beside the text as a server-side parameter. Where a driver has no such form, :func:`positional`
    makes ``%s`` with a cast to the type of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

_PIECE = re.compile(r"\$([a-z_]+)")
_PARAMETER = re.compile(r"\{([a-z_]+):([^{}]+)\}")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL text that is safe as it stands."""

    text: str


def name(*parts: str) -> Sql:
    """A checked and quoted identifier: ``name("sluice", "batches")`` is ``"sluice"."batches"``."""
    for part in parts:
        if not _IDENTIFIER.fullmatch(part):
            raise ValueError(f"{part!r} cannot be an identifier: letters, digits and _ only, at most 200")
    return Sql(".".join(f'"{part}"' for part in parts))


def names(parts: Iterable[str]) -> Sql:
    """Several identifiers, separated by commas."""
    return Sql(", ".join(name(part).text for part in parts))


def literal(text: str) -> Sql:
    """A quoted string, for the few places that take no parameter: a view's own text, a comment."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return Sql(f"'{escaped}'")


@dataclass(frozen=True, slots=True)
class Query(Sql):
    """A query that stands inside of a statement, whose parameters are then the statement's too."""


def query(path: str) -> Query:
    """The query of another file, ``sql/<path>.sql``."""
    return Query(f"(\n{_body(path)}\n)")


class _Open:
    """The mark of a parameter that stays open in the text."""


OPEN: Final = _Open()
"""Leaves ``{name:Type}`` as it is: the parameter of a parameterised view."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, ready to be sent. ``name`` is its file's."""

    name: str
    text: str
    parameters: dict[str, object]


def bind(path: str, **values: object) -> Statement:
    """Load ``sql/<path>.sql`` and fill its slots. Raises LookupError for a missing file, TypeError for wrong slots."""
    text = _body(path)
    pieces, parameters = set(_PIECE.findall(text)), _parameters(text)
    for within in (value for value in values.values() if isinstance(value, Query)):
        parameters |= _parameters(within.text)
    _check(path, pieces | parameters, values)
    for slot in pieces:
        if not isinstance(values[slot], Sql):
            raise TypeError(f"sql/{path}.sql: ${slot} takes name(), names(), literal(), query() or Sql")
    filled = _PIECE.sub(lambda match: _text(values[match[1]]), text)
    bound = {slot: values[slot] for slot in parameters if values[slot] is not OPEN}
    return Statement(path.rpartition("/")[2], filled, bound)


def positional(statement: Statement) -> tuple[str, list[object]]:
    """Text with ``CAST(%s AS Type)`` for each parameter, and the values in their order."""
    values: list[object] = []

    def typed(match: re.Match[str]) -> str:
        if match[1] not in statement.parameters:
            return match[0]  # what a piece of the text happens to look like
        values.append(statement.parameters[match[1]])
        return f"CAST(%s AS {match[2]})"

    return _PARAMETER.sub(typed, statement.text), values


def header(path: str) -> dict[str, str]:
    """The header of a file: word before the colon → text."""
    found: dict[str, str] = {}
    word = ""
    for line in _lines(path):
        if not line.startswith("--"):
            break
        match = re.match(r"-- (\w+): +(.*)", line)
        word = match[1] if match else word
        text = match[2] if match else line.removeprefix("--").strip()
        found[word] = f"{found.get(word, '')} {text}".strip()
    return found


def slots(path: str) -> set[str]:
    """Every slot of a file."""
    text = _body(path)
    return set(_PIECE.findall(text)) | _parameters(text)


def _parameters(text: str) -> set[str]:
    return {match[1] for match in _PARAMETER.finditer(text)}


def _check(path: str, wanted: set[str], given: dict[str, object]) -> None:
    if missing := wanted - given.keys():
        raise TypeError(f"sql/{path}.sql needs {', '.join(sorted(missing))}")
    if unknown := given.keys() - wanted:
        raise TypeError(f"sql/{path}.sql has no slot {', '.join(sorted(unknown))}")


def _text(piece: object) -> str:
    assert isinstance(piece, Sql)
    return piece.text


@cache
def _lines(path: str) -> tuple[str, ...]:
    file = ROOT / "sql" / f"{path}.sql"
    if not file.is_file():
        raise LookupError(f"there is no statement {file}")
    return tuple(file.read_text(encoding="utf-8").splitlines())


@cache
def _body(path: str) -> str:
    """The text without comment lines: what the server has to parse, and what its logs should show."""
    return "\n".join(line for line in _lines(path) if not line.lstrip().startswith("--")).strip().rstrip(";")
