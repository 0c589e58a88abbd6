"""The key tables of one pipeline: created when missing, and filled with the ids that were published before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sluice.spec import Collection, Pipeline
from sluice.statements import literal
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.fence import Fence
from sluice.warehouse.clickhouse.numeric_keys import NumericKeys
from sluice.warehouse.clickhouse.tables import comment, key_stem, key_table, key_type, place


@dataclass(frozen=True, slots=True)
class KeyTables:
    """What a pipeline needs, against what the server has. ``comments``: of the tables that exist, by name."""

    client: Client
    pipeline: Pipeline
    comments: Mapping[str, str]

    def outdated(self) -> list[Collection]:
        """The collections whose key table is missing, or was filled from other columns than the pipeline file says."""
        return [collection for collection in self.pipeline.collections if self._is_outdated(collection)]

    def create(self, fence: Fence) -> list[str]:
        """Create and fill what is outdated. Returns names. Raises KeyCollision."""
        outdated = self.outdated()
        for collection in outdated:
            keys = key_table(self.pipeline.name, collection)
            kind, empty = key_type(collection.tables[0]), self._comment(collection, ())
            self.client.run("create_keys", keys=keys, type=kind, comment=literal(empty))
            self._fill(collection, fence)
            self.client.run("comment_keys", keys=keys, comment=literal(self._wanted(collection)))
        return [f"table {key_stem(self.pipeline.name, collection)}" for collection in outdated]

    def _fill(self, collection: Collection, fence: Fence) -> None:
        for table, column in self.pipeline.ids_of(collection):
            storage = place(self.pipeline, table).storage
            rows = self.client.number("count_rows", table=storage)
            if rows:
                NumericKeys(fence, self.pipeline).add(collection, storage, column, rows)

    def _is_outdated(self, collection: Collection) -> bool:
        found = self.comments.get(key_stem(self.pipeline.name, collection))
        return collection.surrogate_key if found is None else found != self._wanted(collection)

    def _wanted(self, collection: Collection) -> str:
        sources = (f"{table.name}.{column}" for table, column in self.pipeline.ids_of(collection))
        return self._comment(collection, tuple(sources))

    def _comment(self, collection: Collection, sources: tuple[str, ...]) -> str:
        return comment(self.pipeline.name, f"keys of {collection.name} from {', '.join(sources) or 'nothing yet'}")
