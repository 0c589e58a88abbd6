"""UNLOAD: the rows of a query → objects under a prefix. Page r_UNLOAD."""

from __future__ import annotations

import bz2
import gzip
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import zstandard

from devstack.redshift.copying.convert import NULL
from devstack.redshift.copying.sources import Address, s3_errors
from devstack.redshift.copying.statement import CSV, UnloadStatement
from devstack.redshift.errors import SqlError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_COMPRESS: Final[dict[str, tuple[str, Callable[[bytes], bytes]]]] = {
    "GZIP": (".gz", gzip.compress),
    "ZSTD": (".zst", zstandard.ZstdCompressor().compress),
    "BZIP2": (".bz2", bz2.compress),
}
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_MEANT: Final = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


class Unload:
    """An UNLOAD that may begin."""

    def __init__(self, statement: UnloadStatement, client: S3Client) -> None:
        self._statement, self._options, self._client = statement, statement.options, client
        self._target = Address.of(statement.target)
        self._special = re.compile(f'[{re.escape(self._options.delimiter)}"\n\r]')

    def write(self, names: Sequence[str], chunks: Iterable[bytes]) -> str:
        """Write all rows, given in PostgreSQL's COPY text format. Returns the notice. Raises SqlError."""
        self._refuse_overwriting()
        rows = [self._line(line) for line in _lines(chunks)]
        header = self._joined(names) if self._options.header else ""
        bodies = self._parts(header, rows) if rows or header else []
        written = [self._put(number, body) for number, body in enumerate(bodies)]
        if self._options.manifest:
            self._put_manifest(written)
        return f"UNLOAD completed, {len(rows)} record(s) unloaded successfully."

    def _refuse_overwriting(self) -> None:
        with s3_errors(""):
            at = self._target
            found = self._client.list_objects_v2(Bucket=at.bucket, Prefix=at.key, MaxKeys=1).get("Contents")
        if found and not self._options.allow_overwrite:
            raise SqlError(
                "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, manually "
                "removing the target files in S3, or using the ALLOWOVERWRITE option.",
                "XX000",
            )

    def _line(self, line: str) -> str:
        return self._joined([None if text == NULL else _ESCAPE.sub(_meant, text) for text in line.split("\t")])

    def _joined(self, values: Sequence[str | None]) -> str:
        return self._options.delimiter.join(map(self._field, values)) + "\n"

    def _field(self, value: str | None) -> str:
        if value is None:
            return self._options.null_as
        quoted = self._options.add_quotes or (self._options.format == CSV and self._special.search(value))
        if not quoted:
            return value
        doubled = value.replace('"', '""') if self._options.format == CSV else value
        return f'"{doubled}"'

    def _parts(self, header: str, rows: Sequence[str]) -> Iterator[bytes]:
        """Bodies of at most MAXFILESIZE each, before compression; every one with the header."""
        part, size = [header], len(header)
        for row in rows:
            if size + len(row) > self._options.max_file_size:
                yield "".join(part).encode()
                part, size = [header], len(header)
            part.append(row)
            size += len(row)
        yield "".join(part).encode()

    def _put(self, number: int, body: bytes) -> dict[str, object]:
        ending, compress = _COMPRESS.get(self._options.compression or "", ("", bytes))
        # The stand-in has one slice, 0000.
        name = f"0000_part_{number:02d}" if self._options.parallel else f"{number:03d}"
        at, data = Address(self._target.bucket, f"{self._target.key}{name}{ending}"), compress(body)
        with s3_errors(""):
            self._client.put_object(Bucket=at.bucket, Key=at.key, Body=data)
        return {"url": str(at), "meta": {"content_length": len(data)}}

    def _put_manifest(self, written: Sequence[dict[str, object]]) -> None:
        at = self._target
        with s3_errors(""):
            body = json.dumps({"entries": written}).encode()
            self._client.put_object(Bucket=at.bucket, Key=f"{at.key}manifest", Body=body)


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode() for line in lines)
    if rest:
        yield rest.decode()


def _meant(escape: re.Match[str]) -> str:
    return _MEANT.get(escape[1], escape[1])
