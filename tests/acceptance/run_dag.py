"""Run one DAG of a folder through ``dag.test()``, and print what became of it as one line of JSON.

    python -m tests.acceptance.run_dag FOLDER DAG_ID [CONF]

With RUN_DAG_IN_PROCESSES set each task has a process of its own, as on a worker.
A process, because Airflow reads its configuration when it is first imported.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.acceptance import own_processes


def main() -> None:
    """Make Airflow's database in its home, load the DAG, run it."""
    folder, dag_id = Path(sys.argv[1]), sys.argv[2]
    conf = json.loads(sys.argv[3]) if len(sys.argv) > 3 else None
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(folder)

    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.utils.db import initdb

    initdb()
    if os.environ.get("RUN_DAG_IN_PROCESSES"):
        own_processes.use()
    bag = BundleDagBag(dag_folder=str(folder), bundle_path=folder, bundle_name="dags-folder")
    if dag_id not in bag.dags:
        raise SystemExit(f"no DAG {dag_id}: {sorted(bag.dags)}, {bag.import_errors}")
    run = bag.dags[dag_id].test(run_conf=conf)
    print(
        "RESULT",
        json.dumps({"state": str(run.state), "tasks": _tasks(run), "events": _events(), "dags": sorted(bag.dags)}),
    )


def _tasks(run: Any) -> list[dict[str, Any]]:
    return [
        {"id": ti.task_id, "index": ti.map_index, "state": str(ti.state), "label": ti.rendered_map_index}
        for ti in run.get_task_instances()
    ]


def _events() -> list[dict[str, Any]]:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return [{"asset": event.uri, **event.extra} for event in session.scalars(select(AssetEvent))]


if __name__ == "__main__":
    main()
