"""What a step tells Airflow: figures, and events of Assets. That they arrive: tests/faults/test_metrics.py."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.execution_time.context import OutletEventAccessors
from airflow.sdk.observability import stats

from sluice import airflow_reconcile, airflow_stream, cleanup, reconcile, vacuum
from sluice import airflow_tasks as tasks
from sluice import pipeline as spine
from sluice.airflow_cleanup import Cleanup
from sluice.airflow_metrics import Meter
from sluice.airflow_vacuum import Vacuum
from sluice.pipeline_file import load_pipeline
from sluice.settings import Endpoint
from sluice.spec import Pipeline
from sluice.warehouse.base import Commit
from sluice.window import Range
from tests.factories import NOON, a_cut, a_pipeline_text, a_plan

PUBLISHED = {"published": 7, "closed": 0, "gone": 0}
BATCH = {"pipeline": "publishing", "batch": 3, "cut": NOON.isoformat()}
EVENTS = {
    "publishing.documents": {**BATCH, "counts": PUBLISHED},
    "sluice.rejects.publishing": {**BATCH, "rejects": {"documents": {"takes a date": 2}}},
}


def a_commit(**overrides: Any) -> Commit:
    counts = {"quarantine": {"new": {"takes a date": 2}}, "tables": {"documents": PUBLISHED}}
    record = Commit("publishing", 3, "plan", "live", a_cut(), {}, {"documents": counts}, "5eed", NOON)
    return replace(record, **overrides)


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    file = tmp_path / "publishing.yml"
    file.write_text(a_pipeline_text())
    return load_pipeline(file)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Metric → what was told of it last."""
    told: dict[str, Any] = {}
    for kind in ("incr", "gauge", "timing"):
        monkeypatch.setattr(stats, kind, lambda name, value, tags: told.update({name: (value, tags)}))
    return told


Told = dict[str, dict[str, Any]]


@pytest.fixture
def events(pipeline: Pipeline) -> Callable[..., Told]:
    """Do a step of the pipeline: Asset → what its event carries."""

    def do(step: tasks.Step, repair: Any = None, **context: Any) -> Told:
        step.meter = Meter(pipeline.name, step.task_id)
        kept = {("plan", "plan"): a_plan().to_json(), ("compare", "return_value"): [], ("compare", "repair"): repair}
        ti = SimpleNamespace(xcom_pull=lambda task_ids, key="return_value": kept.get((task_ids, key)))
        outlets = OutletEventAccessors()
        step.step(pipeline, None, {"ti": ti, "outlet_events": outlets, **context})  # type: ignore[arg-type, typeddict-item]
        own = {asset.name: outlets[asset].extra for asset in outlets if outlets[asset].extra}
        added = (event for asset in outlets for event in outlets[asset].asset_alias_events)
        return own | {event.dest_asset_key.name: event.extra for event in added}

    return do


def moved(step: tasks.Batches) -> tuple[set[str], dict[str, tuple[str, int]]]:
    """What OpenLineage is told: collections that were read, and table → version, rows."""
    step.resolve = lambda conn_id: Endpoint(conn_id, host="host")
    found = step.get_openlineage_facets_on_complete(None)
    tables = {
        each.name: (each.facets["version"].datasetVersion, each.outputFacets["outputStatistics"].rowCount)
        for each in found.outputs
    }
    return {each.name for each in found.inputs}, tables


def test_a_publish_tells_its_batch_and_one_that_found_it_done_tells_the_events_alone(
    events: Any, figures: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(commit: Commit) -> Told:
        monkeypatch.setattr(spine, "publish", lambda *_: commit)
        return events(tasks.Publish(task_id="publish", loaded=[], pipeline_file=""))  # type: ignore[no-any-return]

    again = told(a_commit(found_done=True))
    assert figures == {}
    first = told(a_commit())

    assert {name: value for name, (value, _) in figures.items() if name != "sluice.lag"} == {"sluice.rows": 7}
    assert figures["sluice.lag"][0] == pytest.approx((datetime.now(NOON.tzinfo) - NOON).total_seconds(), abs=60)
    assert again == first
    assert first == EVENTS


def test_a_repair_tells_its_batch_as_a_publish_does_and_nothing_when_nothing_was_repaired(
    events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "repair", lambda *_: a_commit(kind="repair"))
    step = airflow_reconcile.Repair(task_id="repair", pipeline_file="")

    told = events(step, repair=a_plan().to_json())

    assert told["publishing.documents"] == {**EVENTS["publishing.documents"], "batches": 1}
    assert told["sluice.rejects.publishing"] == EVENTS["sluice.rejects.publishing"]
    assert moved(step) == ({"publishing.documents"}, {"publishing.documents": ("3", 7)})
    assert events(step) == {}
    assert moved(step) == (set(), {})


def test_a_stream_tells_its_batches_together_rejects_too(events: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream:
        def __init__(self, *given: Any) -> None:
            self.tell = given[3]

        def run(self) -> None:
            self.tell(a_commit(batch=2))
            self.tell(a_commit(batch=3))

    monkeypatch.setattr(airflow_stream, "Stream", Stream)
    run = SimpleNamespace(run_type="scheduled")

    step = airflow_stream.StreamBatches(task_id="stream", pipeline_file="")

    told = events(step, dag_run=run, params={"seconds": 1})

    counts = {"published": 14, "closed": 0, "gone": 0}
    assert told["publishing.documents"] == {**BATCH, "counts": counts, "batches": 2}
    assert told["sluice.rejects.publishing"] == {**BATCH, "rejects": {"documents": {"takes a date": 4}}}
    assert moved(step) == ({"publishing.documents"}, {"publishing.documents": ("3", 14)})


@pytest.fixture
def execute(pipeline: Pipeline, tmp_path: Path, figures: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Execute a step of the pipeline in a DAG of its own, or of another beside it. Returns the tags of its duration."""
    monkeypatch.setattr(spine, "connect", lambda *_: nullcontext())
    monkeypatch.setattr(cleanup, "connect", lambda *_: nullcontext())
    monkeypatch.setattr(vacuum, "vacuum", lambda *_: [])
    monkeypatch.setattr(vacuum, "spare_loads", lambda *given: given[-1])
    monkeypatch.setattr(cleanup, "run", lambda *_, **__: [])

    def do(kind: type[tasks.Step], dag: str = "publishing", **kwargs: Any) -> dict[str, str]:
        with DAG(dag, schedule=None):
            step = kind(task_id=kind.__name__.lower(), pipeline_file=str(tmp_path / "publishing.yml"), **kwargs)
        monkeypatch.setattr(step, "step", lambda *_: None)
        ti = SimpleNamespace(bundle_instance=SimpleNamespace(name="dags-folder"))
        run = SimpleNamespace(run_type="manual")
        step.execute({"params": {"dry_run": True}, "dag_run": run, "ti": ti})  # type: ignore[typeddict-item]
        return figures["sluice.duration"][1]  # type: ignore[no-any-return]

    return do


def test_the_duration_of_a_task_names_its_collection_where_it_is_about_one(execute: Any) -> None:
    piece = asdict(Range("documents", "ids-000"))

    assert execute(tasks.Land, piece=piece) == {
        "pipeline": "publishing",
        "step": "land",
        "collection": "documents",
    }
    assert execute(tasks.Load, collection="documents")["collection"] == "documents"
    assert "collection" not in execute(tasks.Publish, loaded=[])


@pytest.mark.parametrize("kind", [Vacuum, Cleanup])
def test_maintenance_tells_how_long_it_took(execute: Any, kind: type[tasks.Step]) -> None:
    name = kind.__name__.lower()

    assert execute(kind, f"publishing.{name}") == {"pipeline": "publishing", "step": f"{name}.{name}"}
