"""What all sessions of a server share."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devstack.redshift.backend import Backend, Row
from devstack.redshift.faults import Faults, Log
from devstack.redshift.isolation import Isolation
from devstack.redshift.postgres import SUPERUSER, Postgres

if TYPE_CHECKING:  # it imports boto3, which takes longer than refusing a wrong option should
    from devstack.redshift.copying import Storage

DATABASE: Final = "dev"


@dataclass(frozen=True, slots=True)
class Account:
    """Who may log in."""

    user: str
    password: str = field(repr=False)


class System:
    """A session of the stand-in's own: what it writes, no client's ROLLBACK takes back."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres, self._lock = postgres, asyncio.Lock()
        self._backend: Backend | None = None

    async def query(self, sql: str) -> list[Row]:
        """Run a statement; it is committed."""
        async with self._lock:
            if self._backend is None:
                self._backend = await Backend.connect(self._postgres.login(SUPERUSER, DATABASE, "system"))
            return await self._backend.query(sql)


@dataclass(frozen=True)
class Shared:
    """A server. ``isolation`` is None where snapshot isolation is in force."""

    postgres: Postgres
    account: Account
    tls: ssl.SSLContext
    storage: Storage | None
    faults: Faults
    log: Log
    isolation: Isolation | None
    system: System
    vacuum: asyncio.Lock = field(default_factory=asyncio.Lock)
