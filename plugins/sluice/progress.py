"""How far a load is that reads collections from their beginning: about how much is read, how fast, what is left. Pure.

All of it is told by what is landed, so that everybody sees the same: each task's log, ``sluice status``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from sluice.kept import Kept

Landed = Mapping[str, Mapping[str, datetime]]
"""Collection → range → when it was landed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A load, as it is. ``documents``: collection → (about read, of about); a range counts when it is landed.

    ``rate``: documents a second since the load was started or taken up; 0 before the first range.
    """

    plan: str
    started: datetime
    seen: datetime
    documents: dict[str, tuple[int, int]]
    ranges: tuple[int, int]
    rate: float

    @classmethod
    def of(cls, kept: Kept, landed: Landed) -> Self:
        """What the kept plan and the times of its manifests say."""
        ranges = {name: sum(r.collection == name for r in kept.plan.ranges) for name in kept.estimates}
        done = {name: len(landed.get(name, {})) for name in kept.estimates}
        share = {name: kept.estimates[name] / ranges[name] for name in kept.estimates if ranges[name]}
        recent = [(at, share[name]) for name in share for at in landed.get(name, {}).values() if at > kept.started]
        seconds = (max(at for at, _ in recent) - kept.started).total_seconds() if recent else 0.0
        return cls(
            kept.plan.id,
            kept.started,
            kept.seen_alive(landed),
            {name: (round(share.get(name, 0) * done[name]), kept.estimates[name]) for name in kept.estimates},
            (sum(len(found) for found in landed.values()), len(kept.plan.ranges)),
            sum(documents for _, documents in recent) / seconds if seconds else 0.0,
        )

    @property
    def left(self) -> timedelta | None:
        """The time that the rest of the reading takes at this rate; None before there is one."""
        rest = sum(max(0, total - read) for read, total in self.documents.values())
        return timedelta(seconds=round(rest / self.rate)) if self.rate else None

    def __str__(self) -> str:
        each = ", ".join(f"{name} {read:,} of about {total:,}" for name, (read, total) in self.documents.items())
        pace = f", {self.rate:,.0f} documents/s, about {self.left} left" if self.rate else ""
        return f"{each} documents ({self.ranges[0]} of {self.ranges[1]} ranges){pace}"

    def nears(self, window: timedelta, cut: datetime) -> bool:
        """Whether it may end when the source no longer knows what changed since the cut: past 80 % of that window."""
        end = self.seen + (self.left or timedelta(0))
        return end - cut > window * 0.8
