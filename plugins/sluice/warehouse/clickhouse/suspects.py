"""Find the keys whose document in the source and rows at a batch may differ."""

from __future__ import annotations

from dataclasses import dataclass

from sluice.key_scan import size_of, version_of
from sluice.spec import Collection, Pipeline, Table
from sluice.statements import Sql, name
from sluice.suspects import Suspect
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.tables import place
from sluice.warehouse.clickhouse.versions import slices
from sluice.window import Plan


@dataclass(frozen=True, slots=True)
class Suspects:
    """One collection, whose keys a plan has staged."""

    client: Client
    pipeline: Pipeline
    plan: Plan
    collection: Collection

    def find(self, batch: int) -> int:
        """Compare at a batch. Returns how many rows of the own table were compared."""
        own = self.collection.tables[0]
        staged = self.client.number("count_rows", table=self._staging)
        visible = self.client.number("count_visible", at=place(self.pipeline, own).at, batch=batch)
        self.client.run("create_suspects", suspects=self._suspects)
        for slice_ in slices(max(staged, visible)):
            self._find(own, batch, slice_)
        return visible

    def page(self, after: str | None, limit: int) -> list[Suspect]:
        """The next of them, in the order of their keys."""
        first = after is None
        rows = self.client.rows("suspects", suspects=self._suspects, first=first, after=after or "", limit=limit)
        return [Suspect(key, found, content, bool(torn)) for key, found, content, torn in rows]

    def _find(self, own: Table, batch: int, slice_: dict[str, object]) -> None:
        version, at = version_of(self.collection), place(self.pipeline, own).at
        which = {"suspects": self._suspects, "staging": self._staging, "key": name(own.key[0]), "at": at}
        self.client.run(
            "insert_suspects", **which, version=name(version.name) if version else Sql("0"), batch=batch, **slice_
        )
        for child in self.collection.tables[1:]:
            self.client.run(
                "insert_torn",
                **which,
                size=name(size_of(child)),
                parent=name(child.key[0]),
                place=Sql(f"xxHash64({', '.join(name(column).text for column in child.key[1:])})"),
                child_at=place(self.pipeline, child).at,
                batch=batch,
                **slice_,
            )

    @property
    def _staging(self) -> Sql:
        return place(self.pipeline, self.collection.tables[0]).staging(self.plan.staging)

    @property
    def _suspects(self) -> Sql:
        return place(self.pipeline, self.collection.tables[0]).staging(self.plan.staging, "suspect")
