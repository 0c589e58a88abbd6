"""Checks on Redshift: in the publishing transaction, whose rows nobody else sees yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sluice.errors import Terminal
from sluice.spec import DataCheck, Pipeline, Severity, Table
from sluice.statements import Sql, bind, name, names
from sluice.warehouse.base import Commit
from sluice.warehouse.data_checks import CheckResult, Checks, to_values
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.tables import LONGEST_KEY, place

_TYPES: Final = "VARCHAR VARCHAR TIMESTAMPTZ VARCHAR VARCHAR VARCHAR BIGINT VARCHAR(65535)".split()
_BETWEEN: Final = chr(31)
"""Between values in one text: no YAML has it."""


class Unjudged(Exception):
    """A warning cannot be run, and the transaction is lost with its statement: there are no savepoints."""


class RedshiftChecks(Checks):
    """The checks of one batch, whose rows are written and not committed.

    ``unjudged``: why warnings could not be run in transactions before this one, by their names.
    """

    def __init__(self, client: Client, pipeline: Pipeline, commit: Commit, unjudged: dict[str, Terminal]) -> None:
        super().__init__(pipeline, commit)
        self._client, self._unjudged = client, unjudged

    def judge(self, check: DataCheck, table: Table) -> tuple[int, tuple[str, ...]]:
        """Raises Unjudged for a warning that cannot be run; after that the Terminal that was why."""
        if check.name in self._unjudged:
            raise self._unjudged[check.name]
        try:
            return super().judge(check, table)
        except Terminal as error:
            if check.severity is Severity.STOP:
                raise
            self._unjudged[check.name] = error
            raise Unjudged(check.name) from error

    def ask(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """In the transaction."""
        return self._client.rows(statement, **values)

    def look(self, statement: str, table: Table, **pieces: object) -> Iterator[list[tuple[Any, ...]]]:
        """At once: Redshift keeps on disk what does not fit into its memory."""
        at = {"rows": self.rows(table), "sample": self.text(table.key), "batch": self.commit.batch}
        yield self.ask(statement, **at, **pieces)

    def orphans(self, table: Table, parent: Table, column: Sql) -> tuple[int, tuple[str, ...]]:
        """By the marks of keys that are gone."""
        at = {"rows": self.rows(table), "sample": self.text(table.key), "batch": self.commit.batch}
        whose = {"pipeline": self.pipeline.name, "collection": parent.collection}
        found = self.ask("check_orphans", **at, **whose, column=column)
        return (int(found[0][0]) if found else 0), tuple(str(sample) for _, sample in found)

    def rows(self, table: Table) -> Sql:
        """The storage: it has what is visible, and nothing else."""
        return place(self.pipeline, table).storage

    def text(self, columns: Iterable[str]) -> Sql:
        """Values as one text."""
        texts = (f"LEFT(CAST({name(column).text} AS VARCHAR(65535)), {LONGEST_KEY})" for column in columns)
        return Sql(" || ' ' || ".join(f"COALESCE({text}, '')" for text in texts))

    def accepted(self, values: Sequence[str]) -> object:
        """Values in one text: there are no arrays."""
        return _BETWEEN + "".join(f"{value}{_BETWEEN}" for value in values)

    def count(self, table: Table) -> int:
        """How many rows readers would see."""
        ((count,),) = self.ask("count_rows", table=self.rows(table))
        return int(count)

    def newest(self, table: Table, column: Sql) -> datetime | None:
        """The greatest value of a column."""
        ((newest,),) = self.ask("check_newest", rows=self.rows(table), column=column)
        return newest if isinstance(newest, datetime) else None

    def seen(self, table: Table) -> str:
        """What the view shows."""
        return bind("redshift/check_seen", rows=self.rows(table), columns=names(table.readable)).text

    def brought(self, table: Table) -> str:
        """The rows of the batch."""
        batch = Sql(str(self.commit.batch))
        return bind("redshift/check_brought", rows=self.rows(table), columns=names(table.readable), batch=batch).text

    def own(self, text: str) -> Sql:
        """Of a percent sign the driver takes only the double one."""
        return Sql(text.replace("%", "%%"))


def keep_results(client: Client, pipeline: str, found: Sequence[CheckResult]) -> None:
    """Put results into ``sluice.checks``."""
    client.insert("insert_checks", _TYPES, [to_values(pipeline, result) for result in found])
