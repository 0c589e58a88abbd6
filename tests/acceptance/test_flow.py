"""The whole job on real servers: what is in MongoDB is in the warehouse, value by value, after every batch."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import json_util

from devstack.publisher import Publisher, shares
from sluice import audit
from sluice import pipeline as spine
from sluice.errors import Superseded
from sluice.spec import Pipeline, Table
from sluice.warehouse.base import TableState
from tests.acceptance.conftest import ROOT, World

SHARED = ROOT.parent / "shared" / "data"


def a_publisher(world: World, **options: Any) -> Publisher:
    return Publisher(world.database.client, world.database.name, seed=7, **options)


def test_every_value_arrives_or_is_a_reject_with_a_reason(publishing: World) -> None:
    a_publisher(publishing, mess=shares(0.05)).seed(documents=1500, tickets=3000)

    commit = publishing.batch()

    assert publishing.differences() == []
    for counts in commit.counts.values():
        assert counts["read"] == counts["landed"] + counts["rejected"]  # I1
    assert commit.counts["documents"]["rejected"] > 0


def test_the_second_batch_moves_only_what_changed(publishing: World) -> None:
    publisher = a_publisher(publishing)
    publisher.seed(documents=150, tickets=300)
    publishing.batch()

    publisher.burst(inserts=20, updates=30)
    commit = publishing.batch()

    assert publishing.differences() == []
    assert sum(c["read"] for c in commit.counts.values()) <= 120
    nothing = publishing.batch()
    published = sum(t["published"] for c in nothing.counts.values() for t in c["tables"].values())
    assert published == 0


def test_a_backfill_beside_live_batches_changes_nothing_that_is_newer(publishing: World) -> None:
    publisher = a_publisher(publishing)
    publisher.seed(documents=60, tickets=120)
    first = publishing.batch()
    publisher.burst(inserts=10, updates=10)
    now = datetime.now(UTC)

    backfill = publishing.batch((now - timedelta(days=400), now))

    assert publishing.differences() == []
    assert backfill.kind == "backfill"
    assert backfill.positions == first.positions
    publishing.batch()
    assert publishing.differences() == []


@pytest.mark.parametrize(
    ("name", "collection"), [("books", "books"), ("students", "students")], ids=["books", "students"]
)
def test_real_documents_arrive_with_their_arrays(make_world: Any, name: str, collection: str) -> None:
    data = SHARED / f"{name}.json"
    if not data.exists():
        pytest.skip(f"the real documents are not here: {data}")
    world = make_world(Path(__file__).parents[1] / "pipelines" / f"{name}.yml")
    documents = [json_util.loads(line) for line in data.read_text().splitlines() if line.strip()]
    world.database[collection].insert_many(documents)

    commit = world.batch()

    assert world.differences() == []
    assert commit.counts[collection]["rejected"] == 0
    assert len(world.rows(collection)) == len(documents)


def test_the_integer_1_and_the_string_1_stay_two_rows(publishing: World) -> None:
    dated = {"updated_at": datetime(2026, 1, 1, tzinfo=UTC)}
    both = [{"_id": 1, "title": "int", **dated}, {"_id": "1", "title": "str", **dated}]
    publishing.database.documents.insert_many(both)

    publishing.batch()

    assert sorted(row["title"] for row in publishing.rows("documents")) == ["int", "str"]


def test_undeclared_fields_are_kept_as_json(publishing: World) -> None:
    dated = {"updated_at": datetime(2026, 1, 1, tzinfo=UTC)}
    publishing.database.documents.insert_one({"_id": 5, "shelf": {"row": 3}, **dated})

    publishing.batch()

    assert json.loads(publishing.rows("documents")[0]["_extra"]) == {"shelf": {"row": 3}}


def test_a_document_with_a_mark_leaves_with_its_children_and_comes_back(make_world: Any, tmp_path: Path) -> None:
    shipped = (ROOT / "dags" / "pipelines" / "publishing.yml").read_text()
    file = tmp_path / "softly.yml"
    file.write_text(shipped.replace("deletes: reconcile", "deletes: soft:deleted_at"))
    world = make_world(file)
    a_publisher(world).seed(documents=20, tickets=5)
    world.batch()
    before = {row["_id"]: row for row in world.rows("documents")}
    one = world.database.documents.find_one({"keywords.0": {"$exists": True}})
    assert one is not None

    def mark(how: dict[str, Any]) -> None:
        world.database.documents.update_one({"_id": one["_id"]}, how | {"$currentDate": {"updated_at": True}})
        world.batch()

    mark({"$set": {"deleted_at": datetime(2026, 1, 1, tzinfo=UTC)}})
    key = str(one["_id"])
    assert before.keys() - {row["_id"] for row in world.rows("documents")} == {key}
    assert key not in {row["parent_id"] for row in world.rows("documents_keywords")}
    with world.systems() as systems:
        assert all(found.equal for found in audit.compare(world.pipeline, systems))

    mark({"$unset": {"deleted_at": ""}})
    assert world.differences() == []


def test_with_another_modified_field_the_whole_collection_is_read_once(publishing: World) -> None:
    a_publisher(publishing).seed(documents=50, tickets=10)
    documents, tickets = publishing.pipeline.collections
    # Named, since Redshift's default is the modified field: another one would be another table.
    documents = replace(documents, redshift=replace(documents.redshift, sortkey=("updated_at",)))
    publishing.pipeline = replace(publishing.pipeline, collections=(documents, tickets))
    publishing.batch()
    publishing.database.documents.update_many({}, [{"$set": {"changed_at": "$created_at", "title": "changed"}}])
    changed = replace(documents, modified="changed_at")
    publishing.pipeline = replace(publishing.pipeline, collections=(changed, tickets))

    first, second = (publishing.batch() for _ in range(2))

    assert [c.counts["documents"]["read"] for c in (first, second)] == [50, 0]
    assert {row["title"] for row in publishing.rows("documents")} == {"changed"}


def test_verify_finds_what_the_warehouse_lacks(publishing: World) -> None:
    publisher = a_publisher(publishing)
    publisher.seed(documents=50, tickets=100)
    publishing.batch()
    with publishing.systems() as systems:
        assert all(found.equal for found in audit.compare(publishing.pipeline, systems))
        dated = {"updated_at": datetime(2026, 1, 1, tzinfo=UTC)}  # long before the last position: no batch reads it
        publishing.database.documents.insert_one({"_id": "unseen", **dated})
        wrong = publishing.database.documents.find_one({}, {"_id": 1})
        assert wrong is not None
        publishing.database.documents.update_one(wrong, {"$set": {"title": "changed behind the modified date"}})
        gone = publishing.database.documents.find_one({"_id": {"$nin": [wrong["_id"], "unseen"]}})
        assert gone is not None
        publishing.database.documents.delete_one({"_id": gone["_id"]})

        documents = systems_now(publishing, systems)

    assert documents.different["unseen"] == audit.ONLY_SOURCE
    assert documents.different[str(wrong["_id"])] == "the contents differ"
    assert len(documents.different) == 3 - documents.kept


@pytest.mark.parametrize("warehouse_kind", ["redshift"], indirect=True)
def test_verify_that_batches_overtake_begins_again_a_few_times(publishing: World) -> None:
    """A warehouse with versions does not need to."""
    a_publisher(publishing).seed(documents=20, tickets=10)
    publishing.batch()
    left = iter(range(audit.TRIES + 1))
    with publishing.systems() as systems:
        look = systems.warehouse.visible_state

        def look_too_late(pipeline: Pipeline, table: Table, batch: int) -> TableState:
            if next(left, None) is not None:
                publishing.batch()
            return look(pipeline, table, batch)

        systems.warehouse.visible_state = look_too_late  # type: ignore[method-assign]
        with pytest.raises(Superseded):
            audit.compare(publishing.pipeline, systems)
        assert all(found.equal for found in audit.compare(publishing.pipeline, systems))


def systems_now(world: World, systems: spine.Systems) -> audit.Finding:
    """Compare with the source as it is now, not as it was at the last batch's cut."""
    commit = systems.warehouse.last_commit(world.pipeline.name)
    assert commit is not None
    collection = world.pipeline.collection("documents")
    return audit.compare_collection(world.pipeline, systems, collection, commit, systems.source.now_cut())
