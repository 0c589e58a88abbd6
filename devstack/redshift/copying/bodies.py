"""The bytes of an object, decompressed as they come.

Page *File compression parameters* (copy-parameters-file-compression).
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import zstandard

from devstack.redshift.copying.report import failure
from devstack.redshift.copying.sources import Address, s3_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")
_READ: Final = 1 << 20


class _Inflate(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


_INFLATE: Final[dict[str, tuple[str, Callable[[], _Inflate]]]] = {
    "GZIP": ("zlib", lambda: zlib.decompressobj(zlib.MAX_WBITS | 16)),
    "ZSTD": ("zstd", lambda: zstandard.ZstdDecompressor().decompressobj()),
    "BZIP2": ("bzip2", bz2.BZ2Decompressor),
}


def body(client: S3Client, at: Address, compression: str | None) -> Iterator[bytes]:
    """Pieces of the decompressed object. Raises SqlError for one that is cut off or broken."""
    with s3_errors(""):
        stream = client.get_object(Bucket=at.bucket, Key=at.key)["Body"]
        pieces = iter(lambda: stream.read(_READ), b"")
        yield from _inflated(pieces, at, compression) if compression else pieces


def _inflated(pieces: Iterator[bytes], at: Address, compression: str) -> Iterator[bytes]:
    """Compressed streams may follow one another, as in any .gz file."""
    library, new = _INFLATE[compression]
    inflate = new()
    begun = False
    try:
        for piece in pieces:
            rest = piece
            while rest:
                inflate, begun = (new(), True) if inflate.eof else (inflate, True)
                yield inflate.decompress(rest)
                rest = inflate.unused_data if inflate.eof else b""
    except (zlib.error, zstandard.ZstdError, OSError, EOFError) as error:
        raise _broken(library, f"{error}", at) from error
    if begun and not inflate.eof:
        raise _broken(library, "unexpected end of file.", at)


def _broken(library: str, why: str, at: Address) -> Exception:
    return failure(f"failed to inflate with {library}: {why}", 9001, f"S3 key being read : {at}")


def ahead(items: Iterator[T]) -> Generator[T, None, None]:
    """The same items, each made in a thread while the one before it is used."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(next, items, None)
        while (item := waiting.result()) is not None:
            waiting = pool.submit(next, items, None)
            yield item
