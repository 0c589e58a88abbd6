"""One Airflow DAG for each pipeline file in ``dags/pipelines/``."""

from __future__ import annotations

from pathlib import Path

from sluice.airflow_tasks import broken_dag, build_dag
from sluice.errors import ConfigError

for file in sorted((Path(__file__).parent / "pipelines").glob("*.yml")):
    try:
        dag = build_dag(file)
    except ConfigError as error:
        dag = broken_dag(file, error)
    if dag.dag_id in globals():
        clash = ConfigError(f"another file has a pipeline {dag.dag_id} too", fix=f"rename the one in {file.name}")
        dag = broken_dag(file, clash)
    globals()[dag.dag_id] = dag
