"""Two ways to let a thread work beside the caller, both with bounded memory (I6): ahead of it, and behind it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from queue import Empty, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds to wait for a thread that was told to stop; it may be inside a network call."""


class _End:
    """What follows the last item; with the error that ended the work early."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def prefetch(make: Callable[[], Iterator[T]], depth: int = 1) -> Generator[T, None, None]:
    """Iterate over ``make()`` in a thread that stays at most ``depth`` items ahead.

    The iterator is made, used and closed in that thread alone. Closing this one closes it.
    """
    queue: Queue[T | _End] = Queue(depth)
    stopped = Event()
    thread = Thread(target=_fill, args=(queue, make, stopped), name="prefetch", daemon=True)
    thread.start()
    try:
        while not isinstance(item := queue.get(), _End):
            yield item
        if item.error:
            raise item.error
    finally:
        stopped.set()
        _empty(queue)  # a thread that waits for room goes on, sees `stopped`, and ends
        thread.join(PATIENCE)


def _fill(queue: Queue[T | _End], make: Callable[[], Iterator[T]], stopped: Event) -> None:
    error: BaseException | None = None
    try:
        items = make()
        for item in items:
            queue.put(item)
            del item  # the reader's now: holding it here would keep one more in memory
            if stopped.is_set():
                break
        if (close := getattr(items, "close", None)) is not None:
            close()
    except BaseException as raised:  # noqa: BLE001  it is raised again in the thread that reads
        error = raised
    if not stopped.is_set():
        queue.put(_End(error))


def _empty(queue: Queue[T | _End]) -> None:
    while True:
        try:
            queue.get_nowait()
        except Empty:
            return


class Stage(Generic[T]):
    """A thread that handles what it is given, in order, at most ``depth`` items behind.

    An error of the thread is raised by the next :meth:`put` or by :meth:`finish`.
    """

    def __init__(self, handle: Callable[[T], None], *, name: str, depth: int = 1) -> None:
        self._handle = handle
        self._queue: Queue[T | _End] = Queue(depth)
        self._error: BaseException | None = None
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Hand over an item; waits while the thread is too far behind."""
        self._raise()
        self._queue.put(item)

    def finish(self) -> None:
        """Wait until everything is handled, and end the thread."""
        self._queue.put(_End())
        self._thread.join()
        self._raise()

    def abandon(self) -> None:
        """End the thread without handling what is still waiting. Never raises."""
        self._error = self._error or RuntimeError("this work was abandoned")
        _empty(self._queue)
        self._queue.put(_End())
        self._thread.join(PATIENCE)

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while not isinstance(item := self._queue.get(), _End):
            if self._error is None:
                try:
                    self._handle(item)
                except BaseException as error:  # noqa: BLE001  it is raised again in the thread that puts
                    self._error = error
            del item
