"""How old what readers see was, over time: it grows with the clock, and falls with each batch. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sluice.warehouse.base import Commit
from sluice.window import BatchKind

LONGEST = timedelta(hours=24)
"""What the chart looks back at most."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A batch that became visible: when, how old its cut was then, and its number."""

    at: datetime
    age: timedelta
    batch: int


@dataclass(frozen=True, slots=True)
class Freshness:
    """``age``: from the newest cut to now. ``line``: the age at each moment, straight in between."""

    age: timedelta
    line: tuple[tuple[datetime, timedelta], ...]
    marks: tuple[Mark, ...]


def freshness(commits: Sequence[Commit], now: datetime) -> Freshness | None:
    """The freshness that a pipeline's batches gave; None without a live one: the others move no position."""
    live = sorted((c for c in commits if c.kind == BatchKind.LIVE and c.committed_at), key=_published)
    if not live:
        return None
    begin = max(_published(live[0]), now - LONGEST)
    line: list[tuple[datetime, timedelta]] = []
    marks, cut = [], live[0].cut.time
    for commit in live:
        at, before = _published(commit), cut
        cut = max(cut, commit.cut.time)
        if at < begin:
            continue
        if commit is not live[0]:
            line += [(begin, begin - before)] * (not line) + [(at, at - before)]
        line.append((at, at - cut))
        marks.append(Mark(at, at - cut, commit.batch))
    line += [(begin, begin - cut)] * (not line) + [(now, now - cut)]
    return Freshness(now - cut, tuple(line), tuple(marks))


def _published(commit: Commit) -> datetime:
    return commit.committed_at or commit.started_at
