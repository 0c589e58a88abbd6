"""What Airflow knows of the DAGs: their runs, and which batch each run published. Imports Airflow."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from airflow.models.connection import Connection
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.orm import Session

from sluice.page.known import Dag, Run, Step
from sluice.settings import Endpoint, missing

RUNS = 50
"""Runs of each DAG that are looked back at."""
PUBLISHING = ("publish", "repair")
"""The tasks that return a commit record."""


def connection(conn_id: str) -> Endpoint:
    """Resolve an Airflow connection inside the API server: it asks the secrets backends and Airflow's database."""
    try:
        found = Connection.get_connection_from_secrets(conn_id)
    except AirflowNotFoundException:
        raise missing(conn_id) from None
    return Endpoint.from_json(conn_id, found.as_json())


def dags(names: Iterable[str]) -> dict[str, Dag]:
    """The DAGs of these names that Airflow has now, each with its newest runs."""
    with create_session() as session:
        found = session.execute(
            select(DagModel.dag_id, DagModel.is_paused).where(DagModel.dag_id.in_(names), ~DagModel.is_stale)
        )
        return {dag: Dag(dag, paused, tuple(_runs(session, dag))) for dag, paused in found.all()}


def _runs(session: Session, dag: str) -> list[Run]:
    columns = (DagRun.run_id, DagRun.state, DagRun.run_type, DagRun.start_date, DagRun.end_date)
    rows = session.execute(select(*columns).where(DagRun.dag_id == dag).order_by(DagRun.id.desc()).limit(RUNS)).all()
    ids = [row[0] for row in rows]
    steps, batches = _steps(session, dag, ids), _batches(session, dag, ids)
    return [
        Run(dag, run, str(state), str(kind), begun, ended, tuple(steps[run]), batches.get(run))
        for run, state, kind, begun, ended in rows
    ]


def _steps(session: Session, dag: str, runs: list[str]) -> dict[str, list[Step]]:
    """Of each run: its tasks in the order in which they began; a mapped one as a whole."""
    task = TaskInstance
    columns = (task.run_id, task.task_id, task.state, task.start_date, task.end_date)
    found: dict[tuple[str, str], list[tuple[str, datetime, datetime | None]]] = defaultdict(list)
    rows = session.execute(select(*columns).where(task.dag_id == dag, task.run_id.in_(runs)))
    for run, name, state, begun, ended in rows:
        if begun is not None:
            found[run, name].append((str(state), begun, ended))
    steps: dict[str, list[Step]] = defaultdict(list)
    for (run, name), pieces in sorted(found.items(), key=lambda each: min(piece[1] for piece in each[1])):
        steps[run].append(Step.of(name, pieces))
    return steps


def _batches(session: Session, dag: str, runs: list[str]) -> dict[str, int]:
    """Run → the number of the batch that it published, by what its task returned."""
    which = (XComModel.dag_id == dag, XComModel.task_id.in_(PUBLISHING), XComModel.key == "return_value")
    rows = session.execute(select(XComModel.run_id, XComModel.value).where(*which, XComModel.run_id.in_(runs)))
    values = {run: _plain(value) for run, value in rows}
    return {run: value["batch"] for run, value in values.items() if isinstance(value, dict) and "batch" in value}


def _plain(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
