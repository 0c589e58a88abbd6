"""Write one collection's rows of one batch: decide what is skipped, delete, insert, count (I1, I4)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace

from sluice.errors import CountMismatch
from sluice.spec import Collection, Table
from sluice.statements import Sql, name, names
from sluice.warehouse.base import TableCounts
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.tables import READ, Place, Selection, key_type
from sluice.window import BatchKind, Plan

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one table: its counts, and its rows after the batch."""

    counts: TableCounts
    rows: int


@dataclass(frozen=True, slots=True)
class Versions:
    """One collection of one batch, in the publishing transaction. ``staged``: rows per table.

    ``superseded``: batches of later cuts know all that this one says of the collection.
    """

    client: Client
    plan: Plan
    collection: Collection
    staged: dict[str, int]
    batch: int
    superseded: bool

    def write(self, known: Mapping[str, int]) -> dict[str, Written]:
        """Write every table's rows and return what was done, checked. Readers see it with the commit.

        ``known``: the rows that tables had after the last batch, by its record; any other table's are counted.
        """
        own, tables = self.collection.tables[0], self.collection.tables
        before = {t.name: known[t.name] if t.name in known else self._rows(t)[0] for t in tables}
        if not any(self.staged.values()):
            return {table.name: self._written(table, 0, 0, before[table.name]) for table in tables}
        self._skip(own)
        closed = {table.name: self._delete(table) for table in tables}
        for table in tables:
            self._insert(table)
        gone = self._mark_gone(own)
        written = {
            table.name: self._written(table, closed[table.name], 0 if table.child else gone, before[table.name])
            for table in tables
        }
        for table in tables:
            self._refuse_double(table)
        return {table.name: self._confirmed(table, written[table.name]) for table in tables}

    def _confirmed(self, table: Table, written: Written) -> Written:
        """After the batch's own rows were counted, which these are not."""
        if not self.plan.confirms(self.collection.name) or not written.counts.unchanged:
            return written
        at = {"storage": self._at(table).storage, "key": name(table.key[0])}
        statement = "confirm_child_rows" if table.child else "confirm_rows"
        confirmed = self.client.run(statement, **at, skipped=self._skipped, batch=self.batch)
        return replace(written, counts=replace(written.counts, confirmed=confirmed))

    def _skip(self, own: Table) -> None:
        self.client.run("create_skipped", skipped=self._skipped, type=key_type(own))
        if self.superseded:
            self.client.run("supersede_keys", **self._chosen(own))
        else:
            rewrite = self.plan.kind is BatchKind.REPAIR
            at = {"storage": self._at(own).storage, "rewrite": rewrite}
            self.client.run("find_skipped", **self._chosen(own), **at, **self._whose, **self._cut)

    def _delete(self, table: Table) -> int:
        own = self.collection.tables[0]
        return self.client.run(
            "delete_replaced",
            storage=self._at(table).storage,
            key=name(table.key[0]),
            parents=self._staging(own),
            parent_key=name(own.key[0]),
            skipped=self._skipped,
        )

    def _insert(self, table: Table) -> None:
        replayed = self.collection.name in self.plan.runs and table.child is None
        chosen = Selection.of(self.plan.pipeline, table, (READ,) if replayed else ())
        self.client.run(
            "insert_child_rows" if table.child else "insert_rows",
            storage=self._at(table).storage,
            columns=chosen.columns,
            values=chosen.values,
            joins=chosen.joins,
            batch=self.batch,
            **self._chosen(table),
        )

    def _mark_gone(self, own: Table) -> int:
        self.client.run("delete_gone", **self._chosen(own), **self._whose)
        self.client.run("insert_gone", **self._chosen(own), **self._whose, batch=self.batch)
        return self.client.number("count_gone", **self._whose, batch=self.batch)

    def _written(self, table: Table, closed: int, gone: int, before: int) -> Written:
        rows, published = self._rows(table)
        staged = self.staged[table.name]
        superseded, unchanged = self.client.row("count_skipped", **self._chosen(table)) if staged else (0, 0)
        arrived = published + gone + superseded + unchanged
        if staged != arrived or not self._explained(table, before, rows - (before - closed + published)):
            raise CountMismatch(
                f"{table.name}: {staged:,} rows were staged, {arrived:,} arrived; {before:,} rows became {rows:,}",
                why=f"published {published:,}, gone {gone:,}, unchanged {unchanged:,}, superseded {superseded:,}, "
                f"closed {closed:,}",
                fix="nothing was published; run the batch again, and report this if it happens twice",
            )
        return Written(TableCounts(staged, published, unchanged, superseded, closed, gone), rows)

    def _explained(self, table: Table, before: int, more: int) -> bool:
        """Whether others than this transaction put so many rows there, or took them away, since they were counted.

        A session outside the transaction sees what the table held before it.
        """
        if not more:
            return True
        with closing(self.client.another()) as outside:
            changed = outside.number("count_rows", table=self._at(table).storage) - before
        if changed == more:
            log.warning(
                "%s: %s rows were %s since the last batch, and not by one; `sluice verify %s` compares with the source",
                table.name,
                f"{abs(changed):,}",
                "added" if changed > 0 else "taken away",
                self.plan.pipeline,
            )
        return changed == more

    def _refuse_double(self, table: Table) -> None:
        own = self.collection.tables[0]
        wrong, key = self.client.row(
            "find_double",
            storage=self._at(table).storage,
            keys=names(table.key),
            key=name(table.key[0]),
            parents=self._staging(own),
            parent_key=name(own.key[0]),
            skipped=self._skipped,
            batch=self.batch,
        )
        if wrong:
            raise CountMismatch(
                f"{table.name}: {wrong:,} keys have a row that batch {self.batch} should have replaced, or two",
                why=f"{table.key[0]} = {key} is one of them",
                fix="nothing was published; run the batch again, and report this if it happens twice",
            )

    def _rows(self, table: Table) -> tuple[int, int]:
        rows, written = self.client.row("count_written", storage=self._at(table).storage, batch=self.batch)
        return rows, written

    def _chosen(self, table: Table) -> dict[str, object]:
        return {"staging": self._staging(table), "key": name(table.key[0]), "skipped": self._skipped}

    @property
    def _whose(self) -> dict[str, object]:
        return {"pipeline": self.plan.pipeline, "collection": self.collection.name}

    @property
    def _cut(self) -> dict[str, object]:
        return {"cluster": self.plan.cut.cluster, "plan": self.plan.id, "base": self.plan.base}

    @property
    def _skipped(self) -> Sql:
        return self._at(self.collection.tables[0]).staging(self.plan.staging, "skipped")

    def _staging(self, table: Table) -> Sql:
        return self._at(table).staging(self.plan.staging)

    def _at(self, table: Table) -> Place:
        return Place(self.plan.pipeline, "", table.name)
