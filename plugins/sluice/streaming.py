"""One small batch after the other, in one process, without a scheduler between them.

Safe beside the DAG, and beside another of its kind: each batch is planned from the last commit record and published as
any other, so that two that were planned from one position are ordered by their cuts (I4). ``sluice stream`` does so
until it is stopped; a DAG with the schedule ``@continuous`` for a while in each run (:mod:`sluice.airflow_stream`).
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Final

from sluice import pipeline as spine
from sluice.errors import ConfigError, Retryable
from sluice.kept import is_kept
from sluice.spec import CHANGE_STREAM, Pipeline
from sluice.warehouse.base import Commit

log = logging.getLogger(__name__)

PAUSE: Final = 0.2
"""Seconds between two looks when nothing had changed."""
IDLE: Final = 60.0
"""Seconds after which a batch without changes is published, so that the position moves on with the oplog."""
LONGEST_PAUSE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What ends a stream by itself. ``seconds``: after which no batch is begun; ``failures``: in a row.

    ``whole``: whether it reads collections from their beginning, or leaves them to others and ends.
    """

    seconds: float = math.inf
    failures: float = math.inf
    whole: bool = True


@dataclass(slots=True)
class Stream:
    """Batches until ``stop`` is set, or its bounds are reached; the one that is under way then is finished."""

    pipeline: Pipeline
    systems: spine.Systems
    stop: Event
    tell: Callable[[Commit], None]
    bounds: Bounds = Bounds()

    def run(self) -> None:
        """Raises what a person has to change; waits, and tries again, where that may pass by itself."""
        if self.pipeline.capture.mode != CHANGE_STREAM:
            raise ConfigError(
                f"{self.pipeline.name} has no stream", fix="set capture.mode to change_stream in the pipeline file"
            )
        spine.migrate(self.pipeline, self.systems)
        published, failed = time.monotonic(), 0
        end = published + self.bounds.seconds
        while not self.stop.is_set() and time.monotonic() < end:
            try:
                if self._batch(idle=time.monotonic() - published > IDLE):
                    published = time.monotonic()
                failed = 0
            except Retryable as error:
                failed += 1
                if failed > self.bounds.failures:
                    raise
                log.warning("stream %s: %s", self.pipeline.name, error)
                self.stop.wait(min(2.0**failed, LONGEST_PAUSE))

    def _batch(self, *, idle: bool) -> bool:
        last = self.systems.warehouse.last_commit(self.pipeline.name)
        made = spine.plan_after(self.pipeline, self.systems, last)
        if is_kept(made) and not self.bounds.whole:
            log.info("stream %s: ends, because the next run has to read whole collections", self.pipeline.name)
            self.stop.set()
            return False
        if not made.ranges and not idle:
            self.stop.wait(PAUSE)
            return False
        spine.tell_plan(made, last)
        self.tell(spine.run_plan(self.pipeline, self.systems, made))
        return True
