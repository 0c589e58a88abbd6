"""When a thread's operations are due."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event

CHUNK = 500  # operations that are written together at most, when many are due


@dataclass(frozen=True, slots=True)
class Pace:
    """``total`` operations at ``rate`` a second: all of them however late, unless stopped."""

    total: int
    rate: float
    stop: Event

    def turns(self) -> Iterator[int]:
        """How many are due now, waiting while none is."""
        began, done = time.monotonic(), 0
        while done < self.total and not self.stop.is_set():
            elapsed = time.monotonic() - began
            due = min(int(elapsed * self.rate) + 1, self.total, done + CHUNK)
            if due > done:
                yield due - done
                done = due
            else:
                self.stop.wait(done / self.rate - elapsed)
