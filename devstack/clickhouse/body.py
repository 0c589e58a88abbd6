"""The body of a request: read as it arrives, decompressed, and never held as a whole unless it is a statement."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from devstack.clickhouse.codings import decoded
from devstack.clickhouse.failure import HTTP_LENGTH_REQUIRED, Failure

_PIECE = 1 << 20
_NAME = re.compile(rb'[; ]name="([^"]*)"')
_FILENAME = re.compile(rb'filename="')
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')


class Body:
    """An iterator over pieces of bytes. What stands before the body in the URL can be put in front."""

    def __init__(self, received: Iterator[bytes], encoding: str = "") -> None:
        self._received = received
        self._pieces = decoded(received, encoding)
        self._front = b""

    @classmethod
    def of(cls, stream: BinaryIO, headers: Mapping[str, str]) -> Body:
        """The body of a request that has been read up to the end of its headers."""
        return cls(_received(stream, headers), headers.get("content-encoding", "").strip().lower())

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self._front:
            return next(self._pieces)
        front, self._front = self._front, b""
        return front

    def prepend(self, data: bytes) -> None:
        """Put ``data`` before what is still to be read."""
        self._front = data + self._front

    def head(self, size: int) -> bytes:
        """At least the first ``size`` bytes if there are so many; they stay in the stream."""
        while len(self._front) < size and (piece := next(self._pieces, None)) is not None:
            self._front += piece
        return self._front

    def skip(self, size: int) -> None:
        """Drop the first ``size`` bytes of what ``head`` returned."""
        self._front = self._front[size:]

    def whole(self) -> bytes:
        """All that is still to be read, at once."""
        return b"".join(self)

    def drain(self) -> None:
        """Read to the end without understanding it: a client that still sends would not hear the answer."""
        for _ in self._received:
            pass


def boundary_of(headers: Mapping[str, str]) -> bytes | None:
    """What separates the parts of a multipart form, or None when the body is no form."""
    kind = headers.get("content-type", "")
    found = _BOUNDARY.search(kind) if kind.startswith("multipart/form-data") else None
    return found[1].encode() if found else None


def form(body: bytes, boundary: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
    """The fields of a form, which are parameters, and its files, which are the rows of external tables.

    Taken apart by hand: the e-mail parser of the standard library may change line ends of binary parts.
    """
    fields, files = {}, {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        if not (named := _NAME.search(head)):
            continue
        if _FILENAME.search(head):
            files[named[1].decode()] = content
        else:
            fields[named[1].decode()] = content.decode(errors="surrogateescape")
    return fields, files


def _received(stream: BinaryIO, headers: Mapping[str, str]) -> Iterator[bytes]:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _chunked(stream)
    if length := headers.get("content-length"):
        return _exactly(stream, int(length))
    return iter(())


def has_length(headers: Mapping[str, str]) -> None:
    """Raises Failure for a POST whose end nobody could know."""
    if "content-length" not in headers and "chunked" not in headers.get("transfer-encoding", "").lower():
        raise Failure.refusal(
            HTTP_LENGTH_REQUIRED, "The Transfer-Encoding is not chunked and there is no Content-Length."
        )


def _chunked(stream: BinaryIO) -> Iterator[bytes]:
    while size := _chunk_size(stream.readline()):
        yield from _exactly(stream, size)
        stream.readline()
    while stream.readline().strip():  # trailers
        pass


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError as error:
        raise _torn() from error


def _exactly(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        piece = stream.read(min(size, _PIECE))
        if not piece:
            raise _torn()
        size -= len(piece)
        yield piece


def _torn() -> ConnectionError:
    """A client that died in the middle: what it was inserting must not be committed as if it were all."""
    return ConnectionError("the client closed the connection in the middle of the body")
