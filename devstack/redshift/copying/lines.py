"""Reading a file of delimited text, block by block: the fast way where it goes, the careful way where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from devstack.redshift.copying.fast import Fast
from devstack.redshift.copying.job import Job, Place
from devstack.redshift.copying.records import Dialect
from devstack.redshift.copying.report import RowError


@dataclass(slots=True)
class Lines:
    """One file. ``number`` is the line that was read last."""

    job: Job
    file: str
    fast: Fast | None
    number: int = 0
    dialect: Dialect = field(init=False)
    _rest: bytes = b""

    def __post_init__(self) -> None:
        self.dialect = Dialect.of(self.job.options)

    def feed(self, block: bytes, *, final: bool) -> Iterator[bytes]:
        """What becomes of the next piece of the file; ``final`` is its last one."""
        self._rest = self._without_header(self._rest + block)
        if self.fast and (done := self.fast.convert(self._rest, final=final)):
            yield done.output
            self.job.counted(done.rows)
            self._step(done.used)
        yield from self._carefully(final=final)
        self.job.report.files[self.file] = self.number

    def _carefully(self, *, final: bool) -> Iterator[bytes]:
        data, begin, made = self._rest, 0, list[str]()
        number = self.number
        for row, end in self.dialect.records(data, final=final):
            raw = data[begin:end]
            number += raw.count(b"\n") or 1
            begin = end
            place = Place(self.file, number, raw.rstrip(b"\r\n"))
            if (fields := self._blank(row, place)) is not None and (line := self.job.line(fields, place)) is not None:
                made.append(line)
        yield "".join(f"{line}\n" for line in made).encode()
        self.number, self._rest = number, data[begin:]

    def _blank(self, row: list[str | None] | RowError, place: Place) -> list[str | None] | RowError | None:
        """None for an empty line that is passed over."""
        if place.raw or (len(self.job.columns) == 1 and not self.job.options.ignore_blank_lines):
            return row
        return None if self.job.options.ignore_blank_lines else RowError(1211, "Input line is empty")

    def _without_header(self, data: bytes) -> bytes:
        while self.number < self.job.options.ignore_header and (end := data.find(b"\n") + 1):
            self.number += 1
            data = data[end:]
        return data

    def _step(self, used: int) -> None:
        self.number += self._rest.count(b"\n", 0, used) + (not self._rest.endswith(b"\n", 0, used))
        self._rest = self._rest[used:]
