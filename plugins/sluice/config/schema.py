"""The JSON Schema of a pipeline file: for editors, and for hints in errors.

``python -m sluice.config.schema > dags/pipelines/schema.json`` writes it again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

from sluice.config.problems import Loc
from sluice.config.shape import PipelineSection


@cache
def json_schema() -> dict[str, Any]:
    """The schema as data."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **PipelineSection.model_json_schema()}


def text() -> str:
    """The text of ``dags/pipelines/schema.json``."""
    return json.dumps(json_schema(), indent=2) + "\n"


def keys_at(loc: Loc) -> tuple[str, ...]:
    """The known keys of the mapping at a location; none where any key may stand."""
    node = json_schema()
    for part in loc:
        node = resolved(node)
        node = node.get("properties", {}).get(part) or _any_key(node)
    return tuple(resolved(node).get("properties", {}))


def sections_with(key: str) -> list[str]:
    """Where a key is known: ``["source", "landing", "warehouse"]`` for conn_id."""
    return [".".join(loc) for loc, known in _sections(json_schema(), ()) if key in known]


def _sections(
    node: dict[str, Any], loc: tuple[str, ...], around: tuple[int, ...] = ()
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    node = resolved(node)
    if id(node) in around:  # children stand in children
        return
    around = (*around, id(node))
    properties = node.get("properties", {})
    if properties:
        yield loc, properties
    for name, below in properties.items():
        yield from _sections(below, (*loc, name), around)
    if below := _any_key(node):
        yield from _sections(below, (*loc, "*"), around)


def _any_key(node: dict[str, Any]) -> dict[str, Any]:
    """The form of the values of a mapping whose keys are free, or of a list's items."""
    form = node.get("additionalProperties") or node.get("items")
    return form if isinstance(form, dict) else {}


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """The node itself, with references followed and, of several forms, the one with keys."""
    if "$ref" in node:
        return resolved(json_schema()["$defs"][node["$ref"].rpartition("/")[2]])
    forms = [resolved(form) for form in node.get("anyOf", ())]
    return next((form for form in forms if form.get("type") == "object"), node)


if __name__ == "__main__":
    sys.stdout.write(text())
