"""A ClickHouse server of one's own, to be stopped, killed and started again without harm to other tests."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

import clickhouse_connect
import pytest
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import DatabaseError

ROOT = Path(__file__).parents[3]
USER, PASSWORD = "tester", "a pass:word'"
_SLOW = b"SELECT sleepEachRow(0.5) FROM numbers(60) SETTINGS max_block_size = 1"
_IS_SLOW = b"query LIKE 'SELECT sleepEachRow%'"
BASIC = {"Authorization": "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()}


@dataclass
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> int:
        return int(self.headers.get("X-ClickHouse-Exception-Code", 0))


@dataclass
class OwnClickHouse:
    """``folder`` holds its data and whatever it needs; ``options`` are added to its command line."""

    folder: Path
    options: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def command(self) -> list[str]:
        password = self.folder / "password"
        password.write_text(f"{PASSWORD}\n")
        words = ["--path", str(self.folder / "data"), "--user", USER, "--password-file", str(password)]
        return [sys.executable, "-m", "devstack.clickhouse", *words, *self.options]

    def start(self) -> OwnClickHouse:
        ready = self.folder / "ready"
        command = [*self.command(), "--ready-file", str(ready)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, text=True)
        deadline = time.monotonic() + 30
        while not ready.exists():
            assert self.process.poll() is None, "the server ended at once"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)
        self.port = int(ready.read_text())
        return self

    def refusal(self, *options: str) -> str:
        """What it says when it does not start."""
        command = [*self.command(), *options]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
        assert ended.returncode != 0
        return ended.stderr

    def end(self, signum: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Its exit code, and the seconds that it took."""
        assert self.process
        began = time.monotonic()
        self.process.send_signal(signum)
        code = self.process.wait(10)
        (self.folder / "ready").unlink(missing_ok=True)  # or the next start would take it for its own
        return code, time.monotonic() - began

    @contextmanager
    def client(self, **options: object) -> Iterator[Client]:
        address = {"host": "127.0.0.1", "port": self.port, "username": USER, "password": PASSWORD}
        client = clickhouse_connect.get_client(**{**address, "dedicated_pool": True, **options})
        try:
            yield client
        finally:
            client.close()

    def request(
        self,
        body: bytes = b"",
        *,
        method: str = "POST",
        headers: Mapping[str, str] = BASIC,
        path: str = "/",
        **parameters: object,
    ) -> Reply:
        """One plain HTTP request, for what the client library never sends."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, f"{path}?{urlencode(parameters)}", body or None, dict(headers))
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()


class Running:
    """A statement that runs for half a minute unless it is killed. ``code`` is how it ended."""

    def __init__(self, server: OwnClickHouse, **parameters: object) -> None:
        self._server = server
        self._parameters = {"query_id": "running", "wait_end_of_query": 1, **parameters}
        self._thread = threading.Thread(target=self._run)
        self.code = 0

    def _run(self) -> None:
        self.code = self._server.request(_SLOW, **self._parameters).code

    def __enter__(self) -> Self:
        self._thread.start()
        while self._server.request(b"SELECT count() FROM system.processes WHERE " + _IS_SLOW).body != b"1\n":
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ConnectionError):  # the server may be gone
            self._server.request(b"KILL QUERY WHERE " + _IS_SLOW)
        self.join()

    def join(self) -> None:
        """Wait until it has ended."""
        self._thread.join(10)
        assert not self._thread.is_alive()


class Worker:
    """Another process with a client of its own."""

    def __init__(self, server: OwnClickHouse, script: str, number: int) -> None:
        words = [str(server.port), USER, PASSWORD, str(number)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, "-c", script, *words], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
        )

    def line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline().strip()
        assert line, "the worker ended"
        return line

    def say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def rest(self) -> list[str]:
        """What it still says until it ends."""
        return self._process.communicate(timeout=30)[0].split()


def code_of(call: Callable[[], object]) -> int | None:
    with pytest.raises(DatabaseError) as caught:
        call()
    return caught.value.code


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))


def wait_for(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
