"""The stack as one thing: up, down, and what tests do to it in between.

>>> stack = Stack(home)
>>> stack.up(airflow=False)
>>> stack.env()["MONGO_URL"]
>>> stack.kill("mongod")
... stack.start("mongod")
>>> stack.down()
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from devstack import host, start, state
from devstack.errors import StackError
from devstack.files import size
from devstack.process import Process, end, marked
from devstack.servers import SERVERS, Place, Server
from devstack.state import Member, State

HOME_VARIABLE = "SLUICE_DEVSTACK"
ROOT = Path(__file__).parents[1]


def default_home() -> Path:
    """``$SLUICE_DEVSTACK``, else ``.devstack`` in the repository."""
    return Path(os.environ.get(HOME_VARIABLE) or ROOT / ".devstack")


@dataclass(frozen=True, slots=True)
class Status:
    """One server as it is now. ``problem`` is empty when it is healthy; ``data`` and ``memory`` in bytes."""

    name: str
    address: str
    pids: tuple[int, ...]
    problem: str
    data: int
    memory: int


class Stack:
    """The servers whose state is in ``home``. Two stacks with different homes share nothing."""

    def __init__(
        self,
        home: Path | None = None,
        *,
        servers: Sequence[Server] = SERVERS,
        say: Callable[[str], object] = str,
    ) -> None:
        self.home = (home or default_home()).resolve()
        self._servers = servers
        self._say = say

    def exists(self) -> bool:
        """Whether there is one, running or not."""
        return state.exists(self.home)

    def up(self, *, airflow: bool = True) -> None:
        """Start what does not run, and wait until all is healthy. What runs is left alone.

        Raises StackError, with nothing left running that this call started.
        """
        with state.locked(self.home):
            members = state.load(self.home)
            wanted = [s for s in self._servers if s.name in members or airflow or not s.optional]
            try:
                self._admit(wanted, members)
            except BaseException:
                if not members:
                    shutil.rmtree(self.home)
                raise
            self._start(wanted, members)

    def down(self) -> bool:
        """End every process and remove every file of the stack. False when there is none."""
        if not self.exists():
            return False
        with state.locked(self.home):
            end(self._everything)
            shutil.rmtree(self.home)
        return True

    def reset(self) -> None:
        """Empty the data; ports, keys and the ``env`` file stay. External servers are left alone."""
        with state.locked(self.home):
            members = self._members()
            end(self._everything)
            for name, member in members.items():
                if not member.external:
                    shutil.rmtree(self.home / name)
            self._start([s for s in self._servers if s.name in members], members)

    def env(self) -> dict[str, str]:
        """What the ``env`` file exports."""
        return start.exports(self.home, self._servers, self._members())

    def status(self) -> list[Status]:
        """One entry a server, in the order of starting."""
        members = self._members()
        present = [s for s in self._servers if s.name in members]
        with ThreadPoolExecutor(len(present)) as pool:
            return list(pool.map(lambda server: self._status(server, members[server.name]), present))

    def start(self, name: str) -> None:
        """Start a server, or one process of it, and wait until it is healthy."""
        with state.locked(self.home):
            server, _ = self._find(name)
            self._start([server], self._members())

    def stop(self, name: str) -> None:
        """End a server, or one process of it, in an orderly way; its data stays."""
        with state.locked(self.home):
            _, processes = self._find(name)
            end(lambda: [each for process in processes for each in process.family()])

    def restart(self, name: str) -> None:
        """Stop and start."""
        self.stop(name)
        self.start(name)

    def kill(self, name: str) -> None:
        """SIGKILL a server, or one process of it; its workers, if any, are left as they are."""
        _, processes = self._find(name)
        for process in processes:
            process.send(signal.SIGKILL)
        while any(process.alive for process in processes):
            os.sched_yield()

    def pids(self, name: str) -> list[int]:
        """The pids of a server's own processes that are alive, without their workers."""
        return [process.pid for process in self._find(name)[1] if process.alive]

    def _admit(self, servers: Sequence[Server], members: State) -> None:
        host.require_room(self.home)
        for server in servers:
            member = members.get(server.name)
            url = os.environ.get(server.external) or (member.external if member else None)
            if not url and not (member and member.family()):
                server.check()
            if member is None:
                taken = {each.port for each in members.values()}
                member = members[server.name] = Member.new(host.free_port(taken), server.secrets)
            if url and not member.external:
                end(member.family)
            member.external = url

    def _start(self, servers: Sequence[Server], members: State) -> None:
        for folder in ("logs", "tmp"):
            (self.home / folder).mkdir(exist_ok=True)
        exports = start.exports(self.home, self._servers, members)
        state.save(self.home, members)
        state.write_env(self.home, exports)
        start.Starter(self.home, members, exports, self._say).start(servers)

    def _members(self) -> State:
        members = state.load(self.home)
        if not members:
            raise StackError(f"there is no stack in {self.home}: start one with `make up`")
        return members

    def _everything(self) -> list[Process]:
        recorded = [each for member in state.load(self.home).values() for each in member.family()]
        return list({*recorded, *marked(str(self.home))})

    def _find(self, name: str) -> tuple[Server, list[Process]]:
        for server in self._servers:
            if member := self._members().get(server.name):
                if name == server.name:
                    return server, list(member.processes.values())
                if name in member.processes:
                    return server, [member.processes[name]]
        raise StackError(f"the stack has no {name}: it has {', '.join(self._names())}")

    def _names(self) -> Iterable[str]:
        for name, member in self._members().items():
            yield from dict.fromkeys((name, *member.processes))

    def _status(self, server: Server, member: Member) -> Status:
        here = start.place(self.home, server, member, {})
        family = [] if member.external else member.family()
        return Status(
            name=server.name,
            address=_address(member),
            pids=tuple(process.pid for process in member.processes.values() if process.alive),
            problem=_problem(server, member, here),
            data=0 if member.external else size(here.folder),
            memory=sum(process.memory for process in family),
        )


def _address(member: Member) -> str:
    return member.external.rpartition("@")[2] if member.external else f"{host.LOOPBACK}:{member.port}"


def _problem(server: Server, member: Member, here: Place) -> str:
    if not member.external:
        dead = [name for name in server.commands(here) if not member.running(name)]
        if dead:
            return f"not running: {', '.join(dead)}"
    try:
        server.ready(member.external or server.url(here))
    except Exception as error:  # noqa: BLE001  whatever the client raises, it is the answer
        return " ".join(str(error).split())[:200] or type(error).__name__
    return ""
