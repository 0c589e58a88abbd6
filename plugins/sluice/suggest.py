"""Words that a person may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for people: the nearest known word, or all of them when none is near."""
    words = list(known)
    lowered = {w.lower(): w for w in words}
    near = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if near:
        return f"did you mean {lowered[near[0]]}?"
    return f"use one of: {', '.join(words)}" if words else ""
