"""Checks on ClickHouse: under the fence, on the versions of a batch that no commit record shows yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sluice.spec import Pipeline, Table
from sluice.statements import Sql, bind, name, names
from sluice.warehouse.base import Commit
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.fence import Fence
from sluice.warehouse.clickhouse.tables import CONTROL, Place, place
from sluice.warehouse.clickhouse.versions import slices
from sluice.warehouse.data_checks import COLUMNS, CheckResult, Checks, to_values


class ClickHouseChecks(Checks):
    """The checks of one batch, whose versions are written."""

    def __init__(self, fence: Fence, pipeline: Pipeline, commit: Commit) -> None:
        super().__init__(pipeline, commit)
        self._fence = fence

    def ask(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """Marked as this publisher's, with a sign of life before."""
        self._fence.renew()
        return self._fence.client.rows(statement, **values)

    def look(self, statement: str, table: Table, **pieces: object) -> Iterator[list[tuple[Any, ...]]]:
        """In slices of the batch's rows: sets of values are held in the server's memory (I6)."""
        at = {"rows": self.rows(table), "sample": self.text(table.key), "batch": self.commit.batch}
        for slice_ in slices(self.counts(table).published):
            yield self.ask(statement, **at, **pieces, **slice_)

    def orphans(self, table: Table, parent: Table, column: Sql) -> tuple[int, tuple[str, ...]]:
        """By the marks of keys that are gone."""
        at = {"rows": self.rows(table), "sample": self.text(table.key), "batch": self.commit.batch}
        parents = {"parents": self.rows(parent), "parent_key": name(parent.key[0])}
        answers = [
            self.ask("check_orphans", **at, **parents, column=column, **slice_)
            for slice_ in slices(self.counts(parent).gone)
        ]
        samples = [str(sample) for answer in answers for _, sample in answer]
        return sum(int(answer[0][0]) for answer in answers if answer), tuple(samples)

    def rows(self, table: Table) -> Sql:
        """The inner view: all versions."""
        return self._at(table).versions

    def text(self, columns: Iterable[str]) -> Sql:
        """Values as one text."""
        return Sql(" || ' ' || ".join(f"ifNull(toString({name(column).text}), '')" for column in columns))

    def accepted(self, values: Sequence[str]) -> object:
        """Values as an array."""
        return list(values)

    def count(self, table: Table) -> int:
        """How many rows readers would see."""
        ((count,),) = self.ask("count_visible", at=self._at(table).at, batch=self.commit.batch)
        return int(count)

    def newest(self, table: Table, column: Sql) -> datetime | None:
        """The greatest value of a column."""
        ((newest,),) = self.ask("check_newest", at=self._at(table).at, column=column, batch=self.commit.batch)
        return newest if isinstance(newest, datetime) else None

    def seen(self, table: Table) -> str:
        """What the time-travel view shows."""
        return self._query("check_seen", table)

    def brought(self, table: Table) -> str:
        """The open versions of the batch."""
        return self._query("check_brought", table)

    def _query(self, statement: str, table: Table) -> str:
        batch = Sql(str(self.commit.batch))
        return bind(f"clickhouse/{statement}", rows=self.rows(table), columns=names(table.readable), batch=batch).text

    def _at(self, table: Table) -> Place:
        return place(self.pipeline, table)


def keep_results(client: Client, pipeline: str, found: Sequence[CheckResult]) -> None:
    """Put results into ``sluice.checks``. Again: they replace themselves."""
    client.insert(name(CONTROL, "checks"), COLUMNS, (to_values(pipeline, result) for result in found))
