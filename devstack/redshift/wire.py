"""The frames of PostgreSQL's protocol, version 3, as both sides of the front speak it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping
from typing import NamedTuple

from devstack.redshift.errors import SqlError

READY, ERROR, NOTICE, COMPLETE, ROW, PARAMETER = b"Z", b"E", b"N", b"C", b"D", b"S"
IDLE, IN_TRANSACTION, FAILED = b"I", b"T", b"E"
"""What a session is in, as ReadyForQuery says it."""


class Frame(NamedTuple):
    """One message: its letter, and what follows the length."""

    kind: bytes
    body: bytes

    def encode(self) -> bytes:
        """As it goes over the wire."""
        return self.kind + struct.pack("!i", len(self.body) + 4) + self.body


def message(kind: bytes, *parts: bytes) -> bytes:
    """A message from its parts."""
    return Frame(kind, b"".join(parts)).encode()


def text(value: str) -> bytes:
    """A zero-terminated string."""
    return value.encode() + b"\0"


def texts(body: bytes) -> list[str]:
    """The zero-terminated strings of a body."""
    return [part.decode(errors="replace") for part in body.split(b"\0")]


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """The next message. Raises IncompleteReadError when the other side is gone."""
    head = await reader.readexactly(5)
    (length,) = struct.unpack_from("!i", head, 1)
    return Frame(head[:1], await reader.readexactly(length - 4) if length > 4 else b"")


def fields(body: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse or a NoticeResponse, by their letters."""
    return {part[:1]: part[1:] for part in texts(body) if part}


def report(kind: bytes, said: Mapping[str, str]) -> bytes:
    """An ErrorResponse or NoticeResponse; empty fields are left out."""
    return message(kind, *(text(letter + value) for letter, value in said.items() if value), b"\0")


def error(failed: SqlError, severity: str = "ERROR") -> bytes:
    """The ErrorResponse of an error."""
    return report(ERROR, {"S": severity, "C": failed.code, "M": failed.message, "D": failed.detail})


def notice(said: str) -> bytes:
    """A NoticeResponse, as COPY sends them."""
    return report(NOTICE, {"S": "INFO", "C": "00000", "M": said})


def values(body: bytes) -> tuple[str | None, ...]:
    """The columns of a DataRow in text form."""
    (count,), at, found = struct.unpack_from("!h", body), 2, list[str | None]()
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        found.append(None if length < 0 else body[at : at + length].decode())
        at += max(length, 0)
    return tuple(found)


def names(body: bytes) -> list[str]:
    """The columns' names of a RowDescription."""
    (count,), at, found = struct.unpack_from("!h", body), 2, list[str]()
    for _ in range(count):
        end = body.index(b"\0", at)
        found.append(body[at:end].decode())
        at = end + 19
    return found
