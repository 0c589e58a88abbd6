"""`kill -9` at every durable write of a batch, and of each server; run again: the end state is the same (I2, I3)."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from devstack.publisher import Publisher, shares
from tests.acceptance.conftest import World, make_world, publishing, warehouse_kind  # noqa: F401  fixtures

EVERY = os.environ.get("FAULTS") == "every"
SAMPLE = 4
"""How many of the writes a bounded run tries; `make test-faults` tries every one."""

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


def sluice(world: World, *how: str) -> subprocess.CompletedProcess[str]:
    """One batch in a process of its own, through the command line."""
    command = [sys.executable, "-m", "tests.faults.die_at", *how, "run", str(world.file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def changed(world: World, seed: int) -> Publisher:
    """Some documents, one batch of them published, and then a burst of changes that is still to move."""
    publisher = Publisher(world.database.client, world.database.name, seed=seed, mess=shares(0.02))
    publisher.seed(documents=60, tickets=120)
    world.batch()
    publisher.burst(inserts=15, updates=25)
    return publisher


def test_killed_at_a_durable_write_and_run_again_ends_the_same(publishing: World) -> None:  # noqa: F811
    publisher = changed(publishing, seed=11)
    counted = sluice(publishing, "count")
    assert counted.returncode == 0, counted.stderr
    writes = re.findall(r"^WRITE \d+ (.*)$", counted.stdout, re.MULTILINE)
    assert len(writes) > 10
    points = [(number, when) for number in range(1, len(writes) + 1) for when in ("before", "after")]
    if not EVERY:
        points = random.Random(5).sample(points, SAMPLE)

    for number, when in points:
        publisher.burst(inserts=5, updates=10)
        before = {t.name: publishing.rows(t.name) for t in publishing.pipeline.tables}
        killed = sluice(publishing, str(number), when)
        assert killed.returncode in {-signal.SIGKILL, 0}, killed.stderr
        seen = {t.name: publishing.rows(t.name) for t in publishing.pipeline.tables}
        if not _committed(publishing, seen):
            assert _sorted(seen) == _sorted(before), f"half a batch is visible after dying {when} {writes[number - 1]}"
        publishing.batch()
        assert publishing.differences() == [], f"after dying {when} {writes[number - 1]}"
    publishing.sweep()
    assert publishing.leftovers() == []


@pytest.mark.parametrize("server", ["warehouse", "mongod"])
def test_a_server_killed_during_a_batch_ends_the_same(publishing: World, stack: Any, server: str) -> None:  # noqa: F811
    publisher = Publisher(publishing.database.client, publishing.database.name, seed=3)
    publisher.seed(documents=4000, tickets=8000)
    command = [Path(sys.executable).parent / "sluice", "run", str(publishing.file)]
    victim = str(publishing.pipeline.warehouse.kind) if server == "warehouse" else server
    ended = []
    for delay in (0.7, 1.5, 2.5) if EVERY else (1.2,):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            time.sleep(delay)
            stack.kill(victim)
            ended.append(running.wait(timeout=120))
        stack.start(victim)
        publishing.batch()
        assert publishing.differences() == []
        publisher.burst(inserts=20, updates=20)
    assert any(ended)  # else no batch was running when the server was killed
    publishing.sweep()
    assert publishing.leftovers() == []


def _committed(world: World, seen: dict[str, list[dict[str, Any]]]) -> bool:
    """The killed batch had its commit record already: then all of it must be there."""
    return world.differences() == []


def _sorted(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    return {table: sorted(map(repr, found)) for table, found in rows.items()}
