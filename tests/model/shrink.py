"""Make a failing sequence as short as it can be made by leaving operations out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def shrunk(items: Sequence[T], fails: Callable[[list[T]], bool], *, seconds: float) -> list[T]:
    """A part of ``items`` that still fails; when time is left, one in which every item is needed.

    First halves are left out, then quarters, and so on: what is not needed goes quickly.
    """
    left, size, end = list(items), max(1, len(items) // 2), time.monotonic() + seconds
    while time.monotonic() < end:
        shorter = next((cut for cut in _cuts(left, size) if time.monotonic() < end and fails(cut)), None)
        if shorter is not None:
            left = shorter
        elif size == 1:
            break
        else:
            size //= 2
    return left


def _cuts(items: list[T], size: int) -> list[list[T]]:
    """The list without each piece of a size, the last one first: an end is easier missed than a beginning."""
    return [items[:start] + items[start + size :] for start in reversed(range(0, len(items), size))]
