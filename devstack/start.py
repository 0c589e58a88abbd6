"""Starting servers side by side, and taking back what was started when one of them fails."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from devstack import host
from devstack.errors import StackError
from devstack.files import last_words
from devstack.process import MARK, Process, end, launch
from devstack.servers import Place, Server
from devstack.state import Member, State, log_file, save

# Settings of the caller's shell that would change what the servers do.
_FOREIGN = ("AIRFLOW", "AWS_", "CLICKHOUSE_", "MONGO_", "RCLONE_", "SLUICE_")
_LOCAL = "127.0.0.1,localhost"
_PATIENCE_WITH_OTHERS = 10.0


def place(home: Path, server: Server, member: Member, exports: dict[str, str]) -> Place:
    """Where a server of the stack in ``home`` lives."""
    return Place(home / server.name, member.port, member.secrets, exports, _environment(home))


def exports(home: Path, servers: Sequence[Server], members: State) -> dict[str, str]:
    """What all servers of the stack export."""
    merged = {"SLUICE_DEVSTACK": str(home)}
    for server in servers:
        if member := members.get(server.name):
            here = place(home, server, member, {})
            merged |= server.exports(member.external or server.url(here))
            merged |= {} if member.external else server.own_exports(here)
    return merged


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    near = {name: ",".join(filter(None, (kept.get(name), _LOCAL))) for name in ("NO_PROXY", "no_proxy")}
    return kept | near | {MARK: str(home), "TMPDIR": str(home / "tmp")}


class Starter:
    """Starts servers of one stack; ``say`` is told of each that is ready."""

    def __init__(self, home: Path, members: State, everything: dict[str, str], say: Callable[[str], object]) -> None:
        self._home, self._members, self._exports, self._say = home, members, everything, say
        self._given_up = threading.Event()
        self._writing = threading.Lock()
        self._launched: list[Process] = []

    def start(self, servers: Sequence[Server]) -> None:
        """Start what does not run, and wait until all are ready. Raises StackError, with nothing new left running."""
        try:
            self._start_all(servers)
        except BaseException:
            end(lambda: [each for process in self._launched for each in process.family()])
            raise

    def _start_all(self, servers: Sequence[Server]) -> None:
        with ThreadPoolExecutor(max(1, len(servers))) as pool:
            try:
                for future in as_completed([pool.submit(self._start, server) for server in servers]):
                    future.result()
            except BaseException:
                self._given_up.set()  # the others need not be waited for
                raise

    def _start(self, server: Server) -> None:
        began, member = time.time(), self._members[server.name]
        here = place(self._home, server, member, self._exports)
        if member.external:
            self._meet(server, member.external)
        else:
            launched = self._launch_missing(server, member, here)
            self._wait(server, here, began if launched else 0.0)
        where = "external" if member.external else f"{host.LOOPBACK}:{member.port}"
        self._say(f"{server.name:<12} ready  {where:<16} {time.time() - began:5.1f} s")

    def _launch_missing(self, server: Server, member: Member, here: Place) -> bool:
        commands = server.commands(here)
        missing = [name for name in commands if not member.running(name)]
        if not missing:
            return False
        end(lambda: [each for name in missing if name in member.processes for each in member.processes[name].family()])
        if len(missing) == len(commands):
            host.require_port(server.name, member.port)
        server.prepare(here)
        environment = {**here.environment, **server.variables(here)}
        for name in missing:
            self._launch(member, name, commands[name], environment)
        return True

    def _launch(self, member: Member, name: str, command: list[str], environment: dict[str, str]) -> None:
        with self._writing:
            if self._given_up.is_set():
                return
            process = launch(command, environment=environment, log=log_file(self._home, name), folder=self._home)
            self._launched.append(process)
            member.processes[name] = process
            save(self._home, self._members)

    def _wait(self, server: Server, here: Place, since: float) -> None:
        def step() -> None:
            server.settle(here, since)
            server.ready(server.url(here))

        member = self._members[server.name]
        problem = self._retry(step, server.patience, lambda: self._require_running(member, server.commands(here)))
        if problem:
            raise StackError(f"{server.name} was not ready after {server.patience:.0f} s: {problem}")

    def _meet(self, server: Server, url: str) -> None:
        if problem := self._retry(lambda: server.ready(url), _PATIENCE_WITH_OTHERS, lambda: None):
            raise StackError(f"the server that {server.external} names does not answer as it should: {problem}")

    def _retry(self, step: Callable[[], None], patience: float, guard: Callable[[], None]) -> Exception | None:
        deadline = time.monotonic() + patience
        while not self._given_up.is_set():
            try:
                step()
            except Exception as error:  # noqa: BLE001  a server that is starting fails in any way its client knows
                guard()
                if time.monotonic() > deadline:
                    return error
                time.sleep(0.05)
            else:
                return None
        return None

    def _require_running(self, member: Member, names: Iterable[str]) -> None:
        for name in names:
            if not member.running(name) and not self._given_up.is_set():
                path = log_file(self._home, name)
                raise StackError(f"{name} ended instead of becoming ready: {last_words(path)} (log: {path})")
