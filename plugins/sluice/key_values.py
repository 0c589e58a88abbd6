"""Keys back from their text: a value that MongoDB takes for the key that :mod:`sluice.keys` wrote as that text. Pure.

Not the same value always (1.0 comes back as 1), but one that finds the same document: ``key_text(key_value(t)) == t``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from json import JSONDecoder
from typing import Any

from bson import Binary, Code, DatetimeMS, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

from sluice.columns import Kind
from sluice.keys import AMBIGUOUS

_JSON = JSONDecoder()
_WHOLE = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-][0-9]+)?")
_OBJECTID = re.compile(r"[0-9a-f]{24}")
_SCALAR = re.compile(r"[^,}\]]*")
_FLAGS = re.compile(r":(-?[0-9]+)")


def key_value(text: str, kind: Kind) -> Any:
    """The value of a key, from its text in a column of that kind."""
    return _BY_KIND[kind](text)


def _key(text: str) -> Any:
    if not AMBIGUOUS.fullmatch(text):
        return text
    if text.startswith("s:"):
        return text.removeprefix("s:")
    return _member(text.removeprefix("object:").removeprefix("array:"), 0)[0]


def _text(text: str, at: int) -> tuple[str, int]:
    """The quoted string that starts there, and where it ends."""
    found, end = _JSON.raw_decode(text, at)
    return str(found), end


def _member(text: str, at: int) -> tuple[Any, int]:
    """The member that starts there, and where it ends."""
    if text[at] == '"':
        return _text(text, at)
    if text[at] in _CONTAINERS:
        return _CONTAINERS[text[at]](text, at + 1)
    for tag, read in _QUOTED.items():
        if text.startswith(tag, at):
            return read(text, at + len(tag))
    scalar = _SCALAR.match(text, at)
    assert scalar
    return _scalar(scalar[0]), scalar.end()


def _object(text: str, at: int) -> tuple[dict[str, Any], int]:
    members: dict[str, Any] = {}
    while text[at] != "}":
        name, at = _text(text, at)
        members[name], at = _member(text, at + 1)
        at += text[at] == ","
    return members, at + 1


def _array(text: str, at: int) -> tuple[list[Any], int]:
    members: list[Any] = []
    while text[at] != "]":
        member, at = _member(text, at)
        members.append(member)
        at += text[at] == ","
    return members, at + 1


def _regex(text: str, at: int) -> tuple[Any, int]:
    pattern, at = _text(text, at)
    flags = _FLAGS.match(text, at)
    assert flags
    return Regex(pattern, int(flags[1])), flags.end()


def _code(text: str, at: int) -> tuple[Any, int]:
    code, at = _text(text, at)
    if not text.startswith(":{", at):
        return Code(code), at
    scope, at = _object(text, at + 2)
    return Code(code, scope), at


def _scalar(text: str) -> Any:
    if _OBJECTID.fullmatch(text):
        return ObjectId(text)
    if _NUMBER.fullmatch(text):
        return Int64(text) if _WHOLE.fullmatch(text) else float(text)
    tag, _, rest = text.partition(":")
    return _TAGGED[tag](rest)


def _timestamp(text: str) -> Timestamp:
    time, _, increment = text.partition(":")
    return Timestamp(int(time), int(increment))


def _binary(text: str) -> Any:
    subtype, _, data = text.partition(":")
    return Binary(bytes.fromhex(data), int(subtype, 16))


def _uuid(text: str) -> Binary:
    return Binary(bytes.fromhex(text.replace("-", "")), 4)


_CONTAINERS = {"{": _object, "[": _array}
_QUOTED = {"regex:": _regex, "code:": _code}
_TAGGED: dict[str, Callable[[str], Any]] = {
    "decimal": Decimal128,
    "number": float,
    "null": lambda _: None,
    "bool": lambda text: text == "true",
    "date": lambda text: DatetimeMS(int(text)),
    "timestamp": _timestamp,
    "uuid": _uuid,
    "binary": _binary,
    "minkey": lambda _: MinKey(),
    "maxkey": lambda _: MaxKey(),
}
_BY_KIND: dict[Kind, Callable[[str], Any]] = {
    Kind.KEY: _key,
    Kind.OBJECTID: ObjectId,
    Kind.STRING: str,
    Kind.TEXT: str,
    Kind.INT32: Int64,
    Kind.INT64: Int64,
    Kind.UUID: _uuid,
}
