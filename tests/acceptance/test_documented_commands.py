"""Every whole `sluice …` line of README and docs is typed, as a reader would, on a warehouse with data."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from devstack.publisher import Publisher
from sluice import cli, cli_names
from tests.acceptance.conftest import ROOT, World
from tests.project import test_docs as shown

TRIED_ELSEWHERE: Final = ("stream", "infer", "rejects replay", "run mine", "verify mine")
"""They end when told to, write a file, want a corrected document: test_stream, test_infer, test_rejects try them. The
last two want what was imported: the test of one's own collection below."""

STANDS_FOR: Final = {
    "<pipeline>": "publishing",
    "PIPELINE": "publishing",
    "COLLECTION": "documents",
    "<collection>": "documents",
    "<key>": "misfit",
}


PART_OF_A_COMMAND: Final = 2
"""The exit code where arguments are missing: a sentence speaks of an option. That it exists is tested with the docs."""


def documented() -> list[str]:
    """Every command line, once, in an order in which there is something to see."""
    lines = {
        tuple(words) for file in shown.documents() for program, words in shown.commands(file) if program == "sluice"
    }
    typed = {" ".join(STANDS_FOR.get(word, word) for word in words) for words in lines}
    return ["migrate up", "run publishing", *sorted(line for line in typed if not line.startswith(TRIED_ELSEWHERE))]


@pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
def test_every_documented_command_works(publishing: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Publisher(publishing.database.client, publishing.database.name, seed=4).seed(documents=20, tickets=40)
    publishing.database.documents.insert_one({"_id": "misfit", "title": 7})
    monkeypatch.setattr(cli_names, "FOLDER", tmp_path / "pipelines")
    cli_names.FOLDER.mkdir()
    shutil.copy(publishing.file, cli_names.FOLDER / "publishing.yml")

    done = {line: CliRunner().invoke(cli.app, line.split()) for line in documented()}

    whole = {line: result for line, result in done.items() if result.exit_code != PART_OF_A_COMMAND}
    assert len(whole) > 15
    assert "published" in done["run publishing"].output
    assert {line: (result.exception, result.output) for line, result in whole.items() if result.exit_code} == {}


ON_REDSHIFT: Final = {"sluice infer": " --warehouse redshift", "make sql": " WAREHOUSE=redshift"}


def own_collection(warehouse: str) -> list[str]:
    """What README types for a collection of one's own; without the shell, which a test is."""
    section = (ROOT / "README.md").read_text().partition("## Your own collection")[2]
    lines = [
        line.partition(" #")[0].strip() for line in re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[0].splitlines()
    ]
    more = ON_REDSHIFT if warehouse == "redshift" else {}
    return [line + more.get(" ".join(line.split()[:2]), "") for line in lines if line != "make shell"]


def types(line: str) -> str:
    """What a line answers. The servers and the environment are there, and not made."""
    program, *words = shlex.split(line)
    if program == "sluice":
        done = CliRunner().invoke(cli.app, words)
        assert done.exit_code == 0, (line, done.output, done.exception)
        return done.output
    made = [f"--old-file={target}" for target in ("up", f"{sys.prefix}/.ready")]
    command = ["make", "--no-print-directory", *made, f"VENV={sys.prefix}", *words]  # the tests may be made by make
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def test_a_collection_of_ones_own_arrives_as_readme_says(
    stack_env: dict[str, str], mongo: Any, warehouse_kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [
        {"_id": {"$oid": f"{n:024x}"}, "name": f"student {n}", "scores": [{"score": 1.5}] * n} for n in range(9)
    ]
    (tmp_path / "students.json").write_text("\n".join(map(json.dumps, documents)))
    monkeypatch.setenv("HOME", str(tmp_path))
    for module in (cli, cli_names):
        monkeypatch.setattr(module, "FOLDER", tmp_path)
    mongo.drop_database("mine")

    *_, answer = map(types, own_collection(warehouse_kind))

    assert "student 1" in answer
    query = "SELECT count(*) AS rows, count(DISTINCT parent_id) AS parents FROM mine.students_scores"
    scores = types(f"make sql SQL='{query}'" + ON_REDSHIFT["make sql"] * (warehouse_kind == "redshift"))
    assert scores.split() == ["rows", "parents", "36", "8"]
    assert "yes" in types("sluice verify mine")
