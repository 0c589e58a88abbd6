"""What a batch reads: the cut, a window per collection, and the ranges that mapped tasks land.

Pure arithmetic. BSON values (bounds, queries) travel as canonical Extended JSON text, so that a plan is plain JSON:
it goes through XCom and into logs unchanged.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self
from zlib import crc32

from sluice.errors import ConfigError

if TYPE_CHECKING:
    from sluice.spec import Capture

MILLISECOND = timedelta(milliseconds=1)
"""The resolution of a BSON date."""
PLAN_TIME = "%Y%m%dT%H%M%S"
"""How a plan's id starts."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BatchKind(StrEnum):
    """Why a batch was made.

    To go on from the last position; to re-read a span of dates, given keys, or all; to give rows columns that were
    added; to re-read documents that were rejected.
    """

    LIVE = "live"
    BACKFILL = "backfill"
    REPAIR = "repair"
    REFRESH = "refresh"
    REPLAY = "replay"
    REJECTS = "rejects"


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
    ``high`` is then only where the next window starts from. ``field`` is the modified field's path.

    ``stream``: it is of the change stream, from the last position to the cut. ``anew``: why the collection is read
    whole in it, and rows that are not found are ended.
    """

    low: datetime | None
    high: datetime
    bounded: bool
    field: str = ""
    stream: bool = False
    anew: str = ""


@dataclass(frozen=True, slots=True)
class Range:
    """A piece of a window that one task lands. ``name`` is unique within the collection and orders the ranges.

    ``query`` is a MongoDB filter; ``min_id``/``max_id`` are index bounds on ``_id`` (inclusive/exclusive, any BSON
    type, None = open). All three are canonical Extended JSON text. ``label`` is for people (map index, progress).
    A range with ``keys`` is that many keys, in a list beside it on the landing (:mod:`sluice.key_lists`). ``turn``: of
    two reads of a key that of the higher turn was later, and wins. ``fields``: the projection (JSON) of what is read of
    each document, None = all of it.
    """

    collection: str
    name: str
    query: str = "{}"
    min_id: str | None = None
    max_id: str | None = None
    label: str = ""
    keys: int | None = None
    turn: int = 0
    fields: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive batches whose rows were written under the same columns. ``mark`` turns their hashes into today's."""

    first: int
    last: int
    mark: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What one batch will read, decided once. ``id`` names its landing, ``staging`` its staging tables.

    The batch *number* is given at publish, so that a backfill may run beside live batches.

    With ``follow`` the ranges are read as they are then, at the cut or after it, and the plan is followed by one of the
    next ``turn`` and a later cut. Without it they are read at the cut.

    A replay reads the warehouse as of the batch ``base``, of each collection the rows of these ``runs``.
    """

    id: str
    pipeline: str
    kind: BatchKind
    cut: Cut
    windows: dict[str, Window]
    ranges: tuple[Range, ...]
    spec_hash: str
    turn: int = 0
    follow: bool = False
    base: int = 0
    runs: dict[str, tuple[Run, ...]] = field(default_factory=dict)

    @property
    def staging(self) -> str:
        """What its staging tables are named by, with its turn: a plan may be followed again, by other ranges to load.

        So that a step that sleeps cannot stage an older list where the newer one is. Short, as names are limited.
        """
        turn = f"{crc32(f'{self.turn} {self.cut.cluster}'.encode()):08x}"[:5]
        return f"{self.id}__{turn}" if self.turn else self.id

    def confirms(self, collection: str) -> bool:
        """Whether publish notes of a row that is unchanged that it was read at this cut, too.

        It matters to a batch of a cut in between, published later, that saw another state. A window by modified date
        sees a document again because of its date, with which it cannot have had another state, and what has no date is
        in no backfill; to a load that ends what it does not find all older cuts yield. A replay read nothing.
        """
        window = self.windows[collection]
        return (self.kind is not BatchKind.LIVE or window.stream) and not window.anew and not self.base

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types only; the inverse of :meth:`from_json`."""
        data = asdict(self)
        data["cut"]["time"] = self.cut.time.isoformat()
        for window in data["windows"].values():
            window |= {"low": window["low"] and window["low"].isoformat(), "high": window["high"].isoformat()}
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
                name: Window(**{**w, "low": w["low"] and _instant(w["low"]), "high": _instant(w["high"])})
                for name, w in data["windows"].items()
            },
            ranges=tuple(Range(**r) for r in data["ranges"]),
            spec_hash=data["spec_hash"],
            turn=data["turn"],
            follow=data["follow"],
            base=data["base"],
            runs={name: tuple(Run(**run) for run in runs) for name, runs in data["runs"].items()},
        )


def planned_at(plan: str) -> datetime:
    """When a plan was made, by its id."""
    return datetime.strptime(plan[:15], PLAN_TIME).replace(tzinfo=UTC)


def next_window(position: datetime | None, cut: Cut, capture: Capture, field: str | None = None) -> Window:
    """The window of a live batch: it goes on from ``position`` (the last ``high``), and re-reads ``overlap`` of it.

    Without a position it starts at the beginning. ``high`` never goes back, also when the source's clock did.
    """
    field = field or ""
    high = _floor(cut.time - capture.lag)
    if position is None:
        return Window(None, high, not cut.snapshot, field)
    return Window(_floor(position - capture.overlap), max(high, position), not cut.snapshot, field)


def backfill_window(start: datetime, end: datetime) -> Window:
    """The window of a backfill: modified dates from ``start`` to ``end``, both included."""
    if end < start:
        raise ConfigError(
            f"the span to re-read ends before it starts: {start.isoformat()} to {end.isoformat()}",
            fix="swap the two ends",
        )
    return Window(_floor(start) - MILLISECOND, _floor(end), bounded=True)


def milliseconds(time: datetime) -> int:
    """A BSON date: milliseconds since 1970, rounded down."""
    return (time - EPOCH) // MILLISECOND


def _floor(time: datetime) -> datetime:
    return EPOCH + milliseconds(time) * MILLISECOND


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
