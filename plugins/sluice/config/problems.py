"""What is wrong in a pipeline file, and where."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sluice.errors import ConfigError

Loc = tuple[str | int, ...]
"""The way to a value through mappings and lists: ``("collections", "tickets", "modified")``."""


class Wrong(ValueError):
    """A value that cannot stand where it stands. ``fix`` says what to write instead."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(f"{what}: {fix}" if fix else what)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. ``text`` ends with what to do; ``place`` is its line and column if not its value's."""

    loc: Loc
    text: str
    place: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A problem in its place. Lines and columns count from 1."""

    file: Path
    line: int
    column: int
    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.key + ': ' if self.key else ''}{self.text}"


class PipelineFileError(ConfigError):
    """One pipeline file or several are wrong. ``found`` has everything that is, in order."""

    def __init__(self, found: Sequence[Found]) -> None:
        self.found = tuple(sorted(set(found)))
        files = list(dict.fromkeys(str(f.file) for f in self.found))
        super().__init__(
            f"{len(self.found)} error{'s' * (len(self.found) > 1)} in {', '.join(files)}",
            why="\n       ".join(map(str, self.found)),
            fix="correct the lines above; docs/pipeline-file.md describes every key",
        )


def dotted(loc: Loc) -> str:
    """A location for people: ``collections.tickets.columns."watermark.mark".type``."""
    return ".".join(part if re.fullmatch(r"\w+", part) else f'"{part}"' for part in map(str, loc))
