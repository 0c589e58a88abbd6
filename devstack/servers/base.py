"""What the stack asks of a server: its commands, when it is ready, and what a shell must know to reach it."""

# ruff: noqa: B027  a server need not have every step
from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote, urlsplit

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where one server of one stack lives, and what it is given.

    ``folder`` holds all of its data, and is what ``reset`` removes. ``secrets`` are generated once, and kept until
    ``down``. ``exports`` is what all servers of the stack export; ``environment`` what every process of the stack gets.
    """

    folder: Path
    port: int
    secrets: Environment = field(repr=False)
    exports: Environment = field(repr=False)
    environment: Environment = field(repr=False)


class Server(ABC):
    """One kind of server. To add one: subclass this, and list it in ``devstack.servers.SERVERS``.

    It is reached by one URL, with the credentials in it. So a server that the stack starts and one that it was given by
    the variable ``external`` differ in nothing but who made the URL.
    """

    name: ClassVar[str]
    external: ClassVar[str]
    """The environment variable whose URL, if set, is used instead of starting a server."""
    external_form: ClassVar[str]
    secrets: ClassVar[Mapping[str, int]] = {}
    """Name → random bytes of each secret it needs."""
    optional: ClassVar[bool] = False
    """Left out by ``up --no-<name>``."""
    patience: ClassVar[float] = 60.0
    """Seconds to become ready; generous, since a busy machine is no failure."""

    def check(self) -> None:
        """Raise StackError where this machine cannot run it."""

    def prepare(self, place: Place) -> None:
        """Write what the commands need. Called before each start."""

    @abstractmethod
    def commands(self, place: Place) -> Mapping[str, list[str]]:
        """Process name → command. A server of one process names it like itself."""

    def variables(self, place: Place) -> Environment:
        """Environment of its processes, besides ``place.environment``."""
        return {}

    @abstractmethod
    def url(self, place: Place) -> str:
        """How to reach the server that ``commands`` started."""

    def settle(self, place: Place, since: float) -> None:
        """After a start at ``since`` (Unix time): what is left to do or to wait for. Called again while it raises."""

    @abstractmethod
    def ready(self, url: str) -> None:
        """Return when it can be used; any exception means not yet, or no longer."""

    @abstractmethod
    def exports(self, url: str) -> Environment:
        """What a shell, a test or a DAG needs to reach it."""

    def own_exports(self, place: Place) -> Environment:
        """What is exported besides, when the stack runs it."""
        return {}


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a server's URL; ``base`` is the URL without credentials."""

    base: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    secure: bool

    @classmethod
    def of(cls, url: str) -> Address:
        """Split ``http[s]://user:password@host:port``, user and password percent-encoded."""
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        return cls(base, parts.hostname or "", parts.port or (443 if secure else 80), user, password, secure)

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of one request with basic authentication. Never through a proxy."""
        client = (HTTPSConnection if self.secure else HTTPConnection)(self.host, self.port, timeout=5)
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        try:
            client.request("GET", path, headers={"Authorization": f"Basic {token}"})
            answer = client.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            client.close()
