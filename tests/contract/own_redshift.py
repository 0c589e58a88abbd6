"""A stand-in for Redshift of the test session's own, in either isolation, that can be told to misbehave."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sluice.settings import Endpoint
from sluice.warehouse.redshift.client import Client

ROOT = Path(__file__).parents[2]
USER, PASSWORD, DATABASE = "tester", "Tester-1", "dev"


def require_stand_in() -> None:
    """Skip where there is none."""
    if importlib.util.find_spec("devstack.redshift.__main__") is None:
        pytest.skip("there is no stand-in for Redshift here: devstack.redshift")


@dataclass
class OwnRedshift:
    """A stand-in of one's own. ``environment`` names the S3 that it reads, and has the keys of it."""

    folder: Path
    environment: Mapping[str, str]
    isolation: str = "snapshot"
    port: int = 0
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def faults(self) -> Path:
        return self.folder / "faults.json"

    @property
    def log(self) -> Path:
        return self.folder / "statements.jsonl"

    @contextmanager
    def running(self) -> Iterator[OwnRedshift]:
        """Started, and stopped at the end."""
        try:
            yield self._start()
        finally:
            if self.process:
                self.process.terminate()
                self.process.wait(30)

    def _start(self) -> OwnRedshift:
        self.folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        password = self.folder / "password"
        password.write_text(f"{PASSWORD}\n")
        self.faults.write_text("[]")
        words = {
            "--folder": self.folder / "data",
            "--port": self.port,
            "--user": USER,
            "--password-file": password,
            "--s3-endpoint": self.environment["S3_ENDPOINT_URL"],
            "--isolation": self.isolation,
            "--fault-file": self.faults,
            "--statement-log": self.log,
        }
        command = [sys.executable, "-m", "devstack.redshift", *(str(w) for pair in words.items() for w in pair)]
        keys = {key: self.environment[key] for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        self.process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **keys}, text=True)
        self._await()
        return self

    def _await(self) -> None:
        assert self.process
        deadline = time.monotonic() + 60
        while not self._listens():  # the driver leaves a socket open when there is nothing to connect to
            assert self.process.poll() is None, "the stand-in ended at once"
            assert time.monotonic() < deadline, "the stand-in does not answer"
            time.sleep(0.1)
        Client.connect(self.endpoint).close()

    def _listens(self) -> bool:
        with socket.socket() as line:
            return line.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("warehouse", "127.0.0.1", self.port, USER, PASSWORD, DATABASE, {"ssl": False})

    @contextmanager
    def fault(self, match: str, action: str, **fields: Any) -> Iterator[Callable[[], int]]:
        """Disturb the next statement that matches; yields how often that is still to come."""
        self.faults.write_text(json.dumps([{"match": match, "action": action, "times": 1, **fields}]))
        try:
            yield lambda: sum(rule["times"] for rule in json.loads(self.faults.read_text()))
        finally:
            self.faults.write_text("[]")

    def statements(self) -> list[tuple[int, str]]:
        """Every statement that it was sent so far, with its session."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [(line["session"], line["sql"]) for line in lines]
