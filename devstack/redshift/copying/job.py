"""What the readers of one COPY share: its options, its rules, and the report that they fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from devstack.redshift.copying.columns import Column
from devstack.redshift.copying.convert import Converter, Field
from devstack.redshift.copying.report import LoadError, Replacement, Report, RowError, shown
from devstack.redshift.copying.statement import CopyOptions, CopyStatement
from devstack.redshift.errors import SqlError

ROW: Final = 4 << 20
"""Bytes that a row of the input may have (page r_COPY)."""


class Place(NamedTuple):
    """Where a row stands: its file, its line (of several, the last), and its text."""

    file: str
    line: int
    raw: bytes

    @property
    def text(self) -> str:
        """What stands there; bytes that are no UTF-8 as lone surrogates."""
        return self.raw.decode("utf-8", "surrogateescape")


@dataclass(slots=True)
class Job:
    """One COPY."""

    statement: CopyStatement
    columns: Sequence[Column]
    report: Report = field(default_factory=Report)
    converter: Converter = field(init=False)

    def __post_init__(self) -> None:
        self.converter = Converter(self.columns, self.options)

    @property
    def options(self) -> CopyOptions:
        """Those of the statement."""
        return self.statement.options

    def line(self, row: Sequence[Field] | RowError, place: Place) -> str | None:
        """The row as a line for PostgreSQL, or None when it is bad but tolerated. Raises SqlError when it is not."""
        self.report.scanned += 1
        try:
            line = self._converted(row, place)
        except RowError as error:
            self._refuse(error, place)
            return None
        for column in self.converter.replaced:
            self.report.replaced(Replacement(place.file, place.line, column.name, shown(place.text)))
        self.report.rows += 1
        return line

    def counted(self, rows: int) -> None:
        """So many rows were loaded without trouble."""
        self.report.rows += rows
        self.report.scanned += rows

    def finish(self) -> None:
        """Say what was done (page r_COPY_command_examples)."""
        rows, bad = self.report.rows, len(self.report.errors)
        done = f"Load into table '{self.statement.table}' completed,"
        self.report.notices.append(f"{done} {rows} record(s) loaded successfully.")
        if bad:
            said = f"{done} {bad} record(s) could not be loaded.  Check 'stl_load_errors' system table for details."
            self.report.notices.append(said)

    def _converted(self, row: Sequence[Field] | RowError, place: Place) -> str:
        if isinstance(row, RowError):
            raise row
        if len(place.raw) > ROW:
            raise RowError(1216, f"Line length exceeds the maximum of {ROW} bytes")
        return self.converter.line(row)

    def _refuse(self, error: RowError, place: Place) -> None:
        column = next((column for column in self.columns if column.name == error.column), Column("", ""))
        self.report.errors.append(
            LoadError(
                filename=place.file,
                line_number=place.line,
                colname=column.name,
                type=column.type,
                col_length=column.length,
                position=error.position,
                raw_line=shown(place.text),
                raw_field_value=shown(error.value),
                err_code=error.code,
                err_reason=error.reason[:100],
            )
        )
        # As many errors as MAXERROR says end the load; 0 and 1 are the same (copy-parameters-data-load).
        if not self.options.ignore_all_errors and len(self.report.errors) >= max(self.options.max_error, 1):
            said = f"Load into table '{self.statement.table}' failed."
            raise SqlError(f"{said}  Check 'stl_load_errors' system table for details.", "XX000")
