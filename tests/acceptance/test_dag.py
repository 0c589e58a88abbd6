"""The pipeline's DAG, run by Airflow's own task runner on the real servers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devstack.publisher import Publisher, shares
from sluice.settings import from_environment
from sluice.warehouse.base import Commit
from sluice.warehouse.maintenance import connect_journal
from tests.acceptance.conftest import ROOT, World, eventually

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def run_dag(publishing: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the pipeline's DAG in an Airflow of its own. Returns what ``run_dag.py`` prints."""
    return runner(publishing, tmp_path, monkeypatch)


def runner(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    folder = tmp_path / "dags"
    (folder / "pipelines").mkdir(parents=True)
    for file in ("pipelines.py", "reconcile.py", "maintenance.py"):
        shutil.copy(ROOT / "dags" / file, folder)
    shutil.copy(world.file, folder / "pipelines")
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    monkeypatch.setenv("AIRFLOW__CORE__PLUGINS_FOLDER", str(ROOT / "plugins"))
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{tmp_path}/airflow/airflow.db")
    (tmp_path / "airflow").mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))

    def run(dag: str = "", conf: dict[str, Any] | None = None) -> dict[str, Any]:
        command = [sys.executable, "-m", "tests.acceptance.run_dag", str(folder), dag or world.pipeline.name]
        command += [json.dumps(conf)] if conf else []
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
        results = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        assert results, (done.stdout + done.stderr)[-3000:]
        return {**json.loads(results[0].removeprefix("RESULT ")), "log": done.stdout}

    run.folder = folder  # type: ignore[attr-defined]
    return run


def test_a_run_of_the_dag_publishes_a_batch_tells_it_and_leaves_no_temporary_file(
    publishing: World, run_dag: Any, tmp_path: Path
) -> None:
    Publisher(publishing.database.client, publishing.database.name, seed=5, mess=shares(0.02)).seed(
        documents=200, tickets=400
    )

    ran = run_dag()

    assert ran["state"] == "success", ran["log"][-3000:]
    assert publishing.differences() == []
    labels = {task["label"] for task in ran["tasks"] if task["id"] in {"land", "load"}}
    assert {label.split(" ")[0] for label in labels} == {"documents", "tickets"}
    tables = {table.name for table in publishing.pipeline.tables}
    *told, rejected = sorted(ran["events"], key=lambda event: event["asset"].startswith("sluice://rejects/"))
    assert {event["asset"].rsplit("/", 1)[1] for event in told} == tables
    assert all(event["batch"] == 1 and event["cut"] and "published" in event["counts"] for event in told)
    assert rejected["asset"] == f"sluice://rejects/{publishing.pipeline.name}"
    many = {name: len(publishing.rejected(name)) for name in rejected["rejects"]}
    assert {name: sum(reasons.values()) for name, reasons in rejected["rejects"].items()} == many
    assert "rows/s" in ran["log"]
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("warehouse_kind", ["redshift"], indirect=True)
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
    batch = {each["asset"].rsplit("/", 1)[1]: each for each in ran["events"] if "batch" in each}
    assert set(batch) == {table.name for table in publishing.pipeline.tables}
    assert (batch["documents"]["batch"], batch["documents"]["counts"]["published"]) == (2, 1)
    found = {each["collection"]: each["counts"] for each in event["comparisons"]}
    assert found == {"documents": {"missing": 1}, "tickets": {"extra": 1}}
    assert publishing.leftovers() == []


@pytest.mark.parametrize("warehouse_kind", ["redshift"], indirect=True)
def test_the_vacuum_of_the_dag_does_what_its_form_says_and_notes_it(publishing: World, run_dag: Any) -> None:
    Publisher(publishing.database.client, publishing.database.name, seed=5).seed(documents=20, tickets=40)
    publishing.batch()
    before = {table.name: publishing.rows(table.name) for table in publishing.pipeline.tables}

    ran = run_dag(
        f"{publishing.pipeline.name}.vacuum", {"table": "documents", "mode": "FULL", "to_percent": 100, "boost": True}
    )

    assert ran["state"] == "success", ran["log"][-3000:]
    with closing(connect_journal(publishing.pipeline, from_environment)) as journal:
        (entry,) = journal.entries(publishing.pipeline.name)
    table = f"sluice_data.{publishing.pipeline.name}_documents"
    assert (entry.did, entry.reason) == (f"VACUUM FULL {table} TO 100 PERCENT BOOST", "asked for")
    assert entry.did in ran["log"]
    assert {table.name: publishing.rows(table.name) for table in publishing.pipeline.tables} == before


@pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
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


@pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
def test_a_broken_pipeline_file_leaves_the_other_dags_alone(publishing: World, run_dag: Any) -> None:
    (run_dag.folder / "pipelines" / "typo.yml").write_text("pipelin: typo\n")

    ran = run_dag(dag="typo.broken")

    assert ran["state"] == "failed"
    assert "pipelin" in ran["log"]
    assert publishing.pipeline.name in ran["dags"]


@pytest.fixture
def run_continuous(streaming: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the DAG of a pipeline that streams."""
    text = streaming.file.read_text().replace('"*/5 * * * *"', '"@continuous"')
    assert "@continuous" in text
    streaming.file.write_text(text)
    return runner(streaming, tmp_path, monkeypatch)


@pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
def test_a_continuous_run_makes_its_batch_and_then_streams_for_a_while(streaming: World, run_continuous: Any) -> None:
    before = streaming.batch()
    streaming.database.client.admin.command("appendOplogNote", 1, data={"of": "others"})

    with ThreadPoolExecutor() as pool:
        running = pool.submit(run_continuous, conf={"seconds": 8})
        eventually(lambda: len(commits(streaming)) > 1)
        streaming.database.documents.insert_one({"_id": 1, "updated_at": datetime(2026, 1, 1, tzinfo=UTC)})
        eventually(lambda: len(streaming.rows("documents")) == 1)
        assert not running.done()
        ran = running.result()

    assert ran["state"] == "success", ran["log"][-3000:]
    states = {task["id"]: task["state"] for task in ran["tasks"]}
    assert (states["land"], states["follow"], states["publish"]) == ("skipped", "success", "success")  # nothing was new
    assert states["stream"] == "success"
    newest, *_, second, first = commits(streaming)
    assert first.batch == before.batch
    assert second.positions["documents"].cluster > first.positions["documents"].cluster
    told = [event for event in ran["events"] if "batches" in event]
    assert {event["asset"].rsplit("/", 1)[1] for event in told} == {table.name for table in streaming.pipeline.tables}
    assert {(event["batch"], event["batches"]) for event in told} == {(newest.batch, newest.batch - second.batch)}
    assert sum(event["counts"]["published"] for event in told) == 1
    assert streaming.leftovers() == []


@pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
def test_a_run_may_read_a_collection_whole_and_then_does_not_stream(streaming: World, run_continuous: Any) -> None:
    documents = streaming.database.documents
    documents.insert_many([{"_id": n, "updated_at": datetime(2026, 1, 1, tzinfo=UTC)} for n in range(20)])
    streaming.batch()

    ran = run_continuous(conf={"full": "documents"})

    assert ran["state"] == "success", ran["log"][-3000:]
    assert {task["state"] for task in ran["tasks"] if task["id"] == "stream"} == {"skipped"}
    newest, _ = commits(streaming)
    assert (newest.kind, newest.counts["documents"]["read"], newest.counts["tickets"]["read"]) == ("refresh", 20, 0)
    assert newest.counts["documents"]["tables"]["documents"]["unchanged"] == 20


def commits(world: World) -> list[Commit]:
    """Newest first."""
    with world.systems() as systems:
        return systems.warehouse.commits(world.pipeline.name)
