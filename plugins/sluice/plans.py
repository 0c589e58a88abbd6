"""What a batch reads again, because somebody wants it, or goes on with, because it was killed (:mod:`sluice.kept`)."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sluice.errors import ConfigError
from sluice.hashes import pipeline_hash
from sluice.kept import KEPT_FOR, LIVE, Kept, KeptPlans, from_beginning, is_kept, outdated, refresh_of
from sluice.warehouse.quarantine import Which
from sluice.window import BatchKind, Cut, Plan, Window, backfill_window, next_window

if TYPE_CHECKING:
    from sluice.mongo import Source
    from sluice.pipeline import Systems
    from sluice.spec import Pipeline
    from sluice.warehouse.base import Commit

log = logging.getLogger(__name__)

Span = tuple[datetime, datetime]
"""Both ends of a backfill, on the modified field."""

Reread = Span | str | Which
"""What a batch reads again: a span, the collection of that name as a whole, or the documents of open rejects."""

REFRESHED: Final = "a refresh was asked for"


def take_up(pipeline: Pipeline, systems: Systems, last: Commit | None, reread: Reread | None) -> Plan | None:
    """The plan of a load that was under way, when it can be gone on with.

    Two runs may be at one plan: each range is landed once, and it is published once.
    """
    if reread is not None and not isinstance(reread, str):
        return None
    plans, now = KeptPlans(systems.landing, pipeline.name), datetime.now(UTC)
    found = plans.get(refresh_of(reread) if reread else LIVE)
    if found is None:
        return None
    if why := _unfit(pipeline, systems, found, last, now):
        log.info("plan %s is not taken up: %s", found.plan.id, why)
        plans.forget(found.plan)
        return None
    landed = sum(map(len, systems.landing.landed(found.plan).values()))
    log.info("plan %s is taken up: %d of %d ranges are landed", found.plan.id, landed, len(found.plan.ranges))
    plans.take(found, now)
    return found.plan


def keep(systems: Systems, made: Plan, last: Commit | None) -> Plan:
    """Keep a plan that is worth it. Returns the one that is kept: another run may have been first."""
    if not is_kept(made):
        return made
    estimates = {name: systems.source.estimate(name) for name in from_beginning(made)}
    kept = Kept(made, datetime.now(UTC), estimates, _positions(last))
    return KeptPlans(systems.landing, made.pipeline).keep(kept).plan


def _unfit(pipeline: Pipeline, systems: Systems, found: Kept, last: Commit | None, now: datetime) -> str:
    """Why a kept plan cannot be taken up; empty when it can."""
    published = systems.warehouse.commit_of(pipeline.name, found.plan.id) is not None
    if why := outdated(found, pipeline_hash(pipeline), _positions(last), published=published):
        return why
    plan, landed = found.plan, systems.landing.landed(found.plan)
    if now - found.seen_alive(landed) > KEPT_FOR:
        return f"nobody was at work on it for {KEPT_FOR}"
    age = now - plan.cut.time
    if plan.follow and (window := systems.source.oplog_window()) and age > window:
        return f"the oplog no longer reaches back to {plan.cut.time}"
    return ""


def _positions(last: Commit | None) -> dict[str, Any]:
    return {name: position.to_json() for name, position in last.positions.items()} if last else {}


def kind_of(reread: Span | str | None) -> BatchKind:
    """Why a batch is made."""
    if reread is None:
        return BatchKind.LIVE
    return BatchKind.REFRESH if isinstance(reread, str) else BatchKind.BACKFILL


def windows_of(pipeline: Pipeline, last: Commit | None, cut: Cut, reread: Span | str | None) -> dict[str, Window]:
    """A window for each collection, by its modified date."""
    if isinstance(reread, str):
        nothing = Window(None, cut.time, bounded=False)
        return {c.name: replace(nothing, anew=REFRESHED if c.name == reread else "") for c in pipeline.collections}
    if reread is not None:
        return {c.name: backfill_window(*reread) for c in pipeline.collections}
    positions = {c.name: last.position(c) if last else None for c in pipeline.collections}
    return {c.name: next_window(positions[c.name], cut, pipeline.capture, c.modified) for c in pipeline.collections}


def refuse_refresh(pipeline: Pipeline, source: Source, last: Commit | None, name: str) -> None:
    """Raise ConfigError for what cannot be meant: a wrong name, or database, would end every row there is."""
    known = [collection.name for collection in pipeline.collections]
    if name not in known:
        raise ConfigError(
            f"{pipeline.name} has no collection {name!r} to load again", fix=f"name one of {', '.join(known)}"
        )
    if last is None:
        raise ConfigError(
            f"nothing of {pipeline.name} is published yet that could be refreshed",
            fix=f"`sluice run {pipeline.name}` loads all of it",
        )
    if not source.exists(name):
        raise ConfigError(
            f"{pipeline.source.database} has no collection {name} that could be loaded again",
            why="every row of it would be ended",
            fix="check the connection and source.database; if it was dropped, take it out of the pipeline file",
        )
