"""A load from the beginning that was killed is gone on with by the next run, as far as what it landed holds."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from devstack.publisher import Publisher
from sluice import mongo
from sluice import pipeline as spine
from sluice.columns import OnError
from sluice.errors import CountMismatch, TooManyRejects
from sluice.kept import Kept, KeptPlans
from sluice.settings import from_environment
from sluice.vacuum import Order, spare_loads
from sluice.window import Plan, Range
from tests.acceptance.conftest import World

DOCUMENTS = 400
EVERYTHING = 10**6

ON_CLICKHOUSE = pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
"""For what no warehouse has a part in."""


class Readings(spine.Watch):
    """What a run read, and of which plan."""

    def __init__(self) -> None:
        self.documents: Counter[str] = Counter()
        self.plan: Plan | None = None

    def planned(self, plan: Plan) -> None:
        self.plan = plan

    def read(self, piece: Range, documents: int) -> None:
        self.documents[piece.collection] += documents


@pytest.fixture
def seeded(publishing: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(mongo, "RANGE_SIZE", 50)
    Publisher(publishing.database.client, publishing.database.name, seed=31).seed(documents=DOCUMENTS, tickets=100)
    return publishing


def die_after(world: World, ranges: int, reread: str | None = None) -> Plan:
    """A run that lands so many ranges, and is gone without a trace of cleaning up."""
    with world.systems() as systems:
        spine.migrate(world.pipeline, systems)
        plan = spine.plan(world.pipeline, systems, reread)
        for piece in plan.ranges[:ranges]:
            spine.land(world.pipeline, systems, plan, piece)
        return plan


def run(world: World, reread: str | None = None) -> Readings:
    watch = Readings()
    with world.systems() as systems:
        spine.run(world.pipeline, systems, reread, watch)
    return watch


def test_what_a_killed_load_landed_is_not_read_again(seeded: World) -> None:
    killed = die_after(seeded, 5)
    assert len(killed.ranges) > 8
    again = die_after(seeded, 7)

    done = run(seeded)

    assert killed == again == done.plan
    assert sum(done.documents.values()) < 0.6 * (DOCUMENTS + 100)
    assert seeded.differences() == []
    with seeded.systems() as systems:
        assert KeptPlans(systems.landing, seeded.pipeline.name).all() == []
    assert run(seeded).plan != killed


def test_what_a_killed_refresh_landed_is_not_read_again(seeded: World) -> None:
    run(seeded)
    seeded.database.documents.delete_one({})
    killed = die_after(seeded, 5, "documents")
    live = run(seeded)

    done = run(seeded, "documents")

    assert live.plan != killed == done.plan
    assert 0 < done.documents["documents"] < 0.6 * DOCUMENTS
    assert seeded.differences() == []


@ON_CLICKHOUSE
def test_a_load_is_begun_anew_when_the_pipeline_file_was_changed(seeded: World) -> None:
    killed = die_after(seeded, 5)
    documents, *others = seeded.pipeline.collections
    columns = tuple(replace(c, on_error=OnError.NULL) if c.name == "author" else c for c in documents.columns)
    changed = replace(documents, columns=columns)
    seeded.pipeline = replace(seeded.pipeline, collections=(changed, *others))

    done = run(seeded)

    assert done.plan != killed
    assert done.documents["documents"] == DOCUMENTS


@ON_CLICKHOUSE
def test_a_limit_that_is_raised_costs_no_reading(seeded: World) -> None:
    """What decides whether a batch stops is not what it reads."""
    seeded.database.documents.update_many({}, {"$set": {"created_at": "not a date"}})
    seeded.pipeline = replace(seeded.pipeline, rejects=replace(seeded.pipeline.rejects, limit=10))
    with pytest.raises(TooManyRejects):
        run(seeded)
    seeded.pipeline = replace(seeded.pipeline, rejects=replace(seeded.pipeline.rejects, limit=DOCUMENTS))

    assert run(seeded).documents.total() == 0
    assert len(seeded.rejected("documents")) == DOCUMENTS


@ON_CLICKHOUSE
def test_a_landing_that_does_not_hold_is_left_at_once(seeded: World, stack_env: dict[str, str]) -> None:
    killed = die_after(seeded, 5)
    part = next(part for part in objects(seeded, stack_env) if killed.id in part.key and "/part-" in part.key)
    part.delete()

    with pytest.raises(CountMismatch):
        run(seeded)
    done = run(seeded)

    assert done.plan != killed
    assert seeded.differences() == []


def objects(world: World, env: dict[str, str]) -> Any:
    """What a pipeline has on the landing."""
    service = boto3.resource(
        "s3",
        endpoint_url=env["S3_ENDPOINT_URL"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        region_name="us-east-1",
    )
    landing = world.pipeline.landing
    return service.Bucket(landing.bucket).objects.filter(Prefix=f"{landing.prefix}/{world.pipeline.name}/")


def test_a_sweep_leaves_a_load_alone_that_may_be_gone_on_with(seeded: World) -> None:
    plan = die_after(seeded, EVERYTHING)
    with seeded.systems() as systems:
        for collection in seeded.pipeline.collections:
            spine.load(systems, plan, collection)
        assert spine.sweep(seeded.pipeline, systems, timedelta(0)) == (0, 0)
        assert list(systems.warehouse.staged_plans(seeded.pipeline)) == [plan.id]

    assert run(seeded).documents.total() == 0
    assert seeded.differences() == []


def test_a_sweep_leaves_an_old_plan_alone_that_is_run_again(seeded: World) -> None:
    with seeded.systems() as systems:
        spine.migrate(seeded.pipeline, systems)
        plan = replace(spine.plan(seeded.pipeline, systems), id="20260101T000000-aaaaaa")
        for piece in plan.ranges:
            spine.land(seeded.pipeline, systems, plan, piece)
        loaded = [spine.load(systems, plan, collection) for collection in seeded.pipeline.collections]

        assert spine.sweep(seeded.pipeline, systems, timedelta(hours=48)) == (0, 0)
        assert spine.publish(seeded.pipeline, systems, plan, loaded).batch == 1


@ON_CLICKHOUSE
def test_two_runs_at_one_load_publish_it_once(seeded: World) -> None:
    die_after(seeded, 2)
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: die_after(seeded, EVERYTHING), range(2))
    assert one == other
    run(seeded)

    with seeded.systems() as systems:
        loaded = [spine.load(systems, one, collection) for collection in seeded.pipeline.collections]
        assert spine.publish(seeded.pipeline, systems, other, loaded).batch == 1
    assert seeded.differences() == []


@ON_CLICKHOUSE
def test_how_far_a_load_is_can_be_told_while_it_runs(seeded: World) -> None:
    plan = die_after(seeded, 5)
    with seeded.systems() as systems:
        progress = spine.progress_of(systems, plan)

    assert progress is not None
    assert progress.ranges == (5, len(plan.ranges))
    assert progress.documents["documents"][1] == DOCUMENTS
    assert progress.rate > 0


@ON_CLICKHOUSE
def test_the_vacuum_keeps_what_ended_since_a_load_was_planned_that_is_under_way(seeded: World) -> None:
    """A refresh of three days brings states of three days ago, and has to find what is gone since."""
    now, two_days = datetime.now(UTC), Order(timedelta(hours=1), timedelta(days=2))
    seeded.batch()
    plan = die_after(seeded, 0, "documents")
    with seeded.systems() as systems:
        plans = KeptPlans(systems.landing, seeded.pipeline.name)
        for days, kept in ((3, timedelta(days=3)), (1, two_days.keep)):
            plans.forget(plan)
            plan = replace(plan, id=f"{now - timedelta(days=days):%Y%m%dT%H%M%S}-abc123")
            plans.keep(Kept(plan, now, {}, {}))
            order = spare_loads(seeded.pipeline, from_environment, two_days)
            assert kept <= order.keep <= kept + timedelta(hours=2)

        plans.forget(plan)
        plans.keep(Kept(replace(plan, id="20200101T000000-abc123"), now - timedelta(days=2), {}, {}))
        assert spare_loads(seeded.pipeline, from_environment, two_days) == two_days  # nobody goes on with it
