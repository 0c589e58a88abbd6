"""Processes that outlive the command that started them, and are never mistaken for others.

A process is known by its pid *and* the kernel's start tick: a pid alone is handed out again. Each server leads a
session of its own, so that the workers it forks are found after it is gone, also those that moved to another process
group (as Airflow's tasks do). Everything is read from ``/proc``: the servers' binaries are built for Linux only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from devstack.errors import StackError

# In the environment of every server: finds what was started by an `up` that died before it could write the pid down.
MARK = "SLUICE_DEVSTACK_OWNER"
_PROC = Path("/proc")
_ZOMBIE = "Z"

# Kept so that children of this very process are reaped, and do not linger as zombies.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class Process:
    """One process of one boot of this machine. ``tick``: kernel clock ticks between the boot and its start."""

    pid: int
    tick: int
    boot: str

    @property
    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        entry = _entry(self.pid)
        return bool(entry and entry.tick == self.tick and entry.state != _ZOMBIE and self.boot == _boot())

    @property
    def memory(self) -> int:
        """Its proportional share of memory (PSS) in bytes: shared pages are divided among those who share them."""
        for line in _read(_PROC / str(self.pid) / "smaps_rollup").decode().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
        return 0

    def family(self) -> list[Process]:
        """It and everything of its session that is alive, also when it is not itself."""
        leader = _entry(self.pid)
        if self.boot != _boot() or (leader and leader.tick != self.tick):
            return []  # the pid, and with it the session's number, went to a stranger
        entries = [e for e in _entries() if e.session == self.pid and e.tick >= self.tick and e.state != _ZOMBIE]
        return [Process(e.pid, e.tick, self.boot) for e in entries]

    def send(self, signum: signal.Signals) -> None:
        """Signal it, if it is still the same process."""
        if self.alive:
            try:
                os.kill(self.pid, signum)
            except ProcessLookupError:
                return


def launch(command: Sequence[str], *, environment: Mapping[str, str], log: Path, folder: Path) -> Process:
    """Start a command in a session of its own, its output in ``log``; what was there is kept as ``<log>.1``."""
    if log.exists():
        log.replace(f"{log}.1")
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    entry = _entry(child.pid)  # there even if it has ended already, since nobody has asked how
    assert entry
    _children[child.pid] = child
    return Process(entry.pid, entry.tick, _boot())


def marked(owner: str) -> list[Process]:
    """Everything alive that was started with ``owner`` as its mark."""
    wanted = f"{MARK}={owner}".encode()
    found = [e for e in _entries() if e.pid != os.getpid() and e.state != _ZOMBIE]
    return [Process(e.pid, e.tick, _boot()) for e in found if wanted in _environment(e.pid)]


def named(word: str) -> list[Process]:
    """Everything alive whose command line has ``word`` in it: also what has left its session, and is another user's."""
    found = [e for e in _entries() if e.pid != os.getpid() and e.state != _ZOMBIE]
    return [Process(e.pid, e.tick, _boot()) for e in found if word.encode() in _read(_PROC / str(e.pid) / "cmdline")]


def end(find: Callable[[], list[Process]], *, grace: float = 10.0) -> None:
    """Ask, ask again, then insist, until ``find`` returns nothing. Raises StackError when something still survives.

    Asked twice, because a busy Airflow scheduler was seen to survive one SIGTERM.
    """
    for signum, patience in ((signal.SIGTERM, grace / 2), (signal.SIGTERM, grace / 2), (signal.SIGKILL, 5.0)):
        if _signal_until_none(find, signum, patience):
            return
    pids = ",".join(str(process.pid) for process in find())
    raise StackError(f"these processes did not end, not even by SIGKILL: {pids}; look at them with `ps -fp {pids}`")


def _signal_until_none(find: Callable[[], list[Process]], signum: signal.Signals, patience: float) -> bool:
    deadline, told = time.monotonic() + patience, set[Process]()
    while left := set(find()):
        if time.monotonic() > deadline:
            return False
        for process in left - told:  # each once, also those that a process forked before it heard
            process.send(signum)
        told |= left
        time.sleep(0.05)
    return True


class _Entry(NamedTuple):
    pid: int
    state: str
    session: int
    tick: int


def _entry(pid: int) -> _Entry | None:
    if child := _children.get(pid):
        child.poll()
    # The command's name is in parentheses and may hold anything, parentheses included: cut after the last one.
    fields = _read(_PROC / str(pid) / "stat").decode(errors="replace").rpartition(")")[2].split()
    return _Entry(pid, fields[0], int(fields[3]), int(fields[19])) if fields else None


def _entries() -> Iterator[_Entry]:
    for path in _PROC.iterdir():
        if path.name.isdigit() and (entry := _entry(int(path.name))):
            yield entry


def _environment(pid: int) -> list[bytes]:
    return _read(_PROC / str(pid) / "environ").split(b"\0")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it ended meanwhile, or belongs to another user


@cache
def _boot() -> str:
    return _read(_PROC / "sys/kernel/random/boot_id").decode().strip()
