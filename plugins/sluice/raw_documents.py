"""Concatenated BSON documents, as a MongoDB cursor batch carries them: finding their bounds, and decoding them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from struct import Struct
from typing import Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError

from sluice.errors import SourceUnavailable
from sluice.misfit import Misfit

# Dates come as naive datetimes in UTC, and as DatetimeMS beyond the years 1 to 9999.
_STRICT: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
_LENIENT = _STRICT.with_options(unicode_decode_error_handler="surrogateescape")
_SMALLEST = 5
_length_at = Struct("<i").unpack_from


def bounds_of(raw: bytes) -> list[int]:
    """Where each document starts, and where the last one ends. Raises SourceUnavailable for a corrupt length."""
    bounds, position, end = [0], 0, len(raw)
    while position < end:
        length = _length_at(raw, position)[0] if end - position >= _SMALLEST else 0
        if not _SMALLEST <= length <= end - position:
            raise SourceUnavailable(
                "a batch of documents arrived damaged",
                why=f"the document at byte {position} of {end} says that it is {length} bytes long",
                fix="run the same step again; if it fails again, run validate() on the collection in MongoDB",
            )
        position += length
        bounds.append(position)
    return bounds


def pieces(bounds: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """The bounds cut into runs of documents of about ``size`` bytes; neighbours share a bound."""
    first = 0
    for last in range(1, len(bounds)):
        if bounds[last] - bounds[first] >= size or last == len(bounds) - 1:
            yield bounds[first : last + 1]
            first = last


def decode(raw: bytes, bounds: Sequence[int]) -> tuple[list[dict[str, Any]], dict[int, Misfit]]:
    """The documents between these bounds, and the misfit of each row that is none: its document is then empty.

    Strings that are not UTF-8 come with surrogate escapes: whether that matters is for their column to say.
    """
    try:
        return bson.decode_all(raw[bounds[0] : bounds[-1]], _STRICT), {}
    except (BSONError, ValueError, TypeError, OverflowError, RecursionError):
        return _decode_each(raw, bounds)


def _decode_each(raw: bytes, bounds: Sequence[int]) -> tuple[list[dict[str, Any]], dict[int, Misfit]]:
    documents: list[dict[str, Any]] = []
    misfits = {}
    for row, (start, end) in enumerate(pairwise(bounds)):
        try:
            documents += bson.decode_all(raw[start:end], _LENIENT)
        except (BSONError, ValueError, TypeError, OverflowError, RecursionError) as error:
            documents.append({})
            misfits[row] = _misfit(error)
    return documents, misfits


def _misfit(error: Exception) -> Misfit:
    if "recursion" in str(error):
        return Misfit("too_deep", "nested too deeply to be decoded")
    return Misfit("undecodable", str(error))
