"""Migrations: files applied once, in order, by one runner at a time. The rules are here; a warehouse does the work.

``migrations/<warehouse>/NNNN_verb_noun.sql``, forward only, statements ended by ``;`` at the end of a line. A file
belongs to the product, or to one pipeline when its header says ``-- pipeline: <name>``: then it is applied after that
pipeline's tables were created, so that on a new warehouse, where they are created as the pipeline file is now, its
statements have nothing to do. They have to allow for that (``IF NOT EXISTS`` and the like).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from sluice.errors import MigrationError
from sluice.new_file import write_new
from sluice.statements import ROOT
from sluice.warehouse.base import MigrationState
from sluice.warehouse.differences import Comparison, migration_name, migration_text

_FILE = re.compile(r"(\d{4})_([a-z0-9]+(?:_[a-z0-9]+)+)\.sql")
_OWNER = re.compile(r"^-- pipeline: *(\w+) *$", re.MULTILINE)
REPEATABLE: Final = 0
"""The version, in the history, of what is applied again when it changes: see :mod:`sluice.warehouse.views`."""

_MAY_REPEAT = re.compile(
    r"^(GRANT|REVOKE)\b|\bIF (NOT )?EXISTS\b|\bCREATE OR REPLACE\b|\bMODIFY COLUMN\b|\bALTER COLUMN\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One file. ``pipeline`` is None for the product's own."""

    version: int
    name: str
    checksum: str
    statements: tuple[str, ...]
    pipeline: str | None = None

    @property
    def label(self) -> str:
        """The file's name without its ending."""
        return f"{self.version:04d}_{self.name}"

    def statement(self, number: int) -> tuple[str, str]:
        """What one statement, counted from 1, is called, and its text."""
        return f"migration {self.label}, statement {number}", self.statements[number - 1]

    def row(self, statement: int, state: str, seconds: float) -> dict[str, object]:
        """The parameters of the statement ``record_migration``."""
        return {
            "version": self.version,
            "name": self.name,
            "checksum": self.checksum,
            "statement": statement,
            "state": state,
            "duration": seconds,
        }


@dataclass(frozen=True, slots=True)
class Record:
    """One row of ``sluice.migrations``: a statement (counted from 1) that started or was applied."""

    version: int
    name: str
    checksum: str
    statement: int
    state: str  # started | applied
    at: datetime


class Ledger(Protocol):
    """A warehouse's side of migrating."""

    def records(self) -> list[Record]:
        """What was done so far, in order; empty before the first migration."""
        ...

    def apply(self, migration: Migration, statement: int) -> None:
        """Send one statement, counted from 1, and write it into the history: before and after, or with it."""
        ...


def read_migrations(warehouse: str, root: Path = ROOT) -> tuple[Migration, ...]:
    """The migration files of a warehouse, by version. Raises MigrationError for wrong names, gaps and duplicates."""
    files = sorted(p for p in (root / "migrations" / warehouse).glob("*.sql") if p.name != "schema.sql")
    migrations = tuple(_read(file) for file in files)
    for expected, migration in enumerate(migrations, 1):
        if migration.version != expected:
            raise MigrationError(
                f"migration {expected:04d} of {warehouse} is missing, or its number is used twice",
                why=f"the next file is {migration.label}.sql",
                fix="number the files 0001, 0002, … without a gap",
            )
    return migrations


def write_migration(warehouse: str, comparison: Comparison, root: Path = ROOT) -> str:
    """Write a pipeline's next migration. Returns what was done and what to do, for people. Raises MigrationError."""
    text = migration_text(comparison)
    tables = f"`sluice migrate up` makes {', '.join(comparison.missing)}" if comparison.missing else ""
    if not text:
        return f"nothing to write; {tables or 'its tables are what its file says'}"
    number = len(read_migrations(warehouse, root)) + 1
    path = root / "migrations" / warehouse / migration_name(comparison.pipeline, number)
    write_new(path, text, fix="run it again: another migration was added meanwhile")
    return f"wrote {path}; read it, then: sluice migrate up"


def states(migrations: Sequence[Migration], records: Sequence[Record]) -> list[MigrationState]:
    """The state of every migration that is in the files or in the history, by version."""
    done = {m.version: [r for r in records if r.version == m.version] for m in migrations}
    known = [_state(migration, done[migration.version]) for migration in migrations]
    gone = {r.version: r for r in records if r.version not in done and r.version != REPEATABLE}
    missing = [MigrationState(f"{r.version:04d}", r.name, "missing", r.at) for r in gone.values()]
    return sorted((*known, *missing), key=lambda state: state.version)


def pending(migrations: Sequence[Migration], records: Sequence[Record], pipeline: str | None) -> list[Migration]:
    """What is still to be applied of the product's (None) or of a pipeline's migrations. Raises MigrationError."""
    found = states(migrations, records)
    _refuse(found)
    applied = {state.version for state in found if state.state == "applied"}
    return [m for m in migrations if m.pipeline == pipeline and f"{m.version:04d}" not in applied]


def refuse_pending(migrations: Sequence[Migration], records: Sequence[Record], pipeline: str) -> None:
    """Raise MigrationError when a file is still to be applied: only then can the tables be compared with anything."""
    left = [m.label for owner in (None, pipeline) for m in pending(migrations, records, owner)]
    if left:
        raise MigrationError(
            f"no migration is written for {pipeline}: others are not applied yet",
            why=", ".join(left),
            fix="run `sluice migrate up`, which applies them; then this again",
        )


def run(ledger: Ledger, migrations: Sequence[Migration]) -> list[str]:
    """Apply them, statement by statement, and return their labels. The caller sees to it that it is alone."""
    for migration in migrations:
        for number in remaining(migration, ledger.records()):
            ledger.apply(migration, number)
    return [migration.label for migration in migrations]


def remaining(migration: Migration, records: Sequence[Record]) -> list[int]:
    """The statements still to be applied. Raises MigrationError for one that may not be sent a second time."""
    seen = {(r.statement, r.state) for r in records if r.version == migration.version}
    left = [n for n in range(1, len(migration.statements) + 1) if (n, "applied") not in seen]
    for number in left:
        if (number, "started") in seen and not _MAY_REPEAT.search(migration.statements[number - 1]):
            raise _stuck(migration, number)
    return left


def _stuck(migration: Migration, number: int) -> MigrationError:
    row = f"({migration.version}, '{migration.name}', '{migration.checksum}', {number}, 'applied', 0)"
    done = f"INSERT INTO sluice.migrations (version, name, checksum, statement, state, duration) VALUES {row};"  # noqa: S608  for a person to read
    again = f"DELETE FROM sluice.migrations WHERE version = {migration.version} AND statement = {number};"  # noqa: S608
    return MigrationError(
        f"migration {migration.label} stopped inside its statement {number}",
        why=f"nothing tells whether it took effect, and it may not be sent twice:\n{migration.statements[number - 1]}",
        fix=f"look whether it did. If it did:\n       {done}\n     If it did not:\n       {again}\n"
        "     Then run `sluice migrate up` again",
    )


def _state(migration: Migration, records: Sequence[Record]) -> MigrationState:
    version = f"{migration.version:04d}"
    if not records:
        return MigrationState(version, migration.name, "pending")
    at = max(record.at for record in records)
    if any((r.name, r.checksum) != (migration.name, migration.checksum) for r in records):
        return MigrationState(version, migration.name, "edited", at)
    applied = {record.statement for record in records if record.state == "applied"}
    state = "applied" if len(applied) == len(migration.statements) else "half-applied"
    return MigrationState(version, migration.name, state, at)


def _refuse(found: Sequence[MigrationState]) -> None:
    wrong = [state for state in found if state.state in {"edited", "missing"}]
    if not wrong:
        return
    raise MigrationError(
        "the migrations in the files are not those that were applied",
        why="; ".join(f"{state.version}_{state.name} was applied and is {state.state} now" for state in wrong),
        fix="restore these files from version control, and put the change into a new migration",
    )


def _read(file: Path) -> Migration:
    match = _FILE.fullmatch(file.name)
    if not match:
        raise MigrationError(f"{file.name} is no name of a migration", fix="name it NNNN_verb_noun.sql, in lower case")
    text = file.read_text(encoding="utf-8").replace("\r\n", "\n")
    return Migration(
        int(match[1]),
        match[2],
        hashlib.sha256(text.encode()).hexdigest(),
        split_statements(text),
        owner_of(text),
    )


def owner_of(text: str) -> str | None:
    """The pipeline that a file's header names."""
    found = _OWNER.search(text)
    return found[1] if found else None


def split_statements(text: str) -> tuple[str, ...]:
    """The statements of a file, without comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    pieces = re.split(r";[ \t]*$", "\n".join(lines), flags=re.MULTILINE)
    return tuple(piece.strip() for piece in pieces if piece.strip())
