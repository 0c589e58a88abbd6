"""PostgreSQL and Redis for Airflow itself, on free ports of this machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.host import free_port
from devstack.redshift import postgres

REDIS = shutil.which("redis-server") or os.environ.get("REDIS_SERVER")


@contextmanager
def running(command: list[str], log: Path, signum: signal.Signals = signal.SIGTERM) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.send_signal(signum)
        process.wait(30)


@contextmanager
def airflow_database(folder: Path, password: str) -> Iterator[int]:
    """A PostgreSQL with the database and the user ``airflow``; its port."""
    binaries, port, data = postgres.binaries(), free_port(set()), folder / "data"
    words = postgres._privileges()
    secret = folder / "secret"
    secret.write_text(password)
    data.mkdir()
    if os.geteuid() == 0:
        os.chown(data, postgres._NOBODY, postgres._NOBODY)
    initdb = ["--no-sync", "--auth=scram-sha-256", f"--pwfile={secret}", "--username=airflow", "-E", "UTF8"]
    subprocess.run([*words, str(binaries / "initdb"), *initdb, "-D", str(data)], check=True, capture_output=True)
    command = [*words, str(binaries / "postgres"), "-D", str(data), "-p", str(port), "-c", "fsync=off"]
    where = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200"]
    with running([*command, *where], folder / "postgres.log", signal.SIGINT):
        _create_database(port, password)
        yield port


def _create_database(port: int, password: str) -> None:
    psql = [str(postgres.binaries() / "psql"), "-h", "127.0.0.1", "-p", str(port), "-U", "airflow", "-d", "postgres"]
    for _ in range(100):
        done = subprocess.run(
            [*psql, "-c", "CREATE DATABASE airflow"],
            env=os.environ | {"PGPASSWORD": password},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return
        time.sleep(0.2)
    raise AssertionError(done.stderr)


@contextmanager
def redis(folder: Path, password: str) -> Iterator[int]:
    """A Redis with a password; its port."""
    port = free_port(set())
    assert REDIS
    words = ["--port", str(port), "--bind", "127.0.0.1", "--requirepass", password, "--dir", str(folder)]
    with running([REDIS, *words], folder / "redis.log"):
        yield port
