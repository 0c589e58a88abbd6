"""How fast documents may be taken, on a clock of the test's own."""

from __future__ import annotations

import bson

from sluice.throttle import Throttle


class Clock:
    """Time passes by sleeping, and by working."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def raw(documents: int) -> bytes:
    return bson.encode({}) * documents


def test_batches_come_at_the_rate_that_is_allowed() -> None:
    clock = Clock()

    for number, _ in enumerate(Throttle(100, clock, clock.sleep)(raw(50) for _ in range(10))):
        assert abs(clock.now - (100 + number * 0.5)) < 1e-9


def test_a_reader_that_is_slower_never_waits() -> None:
    clock = Clock()

    for _ in Throttle(100, clock, clock.sleep)(raw(50) for _ in range(10)):
        clock.now += 0.6

    assert abs(clock.now - 106) < 1e-9


def test_time_that_was_not_used_is_not_made_up_for() -> None:
    clock = Clock()
    batches = Throttle(100, clock, clock.sleep)(raw(50) for _ in range(10))

    next(batches)
    clock.now += 60
    times = [clock.now for _ in batches]

    assert abs(times[-1] - times[0] - 4) < 1e-9


def test_batches_are_small_where_the_rate_is() -> None:
    assert [Throttle(rate).batch_documents for rate in (1, 80, 8_000)] == [1, 10, 1_000]
