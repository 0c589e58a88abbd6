"""Every statement of the product is a file that says what it is for, and that somebody uses."""

from __future__ import annotations

import ast
import re
from functools import cache
from itertools import groupby
from pathlib import Path

import pytest

from sluice.statements import header, slots
from tests.project import tree

MIGRATION = re.compile(r"(\d{4})_[a-z]+(_[a-z0-9]+)+\.sql")


def statements() -> list[Path]:
    """Files with one statement each; ``sql/views`` is for analysts."""
    return [f for f in tree.files("*.sql") if f.is_relative_to(tree.ROOT / "sql") and "views" not in f.parts]


def migrations() -> list[Path]:
    return [f for f in tree.files("*.sql") if f.is_relative_to(tree.ROOT / "migrations") and f.name != "schema.sql"]


def path_of(file: Path) -> str:
    """A statement as the package names it: ``clickhouse/insert_commit``."""
    return str(file.relative_to(tree.ROOT / "sql").with_suffix(""))


@cache
def words() -> tuple[set[str], set[str]]:
    """Every string of the package, and every fixed piece of its f-strings."""
    whole, pieces = set(), set()
    for file in tree.python_files(tree.PACKAGE):
        for node in ast.walk(tree.parsed(file)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                pieces |= {part.value for part in node.values if isinstance(part, ast.Constant)}
    return whole, pieces


def used(name: str) -> bool:
    whole, pieces = words()
    made = (name.removesuffix(piece) for piece in pieces if piece.startswith("_") and name.endswith(piece))
    return name in whole or any(stem in whole for stem in made)


@pytest.mark.parametrize("file", statements(), ids=path_of)
def test_a_statement_is_used(file: Path) -> None:
    assert used(file.stem) or used(path_of(file))


@pytest.mark.parametrize("file", statements(), ids=path_of)
def test_a_statement_says_what_it_does_takes_and_guarantees_and_why_it_is_so(file: Path) -> None:
    assert list(header(path_of(file))) == ["purpose", "parameters", "guarantee", "why"]


@pytest.mark.parametrize("file", statements(), ids=path_of)
def test_the_header_names_exactly_the_slots(file: Path) -> None:
    said = header(path_of(file))["parameters"]
    named = set(re.findall(r"\w+", re.sub(r"\(.*?\)", "", said))) - {"none"}

    assert named == slots(path_of(file))


@pytest.mark.parametrize("file", migrations(), ids=tree.name_of)
def test_a_migration_is_named_by_number_verb_and_noun_and_says_its_purpose(file: Path) -> None:
    assert MIGRATION.fullmatch(file.name)
    assert re.search(r"^-- purpose: \S", file.read_text(encoding="utf-8"), re.MULTILINE)


def test_migrations_are_numbered_without_a_gap_for_each_warehouse() -> None:
    numbers = {
        folder.name: [int(file.name[:4]) for file in group]
        for folder, group in groupby(migrations(), key=lambda file: file.parent)
    }

    assert numbers == {folder: list(range(1, len(found) + 1)) for folder, found in numbers.items()}
    assert "clickhouse" in numbers
