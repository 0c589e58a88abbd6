"""A client's first words: TLS, cancelling, who it is.

Page: *Configure SSL/TLS for the Amazon Redshift driver* (connecting-ssl-support). Passwords travel as MD5, which the
driver knows besides Redshift's own digest.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import struct
from collections.abc import Mapping
from typing import Final

from devstack.redshift import backend, wire
from devstack.redshift.backend import Backend, BackendError
from devstack.redshift.errors import SqlError
from devstack.redshift.shared import Account, Shared
from devstack.redshift.wire import message, read_frame, report, text

_CANCEL, _TLS, _GSSAPI = 80877102, 80877103, 80877104
_KEPT: Final = {"DateStyle", "TimeZone", "integer_datetimes", "is_superuser", "session_authorization"}
_OWN: Final = {
    "client_encoding": "UNICODE",
    "server_encoding": "UNICODE",
    "server_version": "8.0.2",
    "server_protocol_version": "0",
    "padb_version": "1.0.0-standin",
    "max_varchar_size": "65535",
    "max_numeric_precision": "38",
    "datashare_enabled": "off",
}


async def log_in(shared: Shared, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Backend | None:
    """A PostgreSQL session for this client, or None when it was refused or wanted something else."""
    said = await _startup(shared, reader, writer)
    if said is None:
        return None
    try:
        user = await _authenticate(shared.account, said.get("user", ""), reader, writer)
        application = said.get("application_name", "")[:63]
        session = await Backend.connect(shared.postgres.login(user, said.get("database", user), application))
    except (SqlError, BackendError) as refused:
        fields = {"S": "FATAL", "C": refused.code, "M": refused.message}
        writer.write(report(wire.ERROR, fields))
        await writer.drain()
        return None
    kept = {name: value for name, value in session.parameters.items() if name in _KEPT}
    writer.write(message(b"R", b"\0\0\0\0"))
    for name, value in {**kept, **_OWN}.items():
        writer.write(message(b"S", text(name), text(value)))
    writer.write(message(b"K", session.key) + message(b"Z", session.status))
    await writer.drain()
    return session


async def _startup(
    shared: Shared, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Mapping[str, str] | None:
    while True:
        length, code = struct.unpack("!ii", await reader.readexactly(8))
        body = await reader.readexactly(length - 8)
        match code:
            case 80877103:
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(shared.tls)
            case 80877104:
                writer.write(b"N")
            case 80877102:
                await backend.cancel(shared.postgres.login("", "").socket, body)
                return None
            case _:
                words = wire.texts(body)
                # The driver also says which protocol and driver it is: PostgreSQL would refuse what it does not know.
                return dict(zip(words[::2], words[1::2], strict=False))


async def _authenticate(account: Account, user: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    salt = secrets.token_bytes(4)
    writer.write(message(b"R", struct.pack("!i", 5), salt))
    answer = (await read_frame(reader)).body.rstrip(b"\0")
    inner = _md5((account.password + user).encode())
    if user != account.user or not hmac.compare_digest(answer, b"md5" + _md5(inner + salt)):
        raise SqlError(f'password authentication failed for user "{user}"', "28000")
    return user


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).hexdigest().encode()
