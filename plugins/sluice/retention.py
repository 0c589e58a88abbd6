"""What of a landing is due to be deleted, and why the rest is spared. Pure.

Due is what a published batch of this pipeline landed, when all of it is true: the batch is not the newest, it was
published longer ago than ``landing.retention``, the object is as old, and no reject that is still listed points to it.
Whatever is not understood is spared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sluice.cleaned import NAME as CLEANED
from sluice.errors import ConfigError
from sluice.kept import FOLDER
from sluice.landed_keys import LandedKey, read_key
from sluice.window import planned_at

if TYPE_CHECKING:
    from sluice.spec import Pipeline

ABANDONED: Final = timedelta(hours=48)
"""Longer than any batch takes: what is older, and not of a kept plan, has nobody who goes on with it."""


class Spared(StrEnum):
    """Why something stays."""

    FOREIGN = "not made by Sluice"
    NOTES = "of notes: kept plans, cleanups"
    UNDER_WAY = "of a load that is under way"
    UNPUBLISHED = "of batches that were not published"
    LATEST = "of the latest batch"
    LISTED = "with rejects that are still listed"
    YOUNG = "within their retention"


@dataclass(frozen=True, slots=True)
class Landed:
    """An object of the landing, as S3 lists it."""

    key: str
    bytes: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that was not finished, as S3 lists it."""

    key: str
    id: str
    initiated: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a pipeline's landing.

    ``latest``: the plan of the newest batch. ``kept``: plans of loads under way. ``published``: plan → whether it was
    published longer ago than the retention, of those that are published. ``listed``: keys to which rejects point.
    ``horizon``: an object that is not older stays.
    """

    root: str
    latest: str
    kept: frozenset[str]
    published: Mapping[str, bool]
    listed: frozenset[str]
    horizon: datetime


def spared(found: Landed, known: Known) -> Spared | None:
    """Why an object stays; None when it is due."""
    key = read_key(found.key, known.root)
    if key is None:
        notes = (f"{known.root}{FOLDER}/", f"{known.root}{CLEANED}")
        return Spared.NOTES if found.key.startswith(notes) else Spared.FOREIGN
    if found.key in known.listed:
        return Spared.LISTED
    return _plan_spared(key, known) or (Spared.YOUNG if found.modified >= known.horizon else None)


def _plan_spared(key: LandedKey, known: Known) -> Spared | None:
    if key.plan in known.kept:
        return Spared.UNDER_WAY
    if key.plan not in known.published:
        return Spared.UNPUBLISHED
    if key.plan == known.latest:
        return Spared.LATEST
    return None if known.published[key.plan] else Spared.YOUNG


def upload_spared(found: Upload, root: str, kept: AbstractSet[str], before: datetime) -> Spared | None:
    """Why an unfinished upload stays; None when nobody goes on with it."""
    key = read_key(found.key, root)
    if key is None or not key.streamed:
        return Spared.FOREIGN
    return plan_spared(key.plan, found.initiated, kept, before)


def plan_spared(plan: str, made: datetime, kept: AbstractSet[str], before: datetime) -> Spared | None:
    """Why what is left of a plan stays, its staging tables as its uploads; None when nobody goes on with it.

    ``made``: when that was: a plan of any age may be run again. ``before``: what was made later may be in use.
    """
    if plan in kept:
        return Spared.UNDER_WAY
    try:
        return Spared.YOUNG if max(made, planned_at(plan)) >= before else None
    except ValueError:  # no such date: no plan ever had this id
        return Spared.FOREIGN


def root_of(pipeline: Pipeline) -> str:
    """What every key of a pipeline starts with. Raises ConfigError where that is the root of a bucket."""
    prefix = pipeline.landing.prefix.strip("/")
    if not prefix:
        raise ConfigError(
            f"the landing of {pipeline.name} is the root of a bucket, where nothing is cleaned up",
            why="what others keep there could be taken for Sluice's",
            fix="set landing.prefix in the pipeline file; what was landed before is then yours to delete",
        )
    return f"{prefix}/{pipeline.name}/"


@dataclass(slots=True)
class Tally:
    """Objects, and their bytes."""

    objects: int = 0
    bytes: int = 0

    def add(self, found: Landed) -> None:
        """Count one."""
        self.objects += 1
        self.bytes += found.bytes

    def __str__(self) -> str:
        return f"{self.objects:,} objects, {self.bytes / 1e6:,.1f} MB"


@dataclass(slots=True)
class Looked:
    """What was found of a landing: all of it, what is gone now, and why the rest stays.

    ``plans``: of which something is gone. ``unpublished``: plan → what it landed. ``left``: key → why S3 kept it.
    """

    total: Tally = field(default_factory=Tally)
    gone: Tally = field(default_factory=Tally)
    plans: set[str] = field(default_factory=set)
    spared: dict[Spared, Tally] = field(default_factory=lambda: defaultdict(Tally))
    unpublished: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    left: dict[str, str] = field(default_factory=dict)

    def take(self, page: Iterable[Landed], known: Known) -> list[Landed]:
        """Look at a page; the objects that are due."""
        due = []
        for found in page:
            self.total.add(found)
            why, key = spared(found, known), read_key(found.key, known.root)
            if why is None:
                due.append(found)
            else:
                self.spared[why].add(found)
            if key and why is Spared.UNPUBLISHED:
                self.unpublished[key.plan].add(found)
        return due

    def settle(self, due: Iterable[Landed], left: Mapping[str, str], root: str) -> None:
        """Note what became of those that were due. ``left``: key → why it is still there."""
        self.left.update(left)
        for found in due:
            key = read_key(found.key, root)
            if found.key not in left and key:
                self.gone.add(found)
                self.plans.add(key.plan)


def instant(moment: datetime) -> str:
    """An instant, for people."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def length(time: timedelta) -> str:
    """A retention as a pipeline file has it: ``30d``, ``1d12h``."""
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
