"""A line over time as the numbers that an SVG needs. Pure.

Places are shares of the plot: the template stretches it to any width, and writes the labels beside it unstretched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sluice.page import words
from sluice.page.freshness import Freshness, Mark

SIDE = 1000
"""The plot's own units, each way."""
_STEPS = tuple(
    timedelta(seconds=s)
    for s in (1, 5, 10, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)
)


@dataclass(frozen=True, slots=True)
class Tick:
    """A label at a place, in percent of the plot."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A batch in the plot, in percent, and what to say of it."""

    x: float
    y: float
    says: str


@dataclass(frozen=True, slots=True)
class Chart:
    """``line`` and ``area`` are paths in a square of SIDE. ``limit``: where the oldest allowed is."""

    line: str
    area: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    spots: tuple[Spot, ...]
    limit: Tick | None = None


def draw(fresh: Freshness, limit: timedelta | None = None) -> Chart:
    """The chart of a freshness, with the limit that the pipeline file sets."""
    begin, end = fresh.line[0][0], fresh.line[-1][0]
    most = max([age for _, age in fresh.line] + [limit or timedelta(0)])
    step = step_for(most, 4)
    top = step * (1 + most // step)
    span = max(end - begin, timedelta(seconds=1))
    points = [((at - begin) / span, 1 - age / top) for at, age in fresh.line]
    line = path(points)
    return Chart(
        line,
        f"{line}L{SIDE},{SIDE}L{points[0][0] * SIDE:.0f},{SIDE}Z",
        tuple(_times(begin, span)),
        tuple(Tick(100 - 100 * (step * n / top), words.duration(step * n)) for n in range(top // step + 1)),
        tuple(_spot(mark, (mark.at - begin) / span, mark.age / top) for mark in fresh.marks),
        Tick(100 - 100 * (limit / top), f"limit {words.duration(limit)}") if limit else None,
    )


def path(points: Sequence[tuple[float, float]]) -> str:
    """Shares of width and height → an SVG path."""
    return "M" + "L".join(f"{x * SIDE:.1f},{y * SIDE:.1f}" for x, y in points)


def step_for(length: timedelta, most: int) -> timedelta:
    """The shortest round step of which a length has at most so many."""
    return next((step for step in _STEPS if length / step <= most), timedelta(days=max(7, length.days // most + 1)))


def _times(begin: datetime, span: timedelta) -> list[Tick]:
    step = step_for(span, 5)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    first = epoch + step * (1 + (begin - epoch) // step)
    form = "%d %b" if step >= timedelta(days=1) else "%H:%M:%S" if step < timedelta(minutes=1) else "%H:%M"
    moments = [first + step * n for n in range(6)]
    return [Tick(100 * ((at - begin) / span), f"{at:{form}}") for at in moments if at <= begin + span]


def _spot(mark: Mark, x: float, y: float) -> Spot:
    says = f"batch {mark.batch}, {words.clock(mark.at)} UTC: {words.duration(mark.age)} after its cut"
    return Spot(100 * x, 100 - 100 * y, says)
