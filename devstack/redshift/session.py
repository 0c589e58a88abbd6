"""A client's session: each message is handed on to its PostgreSQL session, or done by the front in that session."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from devstack.redshift import wire
from devstack.redshift.backend import Backend, BackendError
from devstack.redshift.current import Current
from devstack.redshift.errors import SqlError
from devstack.redshift.faults import Fault
from devstack.redshift.login import log_in
from devstack.redshift.reader import literal
from devstack.redshift.said import as_redshift
from devstack.redshift.shared import Shared
from devstack.redshift.statements import Planned, plan
from devstack.redshift.wire import Frame, message, read_frame, text

_FLUSH: Final = message(b"H")
_ABORTED: Final = "current transaction is aborted, commands ignored until end of transaction block"
_FILL: Final = 1 << 15
_ENDS: Final = {b"P": b"1E", b"B": b"2E", b"D": b"TnE", b"E": b"CIsE", b"C": b"3E", b"S": b"Z"}
"""The letters that end the answer to a message."""


class ConnectionDropped(Exception):
    """A fault: the client is to find its connection lost."""


async def serve(shared: Shared, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one client until it leaves."""
    backend = None
    try:
        backend = await log_in(shared, reader, writer)
        if backend:
            await Session(shared, reader, writer, backend).run()
    except (EOFError, OSError, ConnectionDropped):
        writer.transport.abort()
    finally:
        if backend:
            backend.close()
        with suppress(OSError):
            writer.close()


class Session:
    """Messages in, answers out, one at a time."""

    def __init__(
        self, shared: Shared, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend
    ) -> None:
        self.shared, self.backend = shared, backend
        self._reader, self._writer = reader, writer
        self._statements: dict[bytes, Planned] = {}
        self._portals: dict[bytes, Planned] = {}
        self.transaction = Current(shared, backend)
        self._failed = self._muted = self._wrote = False
        self._changed: set[str] = set()
        self.last_copy = {"id": -1, "count": 0}

    async def run(self) -> None:
        """Until the client leaves. After an error everything is skipped up to the next Sync."""
        handlers: dict[bytes, Callable[[bytes], Awaitable[bool]]] = {
            b"P": self._parse,
            b"B": self._bind,
            b"D": self._describe,
            b"E": self._execute,
            b"C": self._close,
        }
        skip = False
        try:
            while (frame := await read_frame(self._reader)).kind != b"X":
                if frame.kind == b"S":
                    skip = False
                    await self._relay(frame)
                elif frame.kind == b"Q":
                    await self._refuse_simple()
                elif frame.kind in handlers and not skip:
                    skip = not await self._handle(handlers[frame.kind], frame.body)
                await self._writer.drain()
        finally:
            self.transaction.end(committed=False)

    async def _handle(self, handler: Callable[[bytes], Awaitable[bool]], body: bytes) -> bool:
        try:
            return await handler(body)
        except SqlError as error:
            await self._fail(error)
            return False

    async def _fail(self, error: SqlError) -> None:
        """Answer with an error. One that PostgreSQL has not seen makes its transaction fail, too."""
        self._failed = True
        if not isinstance(error, BackendError) and self.backend.status == wire.IN_TRANSACTION:
            with suppress(BackendError):
                await self.backend.query("DO $$ BEGIN RAISE EXCEPTION 'given up'; END $$")
        self.send(wire.error(as_redshift(error, self.backend.pid)))

    async def _refuse_simple(self) -> None:
        await self._fail(SqlError("the stand-in speaks the extended protocol only, as Redshift's driver does", "0A000"))
        self.send(message(wire.READY, self.backend.status))

    def send(self, data: bytes) -> None:
        """Answer the client."""
        if not self._muted:
            self._writer.write(data)

    # -- the messages

    async def _parse(self, body: bytes) -> bool:
        name, sql, types = body.split(b"\0", 2)
        planned = plan(sql.decode())
        self._statements[name] = planned
        if planned.work:
            self._refuse_aborted()
            self.send(message(b"1"))
            return True
        await self._prepare(planned)
        return await self._relay(Frame(b"P", name + b"\0" + text(planned.relayed) + types))

    async def _bind(self, body: bytes) -> bool:
        portal, name, values = body.split(b"\0", 2)
        planned = self._portals[portal] = self._found(self._statements, name)
        if planned.work:
            self.send(message(b"2"))
            return True
        if name:  # a text without a name was parsed just now, and a query would make the server forget it
            await self._prepare(planned)
        return await self._relay(Frame(b"B", portal + b"\0" + name + b"\0" + values))

    async def _describe(self, body: bytes) -> bool:
        statement = body[:1] == b"S"
        planned = self._found(self._statements if statement else self._portals, body[1:-1])
        if not planned.work:
            return await self._relay(Frame(b"D", body))
        self.send((message(b"t", struct.pack("!h", 0)) if statement else b"") + message(b"n"))
        return True

    async def _execute(self, body: bytes) -> bool:
        planned = self._found(self._portals, body.split(b"\0", 1)[0])
        self.shared.log.write(self.backend.pid, planned.logged)
        fault = self.shared.faults.next(planned.sql)
        if fault:
            await self._disturb(fault, planned)
        done = await self._do(planned, Frame(b"E", body))
        if fault:  # what it did takes effect, and nobody is told
            await self._relay(Frame(b"S", b""))
            raise ConnectionDropped
        return done

    async def _close(self, body: bytes) -> bool:
        known = self._statements if body[:1] == b"S" else self._portals
        planned = known.pop(body[1:-1], None)
        if planned and planned.work:
            self.send(message(b"3"))
            return True
        return await self._relay(Frame(b"C", body))

    def _found(self, known: dict[bytes, Planned], name: bytes) -> Planned:
        if name not in known:
            raise SqlError(f'"{name.decode()}" does not exist', "26000")
        return known[name]

    # -- what a message leads to

    async def _do(self, planned: Planned, frame: Frame) -> bool:
        if not planned.work:
            if planned.snapshot:
                await self.transaction.order()
            if planned.writes:
                self._wrote = True
                self._changed.add(planned.writes)
            return await self._relay(frame)
        from devstack.redshift.doing import do

        self._refuse_aborted()
        self._wrote = True
        if planned.work.alone and self.backend.status != wire.IDLE:
            raise SqlError(f"{planned.work.alone} cannot run inside a transaction block", "25001")
        tag = await do(self, planned.work)
        self.send(message(wire.COMPLETE, text(tag)))
        return True

    async def _disturb(self, fault: Fault, planned: Planned) -> None:
        if fault.action == "drop_before":
            raise ConnectionDropped
        self._muted = fault.action == "drop_after"
        if fault.action == "error":
            if planned.sql.split()[0].lower() in {"commit", "end"}:
                await self.query("ROLLBACK")  # a COMMIT that fails ends the transaction
            raise fault.error

    def _refuse_aborted(self) -> None:
        if self.backend.status == wire.FAILED:
            raise SqlError(_ABORTED, "25P02")

    async def _prepare(self, planned: Planned) -> None:
        """Before a text is parsed: the lock of a write, which Redshift takes before the snapshot, not after it."""
        if self.backend.status == wire.FAILED:
            return
        if planned.writes and self.backend.status == wire.IN_TRANSACTION:
            await self.transaction.lock(planned.writes)
        if planned.asks_last_copy:
            settings = (f"set_config('redshift.last_copy_{k}', '{v}', false)" for k, v in self.last_copy.items())
            await self.backend.query(f"SELECT {', '.join(settings)}")
        if planned.snapshot:
            self.transaction.take_snapshot()

    async def query(self, sql: str) -> None:
        """Run a statement of the front's own in the client's session."""
        try:
            await self.backend.query(sql)
        finally:
            self._note_end(committed=sql == "COMMIT")

    async def _relay(self, frame: Frame) -> bool:
        """Hand a message on, and what comes back, up to the end of the answer."""
        sync = frame.kind == b"S"
        self.backend.send(frame.encode(), b"" if sync else _FLUSH)
        good = True
        async for answer in self.backend.frames(until=_ENDS[frame.kind]):
            match answer.kind:
                case b"E":
                    good, self._failed = False, True
                    self.send(wire.error(as_redshift(BackendError(wire.fields(answer.body)), self.backend.pid)))
                case b"S" | b"Z":
                    continue
                case b"C" if answer.body == b"COMMIT\0":
                    self.transaction.end(committed=True)  # who waited for its locks goes on from here
                    self.send(answer.encode())
                case b"C" if answer.body == b"ROLLBACK\0":
                    self._failed = True
                    self.send(answer.encode())
                case _:
                    self.send(answer.encode())
            if len(answer.body) > _FILL:
                await self._writer.drain()
        if sync:
            self._note_end(committed=not self._failed)
            await self._flush_counts()
            self.send(message(wire.READY, self.backend.status))
            await self._learn()
        return good

    def _note_end(self, *, committed: bool) -> None:
        if self.backend.status == wire.IDLE:
            self.transaction.end(committed=committed)
            self._failed = False

    async def _flush_counts(self) -> None:
        """What svv_table_info shows moves before the client is told, not a second later."""
        if self._wrote and self.backend.status == wire.IDLE:
            self._wrote = False
            await self.backend.query("SELECT pg_stat_force_next_flush()")

    async def _learn(self) -> None:
        """PostgreSQL gets to know what was written."""
        while self._changed and self.backend.status == wire.IDLE:
            await self.backend.query(f"SELECT standin.learn({literal(self._changed.pop())})")
