"""Airflow's scan of ``plugins/`` (I10): see ``plugins/.airflowignore``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

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

import smtplib  # the standard library is whole
import sluice.errors  # and the package can be imported

print(json.dumps({"leaked": leaked, "errors": plugins_manager.get_import_errors()}))
"""


def scan(plugins: Path, home: Path) -> dict[str, Any]:
    output = tree.python(SCAN, home, AIRFLOW__CORE__PLUGINS_FOLDER=str(plugins))
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


def test_the_scan_executes_no_module_of_the_package(tmp_path: Path) -> None:
    assert scan(tree.ROOT / "plugins", tmp_path) == {"leaked": {}, "errors": {}}


def test_without_the_ignore_file_it_would(tmp_path: Path) -> None:
    plugins = tmp_path / "plugins"
    shutil.copytree(tree.ROOT / "plugins", plugins, ignore=shutil.ignore_patterns(".airflowignore", "__pycache__"))

    assert "errors" in scan(plugins, tmp_path)["leaked"]
