"""When a kept plan may still be read from: fakes stand for what landing, source and warehouse say."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from sluice.hashes import pipeline_hash
from sluice.kept import KEPT_FOR, Kept
from sluice.plans import _unfit
from sluice.window import Window
from tests.factories import NOON, a_cut, a_pipeline, a_plan, a_range, a_window

BEGINNING = Window(None, NOON, bounded=False)
WINDOWS = {"documents": BEGINNING, "tickets": a_window()}
RANGES = (a_range(collection="tickets", name="modified-000"), a_range(name="ids-000"))
TICKETS_LANDED = {"tickets": {"modified-000": NOON}}
TOO_LONG = KEPT_FOR.total_seconds() + 1
BY_STREAM: dict[str, Any] = {"windows": {"documents": BEGINNING}, "ranges": RANGES[1:], "follow": True}


def systems(landed: dict[str, Any], published: str = "") -> Any:
    source = SimpleNamespace(oplog_window=lambda: timedelta(hours=2))
    return SimpleNamespace(
        warehouse=SimpleNamespace(commit_of=lambda _, plan: published if plan == published else None),
        landing=SimpleNamespace(landed=lambda _: landed),
        source=source,
    )


@pytest.mark.parametrize(
    ("plan", "landed", "after", "why"),
    [
        ({}, {}, 100, ""),
        ({}, {}, 7_300, ""),
        ({"cut": a_cut(snapshot=False)}, {}, 200, ""),
        ({}, TICKETS_LANDED, TOO_LONG, "nobody was at work on it"),
        ({}, {"tickets": {"modified-000": NOON + timedelta(hours=1)}}, TOO_LONG, ""),
        (BY_STREAM, {}, 7_000, ""),
        (BY_STREAM, {}, 7_300, "the oplog no longer reaches back"),
    ],
    ids=[
        "fresh",
        "snapshot lost",
        "no snapshots",
        "too old",
        "landed since",
        "within the oplog",
        "beyond it",
    ],
)
def test_a_plan_is_taken_up_while_its_ranges_can_be_read(
    plan: dict[str, Any], landed: dict[str, Any], after: float, why: str
) -> None:
    pipeline = a_pipeline()
    made = a_plan(**{"windows": WINDOWS, "ranges": RANGES, "spec_hash": pipeline_hash(pipeline), **plan})
    kept = Kept(made, NOON, {"documents": 1}, {})

    found = _unfit(pipeline, systems(landed), kept, None, NOON + timedelta(seconds=after))

    assert found == "" if why == "" else why in found


def test_a_plan_that_is_published_is_not_taken_up_however_many_batches_followed() -> None:
    """A refresh that died before it was forgotten would be published a second time: as nothing."""
    pipeline = a_pipeline()
    made = a_plan(windows=WINDOWS, ranges=RANGES, spec_hash=pipeline_hash(pipeline))

    assert _unfit(pipeline, systems({}, made.id), Kept(made, NOON, {}, {}), None, NOON) == "it is published"
