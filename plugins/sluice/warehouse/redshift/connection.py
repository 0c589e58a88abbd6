"""An Airflow connection → how the driver connects. Every option of the connection's ``extra`` is read here.

``iam_role`` is read where COPY is made. ``ssl`` (true unless said), ``sslmode`` (``verify-ca`` or ``verify-full``),
``sslrootcert`` (the file of a CA that the system does not know), ``timeout`` (seconds without an answer before the
session is given up: longer than the longest COPY; none unless said).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import redshift_connector
from redshift_connector.core import Connection as Driver

from sluice.errors import ConfigError
from sluice.settings import Endpoint

PORT: Final = 5439
_MODES: Final = ("verify-ca", "verify-full")
_CA_FILE = threading.Lock()


def connector(endpoint: Endpoint) -> Callable[[], Driver]:
    """What opens a session. Raises ConfigError for a connection that is not complete."""
    if not (endpoint.host and endpoint.schema and endpoint.login):
        raise ConfigError(
            f"the connection {endpoint.conn_id!r} names no host, no database or no login",
            fix="set host, port, login, password, and the database as its schema",
        )
    options = {
        "host": endpoint.host,
        "port": endpoint.port or PORT,
        "database": endpoint.schema,
        "user": endpoint.login,
        "password": endpoint.password or "",
        "application_name": "sluice",
        # A prepared statement may not outlive the tables it was planned for, and staging tables come and go.
        "max_prepared_statements": 0,
        # A statement may take an hour in silence; a server that is gone is found out by the kernel instead.
        "tcp_keepalive": True,
        "tcp_keepalive_idle": 60,
        "tcp_keepalive_interval": 10,
        "tcp_keepalive_count": 6,
        **_security(endpoint),
        **_timeout(endpoint),
    }
    return partial(_connect, str(endpoint.extra.get("sslrootcert") or ""), options)


def _security(endpoint: Endpoint) -> dict[str, Any]:
    secure = str(endpoint.extra.get("ssl", True)).lower() not in {"0", "false", "no"}
    mode = endpoint.extra.get("sslmode")
    if mode and mode not in _MODES:
        raise ConfigError(
            f"sslmode {mode!r} of the connection {endpoint.conn_id!r} is unknown", fix=f"use one of {', '.join(_MODES)}"
        )
    return {"ssl": secure, **({"sslmode": mode} if mode and secure else {})}


def _timeout(endpoint: Endpoint) -> dict[str, Any]:
    text = endpoint.extra.get("timeout")
    if not text:
        return {}
    if not str(text).isdigit():
        raise ConfigError(f"timeout {text!r} of the connection {endpoint.conn_id!r} is no number of seconds")
    return {"timeout": int(text)}


def _connect(ca_file: str, options: Mapping[str, Any]) -> Driver:
    if not ca_file:
        return redshift_connector.connect(**options)
    with _known_ca(ca_file):
        return redshift_connector.connect(**options)


@contextmanager
def _known_ca(file: str) -> Iterator[None]:
    """The driver takes no CA file, but it asks OpenSSL for the default ones, which this variable names."""
    with _CA_FILE:
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = file
        try:
            yield
        finally:
            if before is None:
                del os.environ["SSL_CERT_FILE"]
            else:
                os.environ["SSL_CERT_FILE"] = before
