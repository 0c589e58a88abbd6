"""Differences planted between source and warehouse: each is found, named, and repaired beside live batches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devstack.publisher import Publisher, shares
from sluice import reconcile, suspects
from sluice.second_look import SecondLook
from sluice.suspects import Comparison, Verdict
from tests.acceptance.conftest import ROOT, World

ON_CLICKHOUSE = pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
ON_REDSHIFT = pytest.mark.parametrize("warehouse_kind", ["redshift"], indirect=True)
"""For what the source alone decides: one warehouse is enough, and it is not always the same one."""

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
"""No batch reads it again."""


@pytest.fixture(autouse=True)
def _every_difference_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspects, "EXAMPLES", 1_000)


def compare(world: World, *, dry_run: bool = False) -> dict[str, Comparison]:
    with world.systems() as systems:
        return {found.collection: found for found in reconcile.run(world.pipeline, systems, dry_run=dry_run)}


def some(world: World, collection: str, count: int, but: Iterable[str] = (), **query: Any) -> list[dict[str, Any]]:
    """Documents that were published, and that no batch reads again; ``but``: not these."""
    old = {"updated_at": {"$type": "date", "$lt": datetime.now(UTC) - timedelta(hours=1)}, "_id": {"$type": "objectId"}}
    published = {row["_id"] for row in world.rows(collection)}.difference(but)
    found = (d for d in world.database[collection].find(old | query) if str(d["_id"]) in published)
    return [document for document, _ in zip(found, range(count), strict=False)]


def texts(documents: Iterable[dict[str, Any]]) -> list[str]:
    return [str(document["_id"]) for document in documents]


def listed(keys: Iterable[str]) -> str:
    return ", ".join(f"'{key}'" for key in keys)


def plant(world: World, collection: str, each: int, but: Iterable[str] = ()) -> dict[str, str]:
    """Documents that are missing (lost here, or unseen there), extra, and stale; key → what it is."""
    chosen = some(world, collection, 4 * each, but)
    lost, deleted, changed, aged = (chosen[n * each : (n + 1) * each] for n in range(4))
    table, source = f"{world.pipeline.name}_{collection}", world.database[collection]
    world.analyst.lose(table, f'"_id" IN ({listed(texts(lost))})')
    source.insert_many([{"_id": f"new-{n}", "created_at": LONG_AGO, "updated_at": LONG_AGO} for n in range(each)])
    source.delete_many({"_id": {"$in": [document["_id"] for document in deleted]}})
    for document in changed:
        source.update_one({"_id": document["_id"]}, {"$set": {"mark": "changed", "updated_at": LONG_AGO}})
    for document in aged:  # the same but for its date
        source.update_one({"_id": document["_id"]}, {"$set": {"updated_at": LONG_AGO}})
    return {
        **dict.fromkeys([*texts(lost), *(f"new-{n}" for n in range(each))], "missing"),
        **dict.fromkeys(texts(deleted), "extra"),
        **dict.fromkeys(texts(changed + aged), "stale"),
    }


def _ordinal(row: dict[str, Any]) -> int:
    return int(row["ordinal"])


def tear(world: World, each: int) -> dict[str, str]:
    """Child rows that are lost, doubled, and without their document."""
    children = f"{world.pipeline.name}_documents_keywords"
    chosen = texts(some(world, "documents", 3 * each, **{"keywords.1": {"$exists": True}}))
    last, all_, doubled = (chosen[n * each : (n + 1) * each] for n in range(3))
    top = {row["parent_id"]: row["ordinal"] for row in sorted(world.rows("documents_keywords"), key=_ordinal)}
    ends = [f"(parent_id = '{key}' AND ordinal = {top[key]})" for key in last]
    world.analyst.lose(children, f"parent_id IN ({listed(all_)}) OR {' OR '.join(ends)}")
    copied = f"SELECT * FROM sluice_data.{children} WHERE parent_id IN ({listed(doubled)}) AND ordinal = 0"
    world.analyst.damage(f"INSERT INTO sluice_data.{children} {copied}")
    return dict.fromkeys(chosen, "torn")


def test_every_planted_difference_is_found_and_repaired(publishing: World) -> None:
    """Issue 4, demand 5, in small: 40 differences in 5,000 rows."""
    publisher = Publisher(publishing.database.client, publishing.database.name, seed=7, mess=shares(0.01))
    publisher.seed(documents=2_000, tickets=3_000)
    before = publishing.batch()
    torn = tear(publishing, 4)
    planted = {"tickets": plant(publishing, "tickets", 4), "documents": plant(publishing, "documents", 3, torn) | torn}
    assert sum(len(keys) for keys in planted.values()) >= 40
    publisher.burst(inserts=20, updates=0)  # what the next batch brings is no difference
    for document in some(publishing, "documents", 5, planted["documents"]):
        publishing.database.documents.update_one({"_id": document["_id"]}, {"$currentDate": {"updated_at": True}})

    dry = compare(publishing, dry_run=True)

    assert {name: found.examples for name, found in dry.items()} == planted
    assert sum(found.counts[Verdict.NEWER] for found in dry.values()) >= 20
    assert dry["documents"].counts[Verdict.REJECTED] > 0
    for name, found in dry.items():
        assert found.keys == publishing.database[name].count_documents({})
        assert found.keys + found.looked + found.differences <= 1.1 * found.keys
    with publishing.systems() as systems:
        assert systems.warehouse.last_commit(publishing.pipeline.name) == before

    found = compare(publishing)

    assert {name: each.repaired for name, each in found.items()} == {name: len(keys) for name, keys in planted.items()}
    publishing.batch()
    assert publishing.differences() == []
    assert publishing.leftovers() == []


def test_the_rows_of_a_document_that_is_nowhere_are_ended_and_those_of_a_rejected_one_stay(publishing: World) -> None:
    Publisher(publishing.database.client, publishing.database.name, seed=7).seed(documents=30, tickets=5)
    publishing.batch()
    one, other, bad = some(publishing, "documents", 3, **{"keywords.0": {"$exists": True}})
    publishing.analyst.lose(f"{publishing.pipeline.name}_documents", f'"_id" IN ({listed(texts([one, other]))})')
    publishing.database.documents.delete_one({"_id": one["_id"]})
    publishing.database.documents.update_one({"_id": bad["_id"]}, {"$set": {"author": 5, "updated_at": LONG_AGO}})

    found = compare(publishing)["documents"]

    assert found.examples == {str(one["_id"]): "torn", str(other["_id"]): "missing"}
    assert (found.left, found.counts[Verdict.REJECTED]) == (0, 1)
    assert {row["_id"] for row in publishing.rows("documents")} >= set(texts([other, bad]))
    assert str(one["_id"]) not in {row["parent_id"] for row in publishing.rows("documents_keywords")}


@ON_CLICKHOUSE
def test_what_is_deleted_while_it_is_looked_at_is_ended(publishing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    Publisher(publishing.database.client, publishing.database.name, seed=7).seed(documents=20, tickets=5)
    publishing.batch()
    (one,) = some(publishing, "documents", 1)
    documents = publishing.database.documents
    documents.update_one({"_id": one["_id"]}, {"$set": {"title": "changed", "updated_at": LONG_AGO}})
    looked = SecondLook._seen

    def delete_and_look(look: SecondLook, asked: Any) -> Any:
        documents.delete_one({"_id": one["_id"]})
        return looked(look, asked)

    monkeypatch.setattr(SecondLook, "_seen", delete_and_look)
    found = compare(publishing)["documents"]

    assert (found.examples, found.repaired) == ({str(one["_id"]): "extra"}, 1)
    assert str(one["_id"]) not in {row["_id"] for row in publishing.rows("documents")}


@ON_REDSHIFT
def test_where_deletes_are_not_followed_extra_documents_stay_and_are_counted(publishing: World) -> None:
    documents, tickets = publishing.pipeline.collections
    publishing.pipeline = replace(publishing.pipeline, collections=(replace(documents, deletes="none"), tickets))
    Publisher(publishing.database.client, publishing.database.name, seed=7).seed(documents=20, tickets=5)
    publishing.batch()
    (one,) = some(publishing, "documents", 1)
    publishing.database.documents.delete_one({"_id": one["_id"]})

    found = compare(publishing)["documents"]

    assert (found.counts, found.differences) == ({Verdict.KEPT: 1}, 0)
    assert str(one["_id"]) in {row["_id"] for row in publishing.rows("documents")}


@ON_CLICKHOUSE
def test_marked_documents_are_extra_wherever_the_mark_was_missed(make_world: Any, tmp_path: Any) -> None:
    file = tmp_path / "softly.yml"
    shipped = (ROOT / "dags" / "pipelines" / "publishing.yml").read_text()
    file.write_text(shipped.replace("deletes: reconcile", "deletes: soft:deleted_at"))
    world = make_world(file)
    Publisher(world.database.client, world.database.name, seed=4).seed(documents=20, tickets=5)
    world.batch()
    marked, removed = some(world, "documents", 2)
    world.database.documents.update_one({"_id": marked["_id"]}, {"$set": {"deleted_at": LONG_AGO}})
    world.database.documents.delete_one({"_id": removed["_id"]})

    found = compare(world)["documents"]

    assert found.examples == dict.fromkeys(texts([marked, removed]), "extra")
    assert not {row["_id"] for row in world.rows("documents")} & found.examples.keys()


@ON_REDSHIFT
def test_without_a_modified_field_the_keys_are_compared(publishing: World) -> None:
    documents, tickets = publishing.pipeline.collections
    publishing.pipeline = replace(publishing.pipeline, collections=(documents, replace(tickets, modified=None)))
    Publisher(publishing.database.client, publishing.database.name, seed=4).seed(documents=5, tickets=20)
    publishing.batch()
    gone, lost = some(publishing, "tickets", 2)
    publishing.database.tickets.delete_one({"_id": gone["_id"]})
    publishing.analyst.lose(f"{publishing.pipeline.name}_tickets", f"\"_id\" = '{lost['_id']}'")

    found = compare(publishing)["tickets"]

    assert found.examples == {str(gone["_id"]): "extra"}
    assert found.counts[Verdict.NEWER] == 1  # every batch reads all of them
    publishing.batch()
    assert publishing.differences() == []


@ON_CLICKHOUSE
def test_what_the_change_stream_brings_is_no_difference(publishing: World) -> None:
    streaming = [replace(c, modified=None, deletes="stream") for c in publishing.pipeline.collections]
    capture = replace(publishing.pipeline.capture, mode="change_stream")
    publishing.pipeline = replace(publishing.pipeline, collections=tuple(streaming), capture=capture)
    documents = publishing.database.documents
    documents.insert_many([{"_id": n, "title": "as it was"} for n in range(6)])
    publishing.batch()
    publishing.analyst.lose(f"{publishing.pipeline.name}_documents", "\"_id\" IN ('0', '1')")
    documents.delete_one({"_id": 2})
    documents.insert_one({"_id": 6})
    documents.update_one({"_id": 1}, {"$set": {"title": "changed since"}})

    found = compare(publishing)["documents"]

    assert found.examples == {"0": "missing"}
    assert found.counts[Verdict.NEWER] == 3
    publishing.batch()
    assert publishing.differences() == []


def test_keys_of_every_type_are_compared(make_world: Any) -> None:
    world = make_world(ROOT / "dags" / "pipelines" / "publishing.yml")
    keys = [1, 2.5, "1", "", None, True, {"a": 1, "b": "x"}, LONG_AGO, b"\x01", -(2**40)]
    world.database.documents.insert_many([{"_id": key, "updated_at": LONG_AGO} for key in keys])
    world.batch()
    assert [each.counts for each in compare(world).values()] == [{}, {}]
    world.database.documents.delete_many({})
    world.database.documents.insert_many([{"_id": f"new {key!r}", "updated_at": LONG_AGO} for key in keys])

    found = compare(world)["documents"]

    assert found.counts == {Verdict.EXTRA: len(keys), Verdict.MISSING: len(keys)}
    assert world.differences() == []
