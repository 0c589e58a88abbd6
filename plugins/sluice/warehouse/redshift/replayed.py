"""Staging of a replay: what was landed, joined with the rows of the master that it belongs to, in the cluster (I1)."""

from __future__ import annotations

from dataclasses import dataclass

from sluice.errors import CountMismatch
from sluice.spec import Table
from sluice.statements import Sql, name, names
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.repeated import Staged
from sluice.warehouse.redshift.tables import (
    Place,
    declared_columns,
    definitions,
    replayed,
    staged_attributes,
)
from sluice.warehouse.replayed import moved_values, rehashed, written

_SIGN = 2**63


def mixed(mark: int) -> str:
    """A hash, mixed with a mark, by the operators that Redshift has for BIGINT: there is no XOR among them."""
    signed = mark - 2 * (mark & _SIGN)
    return f"((_hash & CAST({-1 - signed} AS BIGINT)) + ((-1 - _hash) & CAST({signed} AS BIGINT)))"


@dataclass(frozen=True, slots=True)
class Replayed:
    """One collection of a replay, in the transaction that stages it."""

    staged: Staged

    def complete(self) -> dict[str, int]:
        """Make whole rows of what was landed. Returns how many of the landed rows are staged, by table.

        Those whose document was written anew meanwhile are not.
        """
        own, *children = self.staged.collection.tables
        whole = self.staged.at(own, "whole")
        counts = {own.name: self._fill(own, whole)}
        self._client.run("drop_tables", tables=self.staged.at(own))
        place = self._place(own).staging_stem(self.staged.plan.staging)
        self._client.run("rename_table", table=whole, name=name(place))
        return counts | {table.name: self._add_children(table, own) for table in children}

    def _fill(self, own: Table, whole: Sql) -> int:
        collection, columns = self.staged.collection, declared_columns(own)
        attached = staged_attributes(collection, own)
        self._client.run("create_staging", staging=whole, definitions=definitions(replayed(own)), attributes=attached)
        runs = self.staged.plan.runs[collection.name]
        common = {
            "staging": whole,
            "columns": names(columns),
            "storage": self._storage(own),
            "written": written(runs),
            "rehashed": rehashed(runs, mixed),
        }
        moved = {"values": moved_values(own, columns), "moved": self.staged.at(own), "key": name(own.key[0])}
        self._client.run("copy_untouched", **common)
        untouched = self._rows(whole)
        self._client.run("copy_moved", **common, **moved)
        self._check(own, untouched)
        return self._rows(whole) - untouched

    def _add_children(self, table: Table, own: Table) -> int:
        parents = {"parents": self.staged.at(own), "parent_key": name(own.key[0])}
        these = {"staging": self.staged.at(table), "key": name(table.key[0]), **parents}
        self._client.run("delete_strays", **these)
        moved = self._rows(self.staged.at(table))
        columns = names(declared_columns(table))
        self._client.run("copy_children", **these, columns=columns, storage=self._storage(table))
        return moved

    def _check(self, own: Table, untouched: int) -> None:
        runs = self.staged.plan.runs[own.collection]
        rows, kept, _ = self._client.row("extras_size", storage=self._storage(own), written=written(runs))
        if untouched != rows - kept:
            raise CountMismatch(
                f"{own.name}: {rows - kept:,} rows have no undeclared fields, {untouched:,} are staged",
                fix="nothing was published; run the replay again",
            )

    def _storage(self, table: Table) -> Sql:
        return self._place(table).storage

    def _place(self, table: Table) -> Place:
        return Place(self.staged.plan.pipeline, "", table.name)

    def _rows(self, table: Sql) -> int:
        return self._client.number("count_rows", table=table)

    @property
    def _client(self) -> Client:
        return self.staged.client
