"""`kill -9` at every durable write of a cleanup; run again: the end state is the same, and nothing else is gone."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import ROOT, make_world, publishing, warehouse_kind  # noqa: F401  fixtures
from tests.acceptance.test_cleanup import Many, many  # noqa: F401  fixtures
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
    many.age(days=100)
    bodies = {key: many.s3.get_object(Bucket="landing", Key=key)["Body"].read() for key in many.there()}
    notes = {f"{many.root}_cleaned.json"}
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
        assert world.differences() == []


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
    assert many.there() - {f"{many.root}_cleaned.json"} < before
    assert (mine.exists(), other.exists()) == (False, True)
    assert many.clean() == []
