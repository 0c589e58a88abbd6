"""A limit to how fast documents are taken from a source that has other work to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from sluice.raw_documents import bounds_of

BATCHES_A_SECOND: Final = 8
"""Documents are asked for in so many batches a second: what the server has to do at once stays small as well."""


class Throttle:
    """Passes batches on, at most so many documents a second. Time that was not used is not made up for."""

    def __init__(
        self, rate: int, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._free = clock()

    @property
    def batch_documents(self) -> int:
        """How many documents to ask for at a time."""
        return max(1, self._rate // BATCHES_A_SECOND)

    def __call__(self, batches: Iterator[bytes]) -> Iterator[bytes]:
        """The same batches, later."""
        for raw in batches:
            self._wait(len(bounds_of(raw)) - 1)
            yield raw

    def _wait(self, documents: int) -> None:
        now = self._clock()
        if self._free > now:
            self._sleep(self._free - now)
        self._free = max(self._free, now) + documents / self._rate
