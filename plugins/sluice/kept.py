"""Plans that may be taken up again: those of loads that read a collection from its beginning.

Such a load may take hours. Its plan is kept beside what it lands, until it is published: a run that starts after the
load was killed takes it up, and reads only the ranges without a manifest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from sluice import __version__
from sluice.window import BatchKind, Plan, Range

if TYPE_CHECKING:
    from sluice.landing import Landing

FOLDER: Final = "_plans"
"""No collection starts with an underscore."""

KEPT_FOR: Final = timedelta(hours=24)
"""Since a range of it was landed, or it was taken up: an older plan is dead, and is made anew."""

VERSION: Final = 2


@dataclass(frozen=True, slots=True)
class Kept:
    """A plan that is kept. ``started``: when the run that is at it now took it up.

    ``estimates``: collection → about how many documents it has, of those that are read from their beginning.
    ``positions``: from where it goes on, as plain JSON.
    """

    plan: Plan
    started: datetime
    estimates: dict[str, int]
    positions: dict[str, Any]
    code_version: str = __version__

    def dumps(self) -> bytes:
        """The text of the object; the inverse of :meth:`loads`."""
        written = {"plan": self.plan.to_json(), "started": self.started.isoformat()}
        plain = {"estimates": self.estimates, "positions": self.positions, "code_version": self.code_version}
        return json.dumps({"version": VERSION, **written, **plain}, indent=1).encode()

    @classmethod
    def loads(cls, text: bytes) -> Self | None:
        """None for an object that another version wrote in another way."""
        data: dict[str, Any] = json.loads(text)
        if data.pop("version", None) != VERSION:
            return None
        started = datetime.fromisoformat(data["started"]).astimezone(UTC)
        return cls(**{**data, "plan": Plan.from_json(data["plan"]), "started": started})

    def missing(self, landed: Mapping[str, Mapping[str, datetime]]) -> list[Range]:
        """The ranges that are still to be landed. ``landed``: collection → range → when."""
        return [piece for piece in self.plan.ranges if piece.name not in landed.get(piece.collection, {})]

    def seen_alive(self, landed: Mapping[str, Mapping[str, datetime]]) -> datetime:
        """When somebody was last at work on it."""
        return max([self.started, *(at for ranges in landed.values() for at in ranges.values())])


def from_beginning(plan: Plan) -> list[str]:
    """The collections that a plan reads from their beginning."""
    by_date = plan.kind is BatchKind.LIVE
    return [n for n, w in plan.windows.items() if w.anew or (by_date and w.low is None and not w.stream)]


def is_kept(plan: Plan) -> bool:
    """Whether a plan is worth keeping."""
    return plan.kind in {BatchKind.LIVE, BatchKind.REFRESH} and bool(from_beginning(plan))


def name_of(plan: Plan) -> str:
    """What a plan is kept as: one live load, and one refresh of each collection, are under way at a time."""
    return LIVE if plan.kind is BatchKind.LIVE else refresh_of(*from_beginning(plan))


def refresh_of(collection: str) -> str:
    """What the refresh of a collection is kept as."""
    return f"refresh-{collection}"


LIVE: Final = "live"


def outdated(kept: Kept, spec_hash: str, positions: Mapping[str, Any], *, published: bool) -> str:
    """Why a plan cannot be taken up: empty when it can. ``positions``: from where a plan would go on now."""
    if published:
        return "it is published"
    if kept.code_version != __version__:
        return f"it was made by Sluice {kept.code_version}"
    if kept.plan.spec_hash != spec_hash:
        return "the pipeline file was changed"
    if kept.plan.kind is BatchKind.LIVE and kept.positions != positions:
        return "another batch moved on what it starts from"
    return ""


class KeptPlans:
    """The kept plans of one pipeline, on its landing."""

    def __init__(self, landing: Landing, pipeline: str) -> None:
        self._landing, self._pipeline = landing, pipeline

    def all(self) -> list[Kept]:
        """Every kept plan."""
        found = [self._read(key) for key in self._landing.times(f"{self._pipeline}/{FOLDER}/")]
        return [kept for kept in found if kept]

    def alive(self, now: datetime) -> set[str]:
        """The ids of those that may still be taken up; the others are forgotten."""
        found = {kept.plan.id: kept for kept in self.all()}
        dead = [k for k in found.values() if now - k.seen_alive(self._landing.landed(k.plan)) > KEPT_FOR]
        for kept in dead:
            self.forget(kept.plan)
        return found.keys() - {kept.plan.id for kept in dead}

    def get(self, name: str) -> Kept | None:
        """The plan that is kept under a name."""
        return self._read(self._key(name))

    def keep(self, kept: Kept) -> Kept:
        """Keep a plan. Returns what is kept: of two runs that start at once, the plan of one."""
        key = self._key(name_of(kept.plan))
        self._landing.write(key, kept.dumps(), once=True)
        return self._read(key) or kept

    def take(self, kept: Kept, now: datetime) -> None:
        """Note that somebody is at work on it again."""
        self._landing.write(self._key(name_of(kept.plan)), replace(kept, started=now).dumps(), once=False)

    def forget(self, plan: Plan) -> None:
        """Keep a plan no longer."""
        found = self.get(name_of(plan)) if is_kept(plan) else None
        if found and found.plan.id == plan.id:
            self._landing.delete(self._key(name_of(plan)))

    def _read(self, key: str) -> Kept | None:
        text = self._landing.read(key)
        return Kept.loads(text) if text else None

    def _key(self, name: str) -> str:
        return f"{self._pipeline}/{FOLDER}/{name}.json"
