"""What may stand in a collection's redshift section: encodings with the column types they are for, options of COPY."""

from __future__ import annotations

from typing import Final

from sluice.columns import Kind
from sluice.config.problems import Wrong
from sluice.suggest import did_you_mean, shown

_INTEGERS: Final = {Kind.INT32, Kind.INT64}
_COUNTED: Final = {*_INTEGERS, Kind.DECIMAL, Kind.DATE, Kind.TIMESTAMP}
_TEXTS: Final = {Kind.KEY, Kind.STRING, Kind.TEXT, Kind.OBJECTID, Kind.UUID, Kind.BINARY}
_PLAIN: Final = {*_COUNTED, *_TEXTS, Kind.FLOAT64}

ENCODINGS: Final = {
    "raw": set(Kind),
    "zstd": set(Kind),
    "az64": _COUNTED,
    "lzo": {*_COUNTED, *_TEXTS, Kind.JSON},
    "bytedict": _PLAIN,
    "runlength": {*_PLAIN, Kind.BOOL},
    "delta": _COUNTED - {Kind.TIMESTAMP},
    "delta32k": _COUNTED - {Kind.TIMESTAMP},
    "mostly8": {*_INTEGERS, Kind.DECIMAL},
    "mostly16": {*_INTEGERS, Kind.DECIMAL},
    "mostly32": {Kind.INT64, Kind.DECIMAL},
    "text255": _TEXTS,
    "text32k": _TEXTS,
}
MOST_ERRORS: Final = 100_000
LONGEST_NAMES: Final = 85
"""Letters of a pipeline's and a table's name: with a plan, its turn and a helper's name they name a staging table."""


def encoding(text: str) -> str:
    """The name of an encoding. Raises Wrong."""
    if text not in ENCODINGS:
        raise Wrong(f"{shown(text)} is not an encoding of Redshift's", did_you_mean(text, ENCODINGS))
    return text


def one_character(text: str) -> str:
    """What may replace a character. Raises Wrong."""
    if not (len(text) == 1 and text.isascii() and text.isprintable()):
        raise Wrong(f"{shown(text)} is not one ASCII character", 'write one such as "?"')
    return text


def rows_refused(number: int) -> int:
    """A value of MAXERROR. Raises Wrong."""
    if not 0 <= number <= MOST_ERRORS:
        raise Wrong(f"{number} is not a number of rows that COPY may refuse", f"write 0 to {MOST_ERRORS}")
    return number
