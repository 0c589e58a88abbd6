"""DAG files as Airflow's DAG processor sees them (I10)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from sluice.log_files import DAG_FILES
from sluice.spec import Beside
from tests.project import tree

# What is watched is only what happens while the files are parsed: Airflow's own start is not ours to judge.
PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import Asset

io = []
READING = {"r", "rb", "rt", None}

def watch(event, args):
    if event in {"socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.remove", "os.rename"}:
        io.append([event, str(args)[:200]])
    elif event == "open" and args[1] not in READING and "__pycache__" not in str(args[0]):
        io.append([event, str(args)[:200]])

DagBag(dag_folder=FOLDER)  # once before, for what Airflow itself does the first time
for name in [name for name in sys.modules if name.partition(".")[0] == "sluice"]:
    del sys.modules[name]
before = set(sys.modules)
sys.addaudithook(watch)
bag = DagBag(dag_folder=FOLDER)
io = list(io)
found = [
    {
        "id": dag.dag_id,
        "doc": dag.doc_md,
        "tags": sorted(dag.tags),
        "tasks": [task.task_id for task in dag.tasks],
        "paused": dag.is_paused_upon_creation,
        "waits_for": [asset.uri for asset in dag.schedule] if isinstance(dag.schedule, list) else [],
        "tells": sorted({asset.uri for task in dag.tasks for asset in task.outlets if isinstance(asset, Asset)}),
    }
    for dag in bag.dags.values()
]
print(json.dumps({"errors": bag.import_errors, "dags": found, "io": io, "modules": sorted(sys.modules)}))
"""


def parse(folder: Path, home: Path) -> dict[str, Any]:
    code = PARSE.replace("FOLDER", repr(str(folder)))
    result: dict[str, Any] = json.loads(tree.python(code, home).splitlines()[-1])
    return result


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return parse(tree.ROOT / "dags", tmp_path_factory.mktemp("airflow"))


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A DAG file that does everything a DAG file must not do."""
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "wrong.py").write_text(
        "import socket, subprocess\n"
        "import pymongo\n"
        "from airflow.sdk import DAG\n"
        "dag = DAG('wrong', schedule=None)\n"
        "subprocess.run(['true'])\n"
        "open('left-behind', 'w').close()\n"
        "try:\n"
        "    socket.create_connection(('127.0.0.1', 9), timeout=0.1)\n"
        "except OSError:\n"
        "    pass\n"
    )
    return parse(folder, tmp_path_factory.mktemp("airflow"))


def test_every_dag_file_parses(bag: dict[str, Any]) -> None:
    assert bag["errors"] == {}


def test_there_is_a_dag_for_each_pipeline_file(bag: dict[str, Any]) -> None:
    pipelines = {
        yaml.safe_load(file.read_text())["pipeline"] for file in (tree.ROOT / "dags" / "pipelines").glob("*.yml")
    }

    assert pipelines <= {dag["id"] for dag in bag["dags"]}


def test_cleanup_knows_these_dags_and_their_files_by_name(bag: dict[str, Any]) -> None:
    beside = {f"publishing.{each}" for each in Beside} - {"publishing.broken"}

    assert {dag["id"] for dag in bag["dags"]} == {"publishing", *beside, "example_after_publishing"}
    assert sorted(file.stem for file in (tree.ROOT / "dags").glob("*.py")) == list(DAG_FILES)


def test_each_dag_carries_the_operators_page(bag: dict[str, Any]) -> None:
    silent = [dag["id"] for dag in bag["dags"] if len(dag["doc"] or "") < 200]

    assert silent == []


def test_each_dag_can_be_found_by_tag(bag: dict[str, Any]) -> None:
    assert [dag["id"] for dag in bag["dags"] if not dag["tags"]] == []


def test_the_example_waits_for_what_the_pipeline_tells_and_is_switched_off(bag: dict[str, Any]) -> None:
    dags = {dag["id"]: dag for dag in bag["dags"]}
    example = dags["example_after_publishing"]

    assert example["paused"]
    assert sorted(example["waits_for"]) == dags["publishing"]["tells"] != []


EVENTS = """
import json, sys
sys.path.insert(0, DAGS)
from airflow.sdk.api.datamodels._generated import AssetEventDagRunReference, AssetReferenceAssetEventDagRun
from airflow.sdk.execution_time.comms import AssetEventDagRunReferenceResult
from airflow.sdk.execution_time.context import TriggeringAssetEventsAccessor
from example_downstream import tell

def event(batch):
    extra = {"batch": batch, "cut": "2026-11-25T12:00:00+00:00", "counts": {"published": 7}}
    at = {"name": "publishing.tickets", "uri": "clickhouse://warehouse/publishing/tickets"}
    asset = AssetReferenceAssetEventDagRun(**at, extra={})
    empty = dict.fromkeys(("source_task_id", "source_dag_id", "source_run_id", "source_map_index"))
    at = {"timestamp": "2026-11-25T12:00:00Z", "source_aliases": []}
    return AssetEventDagRunReferenceResult.from_asset_event_dag_run_reference(
        AssetEventDagRunReference(asset=asset, extra=extra, **empty, **at))

print(json.dumps(tell.function(TriggeringAssetEventsAccessor.build([event(3), event(4)]))))
"""


def test_the_example_reads_the_events_as_airflow_hands_them_to_it(tmp_path: Path) -> None:
    code = EVENTS.replace("DAGS", repr(str(tree.ROOT / "dags")))

    assert json.loads(tree.python(code, tmp_path).splitlines()[-1]) == {"publishing.tickets": 4}


def test_parsing_opens_no_connection_starts_no_process_and_writes_no_file(bag: dict[str, Any]) -> None:
    assert bag["io"] == []


def test_parsing_imports_nothing_heavy(bag: dict[str, Any]) -> None:
    assert tree.roots(set(bag["modules"])) & set(tree.HEAVY) == set()


def test_these_tests_would_notice(wrong: dict[str, Any]) -> None:
    events = {event for event, _ in wrong["io"]}

    assert events >= {"socket.connect", "subprocess.Popen", "open"}
    assert "pymongo" in wrong["modules"]
