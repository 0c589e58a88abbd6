"""Answers of servers that may be slow or dead: asked by one thread for each question, kept for a few seconds.

The API server also serves the tasks: it must never hang on a warehouse. A visitor waits a few seconds at most; the
thread goes on by itself, no second one is started beside it, and what it finds is there for the next visitor. So a
warehouse that is slower than visitors are patient shows what it said a little earlier.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Generic, TypeVar

T = TypeVar("T")

KEPT = 5.0
"""Seconds for which an answer is given again."""
LATE = 120.0
"""Seconds for which it is better than none."""
PATIENCE = 4.0
"""Seconds that a visitor waits."""


class Answers(Generic[T]):
    """All questions that were asked lately, by what names them."""

    def __init__(self) -> None:
        self._questions: dict[Hashable, _Question[T]] = {}
        self._lock = Lock()

    async def get(self, name: Hashable, ask: Callable[[], T], patience: float = PATIENCE) -> T | None:
        """What ``ask`` returns in a thread, or returned a moment ago; None when that takes longer."""
        question = self._question(name, ask)
        future = asyncio.wrap_future(question.future)
        # Not wait_for: it would cancel the future, for which others may wait too.
        await asyncio.wait([future], timeout=patience)
        return future.result() if future.done() else question.said_before()

    def _question(self, name: Hashable, ask: Callable[[], T]) -> _Question[T]:
        with self._lock:
            found = self._questions.get(name)
            if found is None or found.is_old:
                found = self._questions[name] = _Question(ask, found)
                # A daemon: a server that is told to end does not wait for a warehouse.
                Thread(target=found.answer, name=f"sluice page: {name}", daemon=True).start()
            return found


class _Question(Generic[T]):
    def __init__(self, ask: Callable[[], T], before: _Question[T] | None) -> None:
        self.future: Future[T] = Future()
        self._ask, self._answered = ask, 0.0
        # The answer alone: each question would hold all before it.
        self._before = (before.future, before._answered) if before else None  # noqa: SLF001  of this class

    @property
    def is_old(self) -> bool:
        return self.future.done() and time.monotonic() - self._answered > KEPT

    def said_before(self) -> T | None:
        """What the last time was the answer, unless that was too long ago or an error."""
        if self._before is None or time.monotonic() - self._before[1] > LATE or self._before[0].exception():
            return None
        return self._before[0].result()

    def answer(self) -> None:
        """Ask. An error is the answer, too."""
        try:
            found = self._ask()
        except BaseException as error:  # noqa: BLE001  whoever waits has to hear of it
            self._answered = time.monotonic()
            self.future.set_exception(error)
        else:
            self._answered = time.monotonic()
            self.future.set_result(found)
