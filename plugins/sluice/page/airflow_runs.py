"""What Airflow knows of the DAGs: their runs, and which batch each run published. Imports Airflow."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from typing import Any

from airflow.models.connection import Connection
from airflow.models.dag import DagModel, DagTag
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.orm import Session

from sluice.page.known import Dag, Param, Run, Step, first_sentence
from sluice.settings import Endpoint, missing

TAG = "sluice"
"""What every DAG of ours is tagged with."""
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


def dags(pipeline: str) -> dict[str, Dag]:
    """The DAGs of a pipeline that Airflow has now: its own, and those with its name in front, each with its runs."""
    with create_session() as session:
        is_own = (DagModel.dag_id == pipeline) | DagModel.dag_id.startswith(f"{pipeline}.", autoescape=True)
        ours = DagModel.tags.any(DagTag.name == TAG)
        wanted = select(DagModel.dag_id, DagModel.is_paused).where(is_own, ours, ~DagModel.is_stale)
        found = session.execute(wanted.order_by(DagModel.dag_id)).all()
        return {dag: _dag(session, dag, paused=paused) for dag, paused in found}


def _dag(session: Session, dag: str, *, paused: bool) -> Dag:
    runs, kept = tuple(_runs(session, dag)), SerializedDagModel.get_dag(dag, session=session)
    if kept is None:
        return Dag(dag, paused, runs)
    params = ((name, kept.params.get_param(name)) for name in kept.params)
    declared = (Param.of(name, param.schema, param.value, param.description) for name, param in params)
    return Dag(dag, paused, runs, tuple(declared), first_sentence(kept.doc_md))


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
