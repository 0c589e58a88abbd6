"""Strings: lengths in bytes, UTF-8 that is none, blanks.

Pages: *Character types* (r_Character_types), *Multibyte character load errors* (multi-byte-character-load-errors),
*Data conversion parameters* (copy-parameters-data-conversion), *Preparing your input data* (t_preparing-input-data).

A byte that is not UTF-8 arrives here as a lone surrogate (the error handler ``surrogateescape``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from devstack.redshift.copying.columns import Column
from devstack.redshift.copying.figures import BLANKS, Convert
from devstack.redshift.copying.report import RowError
from devstack.redshift.copying.statement import CopyOptions

_ESCAPED: Final = "\udc80-\udcff"
_NO_CHARACTER: Final = "\ufdd0-\ufdef\ufffe\uffff"
WRONG: Final = re.compile(f"[{_ESCAPED}{_NO_CHARACTER}]")
_SURROGATE: Final = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")


def varchar(column: Column, options: CopyOptions, replaced: Callable[[], None]) -> Convert:
    """A VARCHAR. ``replaced`` is called for each value in which ACCEPTINVCHARS replaced something."""

    def convert(value: str) -> str | None:
        found = _blank(value, options)
        if not found:
            return found
        _refuse_nul(found)
        if not found.isascii() and WRONG.search(found):
            found = _mended(found, options.invalid_chars)
            replaced()
        return _fitting(found, column.size, options)

    return convert


def char(column: Column, options: CopyOptions) -> Convert:
    """A CHAR: single bytes only; blanks at the end do not count."""

    def convert(value: str) -> str | None:
        found = _blank(value, options)
        if not found:
            return found
        _refuse_nul(found)
        if not found.isascii():
            wrong = next(c for c in found if not c.isascii()).encode("utf-8", "surrogateescape")
            hint = "Multibyte character not supported for CHAR (Hint: try using VARCHAR)."
            raise RowError(1220, f"{hint} Invalid char: {wrong.hex(' ')}")
        short = found[: column.size] + found[column.size :].rstrip(" ")
        return _fitting(short, column.size, options, "Char length exceeds DDL length")

    return convert


def _blank(value: str, options: CopyOptions) -> str | None:
    if not value:
        return None if options.empty_as_null else value
    if options.blanks_as_null and not value.strip(BLANKS):
        return None
    return value.rstrip(BLANKS) if options.trim_blanks else value


def _refuse_nul(value: str) -> None:
    if (at := value.find("\0")) >= 0:
        raise RowError(1218, "Invalid null byte - field longer than 1 byte", at)


def _mended(value: str, by: str | None) -> str:
    """Each wrong byte becomes one character, and so does each byte of what is no character."""
    if by is None:
        raise _invalid(value)
    return WRONG.sub(lambda found: by * (1 if "\udc80" <= found[0] <= "\udcff" else 3), value)


def _invalid(value: str) -> RowError:
    found = WRONG.search(value)
    assert found
    at = len(value[: found.start()].encode("utf-8", "surrogateescape"))
    rest = value[found.start() :].encode("utf-8", "surrogateescape")
    sequence, error = _sequence(rest)
    text = "String contains invalid or unsupported UTF8 codepoints."
    return RowError(1220, f"{text} Bad UTF8 hex sequence: {sequence.hex(' ')} (error {error})", at)


def _sequence(rest: bytes) -> tuple[bytes, int]:
    """The bytes that are meant, and the number of the error on the page of multibyte errors."""
    first = rest[0]
    length = 4 if first >= 0xF0 else 3 if first >= 0xE0 else 2
    if first < 0xC2 or first > 0xF7:
        return rest[:1], 3 if first < 0xF8 or first > 0xFD else 1
    if _SURROGATE.match(rest):
        return rest[:3], 5
    tail = rest[1:length]
    if any(not 0x80 <= byte <= 0xBF for byte in tail):
        return rest[:length], 4
    if len(tail) < length - 1:
        return rest[:length], 2
    return rest[:length], 6


def _fitting(value: str, size: int, options: CopyOptions, complaint: str = "String length exceeds DDL length") -> str:
    if len(value) * 4 <= size:
        return value
    raw = value.encode()
    if len(raw) <= size:
        return value
    if not options.truncate_columns:
        raise RowError(1204, complaint, size)
    # Never through the middle of a character.
    return raw[:size].decode("utf-8", "ignore")
