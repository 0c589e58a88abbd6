"""What batches of later cuts know, by their commit records."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sluice.positions import Position
from sluice.warehouse.records import known_later
from sluice.window import BatchKind, Window
from tests.factories import NOON, a_plan, a_window

STREAM = Window(None, NOON, bounded=False, stream=True), Position(cluster=30)
BY_DATE = a_window(field="updated_at"), Position(NOON, "updated_at")


def later(position: Position, *read: str, kind: str = "live") -> tuple[str, str, str]:
    """A batch of a later cut: every collection has a position, it read these."""
    positions: dict[str, Any] = dict.fromkeys(("documents", "tickets"), position.to_json())
    return kind, json.dumps(positions), json.dumps({name: {"read": 0} for name in read})


@pytest.mark.parametrize(("window", "position"), [STREAM, BY_DATE], ids=["change_stream", "modified"])
def test_a_live_batch_of_a_later_cut_knows_what_it_read_and_not_what_it_only_has_a_position_of(
    window: Window, position: Position
) -> None:
    plan = a_plan(windows=dict.fromkeys(("documents", "tickets"), window))

    assert known_later(plan, [later(position, "documents", "tickets")]) == {"documents", "tickets"}
    assert known_later(plan, [later(position, "documents")]) == {"documents"}
    assert known_later(plan, [later(position, "documents"), later(position, "tickets")]) == {"documents", "tickets"}
    assert known_later(plan, [later(position, "documents", kind=BatchKind.BACKFILL)]) == set()
