"""`kill -9` in the middle of a vacuum, and vacuums beside publishes: readers see nothing of either (I2, I3)."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest

from sluice.settings import from_environment
from sluice.vacuum import Order, vacuum
from sluice.warehouse.maintenance import connect_journal
from tests.acceptance.conftest import World, make_world, publishing, warehouse_kind  # noqa: F401  fixtures

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

TICKETS = 1_500


@pytest.fixture
def aging(publishing: World) -> World:  # noqa: F811
    """A pipeline with a table that is large enough to be worth it."""
    tickets = [{"_id": n, "user": "u", "attempts": 0, "updated_at": datetime.now(UTC)} for n in range(TICKETS)]
    publishing.database.tickets.insert_many(tickets)
    publishing.batch()
    return publishing


OLDER = {
    "clickhouse": "ALTER TABLE sluice.batches UPDATE committed_at = committed_at - toIntervalDay(3) "
    "WHERE pipeline = '{}' SETTINGS mutations_sync = 2",
    "redshift": "UPDATE sluice.batches SET committed_at = committed_at - INTERVAL '3 days' WHERE pipeline = '{}'",
}


def age(world: World) -> None:
    """What was published is older than it is kept."""
    world.analyst.damage(OLDER[world.pipeline.warehouse.kind].format(world.pipeline.name))


def replace_all(world: World) -> None:
    """One batch that leaves half of a table dead."""
    now = datetime.now(UTC)
    world.database.tickets.update_many({}, {"$inc": {"attempts": 1}, "$set": {"updated_at": now}})
    world.batch()


def sluice(world: World, *how: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.faults.die_at", *how, "vacuum", str(world.file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def state(world: World) -> dict[str, list[Any]]:
    return {t.name: sorted(map(str, world.rows(t.name))) for t in world.pipeline.tables}


def test_killed_at_a_write_and_run_again_ends_the_same(aging: World) -> None:
    replace_all(aging)
    age(aging)
    counted = sluice(aging, "count")
    assert counted.returncode == 0, counted.stderr
    writes = re.findall(r"^WRITE \d+ (.*)$", counted.stdout, re.MULTILINE)
    assert len(writes) >= 2, "at least a job and its entry in the journal"
    points = [(number, when) for number in range(1, len(writes) + 1) for when in ("before", "after")]

    for number, when in random.Random(3).sample(points, min(4, len(points))):
        replace_all(aging)
        age(aging)
        before = state(aging)
        killed = sluice(aging, str(number), when)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert state(aging) == before, f"readers saw something of dying {when} {writes[number - 1]}"
        replace_all(aging)
        assert aging.differences() == []
        age(aging)
        assert sluice(aging, "count").returncode == 0
        assert "no reason to do anything" in sluice(aging, "count").stdout
    assert aging.differences() == []


def test_publishes_go_on_beside_vacuums_that_follow_each_other(aging: World) -> None:
    stop, failed = Event(), list[BaseException]()

    def clean() -> None:
        # Longer than from a publish to its verify, which counts what the batch ended.
        order = Order(timedelta(seconds=30), timedelta(seconds=15))
        while not stop.is_set():
            try:
                vacuum(aging.pipeline, from_environment, order)
            except BaseException as error:  # noqa: BLE001  shown by the test
                failed.append(error)

    cleaner = Thread(target=clean)
    cleaner.start()
    try:
        begun = time.monotonic()
        while purged(aging) < 2 and time.monotonic() - begun < 240:
            replace_all(aging)  # each is verified by its last step
    finally:
        stop.set()
        cleaner.join()

    assert failed == []
    assert aging.differences() == []
    assert purged(aging) >= 2


def purged(world: World) -> int:
    with closing(connect_journal(world.pipeline, from_environment)) as journal:
        return sum(1 for entry in found(journal.entries(world.pipeline.name, limit=1000)))


def found(entries: Any) -> Iterator[Any]:
    """Those that gave rows back."""
    return (e for e in entries if (e.before.rows or 0) > (e.after.rows if e.after.rows is not None else 1 << 60))
