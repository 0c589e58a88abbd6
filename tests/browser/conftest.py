"""A real Airflow with the page, three pipelines, and somebody who looks at it with a browser.

``publishing`` is published to ClickHouse by runs of its DAG, ``journals`` to the stand-in for Redshift by the command
line's way, and the warehouse of ``archive`` accepts every connection and never says a word.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from devstack.airflow_api import FINAL, AirflowApi
from devstack.files import write_private
from devstack.publisher import Publisher, shares
from devstack.servers import SERVERS, Airflow
from devstack.servers.base import Environment, Place
from devstack.servers.connection import connection
from devstack.stack import Stack
from sluice import cleanup, vacuum
from sluice import pipeline as spine
from sluice.pipeline_file import load_pipeline
from sluice.settings import from_environment
from tests.browser.chromium import Chromium, find

ROOT = Path(__file__).parents[2]
HOSTILE = "<img src=x onerror='window.hacked = 1'>"
"""The key of a rejected document."""
CHECKS = {
    "documents": "[{not_null: [title, price], severity: warn}]",
    "tickets": "[{accepted_values: {column: status, values: [Started, InProgress, Finished, Error]}}, {unique: _id}]",
}
"""The publisher's mess leaves documents without a price."""
BATCHES = 4
"""Runs of the DAG before anybody looks."""
PATIENCE = 600
"""Seconds that a run may take, also on a machine that has other work."""
ROLES = {"admin": "admin", "vera": "viewer"}


class OurAirflow(Airflow):
    """With a user who may only look, and a connection to ``silent``: a port where nobody speaks."""

    def __init__(self, dags: Path, silent: int) -> None:
        super().__init__(dags)
        self._silent = silent

    def prepare(self, place: Place) -> None:
        super().prepare(place)
        write_private(place.folder / "passwords.json", json.dumps(dict.fromkeys(ROLES, place.secrets["password"])))

    def own_exports(self, place: Place) -> Environment:
        users = ",".join(f"{name}:{role}" for name, role in ROLES.items())
        return {
            **super().own_exports(place),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": users,
            "AIRFLOW_CONN_SILENT": connection("clickhouse", host="127.0.0.1", port=self._silent, login="x"),
        }


@dataclass
class Site:
    """Where the page is, and Airflow's API as each user. ``base``: Airflow's address."""

    base: str
    password: str
    mongo: MongoClient[dict[str, Any]]
    pipelines: dict[str, Any]

    def api(self, user: str = "admin") -> AirflowApi:
        return AirflowApi(self.base, user, self.password)

    def run(self, conf: dict[str, Any] | None = None) -> None:
        """A run of the DAG of ``publishing``, to its end."""
        self.ended(self.api().trigger("publishing", conf))

    def ended(self, run: str, state: str = "success") -> dict[str, Any]:
        """Wait for a run. It has to end so."""
        api, deadline = self.api(), time.monotonic() + PATIENCE
        while (found := api.run("publishing", run))["state"] not in FINAL:
            assert time.monotonic() < deadline, found
            time.sleep(0.5)
        assert found["state"] == state, found
        return found


@pytest.fixture(scope="session")
def silent() -> Iterator[int]:
    """A port that takes connections, and nobody reads them."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


@pytest.fixture(scope="session")
def site(silent: int) -> Iterator[Site]:
    if find() is None:
        pytest.skip("no Chromium here: install the package chromium, or name a browser's program in CHROMIUM")
    folder = Path(tempfile.mkdtemp(prefix="sluice-browser-"))
    files = _write_dags(folder / "dags")
    servers = [OurAirflow(folder / "dags", silent) if isinstance(each, Airflow) else each for each in SERVERS]
    stack = Stack(folder / "stack", servers=servers)
    try:
        stack.up()
        with pytest.MonkeyPatch.context() as patch:
            env = stack.env()
            for name, value in env.items():
                patch.setenv(name, value)
            with MongoClient[dict[str, Any]](env["MONGO_URL"], tz_aware=True) as mongo:
                site = Site(env["AIRFLOW_URL"], env["AIRFLOW_PASSWORD"], mongo, files)
                _fill(site)
                yield site
    finally:
        stack.down()
        shutil.rmtree(folder)


def _write_dags(folder: Path) -> dict[str, Path]:
    shutil.copytree(ROOT / "dags", folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / "pipelines" / "publishing.yml").read_text().replace('schedule: "*/5 * * * *"', "schedule: null")
    own = "{kind: clickhouse, conn_id: warehouse, schema: publishing}"
    assert own in text
    for collection, checks in CHECKS.items():
        beginning = f"  {collection}:\n"
        assert beginning in text
        text = text.replace(beginning, f"{beginning}    checks: {checks}\n", 1)
    kinds = {
        "publishing": own,
        "journals": "{kind: redshift, conn_id: redshift, schema: journals}",
        "archive": "{kind: clickhouse, conn_id: silent, schema: archive}",
    }
    files = {name: folder / "pipelines" / f"{name}.yml" for name in kinds}
    for name, warehouse in kinds.items():
        copy = text.replace(own, warehouse).replace("pipeline: publishing", f"pipeline: {name}")
        files[name].write_text(copy.replace("database: publishing", f"database: {name}"))
    return files


def _fill(site: Site) -> None:
    api = site.api()
    for name in ("publishing", "journals", "archive", "publishing.reconcile"):
        api.wait_for_dag(name)
    api.pause("publishing", paused=False)
    publishing = Publisher(site.mongo, "publishing", seed=1, mess=shares(0.002))
    publishing.seed(documents=20_000, tickets=40_000)
    now = datetime.now(UTC)
    hostile = {"_id": HOSTILE, "topic": 5, "created_at": now, "updated_at": now, "<b>bold</b>": 1}
    site.mongo["publishing"]["documents"].insert_one(hostile)
    site.run()
    for _ in range(BATCHES - 1):
        publishing.burst(inserts=400, updates=900)
        site.run()
    _clean_up(site)
    _fill_journals(site)


def _clean_up(site: Site) -> None:
    """As if everything but the last batch were old."""
    pipeline = load_pipeline(site.pipelines["publishing"])
    pipeline = replace(pipeline, landing=replace(pipeline.landing, retention=timedelta(0)))
    with cleanup.connect(pipeline, from_environment) as tools:
        cleanup.run(pipeline, tools)
    vacuum.vacuum(pipeline, from_environment, vacuum.Order(timedelta(minutes=1), timedelta(0)))


def _fill_journals(site: Site) -> None:
    pipeline = load_pipeline(site.pipelines["journals"])
    journals = Publisher(site.mongo, "journals", seed=2, mess=shares(0.002))
    journals.seed(documents=2_000, tickets=4_000)
    with spine.connect(pipeline, from_environment) as systems:
        for _ in range(4):
            spine.run(pipeline, systems)
            journals.burst(inserts=50, updates=100)


@pytest.fixture(scope="session")
def chromium(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    program = find()
    assert program is not None
    with Chromium(program, tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def visit(site: Site, chromium: Chromium) -> Iterator[Callable[..., Chromium]]:
    """Open a page as somebody: ``visit("vera", "/sluice/")``; as nobody: ``visit("", …)``.

    Afterwards the browser must have had nothing to say against any page.
    """

    def go(user: str, path: str, *, width: int = 1440, scheme: str = "light") -> Chromium:
        chromium.dress(width, scheme)
        chromium.log_in(site.base, site.api(user)._token if user else "")
        chromium.open(site.base + path)
        return chromium

    chromium.complaints()
    yield go
    assert chromium.complaints() == []


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go: SCREENSHOTS, if it is set."""
    named = os.environ.get("SCREENSHOTS")
    return (ROOT / named) if named else tmp_path_factory.mktemp("pictures")
