"""A cleanup's steps beside each other: what one meets is not the others'."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace as Fake
from typing import Any

import pytest

from sluice import cleanup
from sluice.cleanup import Tools
from sluice.errors import MigrationError, WarehouseUnavailable
from sluice.log_files import LogFolder
from sluice.retention import Upload
from sluice.warehouse.base import MigrationState
from sluice.warehouse.maintenance import Entry
from tests.factories import a_pipeline

PIPELINE = a_pipeline()
OLD, LONG_AGO = "20260101T000000-aaaaaa", datetime(2026, 1, 1, tzinfo=UTC)


class Place:
    """A landing and a warehouse in which there is nothing but what a test says."""

    def __init__(self, **found: Any) -> None:
        self.noted, self.called, self.asked = list[Entry](), Counter[str](), dict[str, Any]()
        commit = Fake(batch=2, plan="20261130T000000-bbbbbb")
        answers: dict[str, Any] = dict.fromkeys(("dead_rows", "batch_before", "count_checks", "count_drift"), 0)
        answers |= {key: [] for key in ("entries", "pages", "uploads", "migrate", "migration_states")}
        answers |= {"last_commit": commit, "count_rejects": (0, 0), "staged_plans": {}, "times": {}}
        answers |= {"abort": True, "drop_staging": 3, "delete_rejects": None, **found}
        root = {"root": "sluice/publishing/", "address": "s3://landing/sluice/publishing/", "bucket": "landing"}
        self.all: Any = Fake(
            append=self.noted.append, **root, **{name: self._answer(name, a) for name, a in answers.items()}
        )

    def _answer(self, name: str, value: Any) -> Any:
        def answer(*asked: object, **_: object) -> Any:
            self.called[name] += 1
            self.asked[name] = asked
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


def test_the_rejects_of_the_latest_batch_stay_whatever_their_age() -> None:
    place = Place(batch_before=2, count_rejects=(1, 1))
    place.clean()

    assert place.asked["delete_rejects"] == (1,)


@pytest.mark.parametrize(("dry_run", "migrated"), [(True, 0), (None, 1), (False, 1)])
def test_a_dry_run_does_not_migrate(dry_run: bool | None, migrated: int) -> None:
    place = Place()
    place.clean(dry_run=dry_run)

    assert place.called["migrate"] == migrated


def test_a_dry_run_says_what_to_do_where_the_control_tables_are_older() -> None:
    place = Place(migration_states=[MigrationState("0007", "create_checks", "pending")])

    with pytest.raises(MigrationError, match="0007_create_checks is pending"):
        place.clean(dry_run=True)
    assert place.noted == []


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
