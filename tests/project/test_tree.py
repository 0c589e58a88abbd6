"""What holds for every file of the repository."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from statistics import median, quantiles

import pytest

from tests.project import tree

LONGEST_FUNCTION = 60  # what good looks like is less: see CONTRIBUTING.md
MACHINE = re.compile(r"/root/|/work/|/Users/\w|C:\\Users")
REGISTRY = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.|index-url", re.IGNORECASE)
KEY = re.compile(r"AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY")
BINARY = {".png", ".gz", ".parquet", ".bson"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def texts() -> list[Path]:
    """Every text file but this one, which holds what it looks for."""
    return [file for file in tree.files() if file.suffix not in BINARY and file != Path(__file__)]


def found(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    return [tree.name_of(file) for file in files if pattern.search(file.read_text(encoding="utf-8"))]


def test_no_file_names_a_machine_it_was_made_on() -> None:
    assert found(MACHINE, texts()) == []


def test_no_file_names_a_package_registry() -> None:
    """But the lock file, which has to say where its hashes are from."""
    assert found(REGISTRY, [file for file in texts() if file.name != "uv.lock"]) == []


def test_no_file_holds_a_key() -> None:
    """I9."""
    assert found(KEY, texts()) == []


def test_text_files_end_with_one_newline_and_have_unix_line_ends() -> None:
    wrong = []
    for file in texts():
        text = file.read_bytes()
        if text and (b"\r\n" in text or not text.endswith(b"\n") or text.endswith(b"\n\n")):
            wrong.append(tree.name_of(file))

    assert wrong == []


def functions(file: Path) -> list[tuple[str, int]]:
    """Name and lines of each function, without its decorators and docstring."""
    nodes = (node for node in ast.walk(tree.parsed(file)) if isinstance(node, Function))
    return [(f"{tree.name_of(file)}:{node.lineno} {node.name}", size(node)) for node in nodes]


def size(node: Function) -> int:
    first = node.body[0]
    documented = ast.get_docstring(node) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (node.end_lineno or 0) - node.lineno + 1 - docstring


def test_no_function_is_too_long_to_be_read_at_once(record_property: pytest.RecordProperty) -> None:
    every = [each for file in tree.python_files(tree.PACKAGE) for each in functions(file)]
    sizes = [lines for _, lines in every]
    p90 = quantiles(sizes, n=10)[-1]
    record_property("lines of a function", f"median {median(sizes):.0f}, p90 {p90:.0f}, longest {max(sizes)}")

    assert [name for name, lines in every if lines > LONGEST_FUNCTION] == []
