"""Analysts' views: files that are applied again whenever they change, after a pipeline's tables and published views.

``sql/<warehouse>/views/<name>.sql`` belongs to the pipeline that its header names, and may use ``$schema`` (that which
analysts read), ``$pipeline`` (its name, as a literal), and each table's name: ``$tickets`` is what was published of it,
on ClickHouse every version with ``_from`` and ``_to``, on Redshift the rows. A file first drops what it makes. When one
changes, all of a pipeline's are dropped, the last first, and made again: they may be built on each other.

The history has a row of version 0 before, and one after. So a runner that died in between leaves something to do.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final, Protocol

from sluice.errors import AccessDenied, MigrationError, Terminal
from sluice.spec import Pipeline
from sluice.statements import ROOT, Sql, literal, name
from sluice.warehouse.base import MigrationState
from sluice.warehouse.migrations import REPEATABLE, Record, owner_of, split_statements

_SLOT: Final = re.compile(r"\$([a-z][a-z0-9_]*)")
_MADE: Final = re.compile(r"CREATE\s+(?:OR\s+REPLACE\s+)?(MATERIALIZED\s+)?VIEW\s+([\w.\"]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ViewFile:
    """One file as it stands."""

    name: str
    pipeline: str
    text: str


@dataclass(frozen=True, slots=True)
class AnalystsView:
    """A file with its slots filled, for one pipeline's schema."""

    label: str
    statements: tuple[str, ...]

    @property
    def checksum(self) -> str:
        """Tells whether this is what was applied."""
        return hashlib.sha256("\0".join(self.statements).encode()).hexdigest()

    @property
    def drops(self) -> tuple[str, ...]:
        """Its first statements, which drop what it makes."""
        return tuple(takewhile(lambda statement: statement.upper().startswith("DROP "), self.statements))

    @property
    def made(self) -> tuple[Sql, ...]:
        """The views that it makes."""
        return tuple(Sql(found[2]) for found in self._made())

    @property
    def aggregates(self) -> tuple[Sql, ...]:
        """Those among them that hold rows, and have to be refreshed."""
        return tuple(Sql(found[2]) for found in self._made() if found[1])

    def row(self, records: Sequence[Record], state: str) -> dict[str, object]:
        """The parameters of the statement ``record_migration``, for the next row of its history."""
        done = sum(record.name == self.label for record in records if record.version == REPEATABLE)
        row = {"version": REPEATABLE, "name": self.label, "checksum": self.checksum, "statement": done + 1}
        return {**row, "state": state, "duration": 0.0}

    def state(self, records: Sequence[Record]) -> MigrationState:
        """How it stands, for people."""
        newest = self._newest(records)
        if newest is None:
            return MigrationState("view", self.label, "pending")
        found = newest.state if newest.state == "applied" else "half-applied"
        return MigrationState("view", self.label, found if newest.checksum == self.checksum else "changed", newest.at)

    def _newest(self, records: Sequence[Record]) -> Record | None:
        mine = [record for record in records if (record.version, record.name) == (REPEATABLE, self.label)]
        return max(mine, key=lambda record: record.statement, default=None)

    def _made(self) -> list[re.Match[str]]:
        return [found for found in map(_MADE.match, self.statements) if found]


class Ledger(Protocol):
    """A warehouse's side of applying views."""

    def records(self) -> list[Record]:
        """What was done so far."""
        ...

    def send(self, what: str, statement: str) -> None:
        """Send the text of a statement."""
        ...

    def note(self, row: dict[str, object]) -> None:
        """Write a row of the history."""
        ...

    def grant(self, view: Sql) -> None:
        """Let analysts read a view."""
        ...


def read_views(warehouse: str) -> tuple[ViewFile, ...]:
    """The files of a warehouse, in the order of their names. Raises MigrationError for one that is nobody's."""
    return tuple(_read(file) for file in sorted((ROOT / "sql" / warehouse / "views").glob("*.sql")))


def views_of(files: Sequence[ViewFile], pipeline: Pipeline, tables: Mapping[str, Sql]) -> list[AnalystsView]:
    """A pipeline's views. ``tables``: table → what was published of it. Raises MigrationError for an unknown slot."""
    schema = pipeline.warehouse.schema
    values = {**tables, "schema": name(schema), "pipeline": literal(pipeline.name)}
    return [_fill(file, schema, values) for file in files if file.pipeline == pipeline.name]


def outdated(views: Sequence[AnalystsView], records: Sequence[Record]) -> bool:
    """Whether one of them is not what was applied."""
    return any(view.state(records).state != "applied" for view in views)


def drop(ledger: Ledger, views: Sequence[AnalystsView]) -> None:
    """Drop all of them, to be made again by :func:`apply`."""
    records = ledger.records()
    for view in views:
        ledger.note(view.row(records, "started"))
    for view in reversed(views):
        _send(ledger, view, view.drops)


def apply(ledger: Ledger, views: Sequence[AnalystsView]) -> list[str]:
    """Make all of them again when one is outdated. Returns their names."""
    if not outdated(views, ledger.records()):
        return []
    drop(ledger, views)
    for view in views:
        _send(ledger, view, view.statements[len(view.drops) :])
        for made in view.made:
            ledger.grant(made)
    records = ledger.records()
    for view in views:
        ledger.note(view.row(records, "applied"))
    return [f"views {view.label}" for view in views]


def _send(ledger: Ledger, view: AnalystsView, statements: Sequence[str]) -> None:
    for statement in statements:
        try:
            ledger.send(f"views {view.label}: {statement.partition(chr(10))[0]}", statement)
        except AccessDenied:
            raise
        except Terminal as error:
            raise MigrationError(
                f"{view.label} cannot be made",
                why=f"{error.why}\n{statement}",
                fix="correct its file in sql/<warehouse>/views, or take it away",
            ) from error


def _read(file: Path) -> ViewFile:
    text = file.read_text(encoding="utf-8").replace("\r\n", "\n")
    owner = owner_of(text)
    if owner is None:
        raise MigrationError(
            f"{file} says not which pipeline's views it makes",
            fix="begin it with a line `-- pipeline: <name>`",
        )
    return ViewFile(file.stem, owner, text)


def _fill(file: ViewFile, schema: str, values: Mapping[str, Sql]) -> AnalystsView:
    def fill(slot: re.Match[str]) -> str:
        if slot[1] not in values:
            raise MigrationError(
                f"views {file.name}: ${slot[1]} is not known",
                why=f"the pipeline {file.pipeline} has {', '.join(sorted(values))}",
                fix="correct the name in the file, or the pipeline file",
            )
        return values[slot[1]].text

    statements = tuple(_SLOT.sub(fill, statement) for statement in split_statements(file.text))
    return AnalystsView(f"{schema}.{file.name}", statements)
