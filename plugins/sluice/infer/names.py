"""Names for what was guessed: of columns, and of the tables that arrays become."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sluice.config import grammar

LONGEST_NAME: Final = 63
_SHORTEST_CHILD: Final = 8


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a collection, and every name that is ``taken``."""

    collection: str
    taken: set[str]

    def name(self, path: str) -> str | None:
        """The name of a child, which is taken then; None where the collection's leaves no room."""
        room = LONGEST_NAME - len(self.collection) - 1
        if room < _SHORTEST_CHILD:
            return None
        name = free_name(path, self._is_taken, room)
        self.taken.add(f"{self.collection}_{name}".lower())
        return name

    def _is_taken(self, name: str) -> bool:
        return f"{self.collection}_{name}".lower() in self.taken or "__" in f"_{name}_"


def free_name(path: str, is_taken: Callable[[str], bool], longest: int) -> str:
    """The best name for a path that nobody has."""
    return next(name for name in _names(path, longest) if re.fullmatch(grammar.NAME, name) and not is_taken(name))


def _names(path: str, longest: int) -> Iterator[str]:
    """Names for a path, the best first."""
    default, plain = grammar.default_name(path), grammar.plain_name(path)
    if len(default) <= longest:
        yield default
    yield plain[:longest].strip("_")
    for number in range(2, 100_000):
        ending = f"_{number}"
        yield plain[: longest - len(ending)].strip("_") + ending
