"""How many documents a batch may reject before it stops: of all collections together, and of each (I7). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sluice.errors import TooManyRejects
from sluice.manifest import Manifest
from sluice.spec import Pipeline, Rejects
from sluice.warehouse.base import Loaded


@dataclass(frozen=True, slots=True)
class Rejected:
    """What a batch rejected: documents that do not conform, and rows that the warehouse refused."""

    manifests: Sequence[Manifest]
    loaded: Sequence[Loaded]

    @property
    def read(self) -> int:
        """Documents."""
        return sum(manifest.read for manifest in self.manifests)

    @property
    def refused(self) -> int:
        """Rows, of any table."""
        return sum(sum(found.refused.values()) for found in self.loaded)

    @property
    def count(self) -> int:
        """All of it."""
        return sum(manifest.rejected for manifest in self.manifests) + self.refused

    def of(self, collection: str) -> Rejected:
        """That of one collection."""
        manifests = [manifest for manifest in self.manifests if manifest.collection == collection]
        return Rejected(manifests, [found for found in self.loaded if found.collection == collection])

    def why(self) -> Iterator[str]:
        """Where it is to be seen."""
        if self.refused:
            yield f"{self.refused:,} rows were refused by the warehouse"
        yield from (f"{m.collection}: {m.rejected:,} in {m.rejects_key}" for m in self.manifests if m.rejected)


def refuse_too_many(pipeline: Pipeline, rejected: Rejected) -> None:
    """Compare with the limits of the pipeline file. Raises TooManyRejects."""
    _refuse(pipeline.name, pipeline.rejects, rejected)
    for collection in pipeline.collections:
        if collection.rejects:
            _refuse(f"{pipeline.name}.{collection.name}", collection.rejects, rejected.of(collection.name))


def _refuse(whose: str, limit: Rejects, rejected: Rejected) -> None:
    allowed = limit.allowed(rejected.read)
    if rejected.count > allowed:
        raise TooManyRejects(
            f"{rejected.count:,} of {rejected.read:,} documents of {whose} were rejected, {allowed:,} are allowed",
            why="; ".join(rejected.why())[:2000],
            fix="correct the columns that reject in the pipeline file (type, on_error), or raise rejects.limit there; "
            "nothing was published",
        )
