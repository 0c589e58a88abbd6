"""YAML text → plain values, and where each stands.

The core types of YAML 1.2, because a pipeline file is not the place for surprises: ``no``, ``on``, ``1:30`` and
``2026-01-01`` are text. Aliases, tags, merge keys, several documents and keys without a value are problems.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from sluice.config.problems import Loc, Problem

_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """PyYAML's parser with the core types, and without aliases: they may be cyclic, or expand without bound."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "found an alias", event.start_mark)
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(f"{_TAG}null", re.compile(r"(~|null|)$"), ["~", "n", ""])
_Loader.add_implicit_resolver(f"{_TAG}bool", re.compile(r"(true|false)$"), ["t", "f"])
_Loader.add_implicit_resolver(f"{_TAG}int", re.compile(r"[-+]?[0-9]+$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    f"{_TAG}float",
    re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)

_SCALARS: dict[str, Callable[[str], Any]] = {
    "null": {"": None, "~": None, "null": None}.__getitem__,
    "bool": {"true": True, "false": False}.__getitem__,
    "int": int,
    "float": float,
}
_HINTS = {
    "'\\t'": "indent with spaces, never with a tab",
    "found an alias": "aliases (*name) are not read here: write the value out",
    "mapping values are not allowed": "indent the line like its neighbours, and quote a text that holds a colon",
    "expected <block end>": "indent the line exactly like its neighbours",
    "could not find expected ':'": "write `key: value`, with a space after the colon",
    "expected ',' or": "close the bracket or the quote, or put a comma between two values",
    "found unexpected end of stream": "close the bracket or the quote",
    "expected a single document": "remove the line ---: a file holds one pipeline",
}


@dataclass(slots=True)
class Text:
    """A YAML text, read as far as it can be. ``places`` has line and column, from 1, of every value (of its key)."""

    value: Any = None
    places: dict[Loc, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, problem: Problem) -> tuple[int, int]:
        """Where a problem is; for a value that is missing, where the nearest thing around it starts."""
        loc = problem.loc
        around = (self.places[loc[:n]] for n in range(len(loc), -1, -1) if loc[:n] in self.places)
        return problem.place or next(around, (1, 1))

    def complain(self, loc: Loc, text: str, place: tuple[int, int] | None = None) -> None:
        """Note a problem, with its place if it is not the value's."""
        self.problems.append(Problem(loc, text, place))


def read(source: str) -> Text:
    """Read a text. Never raises: what is wrong stands in ``problems``."""
    text = Text()
    try:
        root = yaml.compose(source, _Loader)
        if root is None:
            text.complain((), "the file is empty: start with `pipeline: <name>`")
        else:
            text.value = _value(text, (), root)
    except yaml.MarkedYAMLError as error:
        _complain_of_syntax(text, error)
    except yaml.reader.ReaderError as error:
        line = source.count("\n", 0, error.position) + 1
        column = error.position - source.rfind("\n", 0, error.position)
        what = f"the character U+{int(error.character):04X} cannot stand in YAML: remove it"
        text.complain((), what, (line, column))
    except RecursionError:
        text.complain((), "nested too deeply for a pipeline file: flatten it")
    except (ValueError, OverflowError) as error:  # PyYAML's, for an escape such as "\UFFFFFFFF"
        text.complain((), f"not valid YAML, {error}: look for a wrong escape in double quotes")
    return text


def _complain_of_syntax(text: Text, error: yaml.MarkedYAMLError) -> None:
    began = f"{error.context} that began in line {error.context_mark.line + 1}" if error.context_mark else error.context
    sentence = ", ".join(part for part in (began, error.problem) if part)
    hint = next((fix for sign, fix in _HINTS.items() if sign in sentence), "correct the line, or the one before it")
    # Of a key without a colon PyYAML notices only in the next line.
    mark = error.context_mark if "simple key" in sentence else error.problem_mark
    text.complain((), f"not valid YAML, {sentence}: {hint}", _place(mark) if mark else None)


def _value(text: Text, loc: Loc, node: yaml.Node) -> Any:
    text.places.setdefault(loc, _place(node.start_mark))
    if isinstance(node, yaml.ScalarNode):
        return _scalar(text, loc, node)
    if node.tag not in {f"{_TAG}map", f"{_TAG}seq"}:
        text.complain(loc, "tags (!name) are not read here: remove it")
        return None
    if isinstance(node, yaml.SequenceNode):
        return [_value(text, (*loc, i), item) for i, item in enumerate(node.value)]
    return _mapping(text, loc, node)


def _mapping(text: Text, loc: Loc, node: yaml.Node) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            text.complain(
                (*loc, "?"), "a key is a plain word: quote a text that holds brackets", _place(key.start_mark)
            )
        elif key.value in made:
            first, here = text.places[*loc, key.value][0], _place(key.start_mark)
            text.complain((*loc, key.value), f"the key stands here twice, also in line {first}: remove one", here)
        else:
            text.places[*loc, key.value] = _place(key.start_mark)
            made[key.value] = _value(text, (*loc, key.value), value)
    return made


def _scalar(text: Text, loc: Loc, node: yaml.ScalarNode) -> Any:
    kind, value = node.tag.removeprefix(_TAG), node.value
    if kind == "str":
        return value
    if kind == "null" and not value:
        text.complain(loc, "has no value: write one, indent what belongs to it by two spaces more, or remove the key")
        return None
    try:
        return _SCALARS[kind](value)
    except KeyError:
        text.complain(loc, "tags (!name) are not read here: remove it")
    except ValueError:
        text.complain(loc, "is not a number that can be read: write another, or quote it")
    return None


def _place(mark: yaml.Mark) -> tuple[int, int]:
    return mark.line + 1, mark.column + 1
