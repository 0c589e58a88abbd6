"""Lists of keys: of bounded size, byte by byte what MongoDB has, and every key accounted for."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from bson import Decimal128, ObjectId
from bson.raw_bson import RawBSONDocument
from hypothesis import given
from hypothesis import strategies as st

from sluice import key_lists
from sluice.key_lists import KeyList, any_of, keys_of, questions, settle
from sluice.keys import key_text
from tests.bson_values import values as any_value


def key(value: Any) -> bytes:
    return bson.encode({"_id": value})


def test_a_list_holds_each_key_once_in_the_order_of_object_ids() -> None:
    ids, made = [ObjectId() for _ in range(5)], KeyList()

    assert not any(made.add(key(each)) for each in [*reversed(ids), *ids])
    assert len(made) == 5
    assert made.take() == b"".join(map(key, sorted(ids)))
    assert (len(made), made.take()) == (0, b"")


@pytest.mark.parametrize(("bound", "most"), [("LIST_KEYS", 3), ("LIST_BYTES", 3 * len(key(ObjectId())))])
def test_a_list_is_bounded(monkeypatch: pytest.MonkeyPatch, bound: str, most: int) -> None:
    monkeypatch.setattr(key_lists, bound, most)
    made = KeyList()

    assert [made.add(key(each)) for each in (ObjectId(), ObjectId(), ObjectId())] == [False, False, True]


def test_questions_are_bounded_and_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_lists, "ASK_KEYS", 2)
    keys = [key(n) for n in range(5)]

    assert list(questions(b"".join(keys))) == [keys[:2], keys[2:4], keys[4:]]
    assert list(questions(b"")) == []


@given(values=st.lists(any_value, max_size=5))
def test_the_filter_is_that_of_any_other_client(values: list[Any]) -> None:
    asked = any_of([key(value) for value in values])

    assert asked.raw == bson.encode({"_id": {"$in": values}})


@given(documents=st.lists(st.fixed_dictionaries({"_id": any_value, "a": any_value}), max_size=5))
def test_a_documents_key_is_found_byte_by_byte(documents: list[dict[str, Any]]) -> None:
    raw = b"".join(bson.encode(document) for document in documents)

    assert list(keys_of(raw)) == [key(document["_id"]) for document in documents]


def test_a_key_is_found_behind_other_fields_too() -> None:
    assert list(keys_of(bson.encode(RawBSONDocument(bson.encode({"a": 1, "_id": "x"}))))) == [key("x")]


def test_what_was_not_found_is_gone() -> None:
    asked = [key(n) for n in range(4)]

    assert settle(asked, asked) == (4, [])
    assert settle(asked, asked[1:3]) == (4, [asked[0], asked[3]])
    assert settle(asked, []) == (4, asked)


def test_what_mongodb_takes_for_one_key_counts_once() -> None:
    asked = [key(1), key(1.0), key("1"), key(Decimal128("1.00"))]

    assert settle(asked, [key(1.0), key("1")]) == (2, [])
    count, gone = settle(asked, [key("1")])
    assert (count, [key_text(bson.decode(k)["_id"]) for k in gone]) == (2, ["1"])


def test_a_document_that_came_twice_does_not_add_up() -> None:
    asked, found = [key(1), key(2)], [key(1), key(1), key(2)]

    count, gone = settle(asked, found)

    assert count != len(found) + len(gone)
