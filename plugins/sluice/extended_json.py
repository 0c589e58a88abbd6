"""BSON values as relaxed Extended JSON: the text of ``_extra`` and of columns of type json.

The same text as ``bson.json_util`` writes (a test says so) at a fraction of its cost: the C encoder of :mod:`json` does
everything that JSON has too, many values in one call, and ``json_util`` only the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bson import Code, DBRef, ObjectId, json_util
from bson.json_util import RELAXED_JSON_OPTIONS

from sluice.nesting import types_within

# Naive, as the datetimes that raw_documents decodes.
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
_DISGUISED = frozenset({DBRef, Code})
_NOT_FINITE = re.compile(r'"(?:[^"\\]|\\.)*"|NaN|-?Infinity')

# Stands between values that are encoded in one call. No decoded string holds this surrogate: those that stand for
# bytes that are not UTF-8 are U+DC80 to U+DCFF.
_BETWEEN = "\udfff"
_SPLIT = f',"{_BETWEEN}",'


def extended_json(value: Any) -> str:
    """One value as JSON text. Raises Misfit ``too_deep``.

    A string that was not UTF-8 keeps its surrogate escapes: the text can then not be encoded.
    """
    return extended_json_of_all([value])[0]


def extended_json_of_all(values: Sequence[Any]) -> list[str]:
    """The text of each of one or more values. Raises Misfit ``too_deep`` when one of them is."""
    types = types_within(values)
    plain = values if types.isdisjoint(_DISGUISED) else [_plain(value) for value in values]
    text = _ENCODER.encode([item for value in plain for item in (_BETWEEN, value)][1:])
    if float in types and ("NaN" in text or "Infinity" in text):
        text = _NOT_FINITE.sub(_number_double, text)
    return text[1:-1].split(_SPLIT)


def _plain(value: Any) -> Any:
    """The value without Code, which the encoder would write as a string, and without DBRef, which costs it a frame."""
    kind = type(value)
    if kind is Code:
        scope = {} if value.scope is None else {"$scope": _plain(value.scope)}
        return {"$code": str(value), **scope}
    if kind is DBRef:
        value = value.as_doc()
    if kind in {dict, DBRef}:
        return {name: _plain(member) for name, member in value.items()}
    return [_plain(member) for member in value] if kind is list else value


def _number_double(match: re.Match[str]) -> str:
    token = match[0]
    return token if token.startswith('"') else f'{{"$numberDouble":"{token}"}}'


def _special(value: Any) -> Any:
    """What json_util makes of a value that JSON does not have; the two most common types without its detours."""
    kind = type(value)
    if kind is ObjectId:
        return {"$oid": str(value)}
    if kind is datetime and value.tzinfo is None and value >= _EPOCH:
        return {"$date": value.isoformat(timespec="milliseconds" if value.microsecond else "seconds") + "Z"}
    return json_util.default(value, RELAXED_JSON_OPTIONS)


_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), default=_special)
