"""What a stack remembers between two commands: ports, secrets, processes; and the ``env`` file for shells."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from devstack.errors import StackError
from devstack.files import write_private
from devstack.process import Process

_STATE = "state.json"
_ENV = "env"


@dataclass
class Member:
    """One server of a stack. ``external``: the URL it was given, if the stack does not run it."""

    port: int
    secrets: dict[str, str] = field(repr=False)
    external: str | None = field(default=None, repr=False)
    processes: dict[str, Process] = field(default_factory=dict)

    @classmethod
    def new(cls, port: int, lengths: Mapping[str, int]) -> Member:
        """A member with secrets of its own; ``lengths``: name → random bytes, written in hex."""
        return cls(port, {name: secrets.token_hex(length) for name, length in lengths.items()})

    @classmethod
    def of(cls, data: dict[str, Any]) -> Member:
        """Read back what ``asdict`` made."""
        return cls(**data | {"processes": {name: Process(**each) for name, each in data["processes"].items()}})

    def running(self, process: str) -> bool:
        """Whether a process of it is alive."""
        return process in self.processes and self.processes[process].alive

    def family(self) -> list[Process]:
        """All of its processes that are alive, workers included."""
        return [each for process in self.processes.values() for each in process.family()]


State = dict[str, Member]
"""Server name → what is remembered of it, in the order of starting."""


def exists(home: Path) -> bool:
    """Whether there is a stack in ``home``."""
    return (home / _STATE).is_file()


def load(home: Path) -> State:
    """Read the state; empty where there is no stack."""
    try:
        data = json.loads((home / _STATE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {name: Member.of(each) for name, each in data.items()}


def save(home: Path, state: State) -> None:
    """Write the state."""
    write_private(home / _STATE, json.dumps({name: asdict(member) for name, member in state.items()}, indent=1))


def env_file(home: Path) -> Path:
    """The file for shells."""
    return home / _ENV


def log_file(home: Path, process: str) -> Path:
    """Where a process writes what it says."""
    return home / "logs" / f"{process}.log"


def write_env(home: Path, exports: Mapping[str, str]) -> None:
    """Write what a shell sources, one ``export NAME='value'`` a line."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in exports.items()]
    write_private(env_file(home), "".join(lines))


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """One command at a time for a stack. Makes the folder; refuses one that holds something else."""
    folder = _open(home)
    try:
        if not exists(home) and any(home.iterdir()):
            raise StackError(
                f"{home} is not empty and not a stack: nothing was touched; choose another place with --home"
            )
        yield
    finally:
        os.close(folder)


def _open(home: Path) -> int:
    while True:
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise StackError(
                f"{home} cannot be used for the stack: {error.strerror}; choose another place with --home"
            ) from None
        fcntl.flock(folder, fcntl.LOCK_EX)
        # The one who had the lock may have removed the folder: then this is a lock on nothing.
        if home.exists() and os.path.samestat(os.fstat(folder), home.stat()):
            return folder
        os.close(folder)
