"""The fast way: a block in which nothing is odd is parsed and checked column by column.

It has no rules of its own. A value that matches its type's *plain* pattern is one that the careful way would send on as
it stands; the others go through the careful way's own function. Whatever is wrong or has to be logged makes the whole
block odd, and the careful way does it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from devstack.redshift.copying import times
from devstack.redshift.copying.columns import TEXTS, Column
from devstack.redshift.copying.convert import NULL, Converter
from devstack.redshift.copying.job import ROW
from devstack.redshift.copying.report import RowError
from devstack.redshift.copying.statement import CSV, CopyOptions

_BLANK: Final = r"[ \t\r\n\x0c\x0b]"
# Empty lines, line ends that are two bytes, null bytes, and what may be U+FDD0… or U+FFFE.
_ODD: Final = (b"\n\n", b"\r", b"\0", b"\xef\xb7", b"\xef\xbf")
_BOM: Final = b"\xef\xbb\xbf"
_DIGITS: Final = {"int2": 4, "int4": 9, "int8": 18}
_NEWLINE: Final = ord("\n")


class Done(NamedTuple):
    """The rows in ``used`` bytes of a block, for PostgreSQL."""

    output: bytes
    rows: int
    used: int


class _Odd(Exception):
    """There is something in the block that needs care."""


class Fast:
    """The fast way for one COPY of delimited text."""

    def __init__(self, converter: Converter) -> None:
        self._converter, options = converter, converter.options
        self._delimiter, self._quote = ord(options.delimiter), ord(options.quote) if options.format == CSV else None
        self._plain = [_plain(column, options) for column in converter.columns]
        names = [str(place) for place in range(len(self._plain))]
        self._parse = csv.ParseOptions(
            delimiter=options.delimiter,
            quote_char=options.quote if self._quote is not None else False,
            newlines_in_values=self._quote is not None,
            ignore_empty_lines=False,
        )
        self._convert = csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[options.null_as],
            strings_can_be_null=True,
        )
        self._names = names

    def convert(self, data: bytes, *, final: bool) -> Done | None:
        """As many whole rows as there are, or None when they need care or are too few to be worth it."""
        used = self._whole(data, final=final)
        block = data[:used]
        if not block or len(block) > ROW or block.startswith((b"\n", _BOM)) or any(odd in block for odd in _ODD):
            return None
        try:
            table = self._table(block)
            special = b"\\" in block or b"\t" in block or table.num_rows < block.count(b"\n")
            columns = [self._column(place, table.column(place)) for place in range(len(self._names))]
        except (pa.ArrowInvalid, _Odd, RowError):
            return None
        if special:
            columns = [_escaped(column) for column in columns]
        return Done(_joined(columns), table.num_rows, used)

    def _whole(self, data: bytes, *, final: bool) -> int:
        """The end of the last whole row; 0 where quotes are not as they have to be."""
        if self._quote is None or bytes([self._quote]) not in data:
            return len(data) if final else data.rfind(b"\n") + 1
        found = np.frombuffer(data, np.uint8)
        quotes = np.flatnonzero(found == self._quote)
        if not final:
            ends = np.flatnonzero(found == _NEWLINE)
            ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
            found = found[: ends[-1] + 1 if ends.size else 0]
            quotes = quotes[quotes < found.size]
        return found.size if self._well_quoted(found, quotes) else 0

    def _well_quoted(self, found: Any, quotes: Any) -> bool:
        """Every quote opens or closes a whole field, or is one of two inside of one."""
        if quotes.size % 2:
            return False
        edges = (self._delimiter, _NEWLINE)
        padded = np.concatenate(([_NEWLINE], found, [_NEWLINE]))
        opening, closing = quotes[::2], quotes[1::2]
        doubled = opening[1:] == closing[:-1] + 1
        opens = np.isin(padded[opening], edges)
        closes = np.isin(padded[closing + 2], edges)
        opens[1:] |= doubled
        closes[:-1] |= doubled
        return bool(opens.all() and closes.all())

    def _table(self, block: bytes) -> Any:
        read = csv.ReadOptions(column_names=self._names, block_size=len(block) + 1, use_threads=True)
        return csv.read_csv(io.BytesIO(block), read, self._parse, self._convert)

    def _column(self, place: int, chunked: Any) -> Any:
        column = self._converter.columns[place]
        values = chunked.combine_chunks()
        if column.type not in TEXTS:
            values = pc.if_else(pc.equal(values, ""), None, values)
        values = self._mended(place, values)
        if column.not_null and values.null_count:
            raise _Odd
        return values

    def _mended(self, place: int, values: Any) -> Any:
        """With what is not plain converted by the careful way's function."""
        column = self._converter.columns[place]
        plain = pc.fill_null(self._is_plain(column, self._plain[place], values), fill_value=True)
        if pc.all(plain).as_py() is not False:
            return values
        odd = values.filter(pc.invert(plain))
        mended = [self._converter.value(place, text) for text in odd.to_pylist()]
        if self._converter.replaced:
            raise _Odd
        return pc.replace_with_mask(values, pc.invert(plain), pa.array(mended, pa.string()))

    def _is_plain(self, column: Column, pattern: str | None, values: Any) -> Any:
        if column.type not in TEXTS:
            return pc.match_substring_regex(values, f"^(?:{pattern})$" if pattern else "[^\\x00-\\x{10FFFF}]")
        plain = pc.less_equal(pc.binary_length(values), column.size)
        return pc.and_(plain, pc.invert(pc.match_substring_regex(values, pattern))) if pattern else plain


def _plain(column: Column, options: CopyOptions) -> str | None:
    """For strings, what is *not* plain besides their length; for the others, what is. None is nothing."""
    return {
        "varchar": _unusual(column, options),
        "char": _unusual(column, options),
        **{type_: f"-?[0-9]{{1,{digits}}}" for type_, digits in _DIGITS.items()},
        "numeric": _plain_decimal(column),
        "float4": r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?",
        "float8": r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?",
        "bool": "true|false|[tf01]",
        "date": times.plain_date(options),
        "timestamp": times.plain_time(options, zoned=False),
        "timestamptz": times.plain_time(options, zoned=True),
    }.get(column.type)


def _plain_decimal(column: Column) -> str | None:
    whole, fraction = column.size - column.scale, column.scale
    fractional = rf"(?:\.[0-9]{{1,{fraction}}})?" if fraction else ""
    return rf"-?[0-9]{{1,{whole}}}{fractional}" if whole > 0 else None


def _unusual(column: Column, options: CopyOptions) -> str | None:
    unusual = [
        *(["^$"] if options.empty_as_null else []),
        *([f"^{_BLANK}+$"] if options.blanks_as_null else []),
        *([f"{_BLANK}$"] if options.trim_blanks else []),
        *(["[^\\x00-\\x7f]"] if column.type == "char" else []),
    ]
    return "|".join(unusual) or None


def _escaped(column: Any) -> Any:
    for character, written in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n")):
        column = pc.replace_substring(column, character, written)
    return column


def _joined(columns: Sequence[Any]) -> bytes:
    """The columns side by side, as one run of bytes."""
    last = pc.binary_join_element_wise(pc.fill_null(columns[-1], NULL), "", "\n")
    rows = pc.binary_join_element_wise(*columns[:-1], last, "\t", null_handling="replace", null_replacement=NULL)
    _, offsets, text = rows.buffers()
    end = int(np.frombuffer(offsets, np.int32)[len(rows)])
    return memoryview(text)[:end].tobytes()
