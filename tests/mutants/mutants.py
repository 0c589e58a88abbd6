"""Wrong code that the tests must catch: a row for each mistake that would cost data and that nobody would see at once.

A file beside this one for each part of Sluice, so that rows are added where their code is at home.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake: ``text``, which stands exactly once in ``file``, becomes ``becomes``; each of ``caught_by`` fails.

    ``caught_by`` are pytest's node ids, with their parameters: every test that they select must fail.
    """

    name: str
    file: str
    text: str
    becomes: str
    caught_by: tuple[str, ...]

    def applied(self, root: Path) -> str:
        """The wrong text of the file. Raises ValueError when there is not exactly one place for it."""
        found = (root / self.file).read_text(encoding="utf-8")
        if (times := found.count(self.text)) != 1:
            raise ValueError(f"{self.file} has the text of {self.name!r} {times} times")
        return found.replace(self.text, self.becomes)


@cache
def mutants() -> tuple[Mutant, ...]:
    """Every row of every table."""
    tables = [tomllib.loads(file.read_text(encoding="utf-8")) for file in sorted(Path(__file__).parent.glob("*.toml"))]
    rows = [row for table in tables for row in table["mutant"]]
    return tuple(Mutant(**{**row, "caught_by": tuple(row["caught_by"])}) for row in rows)
