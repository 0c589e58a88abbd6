"""The real Airflow, while people and machines interfere with it: backfills beside live runs, tasks marked failed."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devstack.airflow_api import FINAL, AirflowApi
from devstack.publisher import Publisher
from devstack.servers import SERVERS, Airflow
from devstack.stack import Stack
from tests.acceptance.conftest import ROOT, World, eventually, make_world, streaming, warehouse_kind  # noqa: F401

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

DAGS = "dags"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All servers, Airflow among them, with a folder of DAGs of its own."""
    folder = tmp_path_factory.mktemp("airflow")
    (folder / DAGS / "pipelines").mkdir(parents=True)
    shutil.copy(ROOT / "dags" / "pipelines.py", folder / DAGS)
    airflow = Airflow(folder / DAGS)
    stack = Stack(folder / "stack", servers=[airflow if isinstance(each, Airflow) else each for each in SERVERS])
    stack.up()
    yield stack
    stack.down()


@pytest.fixture
def scheduled(make_world: Any, stack: Stack) -> Iterator[tuple[World, AirflowApi]]:  # noqa: F811
    """The shipped pipeline with a daily schedule, as a DAG that Airflow knows."""
    world = make_world(ROOT / "dags" / "pipelines" / "publishing.yml")
    file = stack.home.parent / DAGS / "pipelines" / world.file.name
    text = world.file.read_text().replace('"*/5 * * * *"', '"0 0 * * *"')
    assert "0 0 * * *" in text
    file.write_text(text)
    env = stack.env()
    api = AirflowApi(env["AIRFLOW_URL"], env["AIRFLOW_USER"], env["AIRFLOW_PASSWORD"])
    api.wait_for_dag(world.pipeline.name)
    yield world, api
    api.pause(world.pipeline.name, paused=True)
    file.unlink()


def finished(api: AirflowApi, dag: str, run: str, patience: float = 240.0) -> str:
    """Wait for a run to end. Returns its state."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        state = str(api.run(dag, run)["state"])
        if state in FINAL:
            return state
        time.sleep(0.5)
    raise AssertionError(f"{run} did not end: {[(t['task_id'], t['state']) for t in api.tasks(dag, run)]}")


def test_a_backfill_beside_live_runs_ends_like_a_plain_load(scheduled: tuple[World, AirflowApi], stack: Stack) -> None:
    world, api = scheduled
    dag = world.pipeline.name
    publisher = Publisher(world.database.client, world.database.name, seed=2)
    publisher.seed(documents=400, tickets=800)
    api.pause(dag, paused=False)
    while not (runs := api.runs(dag)):
        time.sleep(0.5)
    assert finished(api, dag, runs[0]["dag_run_id"]) == "success"

    today = datetime.now(UTC).date()
    span = ["--from-date", f"{today - timedelta(days=3)}", "--to-date", f"{today - timedelta(days=1)}"]
    command = [sys.executable, "-m", "airflow", "backfill", "create", "--dag-id", dag, *span]
    created = subprocess.run(
        command, env={**os.environ, **stack.env()}, capture_output=True, text=True, timeout=120, check=False
    )
    assert created.returncode == 0, created.stderr[-2000:]
    publisher.burst(inserts=50, updates=50)
    live = api.trigger(dag)
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline:
        runs = api.runs(dag)
        if len(runs) >= 4 and all(run["state"] in FINAL for run in runs):
            break
        time.sleep(1)

    kinds = {run["dag_run_id"]: (run["run_type"], run["state"]) for run in runs}
    assert {kind for kind, _ in kinds.values()} >= {"backfill", "manual"}
    assert {state for _, state in kinds.values()} == {"success"}, kinds
    assert live in kinds
    with world.systems() as systems:
        commits = systems.warehouse.commits(dag, limit=50)
    assert [commit.batch for commit in commits] == list(range(len(runs), 0, -1))
    assert sum(commit.kind == "backfill" for commit in commits) == sum(kind == "backfill" for kind, _ in kinds.values())
    assert world.differences() == []


@pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
def test_a_run_replays_the_rejects_that_its_form_names(scheduled: tuple[World, AirflowApi]) -> None:
    world, api = scheduled
    dag, documents = world.pipeline.name, world.database.documents
    dated = {"updated_at": datetime(2026, 1, 1, tzinfo=UTC)}
    documents.insert_many(
        [{"_id": n, "topic": n, "created_at": "no date" if n == 3 else None, **dated} for n in (1, 3)]
    )
    api.pause(dag, paused=False)
    while not (runs := api.runs(dag)):
        time.sleep(0.5)
    assert finished(api, dag, runs[0]["dag_run_id"]) == "success"
    assert world.rejected("documents").keys() == {"1", "3"}
    documents.update_one({"_id": 1}, {"$set": {"topic": "corrected by hand"}})  # its date stands still

    assert finished(api, dag, api.trigger(dag, {"replay_rejects": {"collection": "documents"}})) == "success"
    assert world.rejected("documents").keys() == {"3"}
    assert [row["_id"] for row in world.rows("documents")] == ["1"]

    nothing = api.trigger(dag, {"replay_rejects": {"reason": "too_long"}})
    assert finished(api, dag, nothing) == "success"
    states = {task["task_id"]: task["state"] for task in api.tasks(dag, nothing)}
    assert (states["plan"], states["publish"]) == ("skipped", "skipped")
    wrong = api.trigger(dag, {"replay_rejects": {"collection": "document"}})
    assert finished(api, dag, wrong) == "failed"


def test_a_task_marked_failed_while_it_lands_leaves_nothing_behind(scheduled: tuple[World, AirflowApi]) -> None:
    world, api = scheduled
    dag = world.pipeline.name
    dated = {"updated_at": datetime(2026, 1, 1, tzinfo=UTC)}
    for _ in range(60):
        world.database.documents.insert_many([{"content": secrets.token_hex(1000), **dated} for _ in range(2_000)])
    api.pause(dag, paused=False)
    while not (runs := api.runs(dag)):
        time.sleep(0.2)
    run = runs[0]["dag_run_id"]
    task = _running_land(api, dag, run)
    _wait_for_upload(world)

    api.mark_failed(dag, run, task)

    assert finished(api, dag, run) == "failed"
    time.sleep(6)  # the killed process may live for five seconds more
    assert world.leftovers() == []
    with world.systems() as systems:
        assert systems.warehouse.last_commit(dag) is None
    again = api.trigger(dag)
    assert finished(api, dag, again) == "success"
    assert world.differences() == []


@pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
def test_a_continuous_run_that_is_ended_is_followed_by_another(streaming: World, stack: Stack) -> None:  # noqa: F811
    world, dag = streaming, streaming.pipeline.name
    file = stack.home.parent / DAGS / "pipelines" / world.file.name
    file.write_text(world.file.read_text().replace('"*/5 * * * *"', '"@continuous"'))
    env = stack.env()
    api = AirflowApi(env["AIRFLOW_URL"], env["AIRFLOW_USER"], env["AIRFLOW_PASSWORD"])
    api.wait_for_dag(dag)
    api.pause(dag, paused=False)
    runs: list[str] = []
    for number in range(2):
        run, task = _running_stream(api, dag, runs)
        runs.append(run)
        world.database.documents.insert_one({"_id": number, "updated_at": datetime(2026, 1, 1, tzinfo=UTC)})
        eventually(lambda number=number: len(world.rows("documents")) == number + 1)  # type: ignore[misc]
        if number:
            api.pause(dag, paused=True)
        api.mark_failed(dag, run, task)
        assert finished(api, dag, run) == "failed"
    file.unlink()

    time.sleep(6)  # the killed process may live for five seconds more
    assert [run["dag_run_id"] for run in api.runs(dag)] == runs
    world.batch()
    assert world.differences() == []
    assert world.leftovers() == []


def _running_stream(api: AirflowApi, dag: str, before: list[str]) -> tuple[str, dict[str, Any]]:
    """The run after these, and its task that streams."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        for run in [run["dag_run_id"] for run in api.runs(dag) if run["dag_run_id"] not in before]:
            for task in api.tasks(dag, run):
                if task["task_id"] == "stream" and task["state"] == "running":
                    return run, task
        time.sleep(0.5)
    raise AssertionError("no run streams")


def _running_land(api: AirflowApi, dag: str, run: str) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for task in api.tasks(dag, run):
            if task["task_id"] == "land" and task["state"] == "running" and task["map_index"] == 0:
                return task
        time.sleep(0.2)
    raise AssertionError("no document is being landed")


def _wait_for_upload(world: World) -> None:
    prefix = f"{world.pipeline.landing.prefix}/{world.pipeline.name}/"
    deadline = time.monotonic() + 60
    with world.systems() as systems:
        while time.monotonic() < deadline:
            if list(systems.landing._unfinished(prefix)):
                return
            time.sleep(0.1)
    raise AssertionError("no upload was started: the test would prove nothing")
