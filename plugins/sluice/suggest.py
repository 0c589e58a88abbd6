"""Words for people: what was found, and what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for people: the nearest known word, or all of them when none is near."""
    words = list(known)
    lowered = {w.lower(): w for w in words}
    near = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if near:
        return f"did you mean {lowered[near[0]]}?"
    return f"use one of: {', '.join(words)}" if words else ""


def shown(value: Any) -> str:
    """A value in a message, never one that may hold a password (I9)."""
    if isinstance(value, str):
        if re.search(r"://|:[^@\s]+@", value):
            return "a text that looks like a URL (not shown)"
        return repr(value if len(value) <= 60 else f"{value[:57]}…")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return f"the number {value!r:.40}"
    return "a list" if isinstance(value, list) else "a mapping"
