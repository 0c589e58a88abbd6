"""A server for all of these tests, a table of its own for each, and servers that a test may kill."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver import Client

from tests.integration.clickhouse_server.own import OwnClickHouse, answers, free_port, wait_for


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnClickHouse]:
    own = OwnClickHouse(tmp_path_factory.mktemp("clickhouse")).start()
    yield own
    own.end(signal.SIGKILL)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnClickHouse]:
    """A server that a test may stop and kill; it is not started yet."""
    server = OwnClickHouse(tmp_path)
    yield server
    if server.process and server.process.poll() is None:
        server.end(signal.SIGKILL)


@pytest.fixture
def client(server: OwnClickHouse) -> Iterator[Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def database(client: Client) -> Iterator[str]:
    name = f"db_{secrets.token_hex(4)}"
    client.command(f"CREATE DATABASE {name} ENGINE = Atomic")
    yield name
    client.command(f"DROP DATABASE {name} SYNC")


@pytest.fixture
def table(client: Client, database: str) -> str:
    client.command(f"CREATE TABLE {database}.t (a Int64, s Nullable(String)) ENGINE = MergeTree ORDER BY a")
    return f"{database}.t"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[str]:
    """The URL of an S3 bucket with two small objects, for which KEY and SECRET are needed."""
    bucket = tmp_path / "s3" / "landing"
    bucket.mkdir(parents=True)
    (bucket / "a.csv").write_text("1\n2\n")
    (bucket / "b.csv").write_text("3\n")
    port = free_port()
    rclone = [str(Path(sys.executable).with_name("rclone")), "serve", "s3", "--auth-key", "KEY,SECRET"]
    with subprocess.Popen(
        [*rclone, "--addr", f"127.0.0.1:{port}", str(bucket.parent)], stderr=subprocess.DEVNULL
    ) as s3:
        wait_for(lambda: answers(port))
        yield f"http://127.0.0.1:{port}/landing"
        s3.terminate()
