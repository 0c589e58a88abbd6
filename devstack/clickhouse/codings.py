"""The content encodings that ClickHouse and its clients use on bodies: zstd, lz4 frames, gzip, deflate."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol

import lz4.frame  # type: ignore[import-untyped]
import zstandard

from devstack.clickhouse.failure import CANNOT_DECOMPRESS, NOT_IMPLEMENTED, Failure

_GZIP = 31  # zlib's code for a gzip header around a 32 KB window


class Encoder(Protocol):
    """Turns pieces into bytes of one compressed stream; ``flush`` ends it."""

    def compress(self, data: bytes, /) -> bytes:
        """What is ready to be sent once ``data`` is added."""

    def flush(self) -> bytes:
        """What is left."""


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class _Plain:
    def compress(self, data: bytes) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


class _Lz4:
    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor()
        self._head: bytes = self._frame.begin()

    def compress(self, data: bytes) -> bytes:
        head, self._head = self._head, b""
        return head + bytes(self._frame.compress(data))

    def flush(self) -> bytes:
        return self._head + bytes(self._frame.flush())


_ENCODERS: dict[str, Callable[[], Encoder]] = {
    "zstd": lambda: zstandard.ZstdCompressor(level=1).compressobj(),
    "lz4": _Lz4,
    "gzip": partial(zlib.compressobj, 1, zlib.DEFLATED, _GZIP),
    "deflate": partial(zlib.compressobj, 1),
}
_DECODERS: dict[str, Callable[[], _Decoder]] = {
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "gzip": partial(zlib.decompressobj, _GZIP),
    "deflate": zlib.decompressobj,
}


def accepted(offer: str) -> str | None:
    """The first encoding of an ``Accept-Encoding`` header that is known here."""
    names = (name.partition(";")[0].strip().lower() for name in offer.split(","))
    return next((name for name in names if name in _ENCODERS), None)


def encoder(encoding: str | None) -> Encoder:
    """One of the encodings that ``accepted`` returns; None leaves the bytes as they are."""
    return _ENCODERS[encoding]() if encoding else _Plain()


def decoded(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Decompress a body as it arrives, also one of several frames. Raises Failure for a broken or unfinished one."""
    if encoding in {"", "identity"}:
        return pieces
    return _decompressed(pieces, encoding)


def _decompressed(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    if encoding not in _DECODERS:
        raise Failure.refusal(NOT_IMPLEMENTED, f"Content-Encoding {encoding} is not supported here.")
    decoder, begun = _DECODERS[encoding](), False
    for piece in pieces:
        left = piece
        while left:
            try:
                begun = True
                yield decoder.decompress(left)
            except (zlib.error, zstandard.ZstdError, RuntimeError) as error:  # RuntimeError is what lz4 raises
                raise Failure.refusal(CANNOT_DECOMPRESS, f"The {encoding} body is broken: {error}.") from error
            left = decoder.unused_data if decoder.eof else b""
            if decoder.eof:
                decoder, begun = _DECODERS[encoding](), False
    if begun:
        raise Failure.refusal(CANNOT_DECOMPRESS, f"The {encoding} body ends in the middle of a frame.")
