"""A full refresh, killed by SIGKILL at its durable writes: readers see no half of it, and the next one ends it."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys

import pytest

from devstack.publisher import Publisher
from tests.acceptance.conftest import World, make_world, publishing, warehouse_kind  # noqa: F401  fixtures
from tests.faults.test_kill import EVERY
from tests.faults.test_stream import seen

SAMPLE = 4

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


def refresh(world: World, *how: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, through the command line."""
    command = [sys.executable, "-m", "tests.faults.die_at", *how, "run", str(world.file), "--full", "documents"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def change(world: World, turn: int) -> None:
    """What no batch by date can see: documents leave, and change without a new date."""
    documents = world.database.documents
    documents.delete_one({})
    documents.update_many({"pages": {"$gte": 0}}, {"$set": {"title": f"turn {turn}"}, "$push": {"keywords": "more"}})


def test_a_refresh_killed_at_a_durable_write_is_ended_by_the_next_one(publishing: World) -> None:  # noqa: F811
    Publisher(publishing.database.client, publishing.database.name, seed=31).seed(documents=120, tickets=50)
    publishing.batch()
    change(publishing, -1)
    counted = refresh(publishing, "count")
    assert counted.returncode == 0, counted.stderr
    assert publishing.differences() == []
    writes = re.findall(r"^WRITE \d+ (.*)$", counted.stdout, re.MULTILINE)
    assert len(writes) > 10
    points = [(number, when) for number in range(1, len(writes) + 1) for when in ("before", "after")]
    if not EVERY:
        points = random.Random(6).sample(points, SAMPLE)

    for turn, (number, when) in enumerate(points):
        change(publishing, turn)
        before = seen(publishing)
        killed = refresh(publishing, str(number), when)
        assert killed.returncode in {-signal.SIGKILL, 0}, killed.stderr
        where = f"after dying {when} {writes[number - 1]}"
        assert seen(publishing) == before or publishing.differences() == [], f"half a refresh is visible {where}"
        publishing.batch("documents")
        assert publishing.differences() == [], where
    publishing.sweep()
    assert publishing.leftovers() == []
