"""What a visitor may see and do: Airflow's own answer, for each DAG. Imports Airflow.

These functions of Airflow's API server are not declared public; the version of Airflow is pinned.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.models.dag import DagModel

from sluice.page.known import Rights


def rights(user: Any, dag: str, starts: Iterable[str]) -> Rights:
    """What a user may do with a pipeline's DAG, and of which DAGs they may start runs."""
    seen = [allowed(user, "GET", dag, entity) for entity in (DagAccessEntity.RUN, DagAccessEntity.TASK_INSTANCE)]
    return Rights(
        runs=all(seen),
        logs=allowed(user, "GET", dag, DagAccessEntity.TASK_LOGS),
        start=frozenset(each for each in starts if allowed(user, "POST", each, DagAccessEntity.RUN)),
    )


def allowed(user: Any, method: Any, dag: str, entity: DagAccessEntity | None = None) -> bool:
    """Whether Airflow would let a user do this with a DAG, or with what belongs to it."""
    details = DagDetails(id=dag, team_name=DagModel.get_team_name(dag))
    return get_auth_manager().is_authorized_dag(method=method, access_entity=entity, details=details, user=user)
