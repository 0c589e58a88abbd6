"""From the fields of a row to the values of its columns: the careful way, value by value."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from devstack.redshift.copying import figures, nested, texts, times
from devstack.redshift.copying.columns import TEXTS, Column
from devstack.redshift.copying.figures import Convert
from devstack.redshift.copying.report import RowError
from devstack.redshift.copying.statement import CopyOptions

_SPECIAL: Final = re.compile(r"[\\\t\n\r]")
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
NULL: Final = r"\N"
Field = str | None
"""What stands in the file for a value; None where the format itself has NULL."""


@dataclass(slots=True)
class Converter:
    """Rows → lines of PostgreSQL's COPY text format. ``replaced``: the columns of the last row that were mended."""

    columns: Sequence[Column]
    options: CopyOptions
    replaced: list[Column] = field(default_factory=list)
    converts: list[Convert] = field(init=False)

    def __post_init__(self) -> None:
        self.converts = [self._convert(column) for column in self.columns]

    def line(self, row: Sequence[Field]) -> str:
        """One row, without its line end. Raises RowError, with the column and its value in it."""
        self.replaced.clear()
        values = (self._value(place, field) for place, field in enumerate(self._complete(row)))
        return "\t".join([NULL if value is None else escaped(value) for value in values])

    def value(self, place: int, text: str) -> str | None:
        """One value of one column, without regard to NOT NULL. Raises RowError."""
        return None if text == self.options.null_as else self.converts[place](text)

    def _value(self, place: int, text: Field) -> str | None:
        column = self.columns[place]
        try:
            return self._kept(column, None if text is None else self.value(place, text))
        except RowError as error:
            error.column, error.value = column.name, text or ""
            raise

    @staticmethod
    def _kept(column: Column, value: str | None) -> str | None:
        if value is None and column.not_null:
            raise RowError(1213, "Missing data for not-null field")
        return value

    def _complete(self, row: Sequence[Field]) -> Sequence[Field]:
        missing = len(self.columns) - len(row)
        if missing < 0:
            raise _of(1202, "Extra column(s) found", self.columns[-1])
        if missing and not self.options.fill_record:
            raise _of(1214, "Delimiter not found", self.columns[len(row)])
        # FILLRECORD: zero-length strings for VARCHAR, NULLs for the others.
        return [*row, *("" if column.type in TEXTS else None for column in self.columns[len(row) :])]

    def _convert(self, column: Column) -> Convert:
        options = self.options
        makers: dict[str, Callable[[], Convert]] = {
            **dict.fromkeys(("int2", "int4", "int8"), lambda: figures.integer(column)),
            **dict.fromkeys(("float4", "float8"), lambda: figures.floating(column)),
            "numeric": lambda: figures.decimal(column, rounded=options.round_decimals),
            "bool": lambda: figures.boolean,
            "date": lambda: times.day(options),
            "timestamp": lambda: times.moment(options, zoned=False),
            "timestamptz": lambda: times.moment(options, zoned=True),
            **dict.fromkeys(("time", "timetz"), lambda: times.clock),
            "super": lambda: nested.nested,
            "char": lambda: texts.char(column, options),
            "varchar": lambda: texts.varchar(column, options, lambda: self.replaced.append(column)),
        }
        return makers.get(column.type, lambda: _unknown)()


def escaped(value: str) -> str:
    """As PostgreSQL's COPY text format writes it."""
    return value.translate(_ESCAPES) if _SPECIAL.search(value) else value


def _of(code: int, reason: str, column: Column) -> RowError:
    error = RowError(code, reason)
    error.column = column.name
    return error


def _unknown(_: str) -> str | None:
    raise RowError(1223, "Data type is not supported")
