"""One COPY from its first object to its last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Final, Protocol

from devstack.redshift.copying.bodies import ahead, body
from devstack.redshift.copying.columns import Column
from devstack.redshift.copying.fast import Fast
from devstack.redshift.copying.job import Job
from devstack.redshift.copying.lines import Lines
from devstack.redshift.copying.objects import Objects, Paths, paths
from devstack.redshift.copying.parquet import Parquet
from devstack.redshift.copying.report import Report
from devstack.redshift.copying.sources import Address, sources
from devstack.redshift.copying.statement import CSV, JSON, PARQUET, TEXT, CopyStatement

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BLOCK: Final = 2 << 20


class Reader(Protocol):
    """Reads one file."""

    def feed(self, block: bytes, *, final: bool) -> Iterator[bytes]:
        """Lines for PostgreSQL, from the next piece of the file."""
        ...


class Copy:
    """A COPY that may begin. ``carefully`` leaves the fast way out."""

    def __init__(
        self, statement: CopyStatement, columns: Sequence[Column], client: S3Client, *, carefully: bool = False
    ) -> None:
        self._job, self._client = Job(statement, columns), client
        self._fast = None if carefully or statement.options.format not in {TEXT, CSV} else Fast(self._job.converter)

    @property
    def report(self) -> Report:
        """What was done so far."""
        return self._job.report

    def chunks(self) -> Iterator[bytes]:
        """Lines in PostgreSQL's COPY text format. Raises SqlError when the load fails: then nothing of it may stay."""
        files = sources(self._client, self._job.statement)
        with closing(ahead(self._pieces(files))) as pieces:
            for reader, block, final in pieces:
                for chunk in filter(None, reader.feed(block, final=final)):
                    if not self._job.options.no_load:
                        yield chunk
        if self._job.options.no_load:
            self.report.rows = 0
        self._job.finish()

    def _readers(self) -> Callable[[str], Reader]:
        """What reads a file of the statement's format."""
        job, options = self._job, self._job.options
        if options.format == JSON:
            found: Paths | None = paths(self._client, options.json, job.columns)
            return lambda file: Objects(job, file, found)
        if options.format == PARQUET:
            return lambda file: Parquet(job, file)
        return lambda file: Lines(job, file, self._fast)

    def _pieces(self, files: Sequence[Address]) -> Iterator[tuple[Reader, bytes, bool]]:
        """(reader of the file, the file's next block, whether it is the last)."""
        new = self._readers()
        by_blocks = self._job.options.format in {TEXT, CSV}
        for at in files:
            pieces = body(self._client, at, self._job.options.compression)
            reader = new(str(at))
            for block, final in _blocks(pieces) if by_blocks else [(b"".join(pieces), True)]:
                yield reader, block, final


def _blocks(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) > _BLOCK:
            yield bytes(waiting[:_BLOCK]), False
            del waiting[:_BLOCK]
    yield bytes(waiting), True
