"""A cleanup's steps beside each other: what one meets is not the others'."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace as Fake
from typing import Any

import pytest

from sluice import cleanup
from sluice.cleanup import Tools
from sluice.errors import WarehouseUnavailable
from sluice.log_files import LogFolder
from sluice.retention import Upload
from sluice.warehouse.maintenance import Entry
from tests.factories import a_pipeline

PIPELINE = a_pipeline()
OLD, LONG_AGO = "20260101T000000-aaaaaa", datetime(2026, 1, 1, tzinfo=UTC)


class Place:
    """A landing and a warehouse in which there is nothing but what a test says."""

    def __init__(self, **found: Any) -> None:
        self.noted: list[Entry] = []
        commit = Fake(batch=2, plan="20261130T000000-bbbbbb")
        answers = {"last_commit": commit, "dead_rows": 0, "batch_before": 0, "count_rejects": (0, 0), "entries": []}
        answers |= {
            "pages": [],
            "uploads": [],
            "staged_plans": {},
            "times": {},
            "count_checks": 0,
            "count_drift": 0,
            "migrate": [],
        }
        answers |= {"abort": True, "drop_staging": 3, **found}
        root = {"root": "sluice/publishing/", "address": "s3://landing/sluice/publishing/", "bucket": "landing"}
        self.all: Any = Fake(append=self.noted.append, **root, **{name: self._answer(a) for name, a in answers.items()})

    @staticmethod
    def _answer(value: Any) -> Any:
        def answer(*_: object, **__: object) -> Any:
            if isinstance(value, Exception):
                raise value
            return value

        return answer

    def clean(self, *, dry_run: bool | None = False, logs: LogFolder | None = None) -> list[Entry]:
        return cleanup.run(PIPELINE, Tools(*[self.all] * 5, logs), dry_run=dry_run)


def test_the_error_of_a_step_is_noted_as_its_own_alone() -> None:
    place = Place(dead_rows=WarehouseUnavailable("the warehouse is away"))

    with pytest.raises(WarehouseUnavailable):
        place.clean()

    assert [(entry.action, "away" in entry.error) for entry in place.noted] == [("undo dead batches", True)]


def test_a_pipeline_that_never_published_is_cleaned_up_too(tmp_path: Path) -> None:
    log = tmp_path / "dag_id=publishing" / "run_id=a" / "task_id=plan" / "attempt=1.log"
    log.parent.mkdir(parents=True)
    log.write_text("long ago")
    os.utime(log, (1_000_000_000,) * 2)
    begun = Upload(f"sluice/publishing/documents/{OLD}/ids-000/0123abcd/rejects.bson.gz", "an id", LONG_AGO)
    place = Place(last_commit=None, uploads=[begun], staged_plans={OLD: LONG_AGO})

    done = place.clean(logs=LogFolder(tmp_path, "dags-folder"))

    assert [entry.action for entry in done] == ["abort uploads", "drop staging", "delete logs"]
    assert not log.exists()
