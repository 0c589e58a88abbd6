"""Who may import what: a pure core, thin edges, and starts that cost nothing."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest

from tests.project import tree

PURE = ("spec", "columns", "conform", "window", "manifest", "errors", "values", "keys", "infer.census")
OUTSIDE = {"bson", "pyarrow", "xxhash"}
"""Libraries of a pure module: they compute, and talk to nobody."""

IO_MODULES = {
    *("os", "io", "socket", "ssl", "select", "selectors", "subprocess", "multiprocessing", "threading", "asyncio"),
    *(
        "http",
        "urllib",
        "ftplib",
        "smtplib",
        "sqlite3",
        "shutil",
        "tempfile",
        "glob",
        "logging",
        "time",
        "random",
        "secrets",
    ),
}
"""What reads the world: files, networks, clocks, chance."""

IO_CALLS = {"open", "read_text", "write_text", "read_bytes", "write_bytes", "print", "input", "now", "utcnow", "today"}


def module_file(name: str) -> Path | None:
    """The file of ``sluice.x.y``, or None when that is a name inside a module."""
    path = tree.ROOT / "plugins" / Path(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def closure(file: Path) -> set[Path]:
    """A module and every module of the package that it imports, directly or not."""
    found, todo = set(), [file]
    while todo:
        if (current := todo.pop()) not in found:
            found.add(current)
            ours = (name for name in tree.imported(tree.parsed(current)) if name.startswith("sluice."))
            todo += [each for each in map(module_file, ours) if each]
    return found


def calls(file: Path) -> set[str]:
    """The last name of everything that a module calls."""
    functions = (node.func for node in ast.walk(tree.parsed(file)) if isinstance(node, ast.Call))
    return {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in functions}


def pure_files() -> list[Path]:
    return sorted({file for name in PURE for file in closure(tree.PACKAGE / f"{name.replace('.', '/')}.py")})


@pytest.mark.parametrize("file", pure_files(), ids=tree.name_of)
def test_the_pure_core_imports_nothing_that_does_io(file: Path) -> None:
    imported = tree.roots(tree.imported(tree.parsed(file)))

    assert imported & IO_MODULES == set()
    assert imported - set(sys.stdlib_module_names) - {"sluice"} <= OUTSIDE


@pytest.mark.parametrize("name", ["actions", "chart", "freshness", "known", "views", "words"])
def test_what_the_page_shows_is_made_without_io(name: str) -> None:
    """Of what others define it imports the records."""
    file = tree.PACKAGE / "page" / f"{name}.py"

    assert tree.roots(tree.imported(tree.parsed(file))) & (IO_MODULES | {"airflow", "fastapi"}) == set()
    assert calls(file) & IO_CALLS == set()


@pytest.mark.parametrize("file", pure_files(), ids=tree.name_of)
def test_the_pure_core_calls_nothing_that_does_io(file: Path) -> None:
    assert calls(file) & IO_CALLS == set()


def test_only_the_tasks_and_the_page_import_airflow() -> None:
    importing = [
        tree.name_of(file)
        for file in tree.python_files(tree.PACKAGE)
        if "airflow" in tree.roots(tree.imported(tree.parsed(file)))
    ]

    assert "plugins/sluice/airflow_tasks.py" in importing
    assert [name for name in importing if not name.rpartition("/")[2].startswith("airflow_")] == []


def test_imports_are_absolute() -> None:
    """A relative import breaks when Airflow's scan executes a file by its bare name."""
    relative = [
        f"{tree.name_of(file)}:{node.lineno}"
        for file in tree.files("*.py")
        for node in ast.walk(tree.parsed(file))
        if isinstance(node, ast.ImportFrom) and node.level
    ]

    assert relative == []


START = """
import contextlib, io, json, sys
from sluice import cli
with contextlib.redirect_stdout(io.StringIO()):
    cli.app(["--help"], standalone_mode=False)
    cli.app(["run", "--help"], standalone_mode=False)
print(json.dumps(sorted(sys.modules)))
"""


def test_the_command_line_starts_without_airflow_and_without_anything_heavy(tmp_path: Path) -> None:
    output = tree.python(START, tmp_path, PYTHONPATH=str(tree.PACKAGE.parent))
    modules = set(json.loads(output.splitlines()[-1]))

    assert tree.roots(modules) & {"airflow", "pandas", "numpy", "sqlalchemy", *tree.HEAVY} == set()
