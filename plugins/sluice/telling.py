"""What the log says of a load while it goes on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sluice.progress import Progress
    from sluice.window import Plan

log = logging.getLogger(__name__)

TELL_EVERY = 30.0
"""Seconds between two lines about one range."""


def telling(label: str, on_read: Callable[[int], None] | None) -> Callable[[int], None]:
    """Tell of a range that takes long how far it is; ``on_read`` is called as well."""
    begun = told = time.monotonic()
    total = 0

    def tell(documents: int) -> None:
        nonlocal told, total
        total, now = total + documents, time.monotonic()
        if now - told > TELL_EVERY:
            log.info("land %s: %s read so far, %s rows/s", label, f"{total:,}", f"{total / (now - begun):,.0f}")
            told = now
        if on_read:
            on_read(documents)

    return tell


def tell_progress(progress: Progress, plan: Plan, window: timedelta | None) -> None:
    """``window``: how far back the oplog reaches, where what changed since the cut will be read from it."""
    log.info("load: %s", progress)
    if window and progress.nears(window, plan.cut.time):
        log.warning(NEAR_THE_END_OF_THE_OPLOG, plan.cut.time, window)


NEAR_THE_END_OF_THE_OPLOG = (
    "this load comes near the end of what the source remembers: what changed since its cut, %s, is read from the "
    "oplog, which reaches back %s. Make the oplog larger (replSetResizeOplog) or the load faster: beyond it all is "
    "read again"
)
