"""``freshness: 15m``: someone hears of it when what analysts see is older than that. By a Deadline of Airflow's.

A run's deadline is its logical date and the limit: the run of an interval is made at the end of it, and the batch
before was cut at its beginning, so that without this run what analysts see becomes too old at that moment (why this
and not the time at which a run is queued: docs/adr). The scheduler knows no warehouse; so the deadline only wakes the
watch below, in the triggerer. It asks the warehouse how old the last batch is, and waits where it is not too old yet.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from sluice.errors import SluiceError
from sluice.pipeline import connect_warehouse
from sluice.pipeline_file import load_pipeline
from sluice.spec import CONTINUOUS, Freshness, Pipeline
from sluice.window import BatchKind

if TYPE_CHECKING:
    from airflow.sdk import BaseNotifier

log = logging.getLogger(__name__)

LOOKED_AT = 200
"""Batches. Backfills and repairs, of which so many may lie between two live batches, make nothing fresh."""


def deadline_of(pipeline: Pipeline, file: Path) -> DeadlineAlert | None:
    """The deadline of each scheduled run; None where the pipeline file sets no limit."""
    if pipeline.freshness is None:
        return None
    callback = AsyncCallback(f"{__name__}.watch", {"pipeline_file": str(file)})
    return DeadlineAlert(DeadlineReference.DAGRUN_LOGICAL_DATE, pipeline.freshness.limit, callback)


async def watch(pipeline_file: str, context: dict[str, Any]) -> str:
    """What Airflow calls at the deadline, in its triggerer. Returns what was found."""
    if context["dag_run"]["run_type"] == "backfill":
        return "a backfill reads the past: it makes nothing fresh"
    pipeline = load_pipeline(Path(pipeline_file))
    end, said = time.monotonic() + _longest_run(pipeline), await _watch_once(pipeline, context)
    while time.monotonic() < end:
        if said["stale"]:
            await asyncio.sleep(said["limit"].total_seconds())
        said = await _watch_once(pipeline, context)
    return str(said["text"])


def _longest_run(pipeline: Pipeline) -> float:
    """Seconds: a run that publishes for so long has one deadline, at its beginning."""
    from sluice.airflow_tasks import STREAM_SECONDS

    return float(STREAM_SECONDS.value) if pipeline.schedule == CONTINUOUS else 0.0


async def _watch_once(pipeline: Pipeline, context: dict[str, Any]) -> dict[str, Any]:
    """Wait until the last batch is as old as it may be, look again, and tell what is too old."""
    assert pipeline.freshness, "its deadline has called this"
    found = await _look(pipeline)
    if found is not None and (left := found + pipeline.freshness.limit - datetime.now(UTC)) > timedelta(0):
        await asyncio.sleep(left.total_seconds())
        found = await _look(pipeline)
    said = _judge(pipeline, pipeline.freshness, found)
    if said["stale"]:
        log.error(said["text"])
        await _tell(pipeline.freshness, {**context, "freshness": said})
    return said


async def _look(pipeline: Pipeline) -> datetime | None:
    """The cut of the last live batch; None when the warehouse does not say."""
    try:
        return await asyncio.to_thread(_last_cut, pipeline)
    except SluiceError as error:
        log.warning("%s: how old it is, the warehouse does not say: %s", pipeline.name, error)
        return None


def _last_cut(pipeline: Pipeline) -> datetime | None:
    from sluice.airflow_tasks import airflow_connection

    with closing(connect_warehouse(pipeline, airflow_connection)) as warehouse:
        commits = warehouse.commits(pipeline.name, limit=LOOKED_AT)
    return max((commit.cut.time for commit in commits if commit.kind == BatchKind.LIVE), default=None)


def _judge(pipeline: Pipeline, freshness: Freshness, cut: datetime | None) -> dict[str, Any]:
    """What a notifier can say, as ``{{ freshness.text }}`` and so on. What is not known counts as too old."""
    age = datetime.now(UTC) - cut if cut else None
    seen = f"is {_whole(age)} old" if age else "has no batch that could be seen"
    text = f"{pipeline.name} {seen}, and may be {_whole(freshness.limit)}: `sluice status`, and docs/runbook.md"
    stale = age is None or age >= freshness.limit
    return {"pipeline": pipeline.name, "stale": stale, "age": age, "cut": cut, "limit": freshness.limit, "text": text}


def _whole(duration: timedelta) -> timedelta:
    return timedelta(seconds=int(duration.total_seconds()))


async def _tell(freshness: Freshness, context: dict[str, Any]) -> None:
    if freshness.notify is None:
        return
    module, _, name = freshness.notify.rpartition(".")
    notifier: BaseNotifier = getattr(import_module(module), name)(**dict(freshness.options))
    notifier.context = context  # type: ignore[assignment]  # Airflow gives a callback less than a task
    try:
        await notifier
    except NotImplementedError:  # it can only be called
        await asyncio.to_thread(partial(notifier, context))
