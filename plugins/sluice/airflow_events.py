"""The events of Assets that batches send: one for each master table, and one when something was rejected.

At least once: a step that is run again finds its batch published, and cannot know whether the try before it told so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias

from sluice.spec import Pipeline, Table

if TYPE_CHECKING:
    from airflow.sdk import Context

    from sluice.warehouse.base import Commit


@dataclass(slots=True)
class Told:
    """What the events of a task with several batches, or none, say: of the newest one, with the rows of all."""

    pipeline: Pipeline
    batches: int = 0
    _last: dict[str, dict[str, Any]] = field(default_factory=dict)
    _rows: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _rejects: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _rejected: dict[str, Any] = field(default_factory=dict)

    def add(self, commit: Commit) -> None:
        """A batch was published."""
        self.batches += 1
        for table in self.pipeline.tables:
            self._last[table.name] = event_of(commit, table)
            self._rows[table.name].update(self._last[table.name]["counts"])
        if found := rejects_of(commit):
            self._rejected = found
            for collection, reasons in found["rejects"].items():
                self._rejects[collection].update(reasons)

    def send(self, context: Context) -> None:
        """When the task ends, Airflow does."""
        for asset, extra in self._events():
            context["outlet_events"][batches_alias(self.pipeline)].add(asset, extra=extra)

    def tables(self) -> dict[str, dict[str, Any]]:
        """Table → what its event carries; empty when nothing was published."""
        return {
            name: last | {"counts": dict(self._rows[name]), "batches": self.batches}
            for name, last in self._last.items()
        }

    def _events(self) -> Iterator[tuple[Asset, dict[str, Any]]]:
        for name, extra in self.tables().items():
            yield asset_of(self.pipeline, self.pipeline.table(name)), extra
        if self._rejected:
            rejects = {name: dict(reasons) for name, reasons in self._rejects.items()}
            yield rejects_asset(self.pipeline), self._rejected | {"rejects": rejects}


def asset_of(pipeline: Pipeline, table: Table) -> Asset:
    """The Asset of one master table; a DAG scheduled on it runs after each batch."""
    kind, schema = pipeline.warehouse.kind.value, pipeline.warehouse.schema
    return Asset(name=f"{schema}.{table.name}", uri=f"{kind}://{pipeline.warehouse.conn_id}/{schema}/{table.name}")


def batches_alias(pipeline: Pipeline) -> AssetAlias:
    """Stands for the Assets of a task that may publish nothing: an alias has an event only where one is added."""
    return AssetAlias(f"sluice.batches.{pipeline.name}")


def event_of(commit: Commit, table: Table) -> dict[str, Any]:
    """What an Asset event carries: the batch number, the cut, and this table's counts."""
    counts = commit.counts[table.collection]["tables"][table.name]
    return {"pipeline": commit.pipeline, "batch": commit.batch, "cut": commit.cut.time.isoformat(), "counts": counts}


def rejects_asset(pipeline: Pipeline) -> Asset:
    """The Asset that has an event whenever a batch rejected what was not rejected so before."""
    return Asset(name=f"sluice.rejects.{pipeline.name}", uri=f"sluice://rejects/{pipeline.name}")


def rejects_alias(pipeline: Pipeline) -> AssetAlias:
    """Stands for it in the DAG: an alias has an event only where one is added."""
    return AssetAlias(f"sluice.rejects.{pipeline.name}")


def rejects_of(commit: Commit) -> dict[str, Any] | None:
    """What such an event carries: collection → reason → new rejects. None when there are none."""
    found = {name: counts.get("quarantine", {}).get("new") for name, counts in commit.counts.items()}
    news = {name: reasons for name, reasons in found.items() if reasons}
    event = {"pipeline": commit.pipeline, "batch": commit.batch, "cut": commit.cut.time.isoformat(), "rejects": news}
    return event if news else None
