"""Connections: an Airflow connection id → the endpoint it names, with or without Airflow.

The command line reads the same ``AIRFLOW_CONN_<ID>`` variables that Airflow reads, in both of Airflow's forms (JSON and
URI), so that one set of connections serves both ways in.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from sluice.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server as a connection describes it. ``uri`` is a MongoDB connection string, where one was given.

    The password and everything in ``extra`` are left out of ``repr``, so that no log shows them (I9).
    """

    conn_id: str
    host: str | None = None
    port: int | None = None
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    schema: str | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False)
    uri: str | None = field(default=None, repr=False)

    @classmethod
    def from_json(cls, conn_id: str, text: str) -> Self:
        """Read Airflow's JSON form; ``extra`` may be an object or JSON text."""
        data = json.loads(text)
        extra = data.get("extra") or {}
        extra = json.loads(extra) if isinstance(extra, str) else extra
        port = data.get("port")
        return cls(
            conn_id,
            data.get("host"),
            int(port) if port else None,
            data.get("login"),
            data.get("password"),
            data.get("schema"),
            extra,
            _mongo_uri(data.get("host"), extra),
        )

    @classmethod
    def from_uri(cls, conn_id: str, text: str) -> Self:
        """Read Airflow's URI form; a ``mongodb://`` string is also kept whole."""
        if text.startswith(("mongodb://", "mongodb+srv://")):
            return cls(conn_id, uri=text)
        url = urlsplit(text)
        query = dict(parse_qsl(url.query))
        extra = json.loads(query["__extra__"]) if "__extra__" in query else query
        return cls(
            conn_id,
            unquote(url.hostname) if url.hostname else None,
            url.port,
            unquote(url.username) if url.username else None,
            unquote(url.password) if url.password else None,
            unquote(url.path.lstrip("/")) or None,
            extra,
            _mongo_uri(None, extra),
        )

    @property
    def timeout(self) -> int | None:
        """Seconds without an answer after which a connection is given up: ``timeout`` in ``extra``."""
        text = str(self.extra.get("timeout") or "")
        if text and not text.isdigit():
            raise ConfigError(f"timeout {text!r} of the connection {self.conn_id!r} is no number of seconds")
        return int(text) if text else None


Resolver = Callable[[str], Endpoint]


def from_environment(conn_id: str, environment: Mapping[str, str] = os.environ) -> Endpoint:
    """The endpoint in ``AIRFLOW_CONN_<ID>``. Raises ConfigError when it is missing or cannot be read."""
    variable = f"AIRFLOW_CONN_{conn_id.upper()}"
    text = environment.get(variable, "").strip()
    if not text:
        raise missing(conn_id)
    try:
        return Endpoint.from_json(conn_id, text) if text.startswith("{") else Endpoint.from_uri(conn_id, text)
    except (ValueError, AttributeError) as error:
        # `from None` and no text of the value: the variable holds a password.
        raise ConfigError(
            f"the connection {conn_id!r} cannot be read",
            why=f"{variable} is neither Airflow's JSON form nor a URI ({type(error).__name__})",
            fix=f"""set it like {variable}='{{"conn_type": "...", "host": "...", "login": "..."}}'""",
        ) from None


def missing(conn_id: str) -> ConfigError:
    """The error for a connection that nobody defined."""
    return ConfigError(
        f"the connection {conn_id!r} is not defined",
        why=f"AIRFLOW_CONN_{conn_id.upper()} is not set, and no Airflow connection has that id",
        fix=f"set AIRFLOW_CONN_{conn_id.upper()}, or add it to Airflow (`airflow connections add {conn_id} …`)",
    )


def _mongo_uri(host: str | None, extra: Mapping[str, Any]) -> str | None:
    if extra.get("uri"):
        return str(extra["uri"])
    return host if host and host.startswith(("mongodb://", "mongodb+srv://")) else None
