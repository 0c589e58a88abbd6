"""Airflow's scan of ``plugins/`` (I10): see ``plugins/.airflowignore``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

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
    """Airflow does not protect what a plugin mounts. Who may read what, a browser tries: `make test-browser`."""
    from sluice.page.airflow_app import app

    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    stranger = TestClient(app)

    assert len(routes) == len(app.routes) > 2  # none of FastAPI's own: no docs, no schema
    assert [route.path for route in routes if route.methods != {"GET"}] == []
    for route in routes:
        answer = stranger.get(route.path.format(dag_id="publishing", name="page.css"))
        assert answer.status_code == 401, route.path
        assert "Log in to Airflow" in answer.text
