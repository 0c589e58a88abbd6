"""Each mistake in the tables of this folder is made in a copy of the repository, where its tests must then fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.mutants.mutants import ROOT, Mutant, mutants

ALL_PASSED, SOME_FAILED = 0, 1  # of pytest's exit codes; others mean that it could not try


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of the tests that were run in a copy."""

    code: int
    tests: int
    failed: int
    broken: int
    output: str


def copy_to(folder: Path) -> Path:
    """The working tree's tracked files: a copy for each mistake, so that no compiled file of another is left in it."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def run(tests: list[str], copy: Path) -> Tried:
    """Run tests in a copy: its own code comes first, also for the processes that they start."""
    report = copy / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *tests]
    code = {"PYTHONPATH": f"{copy / 'plugins'}{os.pathsep}{copy}"}
    done = subprocess.run(command, cwd=copy, env=os.environ | code, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    if not report.exists():
        return Tried(done.returncode, 0, 0, 0, output)
    (suite,) = ET.parse(report).getroot()  # noqa: S314 - written by the process above
    tests_, failed, errors, skipped = (int(suite.attrib[n]) for n in ("tests", "failures", "errors", "skipped"))
    return Tried(done.returncode, tests_, failed, errors + skipped, output)


@pytest.fixture(scope="session")
def healthy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Without a mistake, every test that is to catch one passes."""
    ours = [item for item in request.session.items if item.path == Path(__file__)]
    chosen = [item.callspec.params["mutant"] for item in ours]
    tried = run(
        sorted({test for mutant in chosen for test in mutant.caught_by}), copy_to(tmp_path_factory.mktemp("healthy"))
    )

    assert (tried.code, tried.broken) == (ALL_PASSED, 0), tried.output


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_the_mistake_is_caught(healthy: None, mutant: Mutant, tmp_path: Path) -> None:
    copy = copy_to(tmp_path)
    (copy / mutant.file).write_text(mutant.applied(copy), encoding="utf-8")

    tried = run(list(mutant.caught_by), copy)

    assert tried.code == SOME_FAILED, tried.output
    assert (tried.failed, tried.broken) == (tried.tests, 0), tried.output
