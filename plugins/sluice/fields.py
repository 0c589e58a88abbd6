"""Taking fields out of decoded documents: what a pipeline file declares leaves, what remains is the undeclared rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from bson import DBRef

from sluice.misfit import MISSING

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A declared field, or the parent of some. ``default`` is what a document without it gives."""

    name: str
    path: str
    declared: bool
    inner: tuple[Field, ...] = ()
    default: Any = None


def fields_of(paths: Iterable[str], *, required: str | None = None, parent: str = "") -> tuple[Field, ...]:
    """The tree of dotted paths. The ``required`` one gives MISSING where a document does not have it."""
    made = []
    for name, group in groupby(sorted(set(paths), key=lambda p: p.split(".")), key=lambda p: p.split(".")[0]):
        inner = [path.partition(".")[2] for path in group]
        path = f"{parent}{name}"
        default = MISSING if path == required else None
        made.append(Field(name, path, "" in inner, fields_of(filter(None, inner), parent=f"{path}."), default))
    return tuple(made)


def pull(documents: Sequence[Document], fields: Iterable[Field], *, leave: bool = False) -> dict[str, list[Any]]:
    """Path → its value in each document. The documents lose what was taken, and the parents that this empties.

    ``leave``: take nothing out. The inner fields of a declared field are read so: the field itself holds them all.
    """
    pulled: dict[str, list[Any]] = {}
    for field in fields:
        name, default = field.name, field.default
        if field.declared and not leave:
            values = [document.pop(name, default) for document in documents]
        else:
            values = [document.get(name, default) for document in documents]
        if field.declared:
            pulled[field.path] = values
        if field.inner:
            parents = _parents(values)
            pulled |= pull(parents, field.inner, leave=leave or field.declared)
            if not (leave or field.declared):
                _put_back(documents, name, values, parents)
    return pulled


def _parents(values: list[Any]) -> list[Document]:
    if {dict}.issuperset(map(type, values)):
        return values
    return [as_document(value) or {} for value in values]


def _put_back(documents: Sequence[Document], name: str, values: list[Any], parents: list[Document]) -> None:
    """Leave of a parent what is undeclared in it, or the parent itself where it is no document."""
    if not any(parents) and {dict}.issuperset(map(type, values)):
        for document in documents:
            del document[name]
        return
    for document, value, parent in zip(documents, values, parents, strict=True):
        if parent:
            document[name] = parent
        elif value is None or as_document(value) is not None:
            document.pop(name, None)


def as_document(value: Any) -> Document | None:
    """The value as a document, if it is one; pymongo makes a DBRef of ``{"$ref": …, "$id": …}``."""
    if type(value) is DBRef:
        return dict(value.as_doc())
    return value if type(value) is dict else None


def first_unknown(document: Document, fields: Iterable[Field]) -> str:
    """The path of the first field that remains undeclared."""
    name, value = next(iter(document.items()))
    parent = next((field for field in fields if field.name == name and field.inner), None)
    return f"{name}.{first_unknown(value, parent.inner)}" if parent and type(value) is dict else name
