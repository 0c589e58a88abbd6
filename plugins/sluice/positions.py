"""How far each collection has been read, as the commit record keeps it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from sluice.window import BatchKind, Plan, Window


@dataclass(frozen=True, slots=True)
class Position:
    """Up to a modified date (``high``, of ``field``), or up to a cluster time of the change stream."""

    high: datetime | None = None
    field: str = ""
    cluster: int | None = None

    def __str__(self) -> str:
        if self.cluster is not None:
            return f"stream {self.cluster >> 32}:{self.cluster & 0xFFFFFFFF}"
        return f"{self.field} {self.high.isoformat(' ', 'seconds') if self.high else ''}".strip()

    def modified(self, field: str | None) -> datetime | None:
        """The date up to which it was read; None when that was by another field: it says nothing of this one."""
        return self.high if self.field in {"", field or ""} else None

    def covers(self, kind: BatchKind, window: Window) -> bool:
        """Whether a live batch that got here has read all that a batch of an earlier cut reads in a window.

        Not what a backfill reads, which live batches missed. But without a modified field there is nothing to miss.
        """
        if kind is BatchKind.BACKFILL:
            return self.cluster is None and not self.field
        same = self.cluster is not None if window.stream else self.cluster is None and self.field == window.field
        return kind is BatchKind.LIVE and same

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types only; the inverse of :meth:`from_json`."""
        if self.cluster is not None:
            return {"cluster": self.cluster}
        return {"field": self.field, "high": self.high and self.high.isoformat()}

    @classmethod
    def from_json(cls, data: dict[str, Any] | str) -> Self:
        """Rebuild from :meth:`to_json`, or from the text that was kept before there were streams."""
        if isinstance(data, str):
            field, _, moment = data.rpartition(" ")
            return cls(_instant(moment), field)
        high = data.get("high")
        return cls(_instant(high) if high else None, data.get("field", ""), data.get("cluster"))


def positions_after(plan: Plan, before: Mapping[str, Position]) -> dict[str, Position]:
    """The positions in the commit record of ``plan``: a live batch moves each one on, every other moves none.

    A date belongs to a modified field: with another field it starts anew.
    """
    if plan.kind is not BatchKind.LIVE:
        return dict(before)
    return {**before, **{name: _reached(plan, window, before.get(name)) for name, window in plan.windows.items()}}


def _reached(plan: Plan, window: Window, before: Position | None) -> Position:
    if window.stream:
        return Position(cluster=max(plan.cut.cluster, (before and before.cluster) or 0))
    known = before.modified(window.field) if before else None
    return Position(max(window.high, known or window.high), window.field)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
