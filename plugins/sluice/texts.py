"""Texts, and texts inside of JSON, that a warehouse can hold."""

from __future__ import annotations

import json
import re
from typing import Final

from sluice.limits import Limits
from sluice.misfit import Misfit

ESCAPED_NUL: Final = r"\u0000"
"""How JSON writes U+0000; after a backslash that is itself escaped, it is not meant."""

_NUL_IN_JSON: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_TEXT_IN_JSON: Final = re.compile(r'"(?:[^"\\]|\\.)*"')


def longest_key(limits: Limits) -> int | None:
    """Bytes of the longest text that a column of type key holds."""
    return limits.max_key_bytes or limits.max_text_bytes


def readable(text: str) -> str:
    """A text for people: what is not UTF-8 in it becomes U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def fit_text(text: str, longest: int | None, limits: Limits) -> str:
    """A text that the warehouse can hold in ``longest`` bytes. Raises Misfit with what can be made of it."""
    data = text.encode("utf-8", "surrogateescape")
    clean = data.decode("utf-8", "replace")
    if not limits.nul_allowed:
        clean = clean.replace("\0", "\ufffd")
    repair = {"replace": clean} if fits(clean.encode(), longest) else {}
    if "\0" in text and not limits.nul_allowed:
        raise Misfit("nul_character", "contains U+0000", **repair)
    if data != clean.encode():
        raise Misfit("invalid_utf8", "is not UTF-8", **repair)
    if not fits(data, longest):
        cut = data[:longest].decode("utf-8", "ignore")
        raise Misfit("too_long", f"{len(data)} bytes, {longest} allowed", truncate=cut)
    return text


def fits(data: bytes, longest: int | None) -> bool:
    """Are these at most so many bytes?"""
    return longest is None or len(data) <= longest


def fit_json(text: str, limits: Limits) -> str:
    """A JSON text that the warehouse can hold. Raises Misfit; a cut text would not be JSON."""
    clean = text if limits.nul_allowed else _NUL_IN_JSON.sub("\\1\ufffd", text)
    try:
        fit_text(clean, limits.max_json_bytes, limits)
    except Misfit as misfit:
        misfit.repairs.pop("truncate", None)
        if not _fits_inside(misfit.repairs.get("replace", ""), limits):
            misfit.repairs.pop("replace")
        raise
    if not _fits_inside(clean, limits):
        raise Misfit("too_long", f"a text in it is longer than {limits.max_text_bytes} bytes")
    if clean != text:
        raise Misfit("nul_character", "contains U+0000", replace=clean)
    return text


def _fits_inside(text: str, limits: Limits) -> bool:
    """Is every text inside of a JSON text short enough?"""
    longest = limits.max_text_bytes
    if longest is None or len(text.encode()) <= longest:
        return True
    return all(len(json.loads(token).encode()) <= longest for token in _TEXT_IN_JSON.findall(text))
