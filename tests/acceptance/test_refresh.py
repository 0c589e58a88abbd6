"""A full refresh, end to end: what is gone ends, what was missed is repaired, and nothing else moves."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from devstack.publisher import Publisher
from sluice import pipeline as spine
from sluice.errors import ConfigError
from sluice.warehouse.base import Commit
from sluice.window import Range
from tests.acceptance.conftest import World


@pytest.fixture
def published(publishing: World) -> World:
    """One batch is published; since then two documents left without a trace, and two changed without a new date."""
    Publisher(publishing.database.client, publishing.database.name, seed=21).seed(documents=120, tickets=200)
    publishing.batch()
    documents = publishing.database.documents
    first, second, *_ = (found["_id"] for found in documents.find({}, {"_id": 1}).sort("_id", 1))
    documents.delete_many({"_id": {"$in": [first, second]}})
    changed = [found["_id"] for found in documents.find({}, {"_id": 1}).sort("_id", -1).limit(2)]
    documents.update_many({"_id": {"$in": changed}}, {"$set": {"title": "changed", "keywords": ["in", "silence"]}})
    return publishing


def test_a_full_refresh_makes_a_table_equal_to_its_collection(published: World) -> None:
    assert len(published.differences()) > 4
    before = published.rows("tickets")

    commit = published.batch("documents")

    assert published.differences() == []
    assert published.rows("tickets") == before
    counts, ended = commit.counts["documents"]["tables"]["documents"], commit.counts["documents"]["ended"]
    assert (commit.kind, counts["staged"], counts["published"], ended) == ("refresh", 120, 2, 2)
    with published.systems() as systems:
        assert commit.positions == systems.warehouse.commits(published.pipeline.name)[1].positions


def test_live_batches_beside_a_full_refresh_are_not_undone_by_it(published: World) -> None:
    """A batch of a later cut is published while the refresh lands: what it brought is newer, and stays."""
    publisher = Publisher(published.database.client, published.database.name, seed=22)

    def publish_meanwhile() -> None:
        publisher.burst(inserts=10, updates=20)
        published.batch()

    refreshed = refresh(published, publish_meanwhile)
    published.batch()

    assert refreshed.batch == 3
    assert published.differences() == []


def test_readers_see_no_step_of_a_full_refresh(published: World) -> None:
    """Neither an empty table nor half of one (I2): the rows before, or the rows after."""
    states, seen, stop = set(), Event(), Event()

    def watch() -> None:
        while not stop.is_set():
            found = published.rows("documents")
            states.add((len(found), sum(row["title"] == "changed" for row in found)))
            seen.set()

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        assert seen.wait(60)
        published.batch("documents")
        for _ in range(2):  # the first may have begun before
            seen.clear()
            assert seen.wait(60)
        stop.set()
        watching.result(60)

    assert states == {(120, 0), (118, 2)}


@pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
def test_a_full_refresh_that_would_end_everything_by_mistake_is_refused(publishing: World) -> None:
    with pytest.raises(ConfigError, match="is published yet that could be refreshed"):
        publishing.batch("documents")
    publishing.batch()

    with pytest.raises(ConfigError, match="no collection 'tickets '"):
        publishing.batch("tickets ")
    with pytest.raises(ConfigError, match="no collection documents that could"):
        publishing.batch("documents")


def refresh(world: World, meanwhile: Callable[[], None]) -> Commit:
    """Refresh the documents, while something else happens between the cut and the landing."""
    with world.systems() as systems:
        plan = spine.plan(world.pipeline, systems, "documents")
        meanwhile()
        for piece in plan.ranges:
            assert isinstance(piece, Range)
            spine.land(world.pipeline, systems, plan, piece)
        loaded = [spine.load(systems, plan, collection) for collection in world.pipeline.collections]
        return spine.publish(world.pipeline, systems, plan, loaded)
