"""The last task of a run with the schedule ``@continuous``: small batches, one after the other, for an hour.

The tasks before it make one batch as in any other run: a first load, and what else reads whole collections, is landed
by many tasks. This one then publishes by itself, without waiting for the scheduler; the next run follows at once, with
the pipeline file as it is then.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import Asset, AssetAlias
from airflow.sdk.exceptions import AirflowSkipException

from sluice import pipeline as spine
from sluice.airflow_tasks import Step, asset_of, event_of, rejects_asset, rejects_of, reread_of
from sluice.spec import Pipeline
from sluice.streaming import Bounds, Stream

if TYPE_CHECKING:
    from airflow.sdk import Context

    from sluice.warehouse.base import Commit

FAILURES: Final = 5
"""In a row, two seconds to a minute apart, before the task fails and Airflow tries it again."""


class StreamBatches(Step):
    """Publish small batches for a while. Told as one Asset event per table: Airflow sends them when a task ends."""

    def step(self, pipeline: Pipeline, systems: spine.Systems, context: Context) -> Any:
        """Returns how many batches were published. Skipped in a run that reads something again."""
        if reread_of(context) is not None:
            raise AirflowSkipException("a run that reads something again ends with its batch")
        told = Told(pipeline)
        bounds = Bounds(context["params"]["seconds"], FAILURES, whole=False)

        def tell(commit: Commit) -> None:
            told.add(commit)
            self.meter.published(commit)

        Stream(pipeline, systems, Event(), tell, bounds).run()
        for asset, extra in told.events():
            context["outlet_events"][alias_of(pipeline)].add(asset, extra=extra)
        return told.batches


@dataclass(slots=True)
class Told:
    """What the Asset events say: of the newest batch, with the rows of all of them."""

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

    def events(self) -> Iterator[tuple[Asset, dict[str, Any]]]:
        """One for each table, and one for what was rejected; none when nothing was published."""
        for table in self.pipeline.tables if self.batches else ():
            counts = {"counts": dict(self._rows[table.name]), "batches": self.batches}
            yield asset_of(self.pipeline, table), self._last[table.name] | counts
        if self._rejected:
            rejects = {name: dict(reasons) for name, reasons in self._rejects.items()}
            yield rejects_asset(self.pipeline), self._rejected | {"rejects": rejects}


def alias_of(pipeline: Pipeline) -> AssetAlias:
    """Stands for the tables' Assets: an alias has events only where something was published."""
    return AssetAlias(f"sluice.stream.{pipeline.name}")
