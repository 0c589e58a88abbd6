"""Airflow with the local executor and SQLite: four processes, as in production.

Not ``airflow standalone``: SIGTERM ends that, and leaves its children behind with their ports.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar

from devstack import host
from devstack.errors import StackError
from devstack.files import last_words, write_private
from devstack.servers.base import Address, Environment, Place, Server

ROOT = Path(__file__).parents[2]
_USER = "admin"
# The log servers would listen on every interface. All processes share one folder of logs: nobody needs them.
_PROCESSES = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
_SETTINGS = {
    "CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "CORE__LOAD_EXAMPLES": "False",
    "CORE__EXECUTOR": "LocalExecutor",
    "CORE__PARALLELISM": "4",
    "CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # the default asks the DNS, which may not be there
    "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{_USER}:admin",
    "API__HOST": host.LOOPBACK,
    "DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
    "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
    "DAG_PROCESSOR__PRINT_STATS_INTERVAL": "0",
    "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",  # 0.4 s instead of 1.1 s from one task to the next
    # Nobody listens there (see _PROCESSES), and no other Airflow of this machine must be asked for our logs.
    "LOGGING__WORKER_LOG_SERVER_PORT": "1",
    "LOGGING__TRIGGER_LOG_SERVER_PORT": "1",
}
_HEARTS = ("scheduler", "dag_processor", "triggerer")


class Airflow(Server):
    """``dags``: the folder of DAG files; the repository's by default."""

    name = "airflow"
    external = "SLUICE_EXTERNAL_AIRFLOW_URL"
    external_form = "http[s]://user:password@host:port"
    secrets: ClassVar[Mapping[str, int]] = {"password": 12, "jwt": 64, "session": 32}
    optional = True
    patience = 180.0

    def __init__(self, dags: Path = ROOT / "dags") -> None:
        self.dags = dags

    def check(self) -> None:
        host.require_package("airflow", "apache-airflow", self.external)

    def prepare(self, place: Place) -> None:
        place.folder.mkdir(parents=True, exist_ok=True)
        write_private(place.folder / "passwords.json", json.dumps({_USER: place.secrets["password"]}))
        version, done = importlib.metadata.version("apache-airflow-core"), place.folder / "migrated"
        if not done.exists() or done.read_text() != version:
            self._migrate(place)
            write_private(done, version)

    def _migrate(self, place: Place) -> None:
        log = place.folder / "migrate.log"
        environment = {**place.environment, **self.variables(place)}
        with log.open("wb") as output:
            command = [sys.executable, "-m", "airflow", "db", "migrate"]
            done = subprocess.run(command, env=environment, stdout=output, stderr=output, check=False)
        if done.returncode:
            raise StackError(f"Airflow's database could not be made: {last_words(log)} (log: {log})")

    def commands(self, place: Place) -> Mapping[str, list[str]]:
        return {name: [sys.executable, "-m", "airflow", *words] for name, words in _PROCESSES.items()}

    def variables(self, place: Place) -> Environment:
        # Its connections, and nothing else of the stack: a DAG that took a key from elsewhere would fail in production.
        return {name: value for name, value in place.exports.items() if name.startswith("AIRFLOW")}

    def url(self, place: Place) -> str:
        return f"http://{_USER}:{place.secrets['password']}@{host.LOOPBACK}:{place.port}"

    def settle(self, place: Place, since: float) -> None:
        # A heart that stopped is called healthy for another 30 s: only beats after the start count.
        health = _health(self.url(place))
        for heart in _HEARTS:
            beat = health[heart][f"latest_{heart}_heartbeat"]
            if not beat or datetime.fromisoformat(beat).timestamp() < since:
                raise StackError(f"the {heart} has not started yet")

    def ready(self, url: str) -> None:
        unwell = [name for name, part in _health(url).items() if part["status"] != "healthy"]
        if unwell:
            raise StackError(f"not healthy: {', '.join(unwell)}")

    def exports(self, url: str) -> Environment:
        at = Address.of(url)
        return {"AIRFLOW_URL": at.base, "AIRFLOW_USER": at.user, "AIRFLOW_PASSWORD": at.password}

    def own_exports(self, place: Place) -> Environment:
        home, base = place.folder, Address.of(self.url(place)).base
        settings = _SETTINGS | {
            "CORE__DAGS_FOLDER": str(self.dags),
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
            "API__PORT": str(place.port),
            "API__BASE_URL": base,
            "API__SECRET_KEY": place.secrets["session"],
            "API_AUTH__JWT_SECRET": place.secrets["jwt"],
            # SQLite has one writer at a time; the default wait of 5 s is too short for a busy machine.
            "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db?timeout=30",
            "DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(home / "bundles"),  # not /tmp/airflow
        }
        return {"AIRFLOW_HOME": str(home)} | {f"AIRFLOW__{name}": value for name, value in settings.items()}


def _health(url: str) -> dict[str, Any]:
    status, said = Address.of(url).get("/api/v2/monitor/health")
    if status != HTTPStatus.OK:
        raise StackError(f"Airflow answered {status}: {said[:200]}")
    health: dict[str, Any] = json.loads(said)
    return health
