"""A session of the PostgreSQL server behind the front."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from devstack.redshift import wire
from devstack.redshift.errors import SqlError
from devstack.redshift.wire import Frame, message, read_frame, text

_VERSION: Final = 196608
_CANCEL: Final = 80877102
_LIMIT: Final = 1 << 20
_OPTIONS: Final = (
    # Redshift descends from PostgreSQL 8.0, where a backslash escapes in every literal.
    "-c standard_conforming_strings=off -c escape_string_warning=off -c timezone=UTC -c datestyle=ISO,MDY"
    " -c extra_float_digits=1"
)

Row = tuple[str | None, ...]


class BackendError(SqlError):
    """PostgreSQL's own error; ``fields`` by the letters of the protocol."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(fields.get("M", ""), fields.get("C", "XX000"), fields.get("D", ""))
        self.fields = fields


@dataclass(frozen=True, slots=True)
class Login:
    """Who connects to what. ``socket``: the path of PostgreSQL's socket."""

    socket: str
    user: str
    password: str = field(repr=False)
    database: str
    application: str = "front"


class Backend:
    """One session. Frames may be sent one by one; ``query`` and the copies are whole exchanges."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.status = wire.IDLE
        self.parameters: dict[str, str] = {}
        self.key = b""

    @classmethod
    async def connect(cls, login: Login) -> Backend:
        """Open a session. Raises BackendError, OSError."""
        backend = cls(*await asyncio.open_unix_connection(login.socket, limit=_LIMIT))
        try:
            await backend._log_in(login)
        except BaseException:
            backend.close()
            raise
        return backend

    @property
    def pid(self) -> int:
        """The session's number."""
        return int(struct.unpack_from("!i", self.key)[0])

    async def _log_in(self, login: Login) -> None:
        said = {
            "user": login.user,
            "database": login.database,
            "application_name": login.application,
            "client_encoding": "UTF8",
            "options": _OPTIONS,
        }
        body = struct.pack("!i", _VERSION) + b"".join(text(k) + text(v) for k, v in said.items()) + b"\0"
        self._writer.write(struct.pack("!i", len(body) + 4) + body)
        async for frame in self.frames(until=wire.READY):
            match frame:
                case (b"E", body):
                    raise BackendError(wire.fields(body))
                case (b"R", b"\0\0\0\3"):
                    self._writer.write(message(b"p", text(login.password)))
                case (b"S", body):
                    name, value, _ = wire.texts(body)
                    self.parameters[name] = value
                case (b"K", body):
                    self.key = body

    def send(self, *messages: bytes) -> None:
        """Write whole messages."""
        self._writer.write(b"".join(messages))

    async def frames(self, until: bytes) -> AsyncIterator[Frame]:
        """What comes, up to and with the first frame whose letter is in ``until``."""
        while True:
            frame = await read_frame(self._reader)
            if frame.kind == wire.READY:
                self.status = frame.body
            yield frame
            if frame.kind in until:
                return

    async def query(self, sql: str) -> list[Row]:
        """One text of statements, and the rows of all of them. Raises BackendError when the session is ready again."""
        self.send(message(b"Q", text(sql)))
        rows, failed = list[Row](), None
        async for frame in self.frames(until=wire.READY):
            if frame.kind == wire.ROW:
                rows.append(wire.values(frame.body))
            elif frame.kind == wire.ERROR:
                failed = BackendError(wire.fields(frame.body))
        if failed:
            raise failed
        return rows

    async def copy_in(self, sql: str, chunks: AsyncIterable[bytes]) -> None:
        """COPY FROM STDIN. Raises BackendError, or what ``chunks`` raised, when the session is ready again."""
        self.send(message(b"Q", text(sql)))
        failed: BaseException | None = None
        async for frame in self.frames(until=wire.READY):
            if frame.kind == b"G":
                failed = await self._copy_all(chunks)
            elif frame.kind == wire.ERROR:
                failed = failed or BackendError(wire.fields(frame.body))
        if failed:
            raise failed

    async def _copy_all(self, chunks: AsyncIterable[bytes]) -> BaseException | None:
        try:
            async for chunk in chunks:
                self.send(message(b"d", chunk))
                await self._writer.drain()
        except Exception as error:  # noqa: BLE001  whatever it is, the COPY has to be ended before it is raised
            self.send(message(b"f", text("given up")))
            return error
        self.send(message(b"c"))
        return None

    async def copy_out(self, sql: str) -> AsyncIterator[bytes]:
        """COPY TO STDOUT, row by row. Raises BackendError when the session is ready again."""
        self.send(message(b"Q", text(sql)))
        failed = None
        async for frame in self.frames(until=wire.READY):
            if frame.kind == b"d":
                yield frame.body
            elif frame.kind == wire.ERROR:
                failed = BackendError(wire.fields(frame.body))
        if failed:
            raise failed

    async def columns(self, sql: str) -> list[str]:
        """The names of a query's columns. Raises BackendError when the session is ready again."""
        parse = message(b"P", text(""), text(sql), struct.pack("!h", 0))
        self.send(parse, message(b"D", b"S", text("")), message(b"S"))
        names, failed = list[str](), None
        async for frame in self.frames(until=wire.READY):
            if frame.kind == b"T":
                names = wire.names(frame.body)
            elif frame.kind == wire.ERROR:
                failed = BackendError(wire.fields(frame.body))
        if failed:
            raise failed
        return names

    def close(self) -> None:
        """Leave; an open transaction is rolled back."""
        with suppress(OSError):
            self._writer.write(message(b"X"))
            self._writer.close()


async def cancel(socket: str, body: bytes) -> None:
    """Hand a client's CancelRequest on; ``body`` is what followed its code."""
    _, writer = await asyncio.open_unix_connection(socket)
    writer.write(struct.pack("!ii", len(body) + 8, _CANCEL) + body)
    await writer.drain()
    writer.close()
