"""What a batch tells Airflow's metrics arrives, also from tasks of a second, whose processes end without ceremony."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from devstack.publisher import Publisher, shares
from tests.acceptance.conftest import ROOT, World, make_world, warehouse_kind  # noqa: F401  fixtures
from tests.acceptance.test_dag import runner
from tests.faults import receivers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

COLLECTIONS = ("documents", "tickets")
DURATIONS = {
    *((step,) for step in ("migrate", "plan", "follow", "publish", "verify", "clean_up")),
    *((step, collection) for step in ("land", "load") for collection in COLLECTIONS),
}
"""Of which step, and of which collection where the task is about one."""


@pytest.fixture
def world(make_world: Any) -> World:  # noqa: F811
    """The shipped pipeline, with documents to read, some of which are rejected."""
    made: World = make_world(ROOT / "dags" / "pipelines" / "publishing.yml")
    publisher = Publisher(made.database.client, made.database.name, seed=5, mess=shares(0.05))
    publisher.seed(documents=200, tickets=400)
    return made


@pytest.fixture
def run_dag(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run its DAG, each task in a process of its own."""
    monkeypatch.setenv("RUN_DAG_IN_PROCESSES", "1")
    return runner(world, tmp_path, monkeypatch)


def batch_of(world: World) -> dict[str, Any]:
    with world.systems() as systems:
        commit = systems.warehouse.last_commit(world.pipeline.name)
    assert commit is not None
    return commit.counts


def expected(counts: Mapping[str, Any]) -> dict[tuple[str, str, str], float]:
    """(metric, step, collection) → value, by the commit record."""
    found: dict[tuple[str, str, str], float] = {}
    for name, each in counts.items():
        tables = each["tables"].values()
        found["rows", "land", name] = sum(table["staged"] for table in tables)  # of a first batch no key is repeated
        found["bytes", "land", name] = each["bytes"]
        found["rejects", "land", name] = each["rejected"]
        found["rows", "load", name] = sum(table["staged"] for table in tables)
        found["rows", "publish", name] = sum(table["published"] for table in tables)
    return found


@pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
def test_the_figures_of_a_batch_arrive_in_a_statsd_and_what_it_moved_in_openlineage(
    world: World, run_dag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = tmp_path / "lineage.jsonl"
    monkeypatch.setenv(
        "AIRFLOW__OPENLINEAGE__TRANSPORT", json.dumps({"type": "file", "log_file_path": str(events), "append": True})
    )
    with receivers.statsd() as (port, found):
        for name, value in {"ON": "True", "HOST": "127.0.0.1", "PORT": str(port)}.items():
            monkeypatch.setenv(f"AIRFLOW__METRICS__STATSD_{name}", value)
        ran = run_dag()

    assert ran["state"] == "success", ran["log"][-3000:]
    wanted, dag = expected(batch_of(world)), world.pipeline.name
    assert {key: found[f"airflow.sluice.{key[0]}.{dag}.{key[1]}.{key[2]}"] for key in wanted} == wanted
    durations = {name for name, value in found.items() if name.startswith("airflow.sluice.duration.") and value > 0}
    assert durations == {".".join(("airflow.sluice.duration", dag, *told)) for told in DURATIONS}
    assert 0 < found[f"airflow.sluice.lag.{dag}.publish"] < 300
    check_lineage(world, [json.loads(line) for line in events.read_text().splitlines()])


def check_lineage(world: World, events: list[dict[str, Any]]) -> None:
    """Each collection came from MongoDB to the landing, and from there to every master table, counted."""
    done = [event for event in events if event["eventType"] == "COMPLETE"]
    dag, schema = world.pipeline.name, world.pipeline.warehouse.schema
    moved: set[tuple[str, str]] = set()
    for event in done:
        moved |= {(read["name"], written["name"]) for read in event["inputs"] for written in event["outputs"]}
    for collection in world.pipeline.collections:
        landed = f"sluice/{dag}/{collection.name}"
        assert (f"{world.database.name}.{collection.name}", landed) in moved
        assert {(landed, f"{schema}.{table.name}") for table in collection.tables} <= moved
    (publish,) = (event for event in done if event["job"]["name"] == f"{dag}.publish")
    tables = {each["name"]: each for each in publish["outputs"]}
    counts = batch_of(world)["documents"]["tables"]["documents"]
    documents = tables[f"{schema}.documents"]
    assert documents["facets"]["version"]["datasetVersion"] == "1"
    assert documents["outputFacets"]["outputStatistics"]["rowCount"] == counts["published"]
    assert {"title", "watermark_mark"} <= {field["name"] for field in documents["facets"]["schema"]["fields"]}
    assert "@" not in json.dumps([dataset["namespace"] for event in done for dataset in event["inputs"]])


@pytest.mark.parametrize("warehouse_kind", ["redshift"], indirect=True)
def test_and_in_an_opentelemetry_collector(world: World, run_dag: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with receivers.collector() as (port, found):
        monkeypatch.setenv("AIRFLOW__METRICS__OTEL_ON", "True")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
        ran = run_dag()

    assert ran["state"] == "success", ran["log"][-3000:]
    wanted, dag = expected(batch_of(world)), world.pipeline.name
    tags = {key: f"collection={key[2]},pipeline={dag},step={key[1]}" for key in wanted}
    assert {key: found[f"airflow.sluice.{key[0]}{{{tags[key]}}}"] for key in wanted} == wanted
    names = [name for name, value in found.items() if name.startswith("airflow.sluice.duration{") and value > 0]
    told = [dict(tag.split("=") for tag in re.findall(r"\w+=\w+", name)) for name in names]
    assert {(tags["step"], *([tags["collection"]] if "collection" in tags else [])) for tags in told} == DURATIONS
    assert 0 < found[f"airflow.sluice.lag{{pipeline={dag},step=publish}}"] < 300
