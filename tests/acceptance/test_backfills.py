"""Late, repeated, concurrent reading ends in the state of a plain full load, whatever the dates say (I4)."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from devstack.publisher import Publisher
from sluice import audit
from sluice import pipeline as spine
from sluice.errors import Fenced
from sluice.plans import Reread
from sluice.warehouse.base import Commit
from sluice.window import Plan
from tests.acceptance.conftest import World

ALWAYS: Reread = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def plan(world: World, reread: Reread | None = None) -> Plan:
    with world.systems() as systems:
        return spine.plan(world.pipeline, systems, reread)


def publish(world: World, made: Plan) -> Commit:
    """Everything of a batch but its plan; once more when another publisher came in between, as a task does."""
    with world.systems() as systems:
        for piece in made.ranges:
            spine.land(world.pipeline, systems, made, piece)
        loaded = [spine.load(systems, made, collection) for collection in world.pipeline.collections]
        while True:
            try:
                return spine.publish(world.pipeline, systems, made, loaded)
            except Fenced:
                continue


def test_backfills_in_any_order_end_in_the_state_of_a_plain_full_load(publishing: World) -> None:
    """Out of order, overlapping, repeated, two at a time, and live batches in between."""
    publisher = Publisher(publishing.database.client, publishing.database.name, seed=41)
    publisher.seed(documents=60, tickets=80)
    publishing.batch()
    chance = random.Random(41)
    backfills = []
    for _ in range(3):
        publisher.burst(inserts=5, updates=15)
        ends = sorted(datetime.now(UTC) - timedelta(days=chance.uniform(0, 400)) for _ in range(2))
        backfills.append(plan(publishing, chance.choice([ALWAYS, (ends[0], datetime.now(UTC)), (ends[0], ends[1])])))
    live = plan(publishing)
    publisher.burst(inserts=5, updates=15)

    chance.shuffle(backfills)
    numbers = [publish(publishing, live).batch]
    with ThreadPoolExecutor(2) as pool:
        numbers += [commit.batch for commit in pool.map(lambda made: publish(publishing, made), backfills)]
    again = publish(publishing, backfills[0]).batch
    publishing.batch()

    assert again in numbers
    assert sorted(numbers) == [2, 3, 4, 5]
    assert publishing.differences() == []


def test_a_document_that_became_again_what_it_was_stays_so(publishing: World) -> None:
    """Nothing but the cuts tells the order of states that come back to the last byte, without a new date."""
    documents = publishing.database.documents
    dated = {"updated_at": datetime(2026, 1, 1, tzinfo=UTC)}
    documents.insert_one({"_id": 1, "title": "on", **dated})
    publishing.batch()
    documents.update_one({"_id": 1}, {"$set": {"title": "off"}})
    between = plan(publishing, ALWAYS)
    documents.update_one({"_id": 1}, {"$set": {"title": "on"}})

    publishing.batch(ALWAYS)
    publish(publishing, between)

    assert [row["title"] for row in publishing.rows("documents")] == ["on"]


@pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
def test_a_write_that_becomes_visible_after_its_date_arrives_within_overlap(publishing: World) -> None:
    """Also one that replaces a later date: the writer's clock ran back. At the edge of the overlap it is too late."""
    capture = replace(publishing.pipeline.capture, overlap=timedelta(minutes=1))
    publishing.pipeline = replace(publishing.pipeline, capture=capture)
    shifts = {"after": 30, "at the end": 0, "also at the end": 0, "within": -59, "at the edge": -60, "before": -300}
    documents, late = publishing.database.documents, datetime.now(UTC) + timedelta(hours=1)
    documents.insert_many({"_id": name, "title": "old", "updated_at": late} for name in shifts)
    end = publishing.batch().position(publishing.pipeline.collection("documents"))

    for name, seconds in shifts.items():
        date = end + timedelta(seconds=seconds)
        documents.update_one({"_id": name}, {"$set": {"title": "new", "updated_at": date}})
    publishing.batch()

    found = {row["_id"] for row in publishing.rows("documents") if row["title"] == "new"}
    assert found == {"after", "at the end", "also at the end", "within"}
    publishing.batch((end - timedelta(seconds=300), end - timedelta(seconds=60)))
    assert publishing.differences() == []


def audited(world: World) -> dict[str, tuple[int, dict[str, str]]]:
    with world.systems() as systems:
        return {f.collection: (f.newer, f.different) for f in audit.compare(world.pipeline, systems)}


@pytest.mark.usefixtures("warehouse_kind")
@pytest.mark.parametrize("capture", ["publishing", "streaming"])
def test_verify_compares_at_the_newest_cut_whichever_batch_came_last(
    capture: str, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue(capture)
    documents, now = world.database.documents, datetime.now(UTC)
    documents.insert_one({"_id": 1, "title": "old", "updated_at": now})
    world.batch()
    older = plan(world, ALWAYS)
    documents.update_one({"_id": 1}, {"$set": {"title": "new"}})
    world.batch()
    publish(world, older)
    assert audited(world) == {"documents": (0, {}), "tickets": (0, {})}

    documents.insert_one({"_id": 2, "title": "of the next batch", "updated_at": now})
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    world.batch((long_ago, long_ago))
    assert audited(world) == {"documents": (1, {}), "tickets": (0, {})}
