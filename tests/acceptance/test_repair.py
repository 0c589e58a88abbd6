"""Given keys, read at one cut and published through the normal path, on both warehouses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import bson
import pytest

from devstack.publisher import Publisher
from sluice import pipeline as spine
from sluice.errors import CountMismatch
from sluice.key_lists import Found
from tests.acceptance.conftest import World

DATED = {"updated_at": datetime(2026, 1, 1, tzinfo=UTC)}


def repair(world: World, ids: list[Any]) -> Any:
    keys = [bson.encode({"_id": key}) for key in ids]
    with world.systems() as systems:
        return spine.run_plan(world.pipeline, systems, spine.plan_keys(world.pipeline, systems, {"documents": keys}))


def test_missing_stale_and_extra_rows_are_repaired_with_their_children(publishing: World) -> None:
    Publisher(publishing.database.client, publishing.database.name, seed=7).seed(documents=40, tickets=10)
    first = publishing.batch()
    documents = publishing.database.documents
    extra, stale = list(documents.find({"keywords.1": {"$exists": True}}).limit(2))
    documents.delete_one({"_id": extra["_id"]})
    documents.update_one({"_id": stale["_id"]}, {"$set": {"title": "behind the date", "keywords": ["one"]}})
    documents.insert_many([{"_id": 1, "title": "never seen", **DATED}, {"_id": 2, "title": 5, **DATED}])
    assert len(publishing.differences()) > 2

    commit = repair(publishing, [extra["_id"], stale["_id"], 1, 2, "never there"])

    assert publishing.differences() == []
    counts = commit.counts["documents"]
    assert (counts["asked"], counts["read"], counts["gone"], counts["rejected"]) == (5, 3, 2, 1)
    assert counts["tables"]["documents"]["gone"] == 2
    assert commit.kind == "repair"
    assert commit.positions == first.positions


def test_where_the_pipeline_keeps_what_is_deleted_a_key_that_is_gone_ends_nothing(publishing: World) -> None:
    documents, tickets = publishing.pipeline.collections
    kept = replace(documents, deletes="none")
    publishing.pipeline = replace(publishing.pipeline, collections=(kept, tickets))
    publishing.database.documents.insert_one({"_id": 1, **DATED})
    publishing.batch()
    publishing.database.documents.delete_one({"_id": 1})

    commit = repair(publishing, [1])

    assert [row["_id"] for row in publishing.rows("documents")] == ["1"]
    assert (commit.counts["documents"]["gone"], commit.counts["documents"]["landed"]) == (1, 0)


def test_a_key_that_was_asked_for_and_not_answered_stops_the_batch(publishing: World, monkeypatch: Any) -> None:
    publishing.database.documents.insert_one({"_id": 1, **DATED})
    with publishing.systems() as systems:
        made = spine.plan_keys(publishing.pipeline, systems, {"documents": [bson.encode({"_id": 1})]})
        monkeypatch.setattr(systems.source, "read_keys", lambda *_, **__: (found for found in [Found(b"", 1)]))
        with pytest.raises(CountMismatch, match="1 keys asked for, 0 gone"):
            spine.land(publishing.pipeline, systems, made, made.ranges[0])
