"""Batches that read for longer than the server keeps its snapshots: they get to their end, and to one cut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from devstack.publisher import Publisher
from sluice import pipeline as spine
from sluice.spec import CHANGE_STREAM
from sluice.window import Plan
from tests.acceptance.conftest import World
from tests.integration.own_mongod import own_mongod
from tests.integration.test_mongo import wait_until_forgotten

pytestmark = pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
"""Of what is read, and how: the same for every warehouse."""


@pytest.fixture
def forgetful(publishing: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose MongoDB remembers one second."""
    parameters = ("minSnapshotHistoryWindowInSeconds=1",)
    with (
        own_mongod(tmp_path, replica_set=True, parameters=parameters) as url,
        MongoClient(url, tz_aware=True) as client,
    ):
        monkeypatch.setenv("AIRFLOW_CONN_PUBLISHING_MONGO", url)
        publishing.database = client.get_database(publishing.database.name)
        yield publishing


class Slow:
    """Before a range of the first turn is landed its snapshot is lost, and documents and tickets change once more."""

    def __init__(self, world: World, publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.publisher, self.land = world, publisher, spine.land
        self.planned: Plan | None = None
        monkeypatch.setattr(spine, "land", self)

    def __call__(self, pipeline: Any, systems: Any, plan: Plan, *rest: Any) -> Any:
        if not self.planned:
            self.planned = plan
            wait_until_forgotten(systems.source, plan.cut)
            self.publisher.burst(inserts=5, updates=10)
        return self.land(pipeline, systems, plan, *rest)


def undated(world: World) -> None:
    documents, tickets = world.pipeline.collections
    world.pipeline = replace(world.pipeline, collections=(documents, replace(tickets, modified=None)))


def streamed(world: World) -> None:
    collections = tuple(replace(c, modified=None, deletes="stream") for c in world.pipeline.collections)
    capture = replace(world.pipeline.capture, mode=CHANGE_STREAM)
    world.pipeline = replace(world.pipeline, collections=collections, capture=capture)


@pytest.mark.parametrize(
    "made", [lambda _: None, undated, streamed], ids=["by date", "one without a modified date", "by change stream"]
)
def test_a_batch_that_outlasts_the_snapshot_of_its_cut_is_brought_to_another(
    forgetful: World, monkeypatch: pytest.MonkeyPatch, made: Any
) -> None:
    made(forgetful)
    publisher = Publisher(forgetful.database.client, forgetful.database.name, seed=7)
    publisher.seed(documents=60, tickets=120)
    forgetful.batch()
    publisher.burst(inserts=10, updates=20)
    slow = Slow(forgetful, publisher, monkeypatch)

    commit = forgetful.batch()

    assert forgetful.differences() == []
    assert slow.planned
    assert (commit.plan, commit.cut.cluster > slow.planned.cut.cluster) == (slow.planned.id, True)
    assert forgetful.batch().counts["documents"]["tables"]["documents"]["published"] == 0


def test_a_first_load_that_outlasts_it_is_brought_to_another_cut(
    forgetful: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = Publisher(forgetful.database.client, forgetful.database.name, seed=7)
    publisher.seed(documents=60, tickets=120)
    Slow(forgetful, publisher, monkeypatch)

    forgetful.batch()

    assert forgetful.differences() == []


def test_a_backfill_that_outlasts_it_brings_its_span_and_says_that_tables_may_disagree(
    forgetful: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = Publisher(forgetful.database.client, forgetful.database.name, seed=7)
    publisher.seed(documents=60, tickets=120)
    forgetful.batch()
    unseen = {"_id": "unseen", "updated_at": datetime(2026, 1, 1, tzinfo=UTC)}
    forgetful.database.documents.insert_one(unseen)
    Slow(forgetful, publisher, monkeypatch)

    forgetful.batch((unseen["updated_at"], datetime.now(UTC) - timedelta(hours=1)))

    assert "unseen" in {row["_id"] for row in forgetful.rows("documents")}
    assert "Tables may disagree with each other until the next batch" in caplog.text
    forgetful.batch()
    assert forgetful.differences() == []
