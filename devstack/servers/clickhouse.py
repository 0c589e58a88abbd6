"""ClickHouse's HTTP interface over the engine of the chdb wheel: ``python -m devstack.clickhouse``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar
from xml.sax.saxutils import escape

from devstack import host
from devstack.errors import StackError
from devstack.files import write_private
from devstack.servers.base import Address, Environment, Place, Server
from devstack.servers.connection import connection

ROOT = Path(__file__).parents[2]
_USER = "sluice"
# The engine reads landed parts with credentials of its own, so that no key ever stands in a statement.
# The pool is a server's own default: the embedded engine has 2, so that a mutation of more than 4 parts waits for a
# second before it is scheduled again.
_CONFIG = """\
<clickhouse>
  <background_pool_size>16</background_pool_size>
  <s3>
    <landing>
      <endpoint>{endpoint}/</endpoint>
      <access_key_id>{access_key}</access_key_id>
      <secret_access_key>{secret_key}</secret_access_key>
    </landing>
  </s3>
</clickhouse>
"""


class ClickHouse(Server):
    """One process owns the data folder and stands before the engine."""

    name = "clickhouse"
    external = "SLUICE_EXTERNAL_CLICKHOUSE_URL"
    external_form = "http[s]://user:password@host:port"
    secrets: ClassVar[Mapping[str, int]] = {"password": 16}

    def check(self) -> None:
        host.require_linux(self.name, self.external)
        host.require_package("chdb", "chdb", self.external)

    def prepare(self, place: Place) -> None:
        (place.folder / "data").mkdir(parents=True, exist_ok=True)
        config = _CONFIG.format(
            endpoint=escape(place.exports["S3_ENDPOINT_URL"]),
            access_key=escape(place.exports["AWS_ACCESS_KEY_ID"]),
            secret_key=escape(place.exports["AWS_SECRET_ACCESS_KEY"]),
        )
        write_private(place.folder / "config.xml", config)
        write_private(place.folder / "password", place.secrets["password"])

    def commands(self, place: Place) -> Mapping[str, list[str]]:
        options = {
            "--path": place.folder / "data",
            "--port": place.port,
            "--user": _USER,
            "--password-file": place.folder / "password",
            "--config": place.folder / "config.xml",
            "--ready-file": place.folder / "ready",
        }
        words = [str(word) for pair in options.items() for word in pair]
        return {self.name: [sys.executable, "-m", "devstack.clickhouse", *words]}

    def variables(self, place: Place) -> Environment:
        return {"PYTHONPATH": str(ROOT)}

    def url(self, place: Place) -> str:
        return f"http://{_USER}:{place.secrets['password']}@{host.LOOPBACK}:{place.port}"

    def ready(self, url: str) -> None:
        status, said = Address.of(url).get("/?query=SELECT%201")
        if status != HTTPStatus.OK or said.strip() != "1":
            raise StackError(f"ClickHouse answered {status}: {said.strip()[:200]}")

    def exports(self, url: str) -> Environment:
        at = Address.of(url)
        parts = {"host": at.host, "port": at.port, "login": at.user, "password": at.password}
        return {
            "CLICKHOUSE_HOST": at.host,
            "CLICKHOUSE_PORT": str(at.port),
            "CLICKHOUSE_USER": at.user,
            "CLICKHOUSE_PASSWORD": at.password,
            "AIRFLOW_CONN_WAREHOUSE": connection("clickhouse", **parts, extra={"secure": at.secure}),
        }
