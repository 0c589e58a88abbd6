"""Servers that start in no time and fail as told, for tests of the stack itself."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from devstack.servers import Place, Server
from devstack.servers.base import Address, Environment


class Web(Server):
    """A server that answers, and needs nothing of the machine."""

    name = "web"
    external = "SLUICE_EXTERNAL_WEB_URL"
    external_form = "http://host:port"
    secrets: Mapping[str, int] = {"token": 8}

    def prepare(self, place: Place) -> None:
        place.folder.mkdir(exist_ok=True)

    def commands(self, place: Place) -> Mapping[str, list[str]]:
        folder = str(place.folder)
        return {"web": [sys.executable, "-m", "http.server", str(place.port), "--bind", "127.0.0.1", "-d", folder]}

    def url(self, place: Place) -> str:
        return f"http://127.0.0.1:{place.port}"

    def ready(self, url: str) -> None:
        Address.of(url).get("/")

    def exports(self, url: str) -> Environment:
        return {"WEB_URL": url}


class Script(Web):
    """A server that is a piece of Python; never ready unless it listens."""

    name = "script"
    external = "SLUICE_EXTERNAL_SCRIPT_URL"

    def __init__(self, text: str) -> None:
        self.text = text

    def commands(self, place: Place) -> Mapping[str, list[str]]:
        return {"script": [sys.executable, "-c", self.text]}


class Talker(Script):
    """A script that is ready as soon as it runs."""

    def ready(self, url: str) -> None:
        """Nothing to wait for."""
