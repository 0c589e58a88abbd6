"""A collection that was read whole ends what it did not find: rows that say "gone", beside those that were staged."""

from __future__ import annotations

from dataclasses import dataclass

from sluice.spec import Collection
from sluice.statements import Sql, name
from sluice.warehouse.clickhouse.fence import Fence
from sluice.warehouse.clickhouse.quarantine import rejected_key
from sluice.warehouse.clickhouse.tables import Place
from sluice.warehouse.clickhouse.versions import slices
from sluice.window import Plan


@dataclass(frozen=True, slots=True)
class Missing:
    """One collection of one batch, under the fence. ``rejects``: the staged rejects of the batch."""

    fence: Fence
    plan: Plan
    collection: Collection
    rejects: Sql

    def count(self) -> int:
        """How many there are in staging: an attempt that died left some."""
        return self.fence.client.number("count_missing", staging=self._staging)

    def end(self) -> int:
        """Stage them. Returns how many there are."""
        own = self.collection.tables[0]
        storage = Place(self.plan.pipeline, "", own.name).storage
        sizes = [self.fence.client.number("count_rows", table=table) for table in (storage, self._staging)]
        for slice_ in slices(max(sizes)) if sizes[0] else ():
            self.fence.renew()
            self.fence.client.run(
                "insert_missing",
                staging=self._staging,
                storage=storage,
                key=name(own.key[0]),
                rejects=self.rejects,
                rejected=rejected_key(self.collection),
                collection=self.collection.name,
                **slice_,
                **self.fence.guard,
            )
        return self.count()

    @property
    def _staging(self) -> Sql:
        return Place(self.plan.pipeline, "", self.collection.tables[0].name).staging(self.plan.staging)
