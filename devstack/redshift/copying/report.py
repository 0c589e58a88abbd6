"""What goes wrong with a row, and what the system tables keep of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from devstack.redshift.errors import SqlError

KEPT: Final = 1024
"""Bytes of a line and of a value that STL_LOAD_ERRORS keeps (page r_STL_LOAD_ERRORS)."""
KEPT_REPLACEMENTS: Final = 100
"""Rows of a slice that STL_REPLACEMENTS keeps (page r_STL_REPLACEMENTS); the stand-in has one slice."""


class RowError(Exception):
    """A row cannot be loaded: ``code`` is one of *Load error reference* (r_Load_Error_Reference)."""

    def __init__(self, code: int, reason: str, position: int = 0) -> None:
        super().__init__(reason)
        self.code, self.reason, self.position = code, reason, position
        self.column: str | None = None
        self.value = ""


@dataclass(frozen=True, slots=True)
class LoadError:
    """A row of STL_LOAD_ERRORS, named as its columns are."""

    filename: str
    line_number: int
    colname: str
    type: str
    col_length: str
    position: int
    raw_line: str
    raw_field_value: str
    err_code: int
    err_reason: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """A row of STL_REPLACEMENTS."""

    filename: str
    line_number: int
    colname: str
    raw_line: str


@dataclass(slots=True)
class Report:
    """What a COPY did, filled while its chunks are read. ``rows`` are those that it loads, ``scanned`` also the bad."""

    rows: int = 0
    scanned: int = 0
    files: dict[str, int] = field(default_factory=dict)
    """Each file's address, and the lines that were read of it: STL_LOAD_COMMITS."""
    errors: list[LoadError] = field(default_factory=list)
    replacements: list[Replacement] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    """Messages of level INFO for the client."""

    def replaced(self, found: Replacement) -> None:
        """Log a value in which characters were replaced, as long as there is room."""
        if len(self.replacements) < KEPT_REPLACEMENTS:
            self.replacements.append(found)


def shown(text: str) -> str:
    """As the system tables show it: cut, with a dot for each byte that is not plain ASCII."""
    raw = text.encode("utf-8", "surrogateescape")[:KEPT]
    return "".join(chr(byte) if 32 <= byte < 127 or byte in b"\t\n\r" else "." for byte in raw)


def failure(message: str, code: int, context: str) -> SqlError:
    """An error of the load as a whole, with the block that Redshift puts into its detail."""
    line = f"  {'-' * 47}"
    said = f"  error:  {message}\n  code:      {code}\n  context:   {context}\n  query:     0"
    return SqlError(message, "XX000", f"\n{line}\n{said}\n  location:  standin\n{line}\n")
