"""The repository as the tests of this folder see it: its files, its code, and how it is run."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "plugins" / "sluice"

HEAVY = ("pymongo", "pyarrow", "boto3", "botocore", "clickhouse_connect", "redshift_connector", "chdb")
"""What costs seconds or much memory to import: never at the start of a DAG file or of the command line (I10)."""


@cache
def files(pattern: str = "*") -> list[Path]:
    """What is, or on the next ``git add`` would be, in the repository and matches a pattern of ``Path.match``."""
    listed = git("ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    found = [ROOT / name for name in listed if name and (ROOT / name).is_file()]
    return sorted(file for file in found if file.match(pattern))


def python_files(folder: Path) -> list[Path]:
    """The repository's Python files below a folder."""
    return [file for file in files("*.py") if file.is_relative_to(folder)]


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def name_of(file: Path) -> str:
    """A file as a person names it: from the repository's root."""
    return str(file.relative_to(ROOT))


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def imported(tree: ast.AST) -> set[str]:
    """Every module that is imported somewhere below ``tree``: ``from a import b`` gives ``a`` and ``a.b``."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def roots(modules: set[str]) -> set[str]:
    """Top-level names of modules."""
    return {module.partition(".")[0] for module in modules}


def python(code: str, folder: Path, **environment: str) -> str:
    """Run code in an interpreter of its own, with an empty Airflow home and the repository's plugins; its output."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    settings = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(
        command, env=clean | settings | environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout
