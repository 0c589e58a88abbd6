"""Every whole `sluice …` line of README and docs is typed, as a reader would, on a warehouse with data."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from devstack.publisher import Publisher
from sluice import cli, cli_names
from tests.acceptance.conftest import World
from tests.project import test_docs as shown

TRIED_ELSEWHERE: Final = ("stream", "infer", "rejects replay")
"""They end when told to, write a file, want a corrected document: test_stream, test_infer, test_rejects try them."""

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
