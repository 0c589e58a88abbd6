"""BSON values as relaxed Extended JSON: the text of ``_extra`` and of columns of type json.

The same text as ``bson.json_util`` writes (a test says so) at a third of its cost: the C encoder of :mod:`json` does
everything that JSON has too, ``json_util`` only the rest. Nesting is counted before, level by level, so that the
outcome depends on the document alone and never on how deep the caller's stack is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import partial
from typing import Any

from bson import Code, DBRef, json_util
from bson.json_util import RELAXED_JSON_OPTIONS

from sluice.misfit import Misfit

# mongod stores 180 levels at most.
MAX_DEPTH = 200

_special = partial(json_util.default, json_options=RELAXED_JSON_OPTIONS)
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), default=_special)
_NOT_FINITE = re.compile(r'"(?:[^"\\]|\\.)*"|NaN|-?Infinity')


def extended_json(value: Any) -> str:
    """One value as JSON text. Raises Misfit ``too_deep``.

    A string that was not UTF-8 keeps its surrogate escapes: the text can then not be encoded.
    """
    types, depth = _survey(value)
    if depth > MAX_DEPTH:
        raise Misfit("too_deep", f"nested more than {MAX_DEPTH} levels")
    # Code is a str to the encoder, which would write it as one.
    text = _ENCODER.encode(_without_code(value) if Code in types else value)
    if float in types and ("NaN" in text or "Infinity" in text):
        return _NOT_FINITE.sub(_number_double, text)
    return text


def _survey(value: Any) -> tuple[set[type], int]:
    """The types that occur in a value, and how many levels it is nested."""
    types, depth, level = {type(value)}, 0, [value]
    while level and depth <= MAX_DEPTH:
        inner: list[Any] = []
        for container in level:
            members = _members(container)
            types.update(map(type, members))
            inner += [m for m in members if type(m) in _CONTAINERS]
        level, depth = inner, depth + 1
    return types, depth


def _members(value: Any) -> Iterable[Any]:
    kind = type(value)
    if kind is dict:
        return value.values()  # type: ignore[no-any-return]
    if kind is DBRef:
        return value.as_doc().values()  # type: ignore[no-any-return]
    if kind is Code:
        return (value.scope or {}).values()
    return value if kind is list else ()


_CONTAINERS = frozenset({dict, list, DBRef, Code})


def _without_code(value: Any) -> Any:
    kind = type(value)
    if kind is Code:
        value, kind = _special(value), dict
        return {"$code": str(value["$code"]), **{k: _without_code(v) for k, v in value.items() if k != "$code"}}
    if kind is DBRef:
        value = value.as_doc()
    if kind in {dict, DBRef}:
        return {name: _without_code(member) for name, member in value.items()}
    return [_without_code(member) for member in value] if kind is list else value


def _number_double(match: re.Match[str]) -> str:
    token = match[0]
    return token if token.startswith('"') else f'{{"$numberDouble":"{token}"}}'
