"""SUPER: JSON text. Page *Limitations* (limitations-super), *Super type* (r_SUPER_type)."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Final

from devstack.redshift.copying.figures import BLANKS
from devstack.redshift.copying.report import RowError

SIZE, STRING, DEPTH = 16 << 20, 65_535, 1_000
_SHALLOW: Final = 200
_STRINGS: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_LONE: Final = re.compile("[\ud800-\udfff]")


def nested(value: str) -> str | None:
    """The same text, when it is JSON within the limits."""
    text = value.strip(BLANKS)
    if not text:
        return None
    if len(text.encode("utf-8", "surrogateescape")) > SIZE:
        raise RowError(1224, "SUPER value exceeds the max size of 16 MB")
    if _depth(text) > DEPTH:
        raise RowError(1224, f"SUPER value exceeds the max nesting of {DEPTH}")
    _check(_parsed(text))
    return text


def _depth(text: str) -> int:
    if text.count("[") + text.count("{") <= DEPTH:
        return 0
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", _STRINGS.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _parsed(text: str) -> Any:
    try:
        with _deep() if text.count("[") + text.count("{") > _SHALLOW else nullcontext():
            return json.loads(text, parse_constant=_no_constant, parse_int=str, parse_float=str)
    except ValueError as error:
        raise RowError(1224, "Invalid JSON format for SUPER", getattr(error, "pos", 0)) from error


@contextmanager
def _deep() -> Iterator[None]:
    """Redshift's limit of nesting is about the interpreter's own limit of recursion."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 3 * DEPTH + 1_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _no_constant(word: str) -> None:
    raise ValueError(word)


def _check(found: Any) -> None:
    waiting = [found]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str):
            _check_string(one)


def _check_string(text: str) -> None:
    if _LONE.search(text):
        raise RowError(1224, "SUPER string contains invalid UTF8 codepoints")
    if "\0" in text:
        raise RowError(1224, "SUPER string contains a null byte")
    if len(text.encode()) > STRING:
        raise RowError(1224, f"String value exceeds the max size of {STRING} bytes")
