"""Numeric keys: an id that is new gets the next number of the key table, in the transaction that publishes it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sluice.errors import CountMismatch, KeyCollision
from sluice.spec import NumericKey, Pipeline, Table
from sluice.statements import Sql, name
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.tables import key_table, place

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NumericKeys:
    """The numbers that one batch needs, in the publishing transaction."""

    client: Client
    pipeline: Pipeline

    def give(self, plan: str, staged: dict[str, int]) -> None:
        """Give a number to every id that was staged, of documents and in references. Raises KeyCollision.

        ``staged``: rows per table.
        """
        for collection in self.pipeline.collections:
            for table, column in self.pipeline.ids_of(collection):
                if staged[table.name]:
                    self._add(collection.name, place(self.pipeline, table).staging(plan), column)

    def check(self, batch: int) -> None:
        """Raise CountMismatch when a row of a batch has an id without its number; fill in rows of earlier ones.

        Those have none when the column was added after them.
        """
        for table in self.pipeline.tables:
            for key in table.numeric:
                written, older = self._count(table, key, batch)
                if older and not written:
                    log.info("%s: giving numbers to %s rows that have none", table.name, f"{older:,}")
                    self._fill(table, key)
                    written, older = self._count(table, key, batch)
                if written or older:
                    raise CountMismatch(
                        f"{table.name}: {written + older:,} rows have a {key.of} and not its number in {key.name}",
                        why=f"the key table of {key.collection} does not have it",
                        fix="nothing was published; run the batch again, and report this if it happens twice",
                    )

    def _add(self, collection: str, ids: Sql, column: str) -> None:
        keys = key_table(self.pipeline.name, collection)
        self.client.run("insert_keys", keys=keys, ids=ids, id=name(column))
        for one, other, number in self.client.rows("find_collision", keys=keys, ids=ids, id=name(column)):
            raise KeyCollision(
                f"{one!r} and {other!r} of {collection} have the number {number}"
                if one != other
                else f"{one!r} of {collection} has two numbers, one is {number}",
                why=f"in {keys.text}, which was changed or copied: each id is given one number, and each number once",
                fix="nothing was published; restore that table, or delete the row of it that came last",
            )

    def _fill(self, table: Table, key: NumericKey) -> None:
        storage, keys = place(self.pipeline, table).storage, key_table(self.pipeline.name, key.collection)
        self._add(key.collection, storage, key.of)
        self.client.run("fill_numbers", storage=storage, id=name(key.of), numbered=name(key.name), keys=keys)

    def _count(self, table: Table, key: NumericKey, batch: int) -> tuple[int, int]:
        storage = place(self.pipeline, table).storage
        written, older = self.client.row(
            "count_unnumbered", storage=storage, id=name(key.of), numbered=name(key.name), batch=batch
        )
        return written, older
