"""What the documentation says can be typed and opened is there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from sluice.cli import app
from sluice.pipeline_file import load_pipeline
from tests.project import tree

LONGEST = {
    "README.md": 140,
    "docs/architecture.md": 150,
    "docs/runbook.md": 250,
    "docs/deployment.md": 130,
    "CONTRIBUTING.md": 120,
}
LONGEST_ADR = 60

CODE = re.compile(r"```.*?\n(.*?)```|`([^`\n]+)`", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
ENDING = r"(?:\.(?:py|md|sql|yml|yaml|toml|txt|lock|json)|/)"
PATH = re.compile(rf"(?<![\w./<{{$-])((?:[\w.-]+/)*[\w.-]+{ENDING})(?![\w/<{{*-])")
COMMAND = re.compile(r"(?:^|[\s;&|(/`])(make|sluice|python -m devstack\S*)((?: +[\w./:=<>\[\]-]+)*)")
ON_S3 = {"manifest.json", "part-00000.parquet", "rejects.bson.gz"}
MADE = (".venv/", ".devstack/")
"""What commands make."""


def documents() -> list[Path]:
    return tree.files("*.md")


def code(file: Path) -> str:
    """The code blocks and code words of a document, one a line."""
    found = CODE.findall(file.read_text(encoding="utf-8"))
    return "\n".join(block or word for block, word in found)


def commands(file: Path) -> list[tuple[str, list[str]]]:
    """Every command line in a document that is ours: program, words."""
    lines = (line.partition(" #")[0] for line in code(file).splitlines())
    return [(program, rest.split()) for line in lines for program, rest in COMMAND.findall(line)]


@cache
def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (tree.ROOT / "Makefile").read_text(), re.MULTILINE))


@cache
def help_of(module: str) -> str:
    """The help of ``python -m devstack`` and of what stands beside it."""
    command = [sys.executable, "-m", module, "--help"]
    return subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=True).stdout


def sluice_problem(words: list[str]) -> str | None:
    """What is wrong with a ``sluice …`` line; placeholders and arguments are not judged."""
    command: Any = typer.main.get_command(app)
    for word in words:
        if hasattr(command, "commands") and not word.startswith("-"):
            if word not in command.commands:
                return f"no command {word!r}"
            command = command.commands[word]
        elif word.startswith("--"):
            known = {option for each in command.params for option in each.opts} | {"--help"}
            if word.partition("=")[0] not in known:
                return f"no option {word!r}"
    return None


def problem(program: str, words: list[str]) -> str | None:
    if program == "make":
        unknown = [w for w in words[:1] if "=" not in w and w not in targets()]
        return f"no target {unknown[0]!r}" if unknown else None
    if program == "sluice":
        return sluice_problem(words)
    missing = [w for w in words if re.fullmatch(r"[a-z-]+", w) and w not in help_of(program.rsplit(maxsplit=1)[-1])]
    return f"no command {missing[0]!r}" if missing else None


@pytest.mark.parametrize("file", documents(), ids=tree.name_of)
def test_commands_exist(file: Path) -> None:
    wrong = {f"{p} {' '.join(w)}": said for p, w in commands(file) if (said := problem(p, w))}

    assert wrong == {}


@pytest.mark.parametrize("file", documents(), ids=tree.name_of)
def test_linked_files_exist(file: Path) -> None:
    links = [link for link in LINK.findall(file.read_text(encoding="utf-8")) if "://" not in link]

    assert [link for link in links if not (file.parent / link).exists()] == []


@pytest.mark.parametrize("file", documents(), ids=tree.name_of)
def test_files_that_are_named_exist(file: Path) -> None:
    words = [word for _, word in CODE.findall(file.read_text(encoding="utf-8")) if word and "://" not in word]
    named = {path for word in words for path in PATH.findall(word) if not path.startswith(MADE)} - ON_S3
    homes = (tree.ROOT, file.parent, tree.PACKAGE, tree.PACKAGE.parent)

    assert sorted(path for path in named if not any((home / path).exists() for home in homes)) == []


def pipeline_files() -> list[str]:
    """Every pipeline file that a document shows whole."""
    blocks = [block for file in documents() for block, _ in CODE.findall(file.read_text(encoding="utf-8"))]
    return [block for block in blocks if re.search(r"^pipeline:", block, re.MULTILINE)]


@pytest.mark.parametrize("text", pipeline_files())
def test_pipeline_files_that_are_shown_can_be_loaded(text: str, tmp_path: Path) -> None:
    file = tmp_path / "shown.yml"
    file.write_text(text)

    assert load_pipeline(file).collections


def test_every_key_of_a_pipeline_file_is_described() -> None:
    schema = json.loads((tree.ROOT / "dags" / "pipelines" / "schema.json").read_text())
    keys = {key for section in (schema, *schema["$defs"].values()) for key in section.get("properties", ())}
    text = (tree.ROOT / "docs" / "pipeline-file.md").read_text()

    assert {key for key in keys if f"`{key}`" not in text} == set()


@pytest.mark.parametrize(("name", "longest"), LONGEST.items())
def test_a_document_is_short_enough_to_be_read(name: str, longest: int) -> None:
    assert len((tree.ROOT / name).read_text(encoding="utf-8").splitlines()) <= longest


@pytest.mark.parametrize("file", [f for f in documents() if f.parent.name == "adr"], ids=tree.name_of)
def test_a_decision_is_short_and_has_context_decision_and_consequences(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()

    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", file.name)
    assert len(lines) <= LONGEST_ADR
    assert [line for line in lines if line.startswith("## ")] == ["## Context", "## Decision", "## Consequences"]


def test_decisions_are_numbered_without_a_gap_in_their_names_and_headings() -> None:
    files = sorted(file for file in documents() if file.parent.name == "adr")
    headings = [file.read_text(encoding="utf-8").partition(". ")[0] for file in files]

    assert [int(file.name[:4]) for file in files] == list(range(1, len(files) + 1))
    assert headings == [f"# {number}" for number in range(1, len(files) + 1)]


@pytest.mark.parametrize("file", documents(), ids=tree.name_of)
def test_a_decision_is_cited_by_its_own_number(file: Path) -> None:
    cited = re.findall(r"\[ADR (\d+)\]\((?:.*/)?(\d{4})-", file.read_text(encoding="utf-8"))

    assert [(number, of) for number, of in cited if int(number) != int(of)] == []


@pytest.mark.parametrize("number", range(1, 11))
def test_an_invariant_is_tested_where_the_architecture_says(number: int) -> None:
    cited = re.compile(rf"\bI{number}\b")
    rows = re.findall(
        r"^\| (I[I\d, ]+) \| (`tests/.*)\|$", (tree.ROOT / "docs/architecture.md").read_text(), re.MULTILINE
    )
    said = {name for names, where in rows if cited.search(names) for name in re.findall(r"`(.+?)`", where)}

    assert said
    assert [name for name in sorted(said) if not cited.search((tree.ROOT / name).read_text())] == []


def test_every_target_of_the_makefile_says_what_it_does() -> None:
    makefile = (tree.ROOT / "Makefile").read_text()
    shown = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    phony = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split())

    assert shown == phony == targets()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("make demo", None),
        ("make dmeo", "no target 'dmeo'"),
        ("sluice rejects list publishing --limit 5", None),
        ("sluice rejects lits", "no command 'lits'"),
        ("sluice run publishing --form 2026-01-01", "no option '--form'"),
        ("python -m devstack status", None),
        ("python -m devstack stauts", "no command 'stauts'"),
    ],
)
def test_these_tests_would_notice_a_command_that_does_not_exist(line: str, said: str | None) -> None:
    [(program, rest)] = COMMAND.findall(line)

    assert problem(program, rest.split()) == said
