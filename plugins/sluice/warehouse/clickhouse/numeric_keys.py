"""Numeric keys: the number of an id is a hash of its text, and the key table finds two ids that have the same one.

Rows carry their numbers in columns that the table computes from the ids, so nothing here writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sluice.errors import CountMismatch, KeyCollision
from sluice.spec import Collection, Pipeline, Table
from sluice.statements import Sql, name
from sluice.warehouse.clickhouse.fence import Fence
from sluice.warehouse.clickhouse.tables import key_table, number_of, place
from sluice.warehouse.clickhouse.versions import slices


@dataclass(frozen=True, slots=True)
class NumericKeys:
    """The numbers that one batch needs, under the fence."""

    fence: Fence
    pipeline: Pipeline

    def give(self, plan: str, staged: dict[str, int]) -> None:
        """Give a number to every id that was staged, of documents and in references. Raises KeyCollision.

        ``staged``: rows per table.
        """
        for collection in self.pipeline.collections:
            for table, column in self.pipeline.ids_of(collection):
                if staged[table.name]:
                    staging = place(self.pipeline, table).staging(plan)
                    self.add(collection, staging, column, staged[table.name])

    def add(self, collection: Collection, ids: Sql, column: str, rows: int) -> None:
        """Give a number to every id in a column of a table of so many rows. Raises KeyCollision."""
        where = {"ids": ids, **self._ids(collection, column)}
        for slice_ in slices(rows):
            self.fence.renew()
            for collision in self.fence.client.rows("find_collision", **where, **slice_):
                raise _collision(self.pipeline, collection, *collision)
            self.fence.client.run("insert_keys", **where, **slice_, **self.fence.guard)

    def check(self, batch: int, staged: dict[str, int]) -> None:
        """Raise CountMismatch when a row of a batch has an id without its number."""
        for collection, table, column, number in self._columns():
            wrong = sum(
                self.fence.client.number(
                    "count_unnumbered",
                    storage=place(self.pipeline, table).storage,
                    numbered=name(number),
                    batch=batch,
                    **self._ids(collection, column),
                    **slice_,
                )
                for slice_ in slices(staged[table.name])
                if staged[table.name]
            )
            if wrong:
                raise CountMismatch(
                    f"{table.name}: {wrong:,} rows have a {column} and not its number in {number}",
                    why=f"the table computes it: its definition, or the key table of {collection.name}, was changed",
                    fix="nothing was published; `sluice migrate up` says what differs from the pipeline file",
                )

    def _columns(self) -> Iterator[tuple[Collection, Table, str, str]]:
        for table in self.pipeline.tables:
            for key in table.numeric:
                yield self.pipeline.collection(key.collection), table, key.of, key.name

    def _ids(self, collection: Collection, column: str) -> dict[str, object]:
        keys = key_table(self.pipeline.name, collection)
        return {"keys": keys, "id": name(column), "number": Sql(number_of(column))}


def _collision(pipeline: Pipeline, collection: Collection, one: str, other: str, number: int) -> KeyCollision:
    keys = key_table(pipeline.name, collection).text
    return KeyCollision(
        f"two ids of {collection.name} have the number {number}: {one!r} and {other!r}",
        why="the number of an id is a hash of 63 bits of it; joined by number, each would be taken for the other",
        fix=f"nothing was published; give one of them another _id in the source, and if it was seen before, remove it: "
        f"ALTER TABLE {keys} DELETE WHERE id = '…'; or take surrogate_key off {collection.name} in the pipeline file",
    )
