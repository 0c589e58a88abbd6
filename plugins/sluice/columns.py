"""Logical column types: the words of a pipeline file, and what they take from BSON."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


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


_PATTERN = re.compile(r"^(?P<kind>[a-z0-9]+)(?:\((?P<args>\s*\d+\s*(?:,\s*\d+\s*)?)\))?$")


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
        match = _PATTERN.match(text.strip())
        if not match or match["kind"] not in set(Kind):
            raise ValueError(f"unknown type {text!r}")
        kind = Kind(match["kind"])
        args = [int(a) for a in (match["args"] or "").split(",") if a.strip()]
        return cls._with_arguments(kind, args, text)

    @classmethod
    def _with_arguments(cls, kind: Kind, args: list[int], text: str) -> Self:
        if kind is Kind.STRING and len(args) == 1 and args[0] > 0:
            return cls(kind, length=args[0])
        if kind is Kind.DECIMAL and len(args) == 2 and 0 < args[0] <= 38 and args[1] <= args[0]:
            return cls(kind, precision=args[0], scale=args[1])
        if kind not in {Kind.STRING, Kind.DECIMAL} and not args:
            return cls(kind)
        raise ValueError(f"wrong parameters in {text!r}")

    def __str__(self) -> str:
        if self.kind is Kind.STRING:
            return f"string({self.length})"
        if self.kind is Kind.DECIMAL:
            return f"decimal({self.precision},{self.scale})"
        return str(self.kind)
