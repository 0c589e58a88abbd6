"""What the watch of a pipeline's freshness tells, and when it keeps silent; the deadline that wakes it is Airflow's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from airflow.sdk import BaseNotifier

from sluice import airflow_freshness
from sluice.errors import WarehouseUnavailable
from tests.factories import a_pipeline_text


class Told(BaseNotifier):
    """A notifier that can only be called, as some of Airflow's; it keeps what it was told."""

    template_fields = ("message",)
    messages: ClassVar[list[str]] = []

    def __init__(self, message: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.message = message

    def notify(self, context: Any) -> None:
        self.messages.append(self.message)


class ToldInTheLoop(Told):
    """One that can be awaited."""

    async def async_notify(self, context: Any) -> None:
        self.messages.append(f"awaited: {self.message}")


Watch = Callable[..., list[str]]


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Run the watch of a limit of a second. Each look at the warehouse finds the next cut, so many seconds ago."""

    def run(*ages: float | Exception, kind: str = "scheduled", notifier: type = Told) -> list[str]:
        said = f"{{limit: 1s, notify: {__name__}.{notifier.__name__}, with: {{message: '{{{{ freshness.text }}}}'}}}}"
        file = tmp_path / "publishing.yml"
        file.write_text(a_pipeline_text(schedule="'@hourly'", freshness=said))
        looks = iter(ages)

        def last_cut(_: Any) -> datetime:
            age = next(looks)
            if isinstance(age, Exception):
                raise age
            return datetime.now(UTC) - timedelta(seconds=age)

        monkeypatch.setattr(airflow_freshness, "_last_cut", last_cut)
        Told.messages.clear()
        asyncio.run(airflow_freshness.watch(str(file), {"dag_run": {"run_type": kind}}))
        assert next(looks, None) is None, "it did not look as often as it has to"
        return list(Told.messages)

    return run


@pytest.mark.parametrize("notifier", [Told, ToldInTheLoop])
def test_what_is_too_old_is_told(watch: Watch, notifier: type) -> None:
    (message,) = watch(3660, notifier=notifier)

    assert "publishing is 1:01:00 old, and may be 0:00:01" in message


def test_what_is_not_yet_too_old_is_waited_for(watch: Watch) -> None:
    (message,) = watch(0.9, 1.1)

    assert "publishing is 0:00:01 old" in message


def test_a_batch_that_comes_meanwhile_is_enough(watch: Watch) -> None:
    assert watch(0.9, 0.2) == []


def test_a_backfill_is_not_watched(watch: Watch) -> None:
    assert watch(kind="backfill") == []


def test_a_warehouse_that_does_not_say_is_told_too(watch: Watch) -> None:
    (message,) = watch(WarehouseUnavailable("it does not answer"))

    assert "publishing has no batch that could be seen" in message
