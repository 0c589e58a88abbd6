"""A cleanup's steps beside each other: what one meets is not the others'."""

from __future__ import annotations

from types import SimpleNamespace as Fake
from typing import Any

import pytest

from sluice import cleanup
from sluice.cleanup import Tools
from sluice.errors import WarehouseUnavailable
from sluice.warehouse.maintenance import Entry
from tests.factories import a_pipeline

PIPELINE = a_pipeline()


class Place:
    """A landing and a warehouse in which there is nothing but what a test says."""

    def __init__(self, **found: Any) -> None:
        self.noted: list[Entry] = []
        commit = Fake(batch=2, plan="20261130T000000-bbbbbb")
        answers = {"last_commit": commit, "dead_rows": 0, "batch_before": 0, "count_rejects": 0, "entries": []}
        answers |= {"pages": [], "uploads": [], "staged_plans": {}, "times": {}, "migrate": []}
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

    def clean(self, *, dry_run: bool | None = False) -> list[Entry]:
        return cleanup.run(PIPELINE, Tools(*[self.all] * 5), dry_run=dry_run)


def test_the_error_of_a_step_is_noted_as_its_own_alone() -> None:
    place = Place(dead_rows=WarehouseUnavailable("the warehouse is away"))

    with pytest.raises(WarehouseUnavailable):
        place.clean()

    assert [(entry.action, "away" in entry.error) for entry in place.noted] == [("undo dead batches", True)]
