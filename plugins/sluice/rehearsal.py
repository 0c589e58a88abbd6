"""A dry run: plan, read and conform like a batch, and write nothing."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from sluice import pipeline as spine
from sluice.pipeline import Systems, Watch, conformer
from sluice.plans import Reread

if TYPE_CHECKING:
    from sluice.conform import Conformed
    from sluice.landing import Landing
    from sluice.spec import Pipeline
    from sluice.window import Plan, Range


@dataclass(slots=True)
class Rehearsed:
    """What a dry run found of one collection; ``reasons`` counts ``(column, reason)``."""

    read: int = 0
    rows: int = 0
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, conformed: Conformed) -> None:
        """Count a batch of documents."""
        self.read += conformed.read
        self.rows += conformed.read - len(conformed.rejects)
        self.reasons.update((reject.column, reject.reason) for reject in conformed.rejects)


Rehearsal = dict[str, Rehearsed]


def rehearse(pipeline: Pipeline, systems: Systems, reread: Reread | None, watch: Watch) -> Rehearsal:
    """What would be landed, and what rejected."""
    systems = Systems(systems.source, cast("Landing", _ListsInMemory()), systems.warehouse)
    made = spine.make_plan(pipeline, systems, systems.warehouse.last_commit(pipeline.name), reread)
    watch.planned(made)
    found: Rehearsal = {c.name: Rehearsed() for c in pipeline.collections}
    for piece in made.ranges:
        collection, counts = pipeline.collection(piece.collection), found[piece.collection]
        conform = conformer(pipeline, collection)
        with closing(spine.read(systems, made, collection, piece)) as batches:
            for conformed in (conform(batch.documents) for batch in batches):
                counts.add(conformed)
                watch.read(piece, conformed.read)
    return found


class _ListsInMemory:
    """What a landing does with lists of keys, without one."""

    def __init__(self) -> None:
        self._lists: dict[str, bytes] = {}

    def put_keys(self, _: Plan, piece: Range, keys: bytes) -> None:
        self._lists[f"{piece.collection} {piece.name}"] = keys

    def keys(self, _: Plan, piece: Range) -> bytes:
        return self._lists[f"{piece.collection} {piece.name}"]
