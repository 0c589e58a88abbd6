"""The last task of a run with the schedule ``@continuous``: small batches, one after the other, for an hour.

The tasks before it make one batch as in any other run: a first load, and what else reads whole collections, is landed
by many tasks. This one then publishes by itself, without waiting for the scheduler; the next run follows at once, with
the pipeline file as it is then.
"""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.exceptions import AirflowSkipException

from sluice import pipeline as spine
from sluice.airflow_events import Told
from sluice.airflow_tasks import Batches, reread_of
from sluice.spec import Pipeline
from sluice.streaming import Bounds, Stream

if TYPE_CHECKING:
    from airflow.sdk import Context

    from sluice.warehouse.base import Commit

FAILURES: Final = 5
"""In a row, two seconds to a minute apart, before the task fails and Airflow tries it again."""


class StreamBatches(Batches):
    """Publish small batches for a while. Told as one Asset event per table: Airflow sends them when a task ends."""

    def step(self, pipeline: Pipeline, systems: spine.Systems, context: Context) -> Any:
        """Returns how many batches were published. Skipped in a run that reads something again."""
        self.told = told = Told(pipeline)
        if reread_of(context) is not None:
            raise AirflowSkipException("a run that reads something again ends with its batch")
        bounds = Bounds(context["params"]["seconds"], FAILURES, whole=False)

        def tell(commit: Commit) -> None:
            told.add(commit)
            self.meter.published(commit)

        Stream(pipeline, systems, Event(), tell, bounds).run()
        told.send(context)
        return told.batches
