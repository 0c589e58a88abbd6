"""What is left of documents once their declared fields were taken out, counted path by path.

A path ends at the first field that is not declared: of an undeclared document only itself is counted, not its fields.
Nearly all of it is done in C, a list at a time: it costs each document that has such fields, and the others nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from bson import Binary

from sluice.extended_json import extended_json
from sluice.fields import Document, Field, as_document
from sluice.misfit import Misfit, type_name

_FEW: Final = 16


class Undeclared(NamedTuple):
    """So many values (``times``) at one path, of these BSON types; ``value`` is one of them."""

    path: str
    types: frozenset[str]
    times: int
    value: Any

    @property
    def sample(self) -> str:
        """The value as Extended JSON; its type where it is nested too deeply for that."""
        try:
            return extended_json(self.value)
        except Misfit:
            return type_name(self.value)


def undeclared(rest: Sequence[Document], fields: Iterable[Field], prefix: str = "") -> Iterator[Undeclared]:
    """What is left of documents whose declared ``fields`` were taken out."""
    if not any(rest):
        return
    parents = {field.name: field.inner for field in fields if field.inner}
    for name, values in _columns(rest):
        path = f"{prefix}{name}"
        if name in parents:
            inside = [document for value in values if (document := as_document(value)) is not None]
            yield from undeclared(inside, parents[name], f"{path}.")
            values = [value for value in values if as_document(value) is None]  # noqa: PLW2901
        if values:
            yield Undeclared(path, _types(values), len(values), values[0])


def _columns(rest: Sequence[Document]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Each name with its values. Most documents have the same fields in the same order: then once, else in pieces."""
    shapes = dict.fromkeys(map(tuple, rest))  # in the order of the documents
    if len(shapes) > _FEW:
        yield from _by_name(rest)
        return
    for names in shapes:
        same = rest if len(shapes) == 1 else [document for document in rest if tuple(document) == names]
        yield from zip(names, zip(*map(dict.values, same), strict=True), strict=True)


def _by_name(rest: Sequence[Document]) -> Iterator[tuple[str, Sequence[Any]]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for document in rest:
        for name, value in document.items():
            found[name].append(value)
    yield from found.items()


def _types(values: Sequence[Any]) -> frozenset[str]:
    kinds = set(map(type, values))
    if Binary in kinds:  # of several BSON types
        return frozenset(map(type_name, values))
    one_of_each = values[:1] if len(kinds) == 1 else dict(zip(map(type, values), values, strict=True)).values()
    return frozenset(map(type_name, one_of_each))
