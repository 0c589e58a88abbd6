"""Staging of a replay: what was landed, joined with the rows of the master that it belongs to, on the server (I1)."""

from __future__ import annotations

from dataclasses import dataclass

from sluice.errors import CountMismatch
from sluice.spec import Collection, Table
from sluice.statements import Sql, name, names
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.tables import Place, declared_columns
from sluice.warehouse.clickhouse.versions import slices
from sluice.warehouse.replayed import moved_values, rehashed, written
from sluice.window import Plan


def mixed(mark: int) -> str:
    """A hash, mixed with a mark."""
    return f"bitXor(_hash, toUInt64({mark}))"


@dataclass(frozen=True, slots=True)
class Replayed:
    """One collection of a replay. ``moved`` has what was landed of its own table, ``whole`` gets whole rows."""

    client: Client
    plan: Plan
    collection: Collection
    moved: Sql
    whole: Sql

    def fill(self) -> None:
        """Fill ``whole``: rows without undeclared fields as they are, and what was landed. Raises CountMismatch."""
        own = self.collection.tables[0]
        runs, columns = self.plan.runs[self.collection.name], declared_columns(own)
        common = {
            "staging": self.whole,
            "columns": names(columns),
            "storage": self._storage(own),
            "written": written(runs),
            "rehashed": rehashed(runs, mixed),
            "base": self.plan.base,
        }
        landed, key = self._rows(self.moved), name(own.key[0])
        self.client.run("copy_untouched", **common)
        untouched = self._rows(self.whole)
        for slice_ in slices(landed):
            values = moved_values(own, columns)
            self.client.run("copy_moved", **common, values=values, moved=self.moved, key=key, **slice_)
        self._check(untouched, landed)

    def add_children(self, table: Table, staging: Sql) -> None:
        """Add the children that are there to those that were landed of an array that became one."""
        own = self.collection.tables[0]
        for slice_ in slices(self._rows(self.whole)):
            self.client.run(
                "copy_children",
                staging=staging,
                columns=names(declared_columns(table)),
                storage=self._storage(table),
                key=name(table.key[0]),
                parents=self.whole,
                parent_key=name(own.key[0]),
                base=self.plan.base,
                **slice_,
            )

    def _check(self, untouched: int, landed: int) -> None:
        runs = self.plan.runs[self.collection.name]
        storage = self._storage(self.collection.tables[0])
        rows, kept, _ = self.client.row("extras_size", storage=storage, written=written(runs), base=self.plan.base)
        staged = self._rows(self.whole)
        if untouched != rows - kept or staged != untouched + landed:
            raise CountMismatch(
                f"{self.collection.name}: {rows:,} rows are to be replayed, {staged:,} are staged",
                why=f"{kept:,} have undeclared fields, of which {landed:,} were landed; {untouched:,} were copied",
                fix="nothing was published; run the replay again",
            )

    def _storage(self, table: Table) -> Sql:
        return Place(self.plan.pipeline, "", table.name).storage

    def _rows(self, table: Sql) -> int:
        return self.client.number("count_rows", table=table)
