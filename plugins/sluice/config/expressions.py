"""Expressions for a warehouse's DDL. Nothing of the file's text gets through: the result is built from known words."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from sluice.config.problems import Wrong
from sluice.suggest import did_you_mean, shown

PARTITION_FUNCTIONS: Final = (
    *("toYYYYMM", "toYYYYMMDD", "toYear", "toQuarter", "toMonth", "toDayOfMonth", "toHour"),
    *("toStartOfYear", "toStartOfQuarter", "toStartOfMonth", "toStartOfWeek", "toMonday", "toStartOfDay", "toDate"),
    *("intDiv", "modulo", "cityHash64", "sipHash64", "xxHash64", "length", "lower"),
)

# Type of skip index → the numbers of parameters it may have.
# Not tokenbf_v1 and ngrambf_v1: ClickHouse does not build them over nullable columns.
INDEX_TYPES: Final = {"minmax": (0,), "set": (1,), "bloom_filter": (0, 1)}

_TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*|[0-9]{1,9}|[(),])")
_LONGEST = 200
_EXAMPLE = "write a function of a column, as toYYYYMM(created_at)"


def partition(text: str, columns: Collection[str]) -> str:
    """A partition expression in one spelling. It may hold functions, columns, integers, commas, parentheses."""
    if len(text) > _LONGEST:
        raise Wrong(f"{shown(text)} is too long for a partition", _EXAMPLE)
    parser = _Parser(_tokens(text), columns)
    made = parser.expression()
    if parser.tokens:
        raise Wrong(f"{parser.tokens[0]!r} is too much in {shown(text)}", _EXAMPLE)
    if not parser.used:
        raise Wrong(f"{shown(text)} names no column", _EXAMPLE)
    return made


def skip_index(text: str) -> str:
    """A type of skip index in one spelling: ``set(100)``."""
    match = re.fullmatch(r"\s*(\w+)\s*(?:\(([0-9., ]*)\))?\s*", text, re.ASCII)
    numbers = [n.strip() for n in (match[2] or "").split(",") if n.strip()] if match else []
    if not match or match[1] not in INDEX_TYPES:
        hint = did_you_mean(match[1] if match else text, INDEX_TYPES)
        raise Wrong(f"{shown(text)} is not a type of skip index", hint)
    kind, fraction = match[1], r"0\.[0-9]{1,6}" if match[1] == "bloom_filter" else "[0-9]{1,9}"
    if len(numbers) not in INDEX_TYPES[kind] or not all(re.fullmatch(fraction, n) for n in numbers):
        raise Wrong(f"{shown(text)} has the wrong parameters", "write minmax, set(100) or bloom_filter(0.01)")
    return f"{kind}({', '.join(numbers)})" if numbers else kind


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if not match:
            raise Wrong(f"{text[at:].strip()[0]!r} cannot stand in {shown(text)}", _EXAMPLE)
        found.append(match[1])
        at = match.end()
    return found


class _Parser:
    """``expression = integer | column | function list | list``; ``list = "(" expression {"," expression} ")"``."""

    def __init__(self, tokens: list[str], columns: Collection[str]) -> None:
        self.tokens, self.columns = tokens, columns
        self.used = False

    def expression(self) -> str:
        """The next expression, rebuilt."""
        word = self._next()
        if word.isdigit():
            return str(int(word))
        if word == "(":
            items = self._list()
            return items[0] if len(items) == 1 else f"({', '.join(items)})"
        if word in {")", ","}:
            raise Wrong(f"a value is missing before {word!r}", _EXAMPLE)
        if self.tokens[:1] == ["("]:
            self._next()
            return f"{_known(word, PARTITION_FUNCTIONS, 'function')}({', '.join(self._list())})"
        self.used = True
        return _known(word, self.columns, "column")

    def _list(self) -> list[str]:
        items = [self.expression()]
        while (word := self._next()) == ",":
            items.append(self.expression())
        if word != ")":
            raise Wrong(f"{word!r} stands where a comma or a parenthesis must", _EXAMPLE)
        return items

    def _next(self) -> str:
        if not self.tokens:
            raise Wrong("the expression ends too early", _EXAMPLE)
        return self.tokens.pop(0)


def _known(token: str, known: Collection[str], what: str) -> str:
    if token not in known:
        raise Wrong(f"there is no {what} {token!r}", did_you_mean(token, known))
    return token
