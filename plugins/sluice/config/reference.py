"""Every key of a pipeline file, as Markdown: made from the same models that check the file.

``python -m sluice.config.reference > docs/pipeline-keys.md`` writes it again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from sluice.config.schema import json_schema, resolved

HEAD = """# Every key of a pipeline file

Made from the models that check the file (`python -m sluice.config.reference`). What the keys are for, with examples,
is in [pipeline-file.md](pipeline-file.md).
"""

FREE = "*"
"""Stands for a key that is a name of one's own (a collection, a path, a column), and for the items of a list."""


def text() -> str:
    """The text of ``docs/pipeline-keys.md``."""
    return "\n".join([HEAD, *(line for title, node in _sections() for line in _table(title, node))])


def _sections() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each section once, in the order of the file; a section that stands in several places under its first."""
    seen, left = set(), [("", json_schema())]
    while left:
        title, node = left.pop(0)
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield title, node
        below = ((name, _inner(form)) for name, form in node["properties"].items())
        left = [(f"{title}.{name}{free}".lstrip("."), inner) for name, (free, inner) in below if inner] + left


def _inner(form: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """The section that a key leads to, and whether names of one's own stand between."""
    form = resolved(form)
    free = form.get("additionalProperties") or form.get("items")
    if isinstance(free, dict):
        below = resolved(free)
        return f".{FREE}", below if "properties" in below else None
    return "", form if "properties" in form else None


def _table(title: str, node: dict[str, Any]) -> Iterator[str]:
    yield from (f"## `{title}`" if title else "## The file", "")
    if about := node.get("description"):
        yield from (about.split("\n")[0], "")
    yield from ("| key | default | |", "|---|---|---|")
    needed = set(node.get("required", ()))
    for name, form in node["properties"].items():
        default = "**needed**" if name in needed else _default(form)
        yield f"| `{name}` | {default} | {_cell(form.get('description') or _about(form))} |"
    yield ""


def _about(form: dict[str, Any]) -> str:
    return str(resolved(form).get("description", "")).split("\n")[0]


def _default(form: dict[str, Any]) -> str:
    value = form.get("default")
    if value is None or value in ({}, []):
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(text())
