"""The pipeline's DAG, run by Airflow's own task runner on the real servers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devstack.publisher import Publisher, shares
from tests.acceptance.conftest import ROOT, World

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def run_dag(publishing: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the pipeline's DAG in an Airflow of its own. Returns what ``run_dag.py`` prints."""
    return runner(publishing, tmp_path, monkeypatch)


@pytest.fixture
def run_stream(streaming: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The same of the pipeline that captures by change stream."""
    return runner(streaming, tmp_path, monkeypatch)


def runner(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    folder = tmp_path / "dags"
    (folder / "pipelines").mkdir(parents=True)
    for file in ("pipelines.py", "reconcile.py"):
        shutil.copy(ROOT / "dags" / file, folder)
    shutil.copy(world.file, folder / "pipelines")
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    monkeypatch.setenv("AIRFLOW__CORE__PLUGINS_FOLDER", str(ROOT / "plugins"))
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{tmp_path}/airflow/airflow.db")
    (tmp_path / "airflow").mkdir()

    def run(dag: str = "", conf: dict[str, Any] | None = None) -> dict[str, Any]:
        command = [sys.executable, "-m", "tests.acceptance.run_dag", str(folder), dag or world.pipeline.name]
        command += [json.dumps(conf)] if conf else []
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
        results = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        assert results, (done.stdout + done.stderr)[-3000:]
        return {**json.loads(results[0].removeprefix("RESULT ")), "log": done.stdout}

    run.folder = folder  # type: ignore[attr-defined]
    return run


def test_a_run_of_the_dag_publishes_a_batch_and_tells_it(publishing: World, run_dag: Any) -> None:
    Publisher(publishing.database.client, publishing.database.name, seed=5, mess=shares(0.02)).seed(
        documents=200, tickets=400
    )

    ran = run_dag()

    assert ran["state"] == "success", ran["log"][-3000:]
    assert publishing.differences() == []
    labels = {task["label"] for task in ran["tasks"] if task["id"] in {"land", "load"}}
    assert {label.split(" ")[0] for label in labels} == {"documents", "tickets"}
    tables = {table.name for table in publishing.pipeline.tables}
    assert {event["asset"].rsplit("/", 1)[1] for event in ran["events"]} == tables
    assert all(event["batch"] == 1 and event["cut"] and "published" in event["counts"] for event in ran["events"])
    assert "rows/s" in ran["log"]


def test_the_ends_of_a_span_make_a_backfill_of_it(publishing: World, run_dag: Any) -> None:
    publisher = Publisher(publishing.database.client, publishing.database.name, seed=5)
    publisher.seed(documents=50, tickets=100)
    publishing.batch()
    now = datetime.now(UTC)
    conf = {"from": (now - timedelta(days=400)).isoformat(), "to": now.isoformat()}

    ran = run_dag(conf=conf)

    assert ran["state"] == "success", ran["log"][-3000:]
    with publishing.systems() as systems:
        commit = systems.warehouse.last_commit(publishing.pipeline.name)
    assert commit is not None
    assert commit.kind == "backfill"
    assert commit.counts["documents"]["read"] >= 50


@pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
def test_the_reconcile_of_the_dag_repairs_what_differs_and_tells_it(publishing: World, run_dag: Any) -> None:
    publisher = Publisher(publishing.database.client, publishing.database.name, seed=5)
    publisher.seed(documents=20, tickets=40)
    publishing.batch()
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    publishing.database.documents.insert_one({"_id": "unseen", "updated_at": long_ago})
    publishing.database.tickets.delete_one({})

    ran = run_dag(f"{publishing.pipeline.name}.reconcile")

    assert ran["state"] == "success", ran["log"][-3000:]
    assert publishing.differences() == []
    (event,) = (event for event in ran["events"] if event["asset"].startswith("sluice://"))
    found = {each["collection"]: each["counts"] for each in event["comparisons"]}
    assert found == {"documents": {"missing": 1}, "tickets": {"extra": 1}}
    assert publishing.leftovers() == []


def test_a_terminal_error_is_not_retried_and_leaves_nothing_visible(publishing: World, run_dag: Any) -> None:
    documents = [
        {"_id": n, "created_at": "not a date", "updated_at": datetime(2026, 1, 1, tzinfo=UTC)} for n in range(200)
    ]
    publishing.database.documents.insert_many(documents)

    ran = run_dag()

    assert ran["state"] == "failed"
    states = {task["id"]: task["state"] for task in ran["tasks"]}
    assert states["publish"] == "failed"
    assert states["clean_up"] == "success"
    assert "were rejected" in ran["log"]
    assert publishing.rows("documents") == []


def test_a_broken_pipeline_file_leaves_the_other_dags_alone(publishing: World, run_dag: Any) -> None:
    (run_dag.folder / "pipelines" / "typo.yml").write_text("pipelin: typo\n")

    ran = run_dag(dag="typo.broken")

    assert ran["state"] == "failed"
    assert "pipelin" in ran["log"]
    assert publishing.pipeline.name in ran["dags"]


@pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
def test_a_stream_without_changes_lands_nothing_and_moves_on(streaming: World, run_stream: Any) -> None:
    before = streaming.batch()
    streaming.database.client.admin.command("appendOplogNote", 1, data={"of": "others"})

    ran = run_stream()

    assert ran["state"] == "success", ran["log"][-3000:]
    states = {task["id"]: task["state"] for task in ran["tasks"]}
    assert (states["land"], states["follow"], states["publish"]) == ("skipped", "success", "success")
    with streaming.systems() as systems:
        last = systems.warehouse.last_commit(streaming.pipeline.name)
    assert last is not None
    assert last.positions["documents"].cluster > before.positions["documents"].cluster
