"""What a COPY leaves in the system tables, whatever becomes of its transaction.

Pages: STL_LOAD_ERRORS, STL_REPLACEMENTS, STL_LOAD_COMMITS, SYS_LOAD_ERROR_DETAIL, SYS_LOAD_HISTORY.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from devstack.redshift.copying import CopyStatement, Report
from devstack.redshift.reader import literal
from devstack.redshift.shared import System

_USER: Final = 100
_ROWS: Final = 1000  # of one INSERT


@dataclass(frozen=True, slots=True)
class Done:
    """A COPY that ended: its session, its number, its table's oid."""

    session: int
    number: int
    table: int
    statement: CopyStatement
    report: Report


async def keep(system: System, done: Done, *, failed: bool) -> None:
    """Write the rows about it."""
    await _insert(system, "load_errors", _ERRORS, _errors(done))
    await _insert(system, "replacements", _REPLACEMENTS, _replacements(done))
    if not failed:
        await _insert(system, "load_commits", _COMMITS, _commits(done))
    await _insert(system, "load_history", _HISTORY, [_history(done, failed=failed)])


_ERRORS: Final = (
    "userid, slice, tbl, session, query, filename, line_number, colname, type, col_length, position, raw_line, "
    "raw_field_value, err_code, err_reason, is_partial, start_offset, copy_job_id, starttime"
)
_REPLACEMENTS: Final = "userid, query, slice, tbl, session, filename, line_number, colname, raw_line, starttime"
_COMMITS: Final = (
    "userid, query, slice, name, filename, byte_offset, lines_scanned, errors, status, file_format, curtime"
)
_HISTORY: Final = (
    "user_id, query_id, session_id, database_name, status, table_name, data_source, file_format, loaded_rows, "
    "source_file_count, error_count, end_time"
)

Value = str | int


def _errors(done: Done) -> Iterable[Sequence[Value]]:
    for e in done.report.errors:
        place = (e.filename[:256], e.line_number, e.colname[:127], e.type[:10], e.col_length[:10], e.position)
        said = (_stored(e.raw_line), _stored(e.raw_field_value), e.err_code, e.err_reason[:100])
        yield (_USER, 0, done.table, done.session, done.number, *place, *said, 0, 0, 0)


def _replacements(done: Done) -> Iterable[Sequence[Value]]:
    for r in done.report.replacements:
        place = (r.filename[:256], r.line_number, r.colname[:127], _stored(r.raw_line))
        yield (_USER, done.number, 0, done.table, done.session, *place)


def _commits(done: Done) -> Iterable[Sequence[Value]]:
    for file, lines in done.report.files.items():
        yield (_USER, done.number, 0, file[:256], file[:256], 0, lines, 0, 1, done.statement.options.format)


def _history(done: Done, *, failed: bool) -> Sequence[Value]:
    statement, report = done.statement, done.report
    status, rows = ("aborted", 0) if failed else ("completed", report.rows)
    about = (statement.table, statement.source, statement.options.format, rows, len(report.files), len(report.errors))
    return (_USER, done.number, done.session, "dev", status, *about)


def _stored(text: str) -> str:
    return text.replace("\0", "")[:1024]


async def _insert(system: System, table: str, columns: str, rows: Iterable[Sequence[Value]]) -> None:
    texts = [f"({', '.join(map(_value, row))}, getdate())" for row in rows]
    for start in range(0, len(texts), _ROWS):
        values = ", ".join(texts[start : start + _ROWS])
        await system.query(f"INSERT INTO standin.{table} ({columns}) VALUES {values}")


def _value(value: Value) -> str:
    return str(value) if isinstance(value, int) else literal(value)
