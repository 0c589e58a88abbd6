"""An initial load that is killed goes on from what it landed, also by a new run (I3)."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from sluice import pipeline as spine
from tests.acceptance.conftest import World, make_world, publishing, warehouse_kind  # noqa: F401  fixtures

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

DOCUMENTS, RANGE, KILLS = 40_000, 1_000, 5


def seed(world: World) -> None:
    """Documents of the shipped pipeline. Each plan reads a sample of them, which is a share of so few."""
    same = {"author": "a", "keywords": ["x"], "updated_at": datetime.now(UTC)}
    world.database.documents.insert_many({**same, "title": f"Book {n}"} for n in range(DOCUMENTS))


def run(world: World, *how: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.faults.die_at", *how, "--verbose", "run", str(world.file)]
    size = {**os.environ, "RANGE_SIZE": str(RANGE)}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=size)


def returned(world: World) -> int:
    """Documents that the server has given out since it was started."""
    return int(world.database.client.admin.command("serverStatus")["metrics"]["document"]["returned"])


def test_an_initial_load_that_was_killed_five_times_reads_hardly_more_than_once(publishing: World) -> None:  # noqa: F811
    """Each time by a new run: nothing but the landing says how far the last one was."""
    seed(publishing)
    with publishing.systems() as systems:
        spine.migrate(publishing.pipeline, systems)  # so that readers find an empty table after each kill
    chance, before, plans = random.Random(7), returned(publishing), set[str]()
    for _ in range(KILLS):
        killed = run(publishing, str(chance.randint(15, 40)), chance.choice(["before", "after"]))
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        plans |= set(re.findall(r"plan (\S+): live", killed.stderr))
        assert publishing.rows("documents") == [], "a load that was killed shows something"
    done = run(publishing, "count")
    read = returned(publishing) - before

    assert done.returncode == 0, done.stderr
    assert plans == set(re.findall(r"plan (\S+): live", done.stderr)), "a new plan was made"
    assert DOCUMENTS <= read <= 1.3 * DOCUMENTS
    assert len(publishing.rows("documents")) == DOCUMENTS
    assert publishing.differences() == []
    publishing.sweep()
    assert publishing.leftovers() == []
