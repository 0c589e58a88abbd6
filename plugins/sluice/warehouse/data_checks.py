"""The checks of a pipeline file, inside of publish: judged on the tables as readers would see them with the batch.

Both warehouses have the batch's rows in their tables at that moment, and nobody sees them yet: versions on ClickHouse,
an open transaction on Redshift. So what is judged is what would be published, whatever else was published meanwhile. A
check looks at the rows that the batch brings; *unique* also at older rows with the same values, *relationship* also at
older rows whose document leaves. Nothing is judged twice, and a batch of a thousand rows costs a look at a thousand.
"""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from sluice.errors import ChecksFailed, ConfigError, Terminal
from sluice.own_sql import own_sql
from sluice.spec import CheckKind, DataCheck, Pipeline, Severity, Table
from sluice.statements import Sql, name, names
from sluice.warehouse.base import Commit, TableCounts

log = logging.getLogger(__name__)

SAMPLES: Final = 5
LONGEST_SAMPLE: Final = 1000


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found. ``failing``: rows, or values that are there more than once; ``samples`` names some.

    A warning that cannot be run has one, which says why. ``batch``: None when the batch was not published.
    """

    plan: str
    cut: datetime
    table: str
    name: str
    severity: str
    failing: int
    samples: tuple[str, ...]
    batch: int | None = None
    checked_at: datetime | None = None

    @property
    def state(self) -> str:
        """``passed``, ``warned``, or ``stopped`` the batch."""
        return "passed" if not self.failing else "warned" if self.severity == Severity.WARN else "stopped"


class Checking(Protocol):
    """What a warehouse knows of checks, beside what the spine asks of it."""

    def check_results(self, pipeline: str, *, failed: bool = False, limit: int = 50) -> list[CheckResult]:
        """The newest results, those of batches that were not published among them; ``failed``: only what failed."""
        ...


class Checks(ABC):
    """The checks of one batch. A warehouse's own class says where rows are and how their values become text."""

    def __init__(self, pipeline: Pipeline, commit: Commit) -> None:
        self.pipeline, self.commit = pipeline, commit

    def run(self) -> list[CheckResult]:
        """Judge every check, and tell what fails. Raises ConfigError for one that cannot be run and is no warning."""
        found = [self._run(check) for check in self.pipeline.checks]
        for result in found:
            if result.failing:
                log.warning("check %s: %s fail: %s", result.name, f"{result.failing:,}", "; ".join(result.samples))
        if found:
            log.info("checks: %d of %d hold", sum(not result.failing for result in found), len(found))
        return found

    def _run(self, check: DataCheck) -> CheckResult:
        try:
            failing, samples = self.judge(check, self.pipeline.table(check.table))
        except Terminal as error:
            if check.severity is Severity.STOP:
                raise ConfigError(
                    f"the check {check.name} cannot be run",
                    why=f"{error.what}: {error.why}",
                    fix=f"nothing was published: {error.fix or 'correct it in the pipeline file'}",
                ) from error
            failing, samples = 1, (f"cannot be run: {error.what}: {error.why}"[:LONGEST_SAMPLE],)
        commit = self.commit
        return CheckResult(commit.plan, commit.cut.time, check.table, check.name, check.severity, failing, samples)

    def judge(self, check: DataCheck, table: Table) -> tuple[int, tuple[str, ...]]:
        """How many rows fail, and some of them."""
        judges = {
            CheckKind.NOT_NULL: self._not_null,
            CheckKind.UNIQUE: self._unique,
            CheckKind.ACCEPTED_VALUES: self._accepted,
            CheckKind.RELATIONSHIP: self._relationship,
            CheckKind.ROW_COUNT_CHANGE: self._row_count,
            CheckKind.FRESHNESS: self._newest,
            CheckKind.SQL: self._own,
        }
        return judges[check.kind](check, table)

    def _not_null(self, check: DataCheck, table: Table) -> tuple[int, tuple[str, ...]]:
        return self._found("check_not_null", table, column=name(check.columns[0]))

    def _accepted(self, check: DataCheck, table: Table) -> tuple[int, tuple[str, ...]]:
        values = self.accepted(check.values)
        return self._found("check_accepted", table, column=name(check.columns[0]), values=values)

    def _unique(self, check: DataCheck, table: Table) -> tuple[int, tuple[str, ...]]:
        present = Sql(" AND ".join(f"{name(column).text} IS NOT NULL" for column in check.columns))
        pieces = {"columns": names(check.columns), "value": self.text(check.columns), "present": present}
        return self._found("check_unique", table, **pieces)

    def _relationship(self, check: DataCheck, table: Table) -> tuple[int, tuple[str, ...]]:
        """Rows of the batch whose document is not there, and older rows whose document leaves with it."""
        parent = self.pipeline.collection(check.to).tables[0]
        column = {"column": name(check.columns[0])}
        parents = {"parents": self.rows(parent), "parent_key": name(parent.key[0])}
        found = self._found("check_relationship", table, **column, **parents)
        orphans = self.orphans(table, parent, **column) if self.counts(parent).gone else (0, ())
        return found[0] + orphans[0], (*found[1], *orphans[1])[:SAMPLES]

    def _row_count(self, check: DataCheck, table: Table) -> tuple[int, tuple[str, ...]]:
        counts, after = self.counts(table), self.count(table)
        before = after - counts.published + counts.closed
        if abs(after - before) <= check.share * before or not before:
            return 0, ()
        return abs(after - before), (f"{before:,} rows become {after:,}, more than {check.share:.0%} of them",)

    def _newest(self, check: DataCheck, table: Table) -> tuple[int, tuple[str, ...]]:
        newest = self.newest(table, name(check.columns[0]))
        if newest is None:
            rows = self.count(table)
            return rows, (f"none of {rows:,} rows has a date",) if rows else ()
        if self.commit.cut.time - newest <= check.within:
            return 0, ()
        return 1, (f"the newest is of {newest.isoformat()}, {self.commit.cut.time - newest} before the cut",)

    def _own(self, check: DataCheck, _: Table) -> tuple[int, tuple[str, ...]]:
        failing = {"failing": self.own(own_sql(check, self.pipeline, self.seen, self.brought))}
        ((count,),) = self.ask("count_failing", **failing)
        rows = self.ask("sample_failing", **failing) if count else []
        return int(count), tuple(", ".join(map(str, row))[:LONGEST_SAMPLE] for row in rows)

    def _found(self, statement: str, table: Table, **pieces: object) -> tuple[int, tuple[str, ...]]:
        """A statement answers with (failing, sample) for each sample; in several goes where it takes slices."""
        if not self.counts(table).published:
            return 0, ()
        rows = [tuple(answer) for answer in self.look(statement, table, **pieces)]
        total = sum(answer[0][0] for answer in rows if answer)
        samples = [str(sample)[:LONGEST_SAMPLE] for answer in rows for _, sample in answer]
        return int(total), tuple(samples[:SAMPLES])

    def counts(self, table: Table) -> TableCounts:
        """What the batch does to a table."""
        return TableCounts(**self.commit.counts[table.collection]["tables"][table.name])

    @abstractmethod
    def ask(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """The rows of a query, in sight of the batch."""

    @abstractmethod
    def look(self, statement: str, table: Table, **pieces: object) -> Iterator[list[tuple[Any, ...]]]:
        """The answers of a query over a table's rows, one for each slice of them."""

    @abstractmethod
    def orphans(self, table: Table, parent: Table, column: Sql) -> tuple[int, tuple[str, ...]]:
        """Older rows whose document leaves with the batch."""

    @abstractmethod
    def rows(self, table: Table) -> Sql:
        """Where the rows of a table are."""

    @abstractmethod
    def text(self, columns: Iterable[str]) -> Sql:
        """Values as one text."""

    @abstractmethod
    def accepted(self, values: Sequence[str]) -> object:
        """Values as a parameter."""

    @abstractmethod
    def count(self, table: Table) -> int:
        """How many rows readers would see."""

    @abstractmethod
    def newest(self, table: Table, column: Sql) -> datetime | None:
        """The greatest value of a column that readers would see."""

    @abstractmethod
    def seen(self, table: Table) -> str:
        """A query for the rows that readers would see."""

    @abstractmethod
    def brought(self, table: Table) -> str:
        """A query for those of them that the batch brings."""

    def own(self, text: str) -> Sql:
        """The text of a check of one's own, as the driver takes it."""
        return Sql(text)


def refuse(pipeline: str, found: Sequence[CheckResult]) -> None:
    """Raise ChecksFailed when one of the results stops the batch."""
    stopping = [result for result in found if result.state == "stopped"]
    if not stopping:
        return
    shown = (f"{result.name}: {result.failing:,} fail: {'; '.join(result.samples)}" for result in stopping)
    raise ChecksFailed(
        f"{len(stopping)} of {len(found)} checks of {pipeline} would not hold with this batch",
        why="\n       ".join(shown),
        fix="nothing was published. Correct the documents in the source, and the next run heals it; or the check "
        f"in the pipeline file (severity: warn lets the batch pass). `sluice checks list {pipeline}` has them all",
    )


def to_values(pipeline: str, result: CheckResult) -> tuple[object, ...]:
    """The columns of ``sluice.checks``, as COLUMNS names them."""
    samples = json.dumps(result.samples, ensure_ascii=False)
    fields = (result.table, result.name, result.severity, result.failing)
    return (pipeline, result.plan, result.cut, *fields, samples)


COLUMNS: Final = ("pipeline", "plan", "cut", "table", "name", "severity", "failing", "samples")


def read_result(row: tuple[Any, ...]) -> CheckResult:
    """A row of ``checks.sql``."""
    plan, cut, table, check, severity, failing, samples, batch, checked_at = row
    return CheckResult(
        plan, cut, table, check, severity, failing, tuple(json.loads(samples)), batch or None, checked_at
    )
