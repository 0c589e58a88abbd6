"""The files that deploy Sluice, as their tests see them."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import yaml

from tests.project import tree

SEE = ":?see .env.example}"
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)([^}]*\})")


def read(name: str) -> str:
    return (tree.ROOT / name).read_text(encoding="utf-8")


@cache
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(read("docker-compose.yml"))
    return loaded


def services() -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"]
    return found


def environments() -> dict[str, dict[str, str]]:
    """What each service has in its environment."""
    return {name: service.get("environment", {}) for name, service in services().items()}


def example() -> dict[str, str]:
    """What .env.example has."""
    return dict(re.findall(r"^(\w+)=(\S*)", read(".env.example"), re.MULTILINE))


def filled(text: str) -> str:
    """Text of docker-compose.yml with each variable replaced by its name."""
    return VARIABLE.sub(lambda found: found[1], text)


def stages() -> dict[str, tuple[str, list[str]]]:
    """The Dockerfile's stages: name → what it is from, and its instructions, each on one line."""
    found: dict[str, tuple[str, list[str]]] = {}
    text = re.sub(r"^#.*\n", "", read("Dockerfile"), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        if start := re.fullmatch(r"FROM (\S+) AS (\S+)", line):
            found[start[2]] = (start[1], [])
        else:
            list(found.values())[-1][1].append(" ".join(line.split()))
    return found
