"""The few calls of Airflow's REST API that the demo and the tests need."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from devstack.errors import StackError

FINAL = {"success", "failed"}


class AirflowApi:
    """One logged-in user of one Airflow."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url.rstrip("/")
        login = {"username": user, "password": password}
        self._token = self._send("POST", "/auth/token", login, token="")["access_token"]

    def wait_for_dag(self, dag: str, patience: float = 120.0) -> None:
        """Wait until the DAG was parsed. Raises StackError with its import error, or when the patience ends."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if any(found["dag_id"] == dag for found in self._get("/dags?limit=100")["dags"]):
                return
            if errors := self._get("/importErrors")["import_errors"]:
                raise StackError(f"Airflow cannot import {errors[0]['filename']}: {errors[0]['stack_trace'][-500:]}")
            time.sleep(0.5)
        raise StackError(f"Airflow has no DAG {dag} after {patience:.0f} s")

    def pause(self, dag: str, *, paused: bool) -> None:
        """Pause or unpause; an unpaused DAG runs its latest interval at once."""
        self._send("PATCH", f"/api/v2/dags/{dag}", {"is_paused": paused})

    def trigger(self, dag: str, conf: dict[str, Any] | None = None) -> str:
        """Start a manual run. Returns its id."""
        run = self._send("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "conf": conf or {}})
        return str(run["dag_run_id"])

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """Every run of a DAG, oldest first."""
        found: list[dict[str, Any]] = self._get(f"/dags/{dag}/dagRuns?order_by=run_after&limit=100")["dag_runs"]
        return found

    def run(self, dag: str, run: str) -> dict[str, Any]:
        """One run."""
        return self._get(f"/dags/{dag}/dagRuns/{run}")

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        """The task instances of a run."""
        found: list[dict[str, Any]] = self._get(f"/dags/{dag}/dagRuns/{run}/taskInstances?limit=200")["task_instances"]
        return found

    def mark_failed(self, dag: str, run: str, task: dict[str, Any]) -> None:
        """Mark a task failed, as the button does; a running one is told to end."""
        path = f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task['task_id']}/{task['map_index']}"
        self._send("PATCH", path, {"new_state": "failed"})

    def log(self, dag: str, run: str, task: dict[str, Any]) -> str:
        """The text of a task's newest log."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
        lines = self._get(f"{path}?map_index={task['map_index']}")["content"]
        return "\n".join(line["event"] if isinstance(line, dict) else str(line) for line in lines)

    def _get(self, path: str) -> dict[str, Any]:
        return self._send("GET", f"/api/v2{path}", None)

    def _send(self, method: str, path: str, body: Any, token: str | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        token = self._token if token is None else token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, headers, method=method)  # noqa: S310  our own URL
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise StackError(f"Airflow answered {error.code} to {method} {path}: {error.read()[:300]!r}") from None
        return json.loads(text) if text else {}
