"""One stand-in: PostgreSQL, what it must know to pass for Redshift, and the front before it."""

from __future__ import annotations

import asyncio
import hashlib
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devstack.errors import StackError
from devstack.redshift import tls
from devstack.redshift.backend import Backend
from devstack.redshift.copying import Storage
from devstack.redshift.faults import Faults, Log
from devstack.redshift.isolation import Isolation
from devstack.redshift.postgres import SUPERUSER, Postgres
from devstack.redshift.reader import literal, quoted
from devstack.redshift.session import serve
from devstack.redshift.shared import DATABASE, Account, Shared, System

_CATALOG: Final = Path(__file__).parent / "catalog"
_LIMIT: Final = 1 << 20
_OTHER: Final = "use another port"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """As the command line has them."""

    folder: Path
    host: str
    port: int
    account: Account
    storage: Storage | None
    serializable: bool
    fault_file: Path | None
    statement_log: Path | None


async def run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT. Raises StackError when it cannot start, or when PostgreSQL ends."""
    stopped = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stopped.set)
    postgres = Postgres(options.folder)
    try:
        await postgres.start()
        await _furnish(postgres, options)
        shared = _shared(options, postgres)
        async with _listening(options, shared):
            print(f"listening on {options.host}:{options.port}", flush=True)
            await _until(stopped, postgres)
    finally:
        await postgres.stop()


def _shared(options: Options, postgres: Postgres) -> Shared:
    return Shared(
        postgres,
        options.account,
        tls.context(options.folder),
        options.storage,
        Faults(options.fault_file),
        Log(options.statement_log),
        Isolation() if options.serializable else None,
        System(postgres),
    )


@asynccontextmanager
async def _listening(options: Options, shared: Shared) -> AsyncIterator[None]:
    sessions = set[asyncio.Task[None]]()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        sessions.add(task)
        try:
            await serve(shared, reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()  # the server ends
        finally:
            sessions.discard(task)

    try:
        server = await asyncio.start_server(accept, options.host, options.port, limit=_LIMIT)
    except OSError as error:
        raise StackError(
            f"redshift cannot listen on {options.host}:{options.port}: {error.strerror}; {_OTHER}"
        ) from None
    try:
        yield
    finally:
        server.close()
        for task in list(sessions):
            task.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)


async def _until(stopped: asyncio.Event, postgres: Postgres) -> None:
    waiting = [asyncio.ensure_future(stopped.wait()), asyncio.ensure_future(postgres.ended())]
    done, left = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    if waiting[1] in done:
        raise StackError("PostgreSQL ended, and the front ends with it: start it again")


async def _furnish(postgres: Postgres, options: Options) -> None:
    """The user, the database, and Redshift's system views and functions; nothing where they are already."""
    account = options.account
    login = postgres.login(SUPERUSER, "postgres")
    admin = await Backend.connect(login)
    user, password = quoted(account.user), literal(login.password)
    if not await admin.query(f"SELECT FROM pg_roles WHERE rolname = {literal(account.user)}"):
        await admin.query(f"CREATE ROLE {user} LOGIN CREATEROLE PASSWORD {password}")
    if not await admin.query(f"SELECT FROM pg_database WHERE datname = '{DATABASE}'"):
        await admin.query(f"CREATE DATABASE {DATABASE} OWNER {user}")
    level = "Serializable" if options.serializable else "Snapshot Isolation"
    await admin.query(f"ALTER DATABASE {DATABASE} SET redshift.isolation = {literal(level)}")
    admin.close()
    await _furnish_catalog(postgres)


async def _furnish_catalog(postgres: Postgres) -> None:
    texts = [file.read_text() for file in sorted(_CATALOG.glob("*.sql"))]
    wanted = hashlib.sha256("".join(texts).encode()).hexdigest()
    own = await Backend.connect(postgres.login(SUPERUSER, DATABASE))
    if not await own.query("SELECT FROM pg_namespace WHERE nspname = 'standin'"):
        done = f"INSERT INTO standin.version VALUES ('{wanted}')"
        await own.query("\n;".join(["SET standard_conforming_strings = on", *texts, done]))
    ((found,),) = await own.query("SELECT hash FROM standin.version")
    own.close()
    if found != wanted:
        raise StackError("the data folder of redshift was made by another version of it: `python -m devstack reset`")
