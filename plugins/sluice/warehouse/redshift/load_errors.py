"""What COPY refused or replaced: read back from the cluster's own log, as rejects or as an error."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bson.errors import BSONError
from xxhash import xxh64_intdigest

from sluice.columns import Kind
from sluice.errors import ConfigError, MigrationError, SluiceError, Terminal, WarehouseUnavailable
from sluice.key_values import key_value
from sluice.keys import key_text
from sluice.spec import Table
from sluice.warehouse.quarantine import RejectRow
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.tables import landed_columns

PATIENCE: Final = 60.0
"""Seconds to wait for the log, which the cluster writes a little later than it answers."""
_POLL: Final = 0.5
_UNREADABLE: Final = (MigrationError,)
"""A view that this kind of cluster does not have."""


@dataclass(frozen=True, slots=True)
class LoadError:
    """One line of a part that COPY could not load. ``value`` and ``raw`` are cut by the server, or empty."""

    file: str
    line: int
    column: str
    type: str
    code: int
    reason: str
    value: str = ""
    raw: str = ""

    def __str__(self) -> str:
        value = f" from {self.value!r}" if self.value else ""
        where = f"{self.file} line {self.line}: {self.column or 'the line'} ({self.type})"
        return f"{where}{value}: {self.reason} ({self.code})"


def load_errors(client: Client, copy: int) -> list[LoadError]:
    """What is logged so far of one COPY, by its number."""
    found, shown = _read(client, "load_errors", copy), _read(client, "load_errors_stl", copy)
    if found is None:
        return shown or []
    known = {_place(error): error for error in shown or ()}
    return [_with_value(error, known.get(_place(error))) for error in found]


def await_load_errors(client: Client, copy: int, count: int, patience: float = PATIENCE) -> list[LoadError]:
    """What was refused by one COPY, when that many rows are known to be. Raises WarehouseUnavailable."""
    deadline = time.monotonic() + patience
    while len(found := load_errors(client, copy)) < count:
        if time.monotonic() > deadline:
            raise WarehouseUnavailable(
                f"COPY refused {count:,} rows, the cluster's log names {len(found):,}",
                why="sys_load_error_detail and stl_load_errors are written a little later than the answer",
                fix="it is tried again",
            )
        time.sleep(_POLL)
    return found


def replacements(client: Client, copy: int) -> dict[str, int]:
    """Values in which one COPY replaced what was not UTF-8, by column. Raises ConfigError where it is not logged."""
    try:
        return dict(client.rows("replacements", copy=copy))
    except _UNREADABLE as error:
        raise ConfigError(
            "this cluster does not say what acceptinvchars replaced",
            why=f"stl_replacements cannot be read: {error.why}",
            fix="take acceptinvchars out of copy_options: what was landed is UTF-8 anyway",
        ) from error


def explained(failed: SluiceError, errors: Sequence[LoadError]) -> SluiceError:
    """The error for a COPY that failed because of a row, with the row in it."""
    if not errors:
        return failed
    return Terminal(
        failed.what,
        why="; ".join(str(error) for error in errors[:5]),
        fix="correct the column in the pipeline file (type, on_error); to load the rest of such a file, "
        "set maxerror in copy_options of its redshift section",
    )


def reject_rows(table: Table, errors: Sequence[LoadError]) -> Iterator[RejectRow]:
    """A reject for each refused line: ``raw_uri`` names the part, ``position`` the line in it."""
    for error in errors:
        column = error.column if table.child is None else f"{table.name}.{error.column}"
        detail = f"{error.reason}, value {error.value!r} of type {error.type}, line {error.line}"
        place = error.file, error.line
        row = RejectRow(table.collection, _key(table, error.raw), column, f"copy_{error.code}", detail, *place)
        # Without a key it is told from others by where it stands.
        yield row if row.key else replace(row, hash=xxh64_intdigest(f"{error.file}:{error.line}"))


def _key(table: Table, raw: str) -> str:
    """The document's key, as rejects of landing have it, where the logged piece of the line reaches that far."""
    place = landed_columns(table).index(table.key[0])
    try:
        line = next(csv.reader([raw]), [])
    except csv.Error:
        return ""
    # The last field may be cut in the middle.
    if place >= len(line) - 1:
        return ""
    kind = next(column.type.kind for column in table.columns if column.name == table.key[0])
    try:
        return key_text(key_value(line[place], kind)) if kind is not Kind.KEY else line[place]
    except (ValueError, BSONError):
        return ""


def _place(error: LoadError) -> tuple[str, int, str]:
    return error.file, error.line, error.column


def _with_value(error: LoadError, shown: LoadError | None) -> LoadError:
    return replace(error, value=shown.value, raw=shown.raw) if shown else error


def _read(client: Client, statement: str, copy: int) -> list[LoadError] | None:
    try:
        return [LoadError(*row) for row in client.rows(statement, copy=copy)]
    except _UNREADABLE:
        return None
