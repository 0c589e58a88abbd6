"""Logical column types: the words of a pipeline file, and what they take from BSON."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from sluice.suggest import did_you_mean, shown


class Kind(StrEnum):
    """The logical types of DESIGN section 5."""

    KEY = "key"
    STRING = "string"
    TEXT = "text"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT64 = "float64"
    DECIMAL = "decimal"
    BOOL = "bool"
    TIMESTAMP = "timestamp"
    DATE = "date"
    OBJECTID = "objectid"
    UUID = "uuid"
    BINARY = "binary"
    JSON = "json"


class OnError(StrEnum):
    """What a column does with a value that it cannot hold. Every use is counted."""

    REJECT = "reject"
    NULL = "null"
    TRUNCATE = "truncate"
    REPLACE = "replace"


LONGEST_STRING: Final = 65_535
"""Bytes: the widest VARCHAR of Redshift. Longer texts are ``text``."""
MAX_PRECISION: Final = 38

KEY_KINDS: Final = (Kind.KEY, Kind.OBJECTID, Kind.STRING, Kind.TEXT, Kind.INT32, Kind.INT64, Kind.UUID)
"""What an ``_id`` may be: types whose equal values have one text."""
TEXT_KINDS: Final = (Kind.KEY, Kind.STRING, Kind.TEXT, Kind.OBJECTID)

# The two repairs that mean something only for some types; the table in sluice.values says what they do.
_REPAIRS: Final = {
    OnError.TRUNCATE: (Kind.STRING, Kind.TEXT, Kind.DECIMAL, Kind.DATE),
    OnError.REPLACE: (
        *(Kind.STRING, Kind.TEXT, Kind.INT32, Kind.INT64, Kind.FLOAT64),
        *(Kind.DECIMAL, Kind.TIMESTAMP, Kind.DATE, Kind.JSON),
    ),
}

# What other systems call them: a suggestion, never accepted.
_OTHER_NAMES: Final = {
    **dict.fromkeys(("str", "varchar", "char"), "string(255)"),
    **dict.fromkeys(("int", "integer", "long", "bigint", "number"), "int64"),
    **dict.fromkeys(("double", "float", "real"), "float64"),
    **dict.fromkeys(("datetime", "isodate", "timestamptz"), "timestamp"),
    **dict.fromkeys(("numeric", "decimal128"), "decimal(18,2)"),
    **dict.fromkeys(("object", "document", "dict", "super"), "json"),
    **dict.fromkeys(("array", "list"), "json, or declare the array under children"),
    "boolean": "bool",
    "oid": "objectid",
    "bytes": "binary",
}

_PATTERN = re.compile(r"(?P<kind>[A-Za-z0-9_]+)\s*(?:\((?P<args>[^()]*)\))?")
_NUMBERS = re.compile(r"\s*[0-9]{1,9}\s*(,\s*[0-9]{1,9}\s*)*")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A logical type with its parameters: ``string(64)`` has length 64 bytes, ``decimal(18,4)`` precision and scale."""

    kind: Kind
    length: int = 0
    precision: int = 0
    scale: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``string(64)`` and the like. Raises ValueError with a sentence for people."""
        match = _PATTERN.fullmatch(text.strip())
        if not match or match["kind"] not in set(Kind):
            raise ValueError(_unknown(text, match["kind"] if match else text))
        arguments = match["args"] or ""
        if match["args"] is not None and not _NUMBERS.fullmatch(arguments):
            raise ValueError(f"the parameters of {shown(text)} are not numbers")
        return cls._with_arguments(Kind(match["kind"]), [int(a) for a in arguments.split(",") if a])

    @classmethod
    def _with_arguments(cls, kind: Kind, numbers: list[int]) -> Self:
        if kind is Kind.STRING:
            if len(numbers) != 1 or not 1 <= numbers[0] <= LONGEST_STRING:
                raise ValueError(f"string takes its longest length in bytes, 1 to {LONGEST_STRING}: string(255)")
            return cls(kind, length=numbers[0])
        if kind is Kind.DECIMAL:
            if len(numbers) != 2 or not 1 <= numbers[0] <= MAX_PRECISION or numbers[1] > numbers[0]:
                raise ValueError(f"decimal takes digits, at most {MAX_PRECISION}, and decimal places: decimal(18,2)")
            return cls(kind, precision=numbers[0], scale=numbers[1])
        if numbers:
            raise ValueError(f"{kind} takes no parameters: write {kind}")
        return cls(kind)

    @property
    def actions(self) -> tuple[OnError, ...]:
        """The ``on_error`` actions that mean something for this type."""
        return tuple(action for action in OnError if self.kind in _REPAIRS.get(action, Kind))

    def __str__(self) -> str:
        if self.kind is Kind.STRING:
            return f"string({self.length})"
        if self.kind is Kind.DECIMAL:
            return f"decimal({self.precision},{self.scale})"
        return str(self.kind)


def _unknown(text: str, kind: str) -> str:
    other = _OTHER_NAMES.get(kind.lower())
    known = ("string(n)" if k is Kind.STRING else "decimal(p,s)" if k is Kind.DECIMAL else str(k) for k in Kind)
    return f"unknown type {shown(text)}: {f'use {other}' if other else did_you_mean(kind, known)}"
