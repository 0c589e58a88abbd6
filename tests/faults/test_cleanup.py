"""The long forms: what a cleanup frees besides; kill it at every durable write, and run it again; run it as a DAG."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sluice import cleanup as steps
from sluice import pipeline as spine
from sluice.cleaned import NAME as CLEANED
from sluice.warehouse.maintenance import CLEANUP
from sluice.warehouse.quarantine import Which
from tests.acceptance.conftest import ROOT, make_world, publishing, warehouse_kind  # noqa: F401  fixtures
from tests.acceptance.test_cleanup import DEAD, PART, Many, many, visible  # noqa: F401  fixtures
from tests.acceptance.test_dag import runner
from tests.faults.test_kill import EVERY, SAMPLE

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]


def cleanup(many: Many, *how: str) -> subprocess.CompletedProcess[str]:  # noqa: F811
    """A cleanup in a process of its own, through the command line."""
    command = [sys.executable, "-m", "tests.faults.die_at", *how, "cleanup", str(many.world.file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_a_cleanup_that_is_killed_and_run_again_frees_the_same(
    many: Many,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, latest = many.world, many.commits[-1]
    seen = visible(world)
    many.age(days=100)
    bodies = {key: many.s3.get_object(Bucket="landing", Key=key)["Body"].read() for key in many.there()}
    notes = {many.root + CLEANED}
    counted = cleanup(many, "count")
    assert counted.returncode == 0, counted.stderr
    writes = re.findall(r"^WRITE \d+ (.*)$", counted.stdout, re.MULTILINE)
    assert any("DeleteObjects" in write for write in writes)
    freed = many.there()
    assert freed - notes < set(bodies)
    points = [(number, when) for number in range(1, len(writes) + 1) for when in ("before", "after")]
    for number, when in points if EVERY else random.Random(7).sample(points, SAMPLE):
        restore(many, bodies)
        killed = cleanup(many, str(number), when)
        assert killed.returncode in {-signal.SIGKILL, 0}, killed.stderr
        assert many.there() >= {key for key in bodies if f"/{latest.plan}/" in key}
        many.clean()
        assert many.there() == freed, f"after dying {when} {writes[number - 1]}"
        assert many.clean() == []
        assert visible(world) == seen


def restore(many: Many, bodies: dict[str, Any]) -> None:  # noqa: F811
    """The landing as it was; rejects that are gone stay so."""
    for key in bodies.keys() - many.there():
        many.s3.put_object(Bucket="landing", Key=key, Body=bodies[key], Metadata={"mtime": "1000000000"})


@pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
def test_the_dag_looks_when_it_is_triggered_and_deletes_when_it_is_told_to(
    many: Many,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = runner(many.world, tmp_path, monkeypatch)
    shutil.copy(ROOT / "dags" / "maintenance.py", run.folder)
    dag = f"{many.world.pipeline.name}.cleanup"
    many.age()
    before, logs = many.there(), tmp_path / "airflow" / "logs"
    mine, other = (logs / f"dag_id={name}/run_id=a/task_id=a/attempt=1.log" for name in (dag, "other"))
    for file in (mine, other):
        file.parent.mkdir(parents=True)
        file.write_text("long ago")
        os.utime(file, (1_000_000_000,) * 2)

    looked = run(dag)
    assert looked["state"] == "success", looked["log"][-3000:]
    assert "would be deleted" in looked["log"]
    assert many.there() == before
    assert mine.exists()

    done = run(dag, {"dry_run": False})
    assert done["state"] == "success", done["log"][-3000:]
    assert many.there() - {many.root + CLEANED} < before
    assert (mine.exists(), other.exists()) == (False, True)
    assert many.clean() == []


def test_raw_documents_of_what_was_dropped_go_and_the_latest_batchs_stay(many: Many) -> None:  # noqa: F811
    world, (first, second, latest) = many.world, many.commits
    assert many.raw_rejects(latest.plan)
    many.age(days=100)
    assert "delete rejects" not in {entry.action for entry in many.clean(dry_run=True)}, "all of them are open"
    with world.systems() as systems:
        for collection in ("documents", "tickets"):
            systems.warehouse.drop_rejects(world.pipeline.name, Which(collection), who="ann", why="x")

    done = {entry.action: entry for entry in many.clean()}

    assert set(done) == {"delete landed objects"}
    assert many.of(first.plan) | many.of(second.plan) == set()
    assert many.raw_rejects(latest.plan)
    assert many.clean() == []


def test_what_dead_batches_left_goes_and_what_lives_stays(
    many: Many,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = many.world
    with world.systems() as systems:
        made = spine.plan(world.pipeline, systems)
        for plan in (replace(made, id=DEAD), made):
            for piece in plan.ranges:
                spine.land(world.pipeline, systems, plan, piece)
            spine.load(systems, plan, world.pipeline.collections[0])
    foreign = {many.upload(many.root + "mine.bin"), many.upload(f"sluice/{world.pipeline.name}x/{PART.format(DEAD)}")}
    many.upload(many.root + PART.format(DEAD))
    alive = many.upload(many.root + PART.format(made.id))
    staged = world.analyst.staging(world.pipeline.name)

    assert {entry.action for entry in many.clean()} == {"look"}  # all of it was made just now
    assert many.root + PART.format(DEAD) in many.uploads()
    assert world.analyst.staging(world.pipeline.name) == staged

    monkeypatch.setattr(steps, "ABANDONED", timedelta(seconds=1))
    world.batch()  # a plan of just now
    time.sleep(1.1)
    many.clean()
    assert many.uploads() >= foreign
    assert not many.uploads() & {many.root + PART.format(DEAD), alive}
    assert staged
    assert world.analyst.staging(world.pipeline.name) == []
    assert many.of(DEAD)  # landed, and never published: nobody but a person may know that nobody wants it


def test_the_schedule_only_looks_until_somebody_had_time_to(
    many: Many,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many.age()
    before = many.there()

    for _ in range(2):  # the second is another try of the same run
        first = many.clean(dry_run=None)
        assert [(entry.action, entry.dry_run) for entry in first] == [("delete landed objects", True)]
        assert many.there() == before

    monkeypatch.setattr(steps, "TIME_TO_LOOK", timedelta(0))
    assert [entry.dry_run for entry in many.clean(dry_run=None)] == [False]
    assert many.there() - {many.root + CLEANED} < before
    with many.tools() as tools:
        assert len(tools.journal.entries(many.world.pipeline.name, kind=CLEANUP)) == 3
