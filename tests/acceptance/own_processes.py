"""Let ``dag.test()`` run each task as a worker does: in a process of its own, forked, and ended without ceremony."""

from __future__ import annotations

from typing import Any
from uuid import UUID


def use() -> None:
    """From now on, in this process."""
    from airflow.sdk.definitions import dag

    dag._run_task = _run  # type: ignore[assignment]  # there is no setting for it


def _run(*, ti: Any, task: Any, run_triggerer: bool = False) -> None:
    from airflow.executors.workloads.base import BundleInfo
    from airflow.sdk.api.datamodels._generated import TaskInstance
    from airflow.sdk.execution_time.supervisor import InProcessTestSupervisor, supervise_task
    from airflow.utils.state import TaskInstanceState

    ti.set_state(TaskInstanceState.QUEUED)
    names = {name: getattr(ti, name) for name in ("task_id", "dag_id", "run_id", "try_number", "map_index")}
    supervise_task(
        ti=TaskInstance(id=UUID(str(ti.id)), dag_version_id=UUID(str(ti.dag_version_id)), **names),
        bundle_info=BundleInfo(name="dags-folder"),
        dag_rel_path="pipelines.py",
        token="",
        client=InProcessTestSupervisor._api_client(task.dag),
        subprocess_logs_to_stdout=True,
    )
