"""Airflow's scan of ``plugins/`` (I10): see ``plugins/.airflowignore``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.routing import Mount

from tests.project import tree

SCAN = """
import json, os, sys
from airflow import plugins_manager, settings

settings.initialize()
plugins_manager.ensure_plugins_loaded()
folder = os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] + "/"
files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
ours = {name: file for name, file in files.items() if file.startswith(folder + "sluice/")}
leaked = {name: file for name, file in ours.items() if name.partition(".")[0] != "sluice"}

heavy = {"fastapi", "sluice.page.airflow_app", "sluice.pipeline"} & set(sys.modules)
found = plugins_manager._get_plugins()[0]
plugins = [plugin.name for plugin in found if not plugin.__module__.startswith("airflow.providers.")]

import smtplib  # the standard library is whole
import sluice.errors  # and the package can be imported

print(json.dumps({"leaked": leaked, "errors": plugins_manager.get_import_errors(), "plugins": plugins,
    "heavy": sorted(heavy)}))
"""


def scan(plugins: Path, home: Path) -> dict[str, Any]:
    output = tree.python(SCAN, home, AIRFLOW__CORE__PLUGINS_FOLDER=str(plugins))
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


def test_the_scan_finds_the_page_and_executes_no_module_of_the_package(tmp_path: Path) -> None:
    found = scan(tree.ROOT / "plugins", tmp_path)

    # Every component scans: the page is imported by the first who asks for it.
    assert found == {"leaked": {}, "errors": {}, "plugins": ["sluice"], "heavy": []}


def test_without_the_ignore_file_it_would(tmp_path: Path) -> None:
    plugins = tmp_path / "plugins"
    shutil.copytree(tree.ROOT / "plugins", plugins, ignore=shutil.ignore_patterns(".airflowignore", "__pycache__"))

    assert "errors" in scan(plugins, tmp_path)["leaked"]


def test_the_page_refuses_strangers_everywhere_and_changes_nothing() -> None:
    """Airflow does not protect what a plugin mounts."""
    from sluice.page.airflow_app import app

    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    others = [route.path for route in app.routes if isinstance(route, Mount)]
    stranger = TestClient(app)

    assert others == ["/static"]
    assert len(routes) + 1 == len(app.routes) > 2  # none of FastAPI's own: no docs, no schema
    assert [route.path for route in routes if route.methods != {"GET"}] == []
    app.add_api_route("/tomorrow", lambda: "everything")  # who adds a page need not think of it
    try:
        for path in [route.path.format(dag_id="publishing") for route in routes] + ["/tomorrow"]:
            answer = stranger.get(path)
            assert answer.status_code == 401, path
            assert "Log in to Airflow" in answer.text
    finally:
        del app.router.routes[-1]


def test_who_may_not_read_a_dag_sees_nothing_of_its_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    """By Airflow's own word, asked for each DAG. What it lets through, a browser tries: `make test-browser`."""
    from airflow.api_fastapi.core_api import security
    from airflow.models.dag import DagModel

    from sluice.page import airflow_rights
    from sluice.page.airflow_app import app

    asked = []

    class DenyAll:
        def is_authorized_dag(self, **what: Any) -> bool:
            asked.append((what["method"], what["details"].id, what["user"]))
            return False

    for module in (security, airflow_rights):
        monkeypatch.setattr(module, "get_auth_manager", DenyAll)
    monkeypatch.setattr(DagModel, "get_team_name", lambda *_, **__: None)
    monkeypatch.setitem(app.dependency_overrides, security.get_user, lambda: "somebody")
    visitor = TestClient(app)

    assert visitor.get("/pipelines/publishing").status_code == 403
    page = visitor.get("/")
    assert page.status_code == 200
    assert "There is no pipeline here that you may read" in page.text
    assert "/pipelines/" not in page.text
    assert asked == [("GET", "publishing", "somebody")] * 2
