"""Capture by change stream, end to end: after every batch the warehouse is what the source was at its cut."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp
from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne

from devstack.publisher import Publisher, shares
from sluice import audit, key_lists, planning, raw_batches, report
from sluice import pipeline as spine
from sluice.checks import check_pipeline
from sluice.errors import ConfigError, SourceUnavailable
from sluice.mongo import Source
from sluice.pipeline_file import load_pipeline
from sluice.positions import Position
from sluice.window import Plan
from tests.acceptance.conftest import World, as_stream, eventually
from tests.integration.own_mongod import own_mongod

ONE = pytest.mark.parametrize("warehouse_kind", ["redshift"], indirect=True)
"""Of what is read, and how: the same for every warehouse."""

DATED = {"updated_at": datetime(2026, 1, 1, tzinfo=UTC)}


def seeded(world: World, documents: int = 60, tickets: int = 120, **options: Any) -> Publisher:
    publisher = Publisher(world.database.client, world.database.name, seed=7, **options)
    publisher.seed(documents=documents, tickets=tickets)
    return publisher


def counted(commit: Any, *names: str) -> dict[str, Any]:
    return {c: tuple(counts.get(name) for name in names) for c, counts in commit.counts.items()}


def test_changes_and_deletes_arrive_and_nothing_else_is_read(streaming: World) -> None:
    publisher = seeded(streaming, mess=shares(0.02))
    first = streaming.batch()
    assert streaming.differences() == []
    assert counted(first, "anew") == dict.fromkeys(("documents", "tickets"), (planning.FIRST,))

    publisher.burst(inserts=10, updates=10)
    one, other = streaming.database.documents.find({"keywords.0": {"$exists": True}}).limit(2)
    streaming.database.documents.delete_one({"_id": one["_id"]})
    streaming.database.documents.update_one({"_id": other["_id"]}, {"$set": {"title": "no date moved"}})
    second = streaming.batch()

    assert streaming.differences() == []
    assert sum(counts["asked"] for counts in second.counts.values()) <= 60
    assert second.counts["documents"]["gone"] == 1
    for counts in second.counts.values():
        assert counts["asked"] == counts["read"] + counts["gone"]  # I1
        assert counts["landed"] == counts["read"] - counts["rejected"] + counts["gone"]


@ONE
def test_when_nothing_is_new_the_position_still_moves_on(streaming: World) -> None:
    seeded(streaming, 5, 5)
    first = streaming.batch()
    streaming.database.client.admin.command("appendOplogNote", 1, data={"of": "others"})

    second, third = streaming.batch(), streaming.batch()

    assert counted(second, "asked", "read", "landed") == dict.fromkeys(("documents", "tickets"), (0, 0, 0))
    clusters = [commit.positions["documents"].cluster for commit in (first, second, third)]
    assert clusters == sorted(clusters)
    assert clusters[0] < clusters[1]


@ONE
def test_changed_a_thousand_times_deleted_and_inserted_again(streaming: World) -> None:
    documents = streaming.database.documents
    documents.insert_many([{"_id": n, "title": "old", **DATED} for n in (1, 2, 3)])
    streaming.batch()
    documents.bulk_write(
        [
            DeleteOne({"_id": 1}),
            InsertOne({"_id": 1.0, "title": "new", **DATED}),  # the same key, of another type
            ReplaceOne({"_id": 2}, {"title": "replaced", **DATED}),
            InsertOne({"_id": 4, "title": "short lived", **DATED}),
            DeleteOne({"_id": 4}),
            DeleteOne({"_id": 3}),
            *(UpdateOne({"_id": 2}, {"$inc": {"pages": 1}}) for _ in range(1000)),
        ]
    )

    commit = streaming.batch()

    assert (commit.counts["documents"]["asked"], commit.counts["documents"]["gone"]) == (4, 2)
    assert {row["_id"]: row["title"] for row in streaming.rows("documents")} == {"1": "new", "2": "replaced"}
    assert streaming.differences() == []


@ONE
def test_ids_of_every_type_come_and_go(streaming: World) -> None:
    ids = [
        1,
        Int64(2**60),
        2.5,
        "1",
        "s:x",
        None,
        True,
        ObjectId(),
        Decimal128("0.1"),
        Binary(b"x", 5),
        {"b": 1, "a": 2},
    ]
    ids += [datetime(2026, 1, 1, tzinfo=UTC), Timestamp(1, 2), MinKey(), MaxKey()]
    streaming.batch()
    streaming.database.documents.insert_many([{"_id": key, **DATED} for key in ids])
    streaming.batch()
    assert len(streaming.rows("documents")) == len(ids)
    assert streaming.differences() == []

    streaming.database.documents.delete_many({})
    streaming.batch()
    assert streaming.rows("documents") == []


@ONE
def test_a_transaction_over_both_collections_arrives_whole(streaming: World) -> None:
    database = streaming.database
    streaming.batch()
    for number in range(3):
        with database.client.start_session() as session, session.start_transaction():
            database.documents.insert_one({"_id": number, **DATED}, session=session)
            database.tickets.insert_one({"_id": number, "document_id": number, **DATED}, session=session)
        streaming.batch()
        assert len(streaming.rows("documents")) == len(streaming.rows("tickets")) == number + 1


def test_a_burst_is_split_into_lists_and_what_changed_meanwhile_is_followed(
    streaming: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_lists, "LIST_KEYS", 40)
    monkeypatch.setattr(planning, "QUICK_KEYS", 100)
    publisher = seeded(streaming)
    streaming.batch()
    documents = streaming.database.documents
    documents.insert_many([{"_id": n, "pages": 0, **DATED} for n in range(150)])

    meanwhile = iter(range(150))
    landing = spine.land

    def land(pipeline: Any, systems: Any, plan: Plan, *rest: Any) -> Any:
        manifest = landing(pipeline, systems, plan, *rest)
        if plan.turn == 0:
            number = next(meanwhile)
            documents.delete_one({"_id": number})
            documents.insert_one({"_id": f"new {number}", **DATED})
            documents.update_one({"_id": 149 - number}, {"$set": {"pages": 7}})
        return manifest

    monkeypatch.setattr(spine, "land", land)
    publisher.burst(inserts=5, updates=5)
    commit = streaming.batch()

    assert streaming.differences() == []
    assert next(meanwhile) >= 4
    assert commit.counts["documents"]["asked"] > 150


# --- whole loads: what is not found is ended


def lost(world: World, commit: Any) -> dict[str, int]:
    return {name: counts.get("ended", 0) for name, counts in commit.counts.items()}


@pytest.mark.parametrize(
    ("warehouse_kind", "how"),
    [("clickhouse", "drop"), ("redshift", "rename"), ("redshift", "drop database")],
    indirect=["warehouse_kind"],
)
def test_a_collection_that_was_replaced_is_read_anew_and_ends_what_it_lost(streaming: World, how: str) -> None:
    seeded(streaming, 30, 40)
    streaming.batch()
    database = streaming.database
    kept = database.documents.find_one({"keywords.0": {"$exists": True}})
    if how == "drop":
        database.documents.drop()
    elif how == "rename":
        database.other.insert_one({"_id": "of the other"})
        database.other.rename("documents", dropTarget=True)
    else:
        database.client.drop_database(database.name)
    database.documents.insert_one(kept)

    commit = streaming.batch()

    assert streaming.differences() == []
    assert how[:4] in commit.counts["documents"]["anew"]
    assert lost(streaming, commit) == {"documents": 29, "tickets": 40 if how == "drop database" else 0}
    streaming.batch()
    assert streaming.differences() == []


def test_what_was_rejected_keeps_its_older_row(streaming: World) -> None:
    documents = streaming.database.documents
    documents.insert_many([{"_id": n, "title": "fine", **DATED} for n in ("1", 1, "gone")])
    streaming.batch()
    documents.drop()
    documents.insert_many([{"_id": "1", "title": 5, **DATED}, {"_id": 1, "title": "new", **DATED}])

    commit = streaming.batch()

    assert {row["_id"]: row["title"] for row in streaming.rows("documents")} == {"s:1": "fine", "1": "new"}
    assert (commit.counts["documents"]["rejected"], commit.counts["documents"]["ended"]) == (1, 1)


def test_a_key_that_no_stream_can_carry_is_read_with_the_whole_collection(streaming: World) -> None:
    documents = streaming.database.documents
    documents.insert_one({"_id": "short", "title": "kept", **DATED})
    streaming.batch()
    documents.insert_one({"_id": "k" * 4_000_000, "title": "long", **DATED})

    commit = streaming.batch()

    assert "error 10334" in commit.counts["documents"]["anew"]
    counts, titles = commit.counts["documents"], {row["title"] for row in streaming.rows("documents")}
    held = streaming.pipeline.warehouse.kind == "clickhouse"  # Redshift has no text of that length
    assert (counts["read"], counts["rejected"], titles) == (2, 0 if held else 1, {"kept", "long"} if held else {"kept"})
    assert "anew" not in streaming.batch().counts["documents"]


@ONE
def test_after_capture_by_date_the_collection_is_read_anew_and_deletes_arrive(publishing: World) -> None:
    seeded(publishing, 30, 10)
    publishing.batch()
    publishing.database.documents.delete_one({})
    publishing.file.write_text(as_stream(publishing.file.read_text()))
    publishing.pipeline = load_pipeline(publishing.file)

    commit = publishing.batch()

    assert publishing.differences() == []
    assert counted(commit, "anew", "ended") == {"documents": (planning.BY_DATE, 1), "tickets": (planning.BY_DATE, 0)}


@ONE
def test_a_collection_that_is_added_is_read_whole_while_the_other_goes_on(streaming: World) -> None:
    both, database = streaming.pipeline, streaming.database
    streaming.pipeline = replace(both, collections=both.collections[:1])
    for collection in both.collections:
        database[collection.name].insert_many([{"_id": n, **DATED} for n in range(3)])
    streaming.batch()
    database.documents.insert_one({"_id": 3, **DATED})
    database.documents.delete_one({"_id": 0})
    streaming.pipeline = both

    commit = streaming.batch()

    assert counted(commit, "anew", "asked", "read") == {"documents": (None, 2, 1), "tickets": (planning.FIRST, 0, 3)}
    assert streaming.differences() == []


@ONE
@pytest.mark.parametrize("how", ["drop", "rename"])
def test_a_collection_that_is_replaced_while_it_is_read_is_read_anew(
    streaming: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    documents = streaming.database.documents
    documents.insert_many([{"_id": n, **DATED} for n in range(500)])
    streaming.batch()
    documents.update_many({}, {"$set": {"title": "changed"}})

    def replaced(*of: Any) -> Any:
        monkeypatch.setattr(spine, "read", read)
        pieces = read(*of)
        yield next(pieces)
        documents.drop() if how == "drop" else documents.rename("others")
        documents.insert_one({"_id": 0, **DATED})
        yield from pieces

    read = spine.read
    monkeypatch.setattr(raw_batches, "BATCH_DOCUMENTS", 10)
    monkeypatch.setattr(spine, "read", replaced)
    # The server says that it ended the read, or, once there is a new collection, that it has no snapshot of it: then
    # this very batch is followed.
    with suppress(SourceUnavailable):
        streaming.batch()
    streaming.batch()

    with streaming.systems() as systems:
        whole = [
            commit.counts["documents"].get("anew", "") for commit in systems.warehouse.commits(streaming.pipeline.name)
        ]
    assert any(how[:4] in why for why in whole)
    assert streaming.differences() == []


@ONE
def test_verify_knows_what_the_next_batch_brings(streaming: World) -> None:
    seeded(streaming, 20, 10)
    streaming.batch()
    documents = streaming.database.documents
    documents.delete_one({})
    documents.insert_one({"_id": "5", **DATED})
    with streaming.systems() as systems:
        commit = systems.warehouse.last_commit(streaming.pipeline.name)
        assert commit
        collection = streaming.pipeline.collection("documents")
        found = audit.compare_collection(streaming.pipeline, systems, collection, commit, systems.source.now_cut())

    assert (found.newer, found.different) == (2, {})


# --- what an operator sees


@ONE
def test_a_load_that_comes_near_the_end_of_the_oplog_says_so(
    streaming: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    streaming.database.documents.insert_one({"_id": 1, **DATED})
    monkeypatch.setattr(Source, "oplog_window", lambda _: timedelta(milliseconds=1))
    streaming.batch()
    warned = "this load comes near the end of what the source remembers"
    assert warned in caplog.text

    caplog.clear()
    streaming.database.documents.insert_one({"_id": 2, **DATED})
    streaming.batch()  # reads at a snapshot, not from the oplog
    assert warned not in caplog.text


@ONE
def test_status_says_what_was_read_whole_and_check_that_it_may_follow(streaming: World, capsys: Any) -> None:
    streaming.database.documents.insert_many([{"_id": n, **DATED} for n in range(3)])
    streaming.batch()
    streaming.database.documents.drop()
    streaming.batch()
    streaming.batch()
    with streaming.systems() as systems:
        report.show_status(streaming.pipeline, systems.warehouse.commits(streaming.pipeline.name), [])

    said = capsys.readouterr().out
    assert "batch 2: documents was read whole: it was dropped; 3 rows that it no longer has were ended" in said
    checks = {check.name.partition(": ")[2]: check for check in check_pipeline(streaming.pipeline)}
    assert checks["may follow changes"].state == "passed"
    assert "reaches back 0" in checks["oplog"].found
    assert not any("index" in name for name in checks)


@ONE
def test_a_standalone_server_is_refused_with_the_way_out(
    streaming: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with own_mongod(tmp_path, replica_set=False) as url:
        monkeypatch.setenv("AIRFLOW_CONN_PUBLISHING_MONGO", url)
        checks = [check for check in check_pipeline(streaming.pipeline) if check.name.endswith("replica set")]
        with pytest.raises(ConfigError, match="has no change streams"):
            streaming.batch()

    assert [check.state for check in checks] == ["failed"]
    assert "set capture.mode to modified" in checks[0].fix


@ONE
def test_a_server_that_is_at_an_earlier_time_than_a_position_is_refused(streaming: World) -> None:
    commit = streaming.batch()
    ahead = Position(cluster=commit.cut.cluster + (3600 << 32))
    last = replace(commit, positions={**commit.positions, "tickets": ahead})

    with streaming.systems() as systems, pytest.raises(ConfigError, match="at an earlier time than the last batch"):
        spine.plan_after(streaming.pipeline, systems, last)


@ONE
def test_a_view_and_a_time_series_are_refused_because_no_stream_tells_of_them(streaming: World) -> None:
    streaming.database.create_collection("documents", viewOn="others", pipeline=[])
    streaming.database.create_collection("tickets", timeseries={"timeField": "at"})

    with pytest.raises(ConfigError, match=r"documents, tickets of \w+ has no change stream"):
        streaming.batch()
    failed = [check.found for check in check_pipeline(streaming.pipeline) if check.name.endswith("may follow changes")]
    assert "it is a view or a time series" in failed[0]


@pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
def test_sluice_stream_publishes_beside_other_batches_until_it_is_told_to_end(streaming: World) -> None:
    streaming.batch()
    command = [str(Path(sys.executable).parent / "sluice"), "stream", str(streaming.file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            for number in range(3):
                streaming.database.documents.insert_one({"_id": number, **DATED})
                streaming.database.documents.delete_one({"_id": number - 1})
                if number == 1:
                    streaming.batch()
                eventually(lambda: streaming.differences() == [])
        finally:
            running.send_signal(signal.SIGTERM)
        said, complained = running.communicate(timeout=60)

    assert running.returncode == 0, complained
    assert "rows published" in said
    assert [row["_id"] for row in streaming.rows("documents")] == ["2"]
    assert streaming.leftovers() == []
