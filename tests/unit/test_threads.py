"""Threads beside the caller: what they do with errors, and how far they run ahead or behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event, Timer, active_count

import pytest

from sluice.threads import Stage, prefetch


def test_items_arrive_in_order() -> None:
    assert list(prefetch(lambda: iter(range(1000)))) == list(range(1000))


def test_a_thread_reads_only_so_far_ahead() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    ahead = prefetch(numbers, depth=2)
    next(ahead)
    time.sleep(0.1)

    assert len(made) <= 4  # one here, two waiting, one in hand
    ahead.close()  # type: ignore[attr-defined]


def test_an_error_while_reading_arrives_after_the_items_before_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    items = prefetch(broken)

    assert next(items) == 1
    with pytest.raises(OSError, match="gone"):
        next(items)


def test_closing_early_closes_what_was_read_and_ends_the_thread() -> None:
    closed = Event()
    before = active_count()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    items = prefetch(endless)
    next(items)
    items.close()  # type: ignore[attr-defined]

    assert closed.is_set()
    assert active_count() == before


def test_a_stage_handles_everything_before_it_finishes() -> None:
    handled: list[int] = []
    stage = Stage(handled.append, name="test")
    for number in range(100):
        stage.put(number)
    stage.finish()

    assert handled == list(range(100))


def test_an_error_of_a_stage_reaches_whoever_puts() -> None:
    def refuse(item: int) -> None:
        raise OSError("full")

    stage = Stage(refuse, name="test")
    stage.put(1)
    time.sleep(0.1)

    with pytest.raises(OSError, match="full"):
        stage.put(2)
    with pytest.raises(OSError, match="full"):
        stage.finish()


def test_an_abandoned_stage_handles_nothing_more() -> None:
    started, go_on = Event(), Event()
    handled: list[int] = []

    def wait(item: int) -> None:
        started.set()
        go_on.wait()
        handled.append(item)

    stage = Stage(wait, name="test", depth=2)
    stage.put(1)
    started.wait()
    stage.put(2)
    stage.put(3)
    Timer(0.1, go_on.set).start()
    stage.abandon()

    assert handled == [1]
