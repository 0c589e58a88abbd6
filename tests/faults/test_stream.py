"""Capture by change stream, killed by SIGKILL at its durable writes: run again, the end state is the same (I2, I3)."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from devstack.publisher import Publisher
from tests.acceptance.conftest import World, eventually, make_world, streaming, warehouse_kind  # noqa: F401  fixtures
from tests.acceptance.test_dag import runner
from tests.faults.test_kill import EVERY, sluice

SAMPLE = 4

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


def change(world: World, publisher: Publisher, number: int) -> None:
    """Changes of every kind; now and then a collection is replaced, which is then read whole and ends what is lost."""
    publisher.burst(inserts=5, updates=10)
    documents = world.database.documents
    documents.delete_one({})
    if number % 3 == 0:
        kept = list(documents.find().limit(20))
        documents.drop()
        documents.insert_many(kept)


def test_killed_at_a_durable_write_and_run_again_ends_the_same(streaming: World) -> None:  # noqa: F811
    publisher = Publisher(streaming.database.client, streaming.database.name, seed=11)
    publisher.seed(documents=60, tickets=120)
    streaming.batch()
    change(streaming, publisher, 0)
    counted = sluice(streaming, "count")
    assert counted.returncode == 0, counted.stderr
    writes = re.findall(r"^WRITE \d+ (.*)$", counted.stdout, re.MULTILINE)
    assert any("PutObject" in write for write in writes)
    points = [(number, when) for number in range(1, len(writes) + 1) for when in ("before", "after")]
    if not EVERY:
        points = random.Random(5).sample(points, SAMPLE)

    for turn, (number, when) in enumerate(points):
        change(streaming, publisher, turn)
        before = seen(streaming)
        killed = sluice(streaming, str(number), when)
        assert killed.returncode in {-signal.SIGKILL, 0}, killed.stderr
        where = f"after dying {when} {writes[number - 1]}"
        assert streaming.differences() == [] or seen(streaming) == before, f"half a batch is visible {where}"
        streaming.batch()
        assert streaming.differences() == [], where
    streaming.sweep()
    assert streaming.leftovers() == []


@pytest.mark.parametrize("warehouse_kind", ["redshift"], indirect=True)
def test_a_stream_is_followed_to_one_cut(
    streaming: World,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Publisher(streaming.database.client, streaming.database.name, seed=5).seed(documents=50, tickets=100)

    ran = runner(streaming, tmp_path, monkeypatch)()

    assert ran["state"] == "success", ran["log"][-3000:]
    assert streaming.differences() == []
    with streaming.systems() as systems:
        last = systems.warehouse.last_commit(streaming.pipeline.name)
    assert last is not None
    assert f"follow {last.plan}: turn 1" in ran["log"]


def test_sluice_stream_goes_on_when_a_server_died_and_came_back(streaming: World, stack: Any) -> None:  # noqa: F811
    publisher = Publisher(streaming.database.client, streaming.database.name, seed=7)
    publisher.seed(documents=50, tickets=100)
    streaming.batch()
    command = [Path(sys.executable).parent / "sluice", "stream", streaming.file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            for turn, victim in enumerate(["mongod", str(streaming.pipeline.warehouse.kind)] * (3 if EVERY else 1)):
                change(streaming, publisher, turn)
                time.sleep(random.Random(turn).random())
                stack.kill(victim)
                stack.start(victim)
                change(streaming, publisher, turn)
                eventually(lambda: streaming.differences() == [])
        finally:
            running.send_signal(signal.SIGTERM)
        _, complained = running.communicate(timeout=60)

    assert running.returncode == 0, complained
    assert streaming.leftovers() == []


def seen(world: World) -> dict[str, Any]:
    return {table.name: sorted(map(repr, world.rows(table.name))) for table in world.pipeline.tables}
