"""The publisher on a real MongoDB: what a reader can rely on while it writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from bson import CodecOptions, ObjectId, encode
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.database import Database

from devstack.errors import StackError
from devstack.publisher import KINDS, Publisher, is_messy, shares
from devstack.publisher.__main__ import main
from devstack.publisher.entities import ERROR, FINISHED, OPEN, STARTED, Pen, milliseconds
from devstack.publisher.lifecycle import Held, Life
from devstack.publisher.mess import Spoiler
from devstack.publisher.store import Store

Documents = Database[dict[str, Any]]
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
RAW = CodecOptions(document_class=RawBSONDocument)


@pytest.fixture
def twins(mongo: MongoClient[Any], name: str) -> Iterator[list[Documents]]:
    names = [f"{name}_{n}" for n in range(2)]
    yield [mongo[n] for n in names]
    for n in names:
        mongo.drop_database(n)


def a_publisher(database: Documents, **options: Any) -> Publisher:
    return Publisher(database.client, database.name, **options)


def raw(database: Documents) -> list[bytes]:
    found = database.with_options(codec_options=RAW)
    return [d.raw for name in ("documents", "tickets") for d in found[name].find().sort("_id")]


def orphans(database: Documents) -> int:
    known = {d["_id"] for d in database.documents.find({"_id": {"$type": "objectId"}}, {"_id": 1})}
    return sum(t["document_id"] not in known for t in database.tickets.find({}, {"document_id": 1}))


def test_seeding_fills_both_collections_and_indexes_their_modified_dates(database: Documents) -> None:
    summary = a_publisher(database).seed(2_500, 5_000)
    assert summary.written == {"documents inserted": 2_500, "tickets inserted": 5_000}
    for collection, count in ((database.documents, 2_500), (database.tickets, 5_000)):
        assert collection.count_documents({}) == count
        assert "updated_at_1" in collection.index_information()
    assert orphans(database) == 0


def test_the_past_goes_back_a_year(database: Documents) -> None:
    a_publisher(database, clock=lambda: NOON).seed(500, 500)
    dates = database.documents.distinct("created_at")
    assert NOON - timedelta(days=365, minutes=30) <= min(dates) < NOON - timedelta(days=360)
    assert max(dates) > NOON - timedelta(days=5)


def test_the_past_ends_half_an_hour_ago(database: Documents) -> None:
    a_publisher(database, clock=lambda: NOON).seed(10, 5_000)
    for collection in (database.documents, database.tickets):
        assert NOON - timedelta(minutes=31) < max(collection.distinct("updated_at")) <= NOON - timedelta(minutes=30)


def test_the_same_seed_fills_two_databases_alike_down_to_the_byte(twins: list[Documents]) -> None:
    for database in twins:
        a_publisher(database, seed=3, mess=shares(0.1), clock=lambda: NOON).seed(1_200, 2_400)
    one, other = twins
    assert raw(one) == raw(other)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_seed_lives_the_same_life_whatever_the_threads_do_first(twins: list[Documents], threads: int) -> None:
    for database in twins:
        publisher = a_publisher(database, seed=3, mess=shares(0.1), clock=lambda: NOON)
        publisher.seed(600, 900)
        publisher.burst(inserts=150, updates=150, deletes=20)
        publisher.run(rate=100_000, seconds=0.01, threads=threads, deletes=0.05)
    one, other = twins
    assert raw(one) == raw(other)


def test_seeding_twice_is_refused_and_dropping_first_is_not(database: Documents) -> None:
    publisher = a_publisher(database, clock=lambda: NOON)
    publisher.seed(10, 10)
    with pytest.raises(StackError, match="another seed"):
        publisher.seed(10, 10)
    publisher.seed(10, 10, drop=True)
    a_publisher(database, seed=2).seed(5, 5)
    assert database.documents.count_documents({}) == 15


def test_a_burst_does_what_was_asked_for_and_stamps_it_now(database: Documents) -> None:
    publisher = a_publisher(database)
    publisher.seed(3_000, 6_000)
    summary = publisher.burst(inserts=200, updates=300, deletes=10)
    done = summary.operations
    assert (done["add"] + done["request"], done["advance"] + done["edit"], done["delete"]) == (200, 300, 10)
    assert summary.written["documents inserted"] + summary.written["tickets inserted"] == 200
    assert done["advance"] > 0 < done["edit"]
    assert database.documents.count_documents({}) == 3_000 + done["add"] - 10
    changed = database.documents.count_documents({"updated_at": {"$gte": summary.started}})
    assert done["add"] + 300 - 10 <= changed <= summary.written["documents updated"] + done["add"]
    assert orphans(database) == 0


def test_a_burst_of_updates_changes_as_many_documents(database: Documents) -> None:
    publisher = a_publisher(database)
    publisher.seed(3_000, 3_000)
    for _ in range(2):
        summary = publisher.burst(updates=1_000)
        assert database.documents.count_documents({"updated_at": {"$gte": summary.started}}) == 1_000


def test_a_burst_picks_documents_from_all_over_a_large_collection(database: Documents) -> None:
    publisher = a_publisher(database)
    publisher.seed(6_000, 0)
    summary = publisher.burst(updates=400)
    changed = database.documents.find({"updated_at": {"$gte": summary.started}})
    days = {document["created_at"].date() for document in changed}
    assert max(days) - min(days) > timedelta(days=300)


def test_a_burst_on_an_empty_database_makes_what_it_can(database: Documents) -> None:
    publisher = a_publisher(database)
    assert publisher.burst(updates=3, deletes=2).operations == {"skip": 5}
    assert publisher.burst(inserts=9).operations.total() == 9
    assert database.documents.count_documents({}) + database.tickets.count_documents({}) == 9


def test_a_run_keeps_its_rate_and_can_be_stopped(database: Documents) -> None:
    publisher, stop = a_publisher(database), Event()
    publisher.seed(100, 100)
    summary = publisher.run(rate=100, seconds=1, threads=2)
    assert summary.operations.total() == 100
    assert summary.seconds >= 0.9
    publisher.on_progress = lambda _: stop.set()
    assert publisher.run(rate=10, seconds=60, stop=stop).seconds < 30


def test_a_thread_that_fails_ends_the_run_and_says_why(database: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "write", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        a_publisher(database).run(rate=10, seconds=60, threads=2)


def test_every_kind_of_mess_arrives_and_stands_in_the_ledger(database: Documents) -> None:
    equal = shares(0.0, dict.fromkeys(KINDS, 0.03) | {"big": 0.002})
    summary = a_publisher(database, mess=equal).seed(1_500, 1_500)
    assert set(summary.mess) == set(KINDS)
    stored = database.with_options(codec_options=RAW)
    for entry in summary.ledger:
        found = stored[entry.collection].find_one({"_id": entry.key})
        assert found is not None
        assert len(found.raw) <= 15 * 2**20
    noted = {(entry.collection, encode({"": entry.key})) for entry in summary.ledger}
    for name in ("documents", "tickets"):
        messy = (d["_id"] for d in database[name].find({}, {"_id": 1}) if is_messy(d["_id"]))
        assert {(name, encode({"": key})) for key in messy} == {n for n in noted if n[0] == name}


def test_messy_documents_do_not_stop_the_life_of_the_others(database: Documents) -> None:
    equal = shares(0.0, dict.fromkeys(KINDS, 0.03) | {"big": 0.0})
    publisher = a_publisher(database, mess=equal)
    publisher.seed(500, 1_000)
    summary = publisher.burst(inserts=100, updates=400, deletes=20)
    assert summary.operations["heal"] > 0
    assert orphans(database) == 0


# --- two publishers on one database ----------------------------------------------------------------------------------


def a_life(*held: Held) -> Life:
    return Life(Pen.of("a life"), Spoiler("a life", {}, 1), held)


def a_document(database: Documents, status: str | None) -> ObjectId:
    document = Pen.of(f"{status}").document(milliseconds(NOON))
    document["watermark"] = {"mark": None, "status": status}
    return database.documents.insert_one(document).inserted_id


@pytest.mark.parametrize("now", [FINISHED, STARTED, None])
def test_a_document_that_another_publisher_changed_or_deleted_gets_no_ticket(
    database: Documents, now: str | None
) -> None:
    key = a_document(database, now) if now else ObjectId()
    chunk = a_life(Held(key, NOON - timedelta(days=1), ERROR)).plan(
        ["request", "advance", "advance"], milliseconds(NOON + timedelta(days=1))
    )
    written = Store(database.client, database.name).write(chunk)
    assert (written["documents updated"], written["tickets inserted"], written["tickets updated"]) == (0, 0, 0)
    assert database.tickets.count_documents({}) == 0
    assert now is None or database.documents.find_one({"_id": key})["watermark"] == {"mark": None, "status": now}


@pytest.mark.parametrize("now", OPEN)
def test_a_document_that_another_publisher_opened_is_not_deleted(database: Documents, now: str) -> None:
    key = a_document(database, now)
    ticket = database.tickets.insert_one({"document_id": key, "status": now}).inserted_id
    chunk = a_life(Held(key, NOON - timedelta(days=1), ERROR)).plan(["delete"], milliseconds(NOON))
    Store(database.client, database.name).write(chunk)
    assert database.documents.find_one({"_id": key})
    assert database.tickets.find_one({"_id": ticket})


def torn(database: Documents) -> list[str]:
    """What no reader may see, at one cluster time."""
    with database.client.start_session(snapshot=True) as session:
        tickets = list(database.tickets.find({}, {"document_id": 1, "status": 1}, session=session))
        found = database.documents.find({}, {"watermark.status": 1}, session=session)
        documents = {d["_id"]: d["watermark"]["status"] for d in found}
    return [
        f"ticket {ticket['_id']}: {ticket['status']}, its document: {documents.get(ticket['document_id'], 'not there')}"
        for ticket in tickets
        if ticket["document_id"] not in documents
        or (ticket["status"] == FINISHED and documents[ticket["document_id"]] != FINISHED)
    ]


def test_no_snapshot_shows_a_ticket_without_its_document_while_the_past_is_written(database: Documents) -> None:
    a_publisher(database, seed=1).seed(1, 1)  # no snapshot is older than an index
    with ThreadPoolExecutor(1) as pool:
        seeding = pool.submit(a_publisher(database).seed, 6_000, 9_000)
        seen = []
        while not seeding.done():
            seen.append(torn(database))
    assert seeding.result().written["tickets inserted"] == 9_000
    assert len(seen) > 3
    assert [t for snapshot in seen for t in snapshot] == []


def test_no_snapshot_shows_a_ticket_without_its_document_while_two_publishers_write(database: Documents) -> None:
    a_publisher(database).seed(60, 90)
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(a_publisher(database, seed=seed).run, 300, 3, threads=2, deletes=0.2) for seed in (1, 2)]
        seen = []
        while not all(run.done() for run in runs):
            seen.append(torn(database))
    assert len(seen) > 20
    assert [t for snapshot in seen for t in snapshot] == []
    assert sum(run.result().written["tickets deleted"] for run in runs) > 0


def test_a_finished_document_keeps_its_mark_while_two_publishers_write(database: Documents) -> None:
    a_publisher(database).seed(60, 90)
    marks: dict[Any, set[str]] = {}
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(a_publisher(database, seed=seed).run, 300, 2, deletes=0) for seed in (1, 2)]
        while not all(run.done() for run in runs):
            for document in database.documents.find({"_id": {"$in": list(marks)}}):
                marks[document["_id"]].add(document["watermark"]["mark"])
            for document in database.documents.find({"watermark.status": FINISHED}):
                marks.setdefault(document["_id"], set()).add(document["watermark"]["mark"])
    assert len(marks) > 10
    assert all(len(seen) == 1 for seen in marks.values())
    assert all(None not in seen for seen in marks.values())


# --- the command line ------------------------------------------------------------------------------------------------


def test_the_command_line_seeds_bursts_and_runs(
    database: Documents, stack_env: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger, common = tmp_path / "ledger", ["--database", database.name, "--mongo-url", stack_env["MONGO_URL"]]
    mess = ["--mess", "0.1", "--mess-share", "big=0,nan=0.05", "--ledger", str(ledger)]
    assert main(["seed", "--documents", "300", "--tickets", "500", *mess, *common]) == 0
    assert main(["burst", "--inserts", "30", "--updates", "20", "--deletes", "2", *common]) == 0
    assert main(["run", "--rate", "100", "--seconds", "0.2", "--threads", "2", *common]) == 0
    assert main(["flat", "--count", "1_000", *common]) == 0
    assert database.documents.count_documents({}) > 290
    assert database.books.count_documents({}) == 1_000
    assert {json.loads(line)["kind"] for line in ledger.read_text().splitlines()} >= {"nan"}
    assert "documents inserted" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mess-share", "nann=1"], "no kind of mess called nann"),
        (["--mongo-url", ""], "Which MongoDB?"),
        (["--mongo-url", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200"], "MongoDB: "),
    ],
)
def test_a_wrong_setting_is_one_clear_sentence(
    stack_env: dict[str, str], capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["seed", "--documents", "1", "--tickets", "1", *arguments]) == 1
    assert said in capsys.readouterr().out
