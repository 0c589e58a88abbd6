"""Reading keys, versions and sizes alone, on a real replica set: each once, and from an index that has all of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bson
import pytest
from bson import Decimal128, MaxKey, MinKey
from pymongo.database import Database

from sluice.key_scan import narrowed_collection, only_keys, projection
from sluice.keys import key_text
from sluice.mongo import Source
from sluice.mongo_plan import CODEC
from sluice.settings import from_environment
from sluice.spec import Collection
from sluice.window import Window
from tests.factories import NOON, a_child, a_collection

Documents = Database[dict[str, Any]]
KEYS = [MinKey(), None, 1, 2.5, Decimal128("7.25"), "1", "b", {"a": 1}, b"\x01", True, NOON, MaxKey()]


@pytest.fixture
def source(stack_env: dict[str, str], name: str) -> Iterator[Source]:
    source = Source.connect(from_environment("publishing_mongo"), name)
    yield source
    source.close()


def scan(source: Source, collection: Collection, range_size: int = 500_000) -> list[dict[str, Any]]:
    cut, window = source.now_cut(), Window(None, NOON, bounded=False)
    narrow = narrowed_collection(collection)
    return [
        document
        for piece in only_keys(collection, source.plan_ranges(narrow, window, cut, range_size))
        for raw in source.read_raw(narrow, piece, cut, window, later=True)
        for document in bson.decode_all(raw, CODEC)
    ]


def examined(database: Documents) -> list[int]:
    """The documents that the server fetched for each range."""
    ranges = {"op": "query", "command.find": "documents", "command.hint": {"$exists": True}}
    return [each["docsExamined"] for each in database["system.profile"].find(ranges)]


@pytest.mark.parametrize("index", [[], [("_id", 1), ("updated_at", 1)]], ids=["by _id alone", "covered"])
def test_each_key_is_read_once_with_its_version(source: Source, database: Documents, index: Any) -> None:
    database.documents.insert_many([{"_id": key, "updated_at": NOON, "content": "x" * 100} for key in KEYS])
    database.documents.insert_one({"_id": "undated"})
    if index:
        database.documents.create_index(index)
    database.command("profile", 2)

    found = scan(source, a_collection(), range_size=3)

    database.command("profile", 0)
    assert sorted(key_text(document["_id"]) for document in found) == sorted(map(key_text, [*KEYS, "undated"]))
    assert all(document.keys() <= {"_id", "updated_at"} for document in found)
    assert sum(examined(database)) == (0 if index else len(found) - 1)  # MaxKey is asked for by itself


def test_without_a_modified_field_the_index_of_ids_is_enough(source: Source, database: Documents) -> None:
    database.documents.insert_many([{"_id": n, "content": "x"} for n in range(20)])
    database.command("profile", 2)

    assert scan(source, a_collection(modified=None)) == [{"_id": n} for n in range(20)]

    database.command("profile", 0)
    assert sum(examined(database)) == 0


@pytest.mark.parametrize(
    "options",
    [{"partialFilterExpression": {"updated_at": {"$gt": NOON}}}, {"hidden": True}, {"collation": {"locale": "de"}}],
    ids=["partial", "hidden", "collated"],
)
def test_an_index_that_lacks_documents_or_has_another_order_is_not_used(
    source: Source, database: Documents, options: dict[str, Any]
) -> None:
    database.documents.insert_many([{"_id": key, "updated_at": NOON} for key in KEYS])
    database.documents.create_index([("_id", 1), ("updated_at", 1)], **options)

    assert len(scan(source, a_collection(), range_size=3)) == len(KEYS)


def test_the_server_counts_arrays_as_conforming_does(source: Source, database: Documents) -> None:
    notes = a_child(name="parts_notes", path="notes", depth=2)
    parts = a_child(name="parts", path="meta.parts", columns=(), of_documents=True, children=(notes,))
    arrays = a_collection(children=(a_child(), a_child(name="marks", path="meta.marks"), parts))
    documents = [
        ({"keywords": ["a", None], "meta": {"marks": [1, 2, 3]}}, (2, 3, 0, 0)),
        ({"keywords": None, "meta": {}}, (0, 0, 0, 0)),
        ({"meta": [{"marks": [1], "parts": [{"notes": [["a"]]}]}, {"marks": [2]}]}, (0, 0, 0, 0)),
        ({"keywords": "no array", "meta": None}, (0, 0, 0, 0)),
        ({"keywords": []}, (0, 0, 0, 0)),
        ({"meta": {"parts": [{"notes": [["a", "b"], [], None, ["c"]]}, None, {"notes": None}, {}]}}, (0, 0, 4, 3)),
    ]
    database.documents.insert_many([{"_id": n, **document} for n, (document, _) in enumerate(documents)])

    found = [tuple(value for name, value in each.items() if name.startswith("_rows")) for each in scan(source, arrays)]

    assert found == [sizes for _, sizes in documents]
    assert "keywords" not in projection(arrays)
