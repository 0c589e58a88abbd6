"""Templates → HTML. Every value is escaped: keys, field names and reasons are other people's texts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sluice.page import words

FOLDER = Path(__file__).parent


def render(template: str, **values: Any) -> str:
    """One of the pages."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = ("duration", "instant", "clock", "span", "number", "size", "sentence")
    made.filters |= {name: getattr(words, name) for name in names}
    made.filters["urlencode"] = lambda text: quote(str(text), safe="")  # the built-in leaves slashes
    return made
