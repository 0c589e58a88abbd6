"""The reconcile of each pipeline file in ``dags/pipelines/``, as a DAG of its own."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sluice.airflow_reconcile import build_reconcile_dag
from sluice.errors import ConfigError

for file in sorted((Path(__file__).parent / "pipelines").glob("*.yml")):
    with suppress(ConfigError):  # pipelines.py shows what is wrong with a file
        dag = build_reconcile_dag(file)
        globals()[dag.dag_id] = dag
