"""The real Airflow in the local stack: its four processes run a DAG that finds the stack's servers by connection id."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from textwrap import dedent

import pytest

from devstack import process
from devstack.airflow_api import FINAL, AirflowApi
from devstack.servers import SERVERS, Airflow
from devstack.servers.base import Address
from devstack.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DAG = dedent("""
    import os
    from airflow.sdk import BaseHook, dag, task

    @dag(schedule=None)
    def reach():
        @task
        def connections():
            found = [BaseHook.get_connection(name) for name in ("publishing_mongo", "landing_s3", "warehouse")]
            print("found", found[0].extra_dejson["uri"], found[1].extra_dejson["endpoint_url"], found[2].port)
            print("leaked", [name for name in os.environ if name.startswith(("AWS_", "CLICKHOUSE_", "MONGO_"))])
        connections()

    reach()
""")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("airflow")
    dags = folder / "dags"
    dags.mkdir()
    (dags / "reach.py").write_text(DAG)
    servers = [Airflow(dags) if isinstance(each, Airflow) else each for each in SERVERS]
    stack = Stack(folder / "stack", servers=servers)
    stack.up()
    yield stack
    stack.down()
    assert process.marked(str(stack.home)) == []
    assert not stack.home.exists()


def api_of(stack: Stack) -> AirflowApi:
    env = stack.env()
    return AirflowApi(env["AIRFLOW_URL"], env["AIRFLOW_USER"], env["AIRFLOW_PASSWORD"])


def finished(api: AirflowApi, dag: str, run: str) -> str:
    deadline = time.monotonic() + 90
    while (state := api.run(dag, run)["state"]) not in FINAL and time.monotonic() < deadline:
        time.sleep(0.3)
    return str(state)


def test_a_dag_runs_and_finds_the_servers(stack: Stack) -> None:
    api, env = api_of(stack), stack.env()
    api.wait_for_dag("reach")
    api.pause("reach", paused=False)

    run = api.trigger("reach")

    assert finished(api, "reach", run) == "success"
    said = api.log("reach", run, api.tasks("reach", run)[0])
    assert f"found {env['MONGO_URL']} {env['S3_ENDPOINT_URL']} {env['CLICKHOUSE_PORT']}" in said
    assert "leaked []" in said


def test_it_does_not_answer_who_has_not_logged_in(stack: Stack) -> None:
    status, _ = Address.of(stack.env()["AIRFLOW_URL"]).get("/api/v2/dags")

    assert status == HTTPStatus.UNAUTHORIZED


def _sockets(pid: int) -> set[str]:
    """The inodes of a process's sockets; of what ended meanwhile, none."""
    found = set()
    with suppress(FileNotFoundError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                found.add(link.readlink().name)
    return {name.removeprefix("socket:[").removesuffix("]") for name in found if name.startswith("socket:")}


def test_all_listen_on_loopback_only(stack: Stack) -> None:
    family = {each.pid for each in process.marked(str(stack.home))}
    family |= {pid for each in stack.status() for pid in each.pids}
    sockets = {socket for pid in family for socket in _sockets(pid)}

    rows = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
    listening = [row[1] for row in rows if row[3] == "0A" and row[9] in sockets]

    assert len(listening) == len(SERVERS)
    assert {address.partition(":")[0] for address in listening} == {"0100007F"}


def test_a_killed_scheduler_comes_back_and_nothing_else_is_touched(stack: Stack) -> None:
    before = {each.name: each.pids for each in stack.status()}

    killed = datetime.now(UTC)
    stack.kill("scheduler")
    broken = {each.name: each.problem for each in stack.status() if each.problem}
    stack.up()

    after = {each.name: each.pids for each in stack.status() if not each.problem}
    assert broken == {"airflow": "not running: scheduler"}
    assert after.keys() == before.keys()
    assert len(set(after.pop("airflow")) - set(before.pop("airflow"))) == 1
    assert after == before
    _, health = Address.of(stack.env()["AIRFLOW_URL"]).get("/api/v2/monitor/health")
    assert datetime.fromisoformat(json.loads(health)["scheduler"]["latest_scheduler_heartbeat"]) > killed
