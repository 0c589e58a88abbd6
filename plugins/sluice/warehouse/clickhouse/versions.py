"""Write one collection's versions of one batch: compare, insert, close, count (I1, I4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sluice.errors import CountMismatch
from sluice.spec import Collection, Table
from sluice.statements import Sql, name, names
from sluice.warehouse.base import TableCounts
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.fence import Fence
from sluice.warehouse.clickhouse.tables import Place, key_type, master_columns
from sluice.window import BatchKind, Plan

KEYS_A_SLICE: Final = 1_000_000
"""Sets of keys are held in the server's memory; a large batch is worked on in slices of its keys (I6)."""


@dataclass(frozen=True, slots=True)
class Versions:
    """One collection of one batch, under the fence. ``staged``: rows per table.

    ``superseded``: batches of later cuts know all that this one says of the collection.
    """

    fence: Fence
    plan: Plan
    collection: Collection
    staged: dict[str, int]
    batch: int
    superseded: bool

    def write(self) -> dict[str, TableCounts]:
        """Write every table's versions and return the counts, checked. Readers see nothing of it yet."""
        if not any(self.staged.values()):
            return {table.name: TableCounts(0, 0, 0, 0, 0, 0) for table in self.collection.tables}
        self._compare()
        self._confirm(self.collection.tables[0])
        for table in self.collection.tables:
            self.fence.renew()
            self._insert(table)
            self._close(table)
        return {table.name: self._counts(table) for table in self.collection.tables}

    def _compare(self) -> None:
        own = self.collection.tables[0]
        keys = {"compared": self._compared, "staging": self._staging(own), "key": name(own.key[0])}
        master = {"storage": self._at(own).storage, "pipeline": self.plan.pipeline}
        cut = {"cluster": self.plan.cut.cluster, "plan": self.plan.id, "base": self.plan.base}
        self._client.run("create_compared", compared=self._compared, type=key_type(own))
        rewrite = self.plan.kind is BatchKind.REPAIR
        known = rewrite or self._rows(self._at(own).storage) > 0
        for slice_ in self._slices:
            if self.superseded:
                self._client.run("supersede_keys", **keys, **slice_)
            elif known:
                self._client.run("compare_keys", **keys, **master, **cut, rewrite=rewrite, **slice_)

    def _confirm(self, own: Table) -> None:
        """Mark what was found unchanged as read at this cut, where that matters (I4)."""
        for slice_ in self._slices if self._confirms else ():
            self._client.run(
                "insert_confirmed",
                storage=self._at(own).storage,
                key=name(own.key[0]),
                compared=self._compared,
                batch=self.batch,
                slice=slice_["slice"],
                **self.fence.guard,
            )

    def _insert(self, table: Table) -> None:
        for slice_ in self._slices:
            self._client.run(
                "insert_child_versions" if table.child else "insert_versions",
                storage=self._at(table).storage,
                columns=names(master_columns(table)),
                staging=self._staging(table),
                key=name(table.key[0]),
                compared=self._compared,
                batch=self.batch,
                **slice_,
                **self.fence.guard,
            )

    def _close(self, table: Table) -> None:
        for slice_ in self._slices:
            which: dict[str, object] = {"compared": self._compared, "slice": slice_["slice"]}
            if self._client.number("count_replaced", **which):
                self._client.run(
                    "close_versions",
                    storage=self._at(table).storage,
                    key=name(table.key[0]),
                    batch=self.batch,
                    **which,
                    **self.fence.guard,
                )

    def _counts(self, table: Table) -> TableCounts:
        written = self._client.row("count_written", versions=self._at(table).versions, batch=self.batch)
        published, gone, closed, confirmed = written
        superseded, unchanged = self._count_skipped(table)
        staged = self.staged[table.name]
        noted = unchanged if self._confirms and not table.child else 0
        if staged != published + gone + superseded + unchanged or confirmed != noted:
            raise CountMismatch(
                f"{table.name}: {staged:,} rows were staged, {published + gone + superseded + unchanged:,} arrived",
                why=f"published {published:,}, gone {gone:,}, unchanged {unchanged:,}, superseded {superseded:,}, "
                f"confirmed {confirmed:,}",
                fix="nothing was published; run the batch again, and report this if it happens twice",
            )
        return TableCounts(staged, published, unchanged, superseded, closed, gone, confirmed)

    def _count_skipped(self, table: Table) -> tuple[int, int]:
        if not self._rows(self._compared):
            return 0, 0
        counts = [
            self._client.row(
                "count_skipped",
                staging=self._staging(table),
                key=name(table.key[0]),
                compared=self._compared,
                **slice_,
            )
            for slice_ in self._slices
        ]
        return sum(count[0] for count in counts), sum(count[1] for count in counts)

    @property
    def _client(self) -> Client:
        return self.fence.client

    @property
    def _slices(self) -> Iterator[dict[str, object]]:
        return slices(self.staged[self.collection.name])

    @property
    def _confirms(self) -> bool:
        return self.plan.confirms(self.collection.name)

    @property
    def _compared(self) -> Sql:
        return self._at(self.collection.tables[0]).staging(self.plan.staging, self.fence.owner, "compared")

    def _staging(self, table: Table) -> Sql:
        return self._at(table).staging(self.plan.staging)

    def _at(self, table: Table) -> Place:
        return Place(self.plan.pipeline, "", table.name)

    def _rows(self, table: Sql) -> int:
        return self._client.number("count_rows", table=table)


def slices(keys: int) -> Iterator[dict[str, object]]:
    """The slots that choose each slice of so many keys in turn."""
    count = keys // KEYS_A_SLICE + 1
    for number in range(count):
        yield {"slices": count, "slice": number}
