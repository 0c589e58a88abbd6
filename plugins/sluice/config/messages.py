"""What pydantic found wrong in the sections of a file, in words that say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sluice.config.problems import Loc, Problem, dotted
from sluice.config.schema import keys_at, sections_with
from sluice.suggest import did_you_mean, shown

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

# pydantic's name for what is wrong → what is wanted instead
_WANTED = {
    "string_type": "a text",
    "float_type": "a number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list, [a, b]",
    "dict_type": "a mapping, with lines of `key: value` indented below it",
    "model_type": "a mapping, with lines of `key: value` indented below it",
    "too_short": "at least one collection, as documents: {modified: updated_at}",
}
_BARE = {"float_type": "0.01", "int_type": "10", "bool_type": "true"}
_SECRETS = {"user", "username", "login", "password", "host", "port", "uri", "url", "access_key", "secret_key", "token"}


def problems(error: ValidationError) -> Iterator[Problem]:
    """One problem for each of pydantic's errors; a key that is only misspelled is not missing as well."""
    found = [(tuple(part for part in d["loc"] if part != "[key]"), d) for d in error.errors(include_url=False)]
    unknown = [loc for loc, details in found if details["type"] == "extra_forbidden"]
    for loc, details in found:
        if details["type"] == "missing" and any(_misspells(key, loc) for key in unknown):
            continue
        yield Problem(loc, _text(loc, details))


def _misspells(unknown: Loc, missing: Loc) -> bool:
    same_section = unknown[:-1] == missing[:-1]
    return same_section and did_you_mean(str(unknown[-1]), [str(missing[-1])]).startswith("did you mean")


def _text(loc: Loc, details: ErrorDetails) -> str:
    kind, given, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        return _unknown_key(loc)
    if kind == "missing":
        return f"is missing: add `{loc[-1]}: …` {f'under {dotted(loc[:-1])}' if loc[1:] else 'at the top level'}"
    if kind in {"enum", "literal_error"}:
        known = re.findall(r"'([^']*)'", context["expected"])
        return f"cannot be {shown(given)}: {did_you_mean(str(given), known)}"
    if kind in _WANTED:
        return f"takes {_WANTED[kind]}, found {shown(given)}{_rather(kind, given)}"
    return f"{details['msg'][:1].lower()}{details['msg'][1:]}, found {shown(given)}: write another value"


def _rather(kind: str, given: Any) -> str:
    if kind == "string_type" and isinstance(given, (int, float)):
        return f': if you mean it, put it in quotes, "{str(given).lower()}"'
    return f": write it without quotes, as {_BARE[kind]}" if kind in _BARE and isinstance(given, str) else ""


def _unknown_key(loc: Loc) -> str:
    key = str(loc[-1])
    hint = did_you_mean(key, keys_at(loc[:-1]))
    elsewhere = sections_with(key)
    if key in _SECRETS:
        hint = "addresses and passwords stay in the Airflow connection that conn_id names"
    elif elsewhere and not hint.startswith("did you mean"):
        hint = f"it belongs under {' or '.join(elsewhere[:3])}; look at the indentation"
    return f"there is no key {key!r} here: {hint}"
