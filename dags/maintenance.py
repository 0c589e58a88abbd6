"""The maintenance of each pipeline file in ``dags/pipelines/``: DAGs with schedules of their own."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sluice.airflow_cleanup import build_cleanup_dag
from sluice.errors import ConfigError

for file in sorted((Path(__file__).parent / "pipelines").glob("*.yml")):
    with suppress(ConfigError):  # pipelines.py shows what is wrong with a file
        dag = build_cleanup_dag(file)
        globals()[dag.dag_id] = dag
