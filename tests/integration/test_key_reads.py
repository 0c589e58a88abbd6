"""Given keys on a real replica set and S3: their documents at the cut, and which of them are gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bson
import pytest
from bson import ObjectId
from pymongo.database import Database

from sluice import key_lists, raw_batches, spec
from sluice.errors import CountMismatch
from sluice.landing import Landing
from sluice.mongo import Source
from sluice.mongo_plan import CODEC
from sluice.ranges import listed_range
from sluice.settings import from_environment
from tests.factories import a_plan
from tests.integration.test_mongo import EVERY_TYPE, forgetful, forgetful_source, wait_until_forgotten  # noqa: F401

Db = Database[dict[str, Any]]


@pytest.fixture
def source(stack_env: dict[str, str], name: str) -> Iterator[Source]:
    source = Source.connect(from_environment("publishing_mongo"), name)
    yield source
    source.close()


@pytest.fixture
def landing(stack_env: dict[str, str], bucket: str) -> Landing:
    return Landing.connect(from_environment("landing_s3"), spec.Landing("landing_s3", bucket, "sluice"))


def a_key(value: Any) -> bytes:
    return bson.encode({"_id": value})


def read(source: Source, ids: list[Any], cut: Any = None) -> tuple[list[dict[str, Any]], int, list[Any]]:
    """The documents, how many keys were asked for, and those that are gone."""
    found = list(source.read_keys("documents", b"".join(map(a_key, ids)), cut or source.now_cut()))
    documents = [d for f in found for d in bson.decode_all(f.documents, CODEC)]
    gone = [key["_id"] for f in found for key in bson.decode_all(f.gone, CODEC)]
    return documents, sum(f.asked for f in found), gone


def test_ids_of_every_type_are_found_and_when_deleted_gone(source: Source, database: Db) -> None:
    database.documents.insert_many([{"_id": key} for key in EVERY_TYPE])
    before = source.now_cut()

    documents, asked, gone = read(source, EVERY_TYPE)
    assert (len(documents), asked, gone) == (len(EVERY_TYPE), len(EVERY_TYPE), [])

    database.documents.delete_many({})
    documents, asked, gone = read(source, EVERY_TYPE)
    assert (documents, asked, len(gone)) == ([], len(EVERY_TYPE), len(EVERY_TYPE))
    documents, _, gone = read(source, EVERY_TYPE, before)
    assert (len(documents), gone) == (len(EVERY_TYPE), [])


def test_questions_share_the_keys_and_large_documents_come_in_pieces(
    source: Source, database: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_lists, "ASK_KEYS", 7)
    database.documents.insert_many([{"_id": n, "text": "x" * 3_000_000} for n in range(0, 20, 2)])

    found = list(source.read_keys("documents", b"".join(map(a_key, range(20))), source.now_cut()))

    assert max(len(f.documents) for f in found) <= 16 * 2**20
    assert sum(f.asked for f in found) == 20
    assert [d["_id"] for f in found for d in bson.decode_all(f.documents)] == list(range(0, 20, 2))
    assert [d["_id"] for f in found for d in bson.decode_all(f.gone)] == list(range(1, 20, 2))


def test_keys_that_outlast_their_snapshot_are_read_to_their_end_each_once(
    forgetful_source: Source,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(raw_batches, "BATCH_DOCUMENTS", 100)
    documents = forgetful_source._database["documents"]
    documents.insert_many([{"_id": n} for n in range(1_000)])
    cut = forgetful_source.now_cut()

    pieces = forgetful_source.read_keys("documents", b"".join(map(a_key, range(1_000))), cut)
    first = next(pieces)
    wait_until_forgotten(forgetful_source, cut)
    documents.delete_one({"_id": 999})
    found = [first, *pieces]

    assert sum(f.late for f in found) == 1
    assert sorted(d["_id"] for f in found for d in bson.decode_all(f.documents)) == list(range(999))
    assert [d["_id"] for f in found for d in bson.decode_all(f.gone)] == [999]
    assert sum(f.asked for f in found) == 1_000


def test_one_and_one_point_zero_are_one_key(source: Source, database: Db) -> None:
    database.documents.insert_one({"_id": 1.0})

    assert read(source, [1, 1.0]) == ([{"_id": 1.0}], 1, [])
    assert read(source, [1]) == ([{"_id": 1.0}], 1, [])


def test_where_the_collection_folds_letters_the_other_spelling_is_gone(source: Source, database: Db) -> None:
    database.create_collection("documents", collation={"locale": "en", "strength": 2})
    database.documents.insert_one({"_id": "A"})

    documents, asked, gone = read(source, ["a", "b"])

    assert (documents, asked, gone) == ([{"_id": "A"}], 3, ["a", "b"])


def test_keys_lie_on_the_landing_and_are_counted(landing: Landing, s3: Any, bucket: str) -> None:
    plan, keys = a_plan(), b"".join(a_key(ObjectId()) for _ in range(3))
    piece = listed_range("documents", a_plan(), 0, 3)

    landing.put_keys(plan, piece, keys)

    assert landing.keys(plan, piece) == keys
    (found,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert found["Key"] == f"sluice/publishing/documents/{plan.id}/{piece.name}/keys.bson.gz"
    with pytest.raises(CountMismatch, match="holds 3 keys, the plan says 4"):
        landing.keys(plan, listed_range("documents", a_plan(), 0, 4))
