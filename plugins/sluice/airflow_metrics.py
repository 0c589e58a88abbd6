"""What a task tells Airflow's metrics: StatsD, Datadog or OpenTelemetry, whichever Airflow is set up for.

docs/metrics.md has the table. They are for curves and alarms; the truth about a batch is its commit record. A figure is
told by the try that did the work, so that a step which is run again and finds its work done counts nothing twice.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow.sdk.configuration import conf
from airflow.sdk.observability import stats

from sluice.window import BatchKind

if TYPE_CHECKING:
    from sluice.manifest import Manifest
    from sluice.warehouse.base import Commit, Loaded


@dataclass(frozen=True, slots=True)
class Meter:
    """The figures of one step of one pipeline; ``collection``: the one that it is about, if it is about one."""

    pipeline: str
    step: str
    collection: str | None = None

    def landed(self, manifest: Manifest, read: int) -> None:
        """What a range became; ``read``: documents that this try read, 0 when it was landed before."""
        if read:
            self._count("rows", sum(part.rows for part in manifest.parts), manifest.collection)
            self._count("bytes", manifest.bytes, manifest.collection)
            self._count("rejects", manifest.rejected, manifest.collection)

    def loaded(self, loaded: Loaded) -> None:
        """What was staged of a collection, and what the warehouse refused of it."""
        self._count("rows", sum(loaded.staged.values()), loaded.collection)
        self._count("rejects", sum(loaded.refused.values()), loaded.collection)

    def published(self, commit: Commit) -> None:
        """What readers see of a batch that they did not see before, and how old it is."""
        if commit.found_done:
            return
        for collection, counts in commit.counts.items():
            self._count("rows", sum(table["published"] for table in counts["tables"].values()), collection)
        if commit.kind != BatchKind.LIVE:  # the others bring a part to their cut, and not what analysts see
            return
        name, tags = self._named("lag")
        stats.gauge(name, (datetime.now(UTC) - commit.cut.time).total_seconds(), tags=tags)

    def took(self, duration: timedelta) -> None:
        """How long the step took."""
        name, tags = self._named("duration", self.collection)
        stats.timing(name, duration, tags=tags)

    def _count(self, metric: str, number: int, collection: str) -> None:
        name, tags = self._named(metric, collection)
        stats.incr(name, number, tags=tags)

    def _named(self, metric: str, collection: str | None = None) -> tuple[str, dict[str, str]]:
        tags = {"pipeline": self.pipeline, "step": self.step, **({"collection": collection} if collection else {})}
        return ".".join(["sluice", metric, *(map(_word, tags.values()) if _without_tags() else ())]), tags


@contextmanager
def metered(pipeline: str, step: str, collection: str | None) -> Iterator[Meter]:
    """Measure a step. What it told is sent by Airflow before the task's process ends, OpenTelemetry's too."""
    meter, begun = Meter(pipeline, step, collection), time.monotonic()
    try:
        yield meter
    finally:
        meter.took(timedelta(seconds=time.monotonic() - begun))


def _without_tags() -> bool:
    """A plain StatsD has no tags, and Airflow drops them: then they have to be in the name."""
    tagged = conf.getboolean("metrics", "statsd_influxdb_enabled", fallback=False)
    datadog = conf.getboolean("metrics", "statsd_datadog_enabled", fallback=False)
    return conf.getboolean("metrics", "statsd_on", fallback=False) and not tagged and not datadog


def _word(text: str) -> str:
    """One part of a name: a dot would be two, and other characters are none of StatsD's."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", text)
