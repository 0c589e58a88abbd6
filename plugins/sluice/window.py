"""What a batch reads: the cut, a window per collection, and the ranges that mapped tasks land.

Pure arithmetic. BSON values (bounds, queries) travel as canonical Extended JSON text, so that a plan is plain JSON:
it goes through XCom and into logs unchanged.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self


class BatchKind(StrEnum):
    """Why a batch was made: to go on from the last position, or to re-read a span of the modified field."""

    LIVE = "live"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True)
class Cut:
    """The one instant to which a batch is true (I5).

    ``time`` is the server's clock in UTC, ``cluster`` the exact cluster time as ``seconds << 32 | increment``. On a
    standalone server there is no cluster time: ``snapshot`` is false and ``cluster`` is made from ``time``.
    """

    time: datetime
    cluster: int
    snapshot: bool


@dataclass(frozen=True, slots=True)
class Window:
    """``(low, high]`` of one collection's modified field; ``low`` None means from the beginning.

    ``bounded`` says whether documents above ``high`` are left out. At a snapshot they are not: every document that
    changed after ``low`` is read in its state at the cut, which is what makes two collections true to one instant;
    ``high`` is then only where the next window starts from.
    """

    low: datetime | None
    high: datetime
    bounded: bool


@dataclass(frozen=True, slots=True)
class Range:
    """A piece of a window that one task lands. ``name`` is unique within the collection and orders the ranges.

    ``query`` is a MongoDB filter; ``min_id``/``max_id`` are index bounds on ``_id`` (inclusive/exclusive, any BSON
    type, None = open). All three are canonical Extended JSON text. ``label`` is for people (map index, progress).
    """

    collection: str
    name: str
    query: str = "{}"
    min_id: str | None = None
    max_id: str | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one batch will read, decided once. ``id`` names its landing and its staging tables.

    The batch *number* is given at publish, so that a backfill may run beside live batches.
    """

    id: str
    pipeline: str
    kind: BatchKind
    cut: Cut
    windows: dict[str, Window]
    ranges: tuple[Range, ...]
    spec_hash: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types only; the inverse of :meth:`from_json`."""
        data = asdict(self)
        data["cut"]["time"] = self.cut.time.isoformat()
        data["windows"] = {
            name: {
                "low": window.low and window.low.isoformat(),
                "high": window.high.isoformat(),
                "bounded": window.bounded,
            }
            for name, window in self.windows.items()
        }
        data["ranges"] = [asdict(r) for r in self.ranges]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild a plan from :meth:`to_json`."""
        cut = data["cut"]
        return cls(
            id=data["id"],
            pipeline=data["pipeline"],
            kind=BatchKind(data["kind"]),
            cut=Cut(_instant(cut["time"]), cut["cluster"], cut["snapshot"]),
            windows={
                name: Window(w["low"] and _instant(w["low"]), _instant(w["high"]), w["bounded"])
                for name, w in data["windows"].items()
            },
            ranges=tuple(Range(**r) for r in data["ranges"]),
            spec_hash=data["spec_hash"],
        )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
