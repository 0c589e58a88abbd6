"""The maintenance of each pipeline file in ``dags/pipelines/``: DAGs with schedules of their own."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sluice.airflow_cleanup import build_cleanup_dag
from sluice.airflow_vacuum import build_vacuum_dag
from sluice.errors import ConfigError

for file in sorted((Path(__file__).parent / "pipelines").glob("*.yml")):
    for build in (build_cleanup_dag, build_vacuum_dag):
        with suppress(ConfigError):  # pipelines.py shows what is wrong with a file
            dag = build(file)
            globals()[dag.dag_id] = dag
