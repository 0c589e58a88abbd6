"""An Airflow connection → how the driver connects. Every option of the connection's ``extra`` is read here.

``iam_role`` is read where COPY is made. ``ssl`` (true unless said), ``sslmode`` (``verify-ca`` or ``verify-full``),
``sslrootcert`` (the file of a CA that the system does not know), ``timeout`` (seconds without an answer before the
session is given up: longer than the longest COPY; none unless said).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import redshift_connector
from redshift_connector.core import Connection as Driver

from sluice.errors import ConfigError
from sluice.settings import Endpoint

PORT: Final = 5439
_MODES: Final = ("verify-ca", "verify-full")
_CA_FILE = threading.Lock()


@dataclass(frozen=True, slots=True)
class Connector:
    """What opens a session. ``options`` are the driver's, the password among them."""

    options: Mapping[str, Any] = field(repr=False)
    ca_file: str = ""

    @property
    def address(self) -> str:
        """For people."""
        return f"{self.options['host']}:{self.options['port']}"

    def __call__(self) -> Driver:
        """Connect and log in. Raises the driver's errors."""
        if not self.ca_file:
            return redshift_connector.connect(**self.options)
        with _known_ca(self.ca_file):
            return redshift_connector.connect(**self.options)


def connector(endpoint: Endpoint) -> Connector:
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
        **({"timeout": endpoint.timeout} if endpoint.timeout else {}),
    }
    return Connector(options, _ca_file(endpoint))


def _security(endpoint: Endpoint) -> dict[str, Any]:
    secure = str(endpoint.extra.get("ssl", True)).lower() not in {"0", "false", "no"}
    mode = endpoint.extra.get("sslmode")
    if mode and mode not in _MODES:
        raise ConfigError(
            f"sslmode {mode!r} of the connection {endpoint.conn_id!r} is unknown", fix=f"use one of {', '.join(_MODES)}"
        )
    return {"ssl": secure, **({"sslmode": mode} if mode and secure else {})}


def _ca_file(endpoint: Endpoint) -> str:
    file = str(endpoint.extra.get("sslrootcert") or "")
    if file and not Path(file).is_file():
        raise ConfigError(
            f"there is no file {file}, which the connection {endpoint.conn_id!r} names as sslrootcert",
            fix="put the CA's certificates there, or take sslrootcert out: a cluster's own are known to the system",
        )
    return file


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
