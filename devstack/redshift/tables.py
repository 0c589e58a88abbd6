"""CREATE TABLE: columns, keys that are not enforced, distribution and sort keys.

Pages: r_CREATE_TABLE_NEW, r_CREATE_TABLE_AS, t_Defining_constraints.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from devstack.redshift.column_types import read_type
from devstack.redshift.lexer import Token
from devstack.redshift.reader import Reader, fitting, literal, quoted, split
from devstack.redshift.rewrite import rewritten
from devstack.redshift.work import Series

_COLUMN_WORDS: Final = {
    "encode", "distkey", "sortkey", "identity", "generated", "collate", "primary", "unique", "references", "not",
    "null", "default",
}  # fmt: skip
_CACHE: Final = 64
"""Identity values that a session takes at once: they are unique, and neither without gaps nor in order."""


@dataclass
class Attributes:
    """What PostgreSQL has no place for. ``source``: the table that LIKE names, whose attributes are taken over."""

    diststyle: str = ""
    distkey: str = ""
    sortkey: list[str] = field(default_factory=list)
    encodings: dict[str, str] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    source: str = ""

    def settled(self, table: str, *, careful: bool = False) -> str:
        """The statement that makes lengths count in bytes, and remembers the rest; careful: unless it is known."""
        said: dict[str, Any] = {
            "diststyle": self.diststyle,
            "distkey": self.distkey,
            "sortkey": self.sortkey,
            "encodings": self.encodings,
            "required": sorted(self.required),
        }
        text = json.dumps({name: value for name, value in said.items() if value})
        return f"SELECT standin.settle({literal(table)}, {literal(text)}, {literal(self.source)}, {careful})"


def create_table(reader: Reader) -> Series:
    """CREATE TABLE, with a list of columns, LIKE, or AS. Raises SqlError."""
    reader.expect("create")
    reader.take("local")
    temporary = bool(reader.take_any("temp", "temporary"))
    reader.expect("table")
    careful = reader.take("if", "not", "exists")
    table = reader.name()
    temporary = temporary or table.startswith('"#')
    keys, body = Attributes(), ""
    if reader.peek() == "(":
        body = _body(reader, reader.group(), keys)
    table_attributes(reader, keys)
    if reader.take("as"):
        body += f" AS {rewritten(reader.sql, reader.tokens[reader.at :])}"
    elif not body:
        raise reader.unexpected()
    else:
        reader.end()
    words = f"CREATE{' TEMP' * temporary} TABLE{' IF NOT EXISTS' * careful}"
    return Series("CREATE TABLE", (f"{words} {table} {body}", keys.settled(table, careful=True)))


def _body(reader: Reader, inside: Sequence[Token], keys: Attributes) -> str:
    items = split(inside)
    if reader.peek() == "as" or all(len(item) == 1 for item in items):
        return f"({', '.join(quoted(fitting(item[0].value)) for item in items if item)})"
    columns = [column for item in items if (column := _item(Reader(reader.sql, item), keys))]
    return f"({', '.join(columns)})"


def _item(reader: Reader, keys: Attributes) -> str:
    """One item of the list; empty for a key, which is not enforced."""
    if reader.take("like"):
        keys.source = reader.name()
        defaults = " INCLUDING DEFAULTS" if reader.take("including", "defaults") else ""
        reader.take("excluding", "defaults")
        reader.end()
        return f"LIKE {keys.source}{defaults}"
    if is_key(reader):
        keys.required |= set(read_key(reader))
        return ""
    return column(reader, keys)


def is_key(reader: Reader) -> bool:
    """Whether a constraint of the table comes; steps over its name."""
    if reader.take("constraint"):
        reader.identifier()
    return reader.peek() in {"primary", "unique", "foreign"} and reader.peek(1) in {"key", "("}


def read_key(reader: Reader) -> list[str]:
    """Read a constraint of the table; the columns that may not be null."""
    primary = reader.take("primary", "key")
    if not primary and not reader.take("unique"):
        reader.expect("foreign", "key")
    columns = reader.identifiers()
    _references(reader)
    reader.end()
    return columns if primary else []


def _references(reader: Reader) -> None:
    if reader.take("references"):
        reader.name()
        if reader.peek() == "(":
            reader.group()


def column(reader: Reader, keys: Attributes) -> str:
    """Read a column; as PostgreSQL takes it. ``keys`` gets what it says of distribution, order and encoding."""
    name = reader.identifier()
    words = [quoted(name), read_type(reader)]
    while not reader.done:
        words.append(_constraint(reader, name, keys))
    return " ".join(filter(None, words))


def _constraint(reader: Reader, name: str, keys: Attributes) -> str:
    match reader.take_any(*_COLUMN_WORDS):
        case "primary":
            reader.expect("key")
            return "NOT NULL"
        case "not":
            reader.expect("null")
            return "NOT NULL"
        case "default":
            return f"DEFAULT {_default(reader)}"
        case "identity":
            return _identity(reader, "ALWAYS")
        case "generated":
            reader.expect("by", "default", "as", "identity")
            return _identity(reader, "BY DEFAULT")
        case "":
            raise reader.unexpected()
        case word:
            _column_attribute(reader, name, keys, word)
    return ""


def _column_attribute(reader: Reader, name: str, keys: Attributes, word: str) -> None:
    match word:
        case "encode":
            keys.encodings[name] = reader.next("word").value
        case "distkey":
            keys.diststyle, keys.distkey = "KEY", name
        case "sortkey":
            keys.sortkey.append(name)
        case "collate":
            reader.next("word")
        case "references":
            reader.at -= 1
            _references(reader)


def _identity(reader: Reader, when: str) -> str:
    seed, step = (int("".join(token.text for token in item)) for item in split(reader.group()))
    edge = "MINVALUE" if step > 0 else "MAXVALUE"
    return f"GENERATED {when} AS IDENTITY (START {seed} INCREMENT {step} {edge} {seed} CACHE {_CACHE})"


def _default(reader: Reader) -> str:
    start, depth = reader.at, 0
    while not reader.done and (depth or reader.at == start or reader.peek() not in _COLUMN_WORDS):
        depth += {"(": 1, ")": -1}.get(reader.next().text, 0)
    return rewritten(reader.sql, reader.tokens[start : reader.at])


def table_attributes(reader: Reader, keys: Attributes) -> None:
    """Read what follows the columns; ``keys`` gets it."""
    while word := reader.take_any("backup", "diststyle", "distkey", "compound", "interleaved", "sortkey", "encode"):
        match word:
            case "backup":
                if not reader.take_any("yes", "no"):
                    raise reader.unexpected()
            case "encode":
                reader.expect("auto")
            case "compound" | "interleaved":
                if reader.peek() != "sortkey":
                    raise reader.unexpected()
            case _:
                _key_attribute(reader, keys, word)


def _key_attribute(reader: Reader, keys: Attributes, word: str) -> None:
    if word == "diststyle":
        keys.diststyle = reader.take_any("auto", "even", "key", "all").upper()
        if not keys.diststyle:
            raise reader.unexpected()
    elif word == "sortkey":
        keys.sortkey = [] if reader.take_any("auto", "none") else reader.identifiers()
    elif reader.peek() == "(":
        keys.diststyle, (keys.distkey,) = "KEY", reader.identifiers()
    else:
        keys.diststyle, keys.distkey = "KEY", reader.identifier()
