"""Redshift's data types, as PostgreSQL has them. Pages: *Data types* (c_Supported_data_types), r_Character_types."""

from __future__ import annotations

from typing import Final

from devstack.redshift.errors import SqlError
from devstack.redshift.reader import Reader

LONGEST_VARCHAR: Final = 65_535
LONGEST_CHAR: Final = 4_096
PRECISION: Final = 38

_PLAIN: Final = {
    "smallint": "smallint",
    "int2": "smallint",
    "integer": "integer",
    "int": "integer",
    "int4": "integer",
    "bigint": "bigint",
    "int8": "bigint",
    "real": "real",
    "float4": "real",
    "float8": "double precision",
    "float": "double precision",
    "boolean": "boolean",
    "bool": "boolean",
    "date": "date",
    "timestamptz": "timestamptz",
    "timetz": "timetz",
    "super": "super",
    "varbyte": "bytea",
    "varbinary": "bytea",
}
_CHARACTERS: Final = {
    "varchar": ("varchar", 256),
    "nvarchar": ("varchar", 256),
    "text": ("varchar", 256),
    "char": ("char", 1),
    "character": ("char", 1),
    "nchar": ("char", 1),
    "bpchar": ("char", 256),
}
_ELSEWHERE: Final = {"geometry", "geography", "hllsketch", "interval"}


def read_type(reader: Reader) -> str:
    """Read a type of a column. Raises SqlError for one that Redshift or the stand-in does not have."""
    word = reader.next("word").value
    if word == "double":
        reader.expect("precision")
        return "double precision"
    if word in {"timestamp", "time"}:
        return word + _zone(reader)
    if word in {"numeric", "decimal"}:
        return _numeric(reader)
    if word in _CHARACTERS:
        return _characters(reader, word)
    if word in _ELSEWHERE:
        raise SqlError(f'the stand-in does not emulate the type "{word}"', "0A000")
    if word not in _PLAIN:
        raise SqlError(f'type "{word}" does not exist', "42704")
    if reader.peek() == "(":
        reader.group()
    return _PLAIN[word]


def _zone(reader: Reader) -> str:
    if reader.take("with", "time", "zone"):
        return " with time zone"
    reader.take("without", "time", "zone")
    return ""


def _numeric(reader: Reader) -> str:
    sizes = [int(token.text) for token in reader.group() if token.kind == "number"] if reader.peek() == "(" else []
    precision, scale = ([*sizes, 0] if sizes else [18, 0])[:2]
    if not 1 <= precision <= PRECISION:
        raise SqlError(f"DECIMAL precision {precision} must be between 1 and {PRECISION}", "22023")
    return f"numeric({precision},{scale})"


def _characters(reader: Reader, word: str) -> str:
    varying = word == "character" and reader.take("varying")
    name, length = _CHARACTERS["varchar" if varying else word]
    if reader.peek() == "(":
        (size,) = reader.group()
        length = LONGEST_VARCHAR if size.value == "max" else int(size.text)
    longest = LONGEST_VARCHAR if name == "varchar" else LONGEST_CHAR
    if not 1 <= length <= longest:
        raise SqlError(f"length for type {name} must be between 1 and {longest}", "22023")
    return f"{name}({length})"
