"""Staged rows that may not stay: all but one of a repeated key, what was rejected since, children without document."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from sluice.columns import Kind
from sluice.spec import Collection, Table
from sluice.statements import Sql, name, names
from sluice.warehouse.quarantine import RejectRow
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.quarantine import rejected_key
from sluice.warehouse.redshift.rejects import rejected_later, stage_rejects
from sluice.warehouse.redshift.tables import Helper, Place, landed_columns
from sluice.window import Plan

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Staged:
    """The staging tables of one collection, in the transaction that fills them."""

    client: Client
    plan: Plan
    collection: Collection

    def drop_orphans(self) -> dict[str, int]:
        """Drop the children of documents that COPY refused. Returns rows by table."""
        return {table.name: self._drop_orphans(table) for table in self.collection.tables[1:]}

    def drop_repeated(self) -> None:
        """Keep one row a key: the later turn, a document before "gone", the newest modified, the greatest hash.

        Children follow the document that is kept.
        """
        own, *children = self.collection.tables
        repeated = self._count("count_repeated", own)
        if not repeated:
            return
        log.info("load %s: %d keys were landed more than once", own.name, repeated)
        self._keep_one(own, self._order(own))
        for table in children:
            self._drop_orphans(table)
            if self._count("count_repeated", table):
                self._keep_one(table, names(table.key))

    def drop_rejected(self, rejects: Iterable[RejectRow]) -> None:
        """Drop the rows of which a later turn rejected the document, with their children."""
        own, *children = self.collection.tables
        later = rejected_later(self.plan.pipeline, self.collection, self.plan.staging)
        stage_rejects(self.client, later, rejects)
        self.client.run(
            "delete_rejected",
            staging=self.at(own),
            key=name(own.key[0]),
            rejects=later,
            rejected=rejected_key(self.collection),
        )
        self.client.run("drop_tables", tables=later)
        for table in children:
            self._drop_orphans(table)

    def at(self, table: Table, *helper: Helper) -> Sql:
        """The staging table, or a helper of it."""
        return Place(self.plan.pipeline, "", table.name).staging(self.plan.staging, *helper)

    def count(self, table: Table) -> int:
        """Rows staged."""
        return self.client.number("count_rows", table=self.at(table))

    def _keep_one(self, table: Table, order: Sql) -> None:
        pieces = {
            "staging": self.at(table),
            "once": self.at(table, "once"),
            "columns": names(landed_columns(table)),
            "key": name(table.key[0]),
        }
        self.client.run("create_once", once=pieces["once"], staging=pieces["staging"])
        self.client.run("insert_once", **pieces, keys=names(table.key), order=order)
        self.client.run("delete_repeated", staging=pieces["staging"], once=pieces["once"], key=pieces["key"])
        self.client.run("insert_chosen", staging=pieces["staging"], once=pieces["once"], columns=pieces["columns"])
        self.client.run("drop_tables", tables=pieces["once"])

    def _drop_orphans(self, table: Table) -> int:
        own = self.collection.tables[0]
        before = self.count(table)
        self.client.run(
            "delete_orphans",
            staging=self.at(table),
            key=name(table.key[0]),
            parents=self.at(own),
            parent_key=name(own.key[0]),
        )
        return before - self.count(table)

    def _order(self, own: Table) -> Sql:
        modified = next((c for c in own.columns if c.path == self.collection.modified), None)
        dated = modified is not None and modified.type.kind in {Kind.TIMESTAMP, Kind.DATE}
        newest = f"{name(modified.name).text} DESC NULLS LAST, " if modified and dated else ""
        # Hashes are unsigned: stored as signed numbers, the negative ones are the great ones.
        return Sql(f"_turn DESC, _gone, {newest}CASE WHEN _hash < 0 THEN 0 ELSE 1 END, _hash DESC")

    def _count(self, statement: str, table: Table) -> int:
        return self.client.number(statement, staging=self.at(table), keys=names(table.key))
