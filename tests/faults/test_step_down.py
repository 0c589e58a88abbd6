"""A primary that steps down between the steps of a batch, and is elected again: the batch ends as if it had not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from sluice import pipeline as spine
from tests.acceptance.conftest import (  # noqa: F401  fixtures
    World,
    eventually,
    make_world,
    publishing,
    streaming,
    warehouse_kind,
)
from tests.integration.own_mongod import own_mongod

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("warehouse_kind"),
    pytest.mark.parametrize("warehouse_kind", ["redshift"], indirect=True),  # nothing here depends on it
]


@pytest.mark.parametrize("capture", ["publishing", "streaming"])
def test_a_primary_that_steps_down_between_two_steps_loses_nothing(
    capture: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world: World = request.getfixturevalue(capture)
    with own_mongod(tmp_path, replica_set=True) as url, MongoClient(url, tz_aware=True) as client:
        monkeypatch.setenv("AIRFLOW_CONN_PUBLISHING_MONGO", url.replace("directConnection=true", "replicaSet=rs0"))
        world.database = client.get_database(world.database.name)
        change(world, 0)
        world.batch()
        for turn, step in enumerate(("make_plan", "land", "follow"), 1):
            before = term(client)
            change(world, turn)
            with monkeypatch.context() as patch:
                patch.setattr(spine, step, then(getattr(spine, step), lambda: step_down(client)))
                world.batch()

            eventually(lambda before=before: elected(client, before))  # type: ignore[misc]
            assert world.differences() == []


def change(world: World, turn: int) -> None:
    documents, now = world.database.documents, datetime.now(UTC)
    documents.insert_many([{"_id": f"{turn}-{n}", "pages": n, "updated_at": now} for n in range(100)])
    documents.update_many({"pages": {"$lt": 30}}, {"$set": {"title": f"{turn}", "updated_at": now}})
    if world.pipeline.collection("documents").deletes == "stream":
        documents.delete_many({"pages": turn})


def then(step: Callable[..., Any], afterwards: Callable[[], None]) -> Callable[..., Any]:
    def wrapped(*args: Any, **options: Any) -> Any:
        result = step(*args, **options)
        afterwards()
        return result

    return wrapped


def step_down(client: MongoClient[dict[str, Any]]) -> None:
    client.admin.command("replSetStepDown", 1, secondaryCatchUpPeriodSecs=0, force=True)


def elected(client: MongoClient[dict[str, Any]], before: int) -> bool:
    """Whether there was an election since, and its winner takes writes."""
    return term(client) > before and client.admin.command("hello")["isWritablePrimary"]


def term(client: MongoClient[dict[str, Any]]) -> int:
    """How many elections there were."""
    return int(client.admin.command("replSetGetStatus")["term"])
