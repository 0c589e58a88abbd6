"""How deeply a BSON value is nested, counted level by level and not by recursion.

So what becomes of a deep document depends on the document alone, and never on how deep the caller's stack is. What is
within the limit, a recursive function may walk with two frames a level.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from bson import Code, DBRef

from sluice.misfit import Misfit

# mongod stores 180 levels at most.
MAX_DEPTH = 200

_CONTAINERS = frozenset({dict, list, DBRef, Code})


def types_within(values: Sequence[Any]) -> set[type]:
    """The types that occur in the values, at any level. Raises Misfit ``too_deep`` beyond ``MAX_DEPTH`` levels."""
    types, depth, members = set(map(type, values)), 0, values
    while level := [member for member in members if type(member) in _CONTAINERS]:
        if depth == MAX_DEPTH:
            raise Misfit("too_deep", f"nested more than {MAX_DEPTH} levels")
        members = list(chain.from_iterable(map(_members, level)))
        types.update(map(type, members))
        depth += 1
    return types


def _members(value: Any) -> Iterable[Any]:
    kind = type(value)
    if kind is dict:
        return value.values()  # type: ignore[no-any-return]
    if kind is DBRef:
        return value.as_doc().values()  # type: ignore[no-any-return]
    if kind is Code:
        return (value.scope or {}).values()
    return value  # type: ignore[no-any-return]
