"""Find the keys whose document in the source and rows in storage may differ."""

from __future__ import annotations

from dataclasses import dataclass

from sluice.key_scan import size_of, version_of
from sluice.spec import Collection, Pipeline, Table
from sluice.statements import Sql, name
from sluice.suspects import Suspect
from sluice.warehouse.buckets import MODULUS
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.tables import place
from sluice.window import Plan


@dataclass(frozen=True, slots=True)
class Suspects:
    """One collection, whose keys a plan has staged."""

    client: Client
    pipeline: Pipeline
    plan: Plan
    collection: Collection

    def find(self) -> int:
        """Compare in the transaction that is open. Returns how many rows of the own table were compared."""
        own = self.collection.tables[0]
        version, storage = version_of(self.collection), place(self.pipeline, own).storage
        which = {"suspects": self._suspects, "staging": self._staging, "key": name(own.key[0]), "storage": storage}
        self.client.run("drop_tables", tables=self._suspects)
        self.client.run("create_suspects", suspects=self._suspects)
        self.client.run("insert_suspects", **which, version=name(version.name) if version else Sql("0"))
        for child in self.collection.tables[1:]:
            self.client.run("insert_torn", **which, **self._rows_of(child))
        return self.client.number("count_rows", table=storage)

    def page(self, after: str | None, limit: int) -> list[Suspect]:
        """The next of them, in the order of their keys."""
        first = after is None
        rows = self.client.rows("suspects", suspects=self._suspects, first=first, after=after or "", limit=limit)
        return [Suspect(key, found, (content or 0) % MODULUS, bool(torn)) for key, found, content, torn in rows]

    def _rows_of(self, child: Table) -> dict[str, Sql]:
        places = (f"CAST({name(column).text} AS VARCHAR(11))" for column in child.key[1:])
        return {
            "size": name(size_of(child)),
            "parent": name(child.key[0]),
            "place": Sql(" || '.' || ".join(places)),
            "children": place(self.pipeline, child).storage,
        }

    @property
    def _staging(self) -> Sql:
        return place(self.pipeline, self.collection.tables[0]).staging(self.plan.staging)

    @property
    def _suspects(self) -> Sql:
        return place(self.pipeline, self.collection.tables[0]).staging(self.plan.staging, "suspect")
