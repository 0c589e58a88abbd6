"""The stand-in for Amazon Redshift: ``python -m devstack.redshift``, a test double over PostgreSQL."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from devstack import host
from devstack.files import write_private
from devstack.redshift import postgres
from devstack.servers.base import Environment, Place, Server
from devstack.servers.connection import connection
from sluice.settings import Endpoint

ROOT = Path(__file__).parents[2]
_USER = "sluice"
_DATABASE = "dev"
_PORT = 5439


class Redshift(Server):
    """One process, and PostgreSQL as its child. It is reached over TLS, by the authority that it made for itself."""

    name = "redshift"
    external = postgres.VARIABLE
    external_form = "redshift://user:password@host:port/database[?ssl=false][&sslrootcert=/ca.pem][&iam_role=arn]"
    secrets: ClassVar[Mapping[str, int]] = {"password": 16}

    def check(self) -> None:
        postgres.require()

    def prepare(self, place: Place) -> None:
        place.folder.mkdir(parents=True, exist_ok=True)
        write_private(place.folder / "password", place.secrets["password"])

    def commands(self, place: Place) -> Mapping[str, list[str]]:
        options = {
            "--folder": place.folder / "data",
            "--port": place.port,
            "--user": _USER,
            "--password-file": place.folder / "password",
            "--s3-endpoint": place.exports.get("S3_ENDPOINT_URL", ""),
        }
        words = [str(word) for pair in options.items() for word in pair]
        return {self.name: [sys.executable, "-m", "devstack.redshift", *words]}

    def variables(self, place: Place) -> Environment:
        keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        return {"PYTHONPATH": str(ROOT), **{key: place.exports[key] for key in keys}}

    def url(self, place: Place) -> str:
        login = f"{_USER}:{place.secrets['password']}"
        authority = quote(str(place.folder / "data" / "ca.pem"))
        return f"redshift://{login}@{host.LOOPBACK}:{place.port}/{_DATABASE}?sslrootcert={authority}"

    def ready(self, url: str) -> None:
        from sluice.warehouse.redshift.client import Client

        end = endpoint_of(url)
        # The driver leaves its socket open when nobody listens.
        socket.create_connection((end.host, end.port), timeout=5).close()
        Client.connect(end).close()

    def exports(self, url: str) -> Environment:
        end = endpoint_of(url)
        parts = {"host": end.host, "port": end.port, "login": end.login, "password": end.password}
        return {
            "REDSHIFT_HOST": end.host or "",
            "REDSHIFT_PORT": str(end.port),
            "REDSHIFT_DATABASE": end.schema or "",
            "REDSHIFT_USER": end.login or "",
            "REDSHIFT_PASSWORD": end.password or "",
            "AIRFLOW_CONN_REDSHIFT": connection("redshift", **parts, schema=end.schema, extra=end.extra),
        }


def endpoint_of(url: str) -> Endpoint:
    """The connection that a URL of the form ``external_form`` says; its query is the connection's ``extra``."""
    parts = urlsplit(url)
    extra = dict(parse_qsl(parts.query))
    login, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Endpoint(
        "redshift", parts.hostname, parts.port or _PORT, login, password, parts.path.lstrip("/") or _DATABASE, extra
    )
