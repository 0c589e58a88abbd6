r"""Rows of delimited text, one after the other. Page *Data format parameters* (copy-parameters-data-format).

CSV: a field may be quoted, a quote inside it is doubled, and only there may a line end or a delimiter stand. A quote
anywhere else is an error, and the next row begins after the next line end. Both ``\n`` and ``\r\n`` end a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

from devstack.redshift.copying.report import RowError
from devstack.redshift.copying.statement import CSV, CopyOptions

_LINE_END = re.compile(rb"\r?\n")


class Record(NamedTuple):
    """One row: its fields or what is wrong with it, and the place behind it."""

    row: list[str | None] | RowError
    end: int


@dataclass(frozen=True, slots=True)
class Dialect:
    """How fields are told apart. ``quote`` is None where there are no quotes."""

    delimiter: bytes
    quote: bytes | None
    plain: re.Pattern[bytes]
    quoted: re.Pattern[bytes]

    @classmethod
    def of(cls, options: CopyOptions) -> Self:
        """That of a CSV, or of plain delimited text."""
        delimiter = options.delimiter.encode()
        quote = options.quote.encode() if options.format == CSV else None
        d, q = re.escape(delimiter), re.escape(quote or b"")
        plain = re.compile(rb"[^%b%b\n]*+" % (d, q))
        quoted = re.compile(rb"%b((?:[^%b]++|%b%b)*+)%b" % (q, q, q, q, q)) if q else re.compile(rb"(?!)")
        return cls(delimiter, quote, plain, quoted)

    def records(self, data: bytes, *, final: bool) -> Iterator[Record]:
        """All rows that are complete. ``final``: nothing follows, so the last one needs no line end."""
        at = 0
        while at < len(data) and (record := self._record(data, at, final=final)):
            yield record
            at = record.end

    def _record(self, data: bytes, at: int, *, final: bool) -> Record | None:
        fields: list[str | None] = []
        while True:
            text, at = self._field(data, at)
            if data[at : at + 1] == self.delimiter and text is not None:
                fields.append(text)
                at += 1
            elif at == len(data) and not final:
                return None
            elif text is not None and (at == len(data) or _LINE_END.match(data, at)):
                return Record([*fields, text], (data.find(b"\n", at) + 1) or len(data))
            else:
                return self._malformed(data, at, final=final)

    def _field(self, data: bytes, at: int) -> tuple[str | None, int]:
        """The text of a field and the place behind it; no text for quotes that do not end."""
        if self.quote and data.startswith(self.quote, at):
            found = self.quoted.match(data, at)
            if not found:
                return None, len(data)
            return _decoded(found[1].replace(self.quote * 2, self.quote)), found.end()
        found = self.plain.match(data, at)
        assert found, "no bytes are a field too"
        end = found.end()
        # The carriage return of a line end is not of the field.
        end -= data.startswith(b"\r\n", end - 1) and end > at
        return _decoded(data[at:end]), end

    def _malformed(self, data: bytes, at: int, *, final: bool) -> Record | None:
        end = data.find(b"\n", at) + 1
        if not end and not final:
            return None
        return Record(RowError(1214, "Invalid quote formatting for CSV"), end or len(data))


def _decoded(field: bytes) -> str:
    return field.decode("utf-8", "surrogateescape")
