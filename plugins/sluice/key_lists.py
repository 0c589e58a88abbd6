"""Lists of keys that are to be read: how a batch lands documents that were named, and not searched for. Pure.

A list is concatenated BSON, a document ``{_id: …}`` for each key: every type stays what it is in MongoDB, byte by byte.
It lies on the landing, beside what is landed of it (:meth:`sluice.landing.Landing.put_keys`); the plan holds only its
name, as a range with its number of ``keys`` (:class:`sluice.window.Range`). To read given keys at one cut, and publish
them through the normal path::

    keys = (bson.encode({"_id": id}) for id in …)                    # in any order, repeated or not
    made = spine.plan_keys(pipeline, systems, {"documents": keys})    # writes the lists, takes the cut
    commit = spine.run_plan(pipeline, systems, made)                  # or step by step, as with any other plan

A key that is asked for and not found is gone: its row is ended (I1: asked = found + gone, found = landed + rejected).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise
from struct import Struct
from typing import Any, Final, NamedTuple

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument

from sluice.keys import key_text
from sluice.misfit import MISSING, Misfit
from sluice.raw_documents import bounds_of

LIST_KEYS: Final = 100_000
LIST_BYTES: Final = 16 * 2**20
"""What one list has at most, and so one task reads and one memory holds."""

ASK_KEYS: Final = 2_000
ASK_BYTES: Final = 2**20
"""What is asked for in one question."""

_LENIENT: CodecOptions[dict[str, Any]] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="surrogateescape"
)
_FIXED: Final = {0x01: 8, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16, 0xFF: 0, 0x7F: 0}
"""BSON's types of one size; the others have their own length first."""
_LENGTH: Final = {0x02: 4, 0x03: 0, 0x04: 0, 0x05: 5, 0x0D: 4, 0x0E: 4, 0x0F: 0}
"""How much longer than that length a value is: strings, code, binaries have more than it counts."""
_VALUE: Final = 9
"""Where the value stands in a document whose first field is ``_id``: after its length, a type and the name."""
_int32 = Struct("<i")


class Found(NamedTuple):
    """What became of some keys: ``asked`` of them, documents, and those that are gone. All concatenated BSON.

    ``late``: from here on all is read later than the cut, whose snapshot is lost.
    """

    documents: bytes
    asked: int = 0
    gone: bytes = b""
    late: bool = False


class KeyList:
    """A list while it is made: each key once, in the order of their bytes, as ObjectIds lie."""

    def __init__(self) -> None:
        self._keys: set[bytes] = set()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: bytes) -> bool:
        """Take a key; True when the list is full."""
        if key not in self._keys:
            self._keys.add(key)
            self._bytes += len(key)
        return len(self._keys) >= LIST_KEYS or self._bytes >= LIST_BYTES

    def take(self) -> bytes:
        """The list; a new one starts."""
        keys, self._keys, self._bytes = sorted(self._keys), set(), 0
        return b"".join(keys)


def questions(keys: bytes) -> Iterator[list[bytes]]:
    """The keys of a list, as many as are asked for at once."""
    bounds = bounds_of(keys)
    asked: list[bytes] = []
    size = 0
    for start, end in pairwise(bounds):
        asked.append(keys[start:end])
        size += end - start
        if len(asked) >= ASK_KEYS or size >= ASK_BYTES:
            yield asked
            asked, size = [], 0
    if asked:
        yield asked


def any_of(keys: Sequence[bytes]) -> RawBSONDocument:
    """The filter that finds these keys. Of the bytes that were given: not all that MongoDB has can be encoded again."""
    members = b"".join(_element(key[4:5], b"%d" % place, key[_VALUE:-1]) for place, key in enumerate(keys))
    inside = _document(_element(b"\x04", b"$in", _document(members)))
    return RawBSONDocument(_document(_element(b"\x03", b"_id", inside)))


def keys_of(documents: bytes) -> Iterator[bytes]:
    """The key of each document."""
    bounds = bounds_of(documents)
    for start, end in pairwise(bounds):
        yield _key(documents, start, end)


def key_found(raw: bytes) -> Any:
    """The key of a document that cannot be decoded, whose key mostly can; MISSING where not."""
    try:
        return bson.decode(_key(raw, 0, len(raw)), _LENIENT)["_id"]
    except (BSONError, ValueError, TypeError, LookupError, OverflowError, RecursionError, struct.error):
        return MISSING


def settle(asked: Sequence[bytes], found: Sequence[bytes]) -> tuple[int, list[bytes]]:
    """How many keys were asked for, and those that are gone. What MongoDB takes for one key (1 and 1.0) counts once."""
    known = set(found)
    missing = [key for key in asked if key not in known]
    if not missing:
        return len(known.union(asked)), []
    same = {identity(key) for key in known}
    gone = {same_as: key for key in missing if (same_as := identity(key)) not in same}
    return len(same) + len(gone), list(gone.values())


def _key(raw: bytes, start: int, end: int) -> bytes:
    if raw[start + 5 : start + _VALUE] == b"_id\0" and (size := _size(raw, start + _VALUE, raw[start + 4])) >= 0:
        return _document(raw[start + 4 : start + _VALUE + size])
    return bson.encode({"_id": RawBSONDocument(raw[start:end])["_id"]})


def _size(raw: bytes, at: int, kind: int) -> int:
    if kind in _LENGTH:
        return int(_int32.unpack_from(raw, at)[0]) + _LENGTH[kind]
    return _FIXED.get(kind, -1)


def identity(key: bytes) -> str | bytes:
    """Its text, the same for all that MongoDB takes for one key; itself when it has none."""
    try:
        return key_text(bson.decode(key, _LENIENT)["_id"])
    except (Misfit, ValueError, RecursionError):
        return key


def _element(kind: bytes, name: bytes, value: bytes) -> bytes:
    return kind + name + b"\0" + value


def _document(elements: bytes) -> bytes:
    return _int32.pack(len(elements) + 5) + elements + b"\0"
