"""A mongod of a test's own, for settings that the stack's server must not have."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pymongo import MongoClient

from devstack import host
from devstack.servers.mongod import _binary


@contextmanager
def own_mongod(
    folder: Path, *, replica_set: bool, parameters: tuple[str, ...] = (), options: tuple[str, ...] = ()
) -> Iterator[str]:
    """Start one; gives its URL."""
    port = host.free_port(set())
    arguments = ["--dbpath", str(folder), "--port", str(port), "--bind_ip", host.LOOPBACK, "--nounixsocket", "--quiet"]
    arguments += ["--wiredTigerCacheSizeGB", "0.25", *(["--replSet", "rs0"] if replica_set else [])]
    for parameter in (*parameters, "shutdownTimeoutMillisForSignaledShutdown=0"):
        arguments += ["--setParameter", parameter]
    server = subprocess.Popen([str(_binary()), *arguments, *options], stdout=subprocess.DEVNULL)
    url = f"mongodb://{host.LOOPBACK}:{port}/?directConnection=true"
    try:
        with MongoClient(url) as client:
            client.admin.command("ping")
            if replica_set:
                client.admin.command("replSetInitiate", {"_id": "rs0", "members": [{"_id": 0, "host": url[10:25]}]})
                while not client.admin.command("hello")["isWritablePrimary"]:
                    pass
        yield url
    finally:
        server.terminate()
        server.wait()
