"""The change stream of a real replica set: which keys changed between two cluster times."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import bson
import pytest
from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp
from pymongo import DeleteOne, InsertOne, MongoClient, UpdateOne
from pymongo.database import Database

from sluice.change_stream import read_changes
from sluice.errors import StreamLost
from sluice.mongo_plan import CODEC
from tests.integration.own_mongod import own_mongod

NAMES = ("documents", "tickets")
Db = Database[dict[str, Any]]


def now(database: Db) -> int:
    found = database.client.admin.command("hello")["operationTime"]
    return int(found.time << 32 | found.inc)


class Seen(NamedTuple):
    """A change with its key decoded."""

    collection: str
    id: Any = None
    whole: str = ""


def changes(database: Db, since: int, until: int | None = None) -> list[Seen]:
    found = read_changes(database, dict.fromkeys(NAMES, since), now(database) if until is None else until)
    return [Seen(c.collection, bson.decode(c.key, CODEC)["_id"] if c.key else None, c.whole) for c in found]


def test_inserts_updates_and_deletes_are_keys(database: Db) -> None:
    since = now(database)
    database.documents.insert_one({"_id": 1})
    database.documents.update_one({"_id": 1}, {"$set": {"a": 1}})
    database.documents.delete_one({"_id": 1})
    database.documents.insert_one({"_id": 1})
    database.tickets.bulk_write(
        [InsertOne({"_id": 2}), UpdateOne({"_id": 2}, {"$set": {"a": 1}}), DeleteOne({"_id": 2})]
    )

    assert changes(database, since) == [Seen("documents", 1)] * 4 + [Seen("tickets", 2)] * 3


def test_two_windows_share_no_change_and_lose_none(database: Db) -> None:
    first = now(database)
    database.documents.insert_one({"_id": 1})
    second = now(database)
    database.documents.insert_one({"_id": 2})

    assert changes(database, first, second) == [Seen("documents", 1)]
    assert changes(database, second) == [Seen("documents", 2)]
    assert changes(database, now(database)) == []


def test_a_transaction_is_on_one_side_of_every_cut(database: Db, mongo: MongoClient[dict[str, Any]]) -> None:
    database.documents.insert_one({"_id": 0})
    database.tickets.insert_one({"_id": 0})
    cuts = [now(database)]
    for number in range(1, 4):
        with mongo.start_session() as session, session.start_transaction():
            database.documents.insert_one({"_id": number}, session=session)
            database.tickets.insert_one({"_id": number}, session=session)
        cuts.append(now(database))

    for number, (low, high) in enumerate(pairwise(cuts), 1):
        assert changes(database, low, high) == [Seen("documents", number), Seen("tickets", number)]


def test_a_quiet_collection_is_read_to_the_cut_at_once(database: Db) -> None:
    database.documents.insert_one({"_id": 0})
    since = now(database)
    database.other.insert_many([{"n": n} for n in range(2000)])
    database.documents.insert_one({"_id": 1})
    begun = time.monotonic()

    assert changes(database, since) == [Seen("documents", 1)]
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize("how", ["update", "replace"])
def test_a_change_whose_event_is_over_16_mb_is_a_key_like_any_other(database: Db, how: str) -> None:
    key = "k" * 10_000  # the event holds it three times, beside the document
    database.documents.insert_one({"_id": key, "text": "x" * 16_760_000})
    since = now(database)
    if how == "update":
        database.documents.update_one({"_id": key}, {"$set": {"text": "y" * 16_760_000}})
    else:
        database.documents.replace_one({"_id": key}, {"text": "y" * 16_760_000})

    assert changes(database, since) == [Seen("documents", key)]


def test_empty_replies_end_nothing_before_the_cut(database: Db) -> None:
    since = now(database)
    cut = since + (2 << 32)

    def write() -> None:
        for number, seconds in enumerate((0.5, 3.5)):
            time.sleep(seconds)
            database.documents.insert_one({"_id": number})

    with ThreadPoolExecutor(1) as writer:
        writing = writer.submit(write)
        assert changes(database, since, cut) == [Seen("documents", 0)]
        assert now(database) > cut
        writing.result()


def test_ids_of_any_type_arrive_as_they_are(database: Db) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    ids = [1, Int64(2), 2.5, "1", None, True, ObjectId(), Decimal128("0.1"), Binary(b"x", 5), {"b": 1, "a": 2}, moment]
    ids += [Timestamp(1, 2), MinKey(), MaxKey()]
    since = now(database)
    database.documents.insert_many([{"_id": key} for key in ids])

    assert [change.id for change in changes(database, since)] == list(
        bson.decode(bson.encode({"ids": ids}), CODEC)["ids"]
    )


def test_a_dropped_and_a_renamed_collection_are_to_be_read_whole(database: Db) -> None:
    database.documents.insert_one({"_id": 1})
    database.other.insert_one({"_id": 2})
    since = now(database)
    database.documents.drop()
    database.other.rename("tickets")
    database.tickets.insert_one({"_id": 3})

    whole = [Seen("documents", whole="it was dropped"), Seen("tickets", whole="it was renamed")]
    assert changes(database, since) == [*whole, Seen("tickets", 3)]


def test_what_comes_after_a_dropped_database_is_not_lost(database: Db) -> None:
    database.documents.insert_one({"_id": 1})
    since = now(database)
    database.client.drop_database(database.name)
    database.documents.insert_one({"_id": 2})

    found = changes(database, since)

    assert {change.collection for change in found if change.whole} == set(NAMES)
    assert found[-1] == Seen("documents", 2)


@pytest.mark.parametrize("length", [4_000_000, 6_000_000])
def test_a_key_too_long_for_a_stream_loses_it(database: Db, length: int) -> None:
    """The server says so of the longer one; for the other it closes the connection."""
    since = now(database)
    database.documents.insert_one({"_id": "k" * length})

    with pytest.raises(StreamLost, match="error 10334") as lost:
        changes(database, since)
    assert "another _id" in lost.value.fix


def test_a_primary_that_steps_down_in_between_loses_nothing(tmp_path: Path) -> None:
    with own_mongod(tmp_path, replica_set=True) as url, MongoClient(url) as client:
        database = client["stepping"]
        database.documents.insert_one({"_id": 0})
        since = now(database)
        database.documents.insert_many([{"_id": n} for n in range(1, 400)])
        found = read_changes(database, dict.fromkeys(NAMES, since), now(database))
        seen = [next(found) for _ in range(5)]
        client.admin.command("replSetStepDown", 1, secondaryCatchUpPeriodSecs=0, force=True)
        while not client.admin.command("hello")["isWritablePrimary"]:
            time.sleep(0.05)

        seen += found

        assert [bson.decode(change.key)["_id"] for change in seen] == list(range(1, 400))
