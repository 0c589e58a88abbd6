"""The publisher without a database: what it writes, what it makes messy, and what may happen to a ticket."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId, decode, encode
from bson.datetime_ms import DatetimeMS
from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument
from hypothesis import given, settings
from hypothesis import strategies as st

from devstack.errors import StackError
from devstack.publisher import DOCUMENTS, KINDS, TICKETS, is_messy, shares
from devstack.publisher.entities import ERROR, FINISHED, IN_PROGRESS, OPEN, STARTED, Pen, instant, milliseconds
from devstack.publisher.flat import flat
from devstack.publisher.history import Historian, Past, Span
from devstack.publisher.lifecycle import Chunk, Held, Life, Shelf
from devstack.publisher.mess import Spoiler
from devstack.publisher.pace import Pace
from devstack.publisher.summary import Summary

SPAN = Span(milliseconds(datetime(2026, 1, 1, tzinfo=UTC)), milliseconds(datetime(2026, 7, 1, tzinfo=UTC)))
NOW = milliseconds(datetime(2026, 7, 2, tzinfo=UTC))
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
LARGEST = 15 * 1024 * 1024
LEGAL = {(STARTED, IN_PROGRESS), (IN_PROGRESS, FINISHED), (IN_PROGRESS, ERROR)}


def the_past(documents: int, tickets: int, *, seed: int = 0, mess: float = 0.0) -> Past:
    historian = Historian(Pen.of(f"{seed}"), Spoiler(f"{seed}", shares(mess), 1), SPAN)
    whole = Past([], [])
    for past in historian.write(documents, tickets):
        whole.documents.extend(past.documents)
        whole.tickets.extend(past.tickets)
    return whole


def a_life(*, seed: int = 0, mess: float = 0.0) -> Life:
    return Life(Pen.of(f"{seed}"), Spoiler(f"{seed}", shares(mess), 1), [])


class World:
    """What a database would hold, and every change of a status on the way there."""

    def __init__(self) -> None:
        self.documents: dict[Any, dict[str, Any]] = {}
        self.tickets: dict[Any, dict[str, Any]] = {}
        self.moves: list[tuple[Any, Any]] = []

    def apply(self, chunk: Chunk) -> None:
        self.documents |= {encode({"": d["_id"]}): d for d in chunk.documents}
        for change in chunk.changes:
            self._change(self.documents, change)
        self.tickets |= {encode({"": ticket["_id"]}): ticket for _, ticket in chunk.tickets}
        for _, step in chunk.steps:
            self._change(self.tickets, step, watch=True)
        gone = {one.id for one in chunk.withdrawn}
        self.tickets = {k: t for k, t in self.tickets.items() if t["document_id"] not in gone}
        self.documents = {k: d for k, d in self.documents.items() if is_messy(d["_id"]) or d["_id"] not in gone}

    def _change(self, entities: dict[Any, dict[str, Any]], change: Any, *, watch: bool = False) -> None:
        entity = entities[encode({"": change._filter["_id"]})]
        for path, value in change._doc.get("$set", change._doc).items():
            parent, _, name = path.rpartition(".")
            if watch and name == "status":
                self.moves.append((entity["status"], value))
            (entity[parent] if parent else entity)[name] = value


# --- what is written -------------------------------------------------------------------------------------------------


def test_the_same_seed_writes_the_same_past_ids_and_dates_included() -> None:
    assert the_past(1_500, 3_000, seed=7, mess=0.1) == the_past(1_500, 3_000, seed=7, mess=0.1)


def test_another_seed_writes_another_past() -> None:
    one, other = the_past(50, 100, seed=1), the_past(50, 100, seed=2)
    assert not {d["_id"] for d in one.documents} & {d["_id"] for d in other.documents}


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3_000), st.integers(0, 3_000), st.sampled_from([0.0, 0.3, 1.0]))
def test_the_past_holds_exactly_as_many_as_asked_for(documents: int, tickets: int, mess: float) -> None:
    spoiler = Spoiler("x", {"null": mess} if mess else {}, 1)
    past = list(Historian(Pen.of("x"), spoiler, SPAN).write(documents, tickets))
    assert sum(len(p.documents) for p in past) == documents
    assert sum(len(p.tickets) for p in past) == tickets


def test_every_ticket_comes_with_its_document_which_is_never_messy() -> None:
    for past in Historian(Pen.of("x"), Spoiler("x", shares(0.5), 1), SPAN).write(3_000, 6_000):
        clean = {d["_id"] for d in past.documents if not is_messy(d["_id"])}
        assert {t["document_id"] for t in past.tickets} <= clean


def test_a_document_shows_its_last_ticket_and_only_that_may_be_finished() -> None:
    past = the_past(2_000, 4_000)
    of = defaultdict(list)
    for ticket in past.tickets:
        of[ticket["document_id"]].append(ticket)
    for document in past.documents:
        tickets = sorted(of[document["_id"]], key=lambda t: t["created_at"])
        last = tickets[-1] if tickets else {"status": None, "mark": None}
        assert document["watermark"]["status"] == last["status"]
        assert document["watermark"]["mark"] == (last["mark"] if last["status"] == FINISHED else None)
        assert [t["status"] for t in tickets[:-1]] == [ERROR] * (len(tickets) - 1)


def test_the_past_has_every_status() -> None:
    assert {t["status"] for t in the_past(2_000, 4_000).tickets} == {STARTED, IN_PROGRESS, FINISHED, ERROR}


def test_dates_of_the_past_are_in_order_and_within_the_span() -> None:
    past = the_past(2_000, 4_000)
    for entity in past.documents + past.tickets:
        created, updated = milliseconds(entity["created_at"]), milliseconds(entity["updated_at"])
        assert SPAN.start <= created <= updated <= SPAN.end
        assert milliseconds(entity["_id"].generation_time) == created // 1000 * 1000


def test_documents_and_tickets_are_small() -> None:
    past = the_past(1_000, 2_000)
    sizes = [len(encode(entity)) for entity in past.documents + past.tickets]
    assert 200 <= sum(sizes) / len(sizes) <= 350


def test_a_few_topics_and_users_are_used_much_more_than_the_others() -> None:
    past = the_past(3_000, 3_000)
    for used in (Counter(d["topic"] for d in past.documents), Counter(t["user"] for t in past.tickets)):
        ranked = [count for _, count in used.most_common()]
        assert ranked[0] > 4 * ranked[len(ranked) // 2]


def test_flat_documents_are_about_200_bytes_and_differ_in_id_and_date() -> None:
    documents = [decode(d.raw) for d in flat("x", 3_000, SPAN)]
    assert 180 <= sum(len(encode(d)) for d in documents) / 3_000 <= 220
    assert len({d["_id"] for d in documents}) == len({d["updated_at"] for d in documents}) == 3_000
    assert {type(v) for v in documents[0].values()} == {ObjectId, str, int, float, bool, datetime}
    assert list(flat("x", 3_000, SPAN)) == [RawBSONDocument(encode(d)) for d in documents]


# --- mess ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("collection", [DOCUMENTS, TICKETS])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_mess_is_what_the_ledger_says(kind: str, collection: str) -> None:
    for turn in range(40 if kind != "big" else 4):
        pen, spoiler = Pen.of(f"{turn}"), Spoiler(f"{turn}", {kind: 1.0}, 1)
        clean = pen.document(NOW) if collection == DOCUMENTS else pen.ticket(ObjectId(), NOW)
        stored = spoiler.spoil(collection, dict(clean))
        (entry,) = spoiler.ledger
        raw = stored.raw if isinstance(stored, RawBSONDocument) else encode(stored)
        assert (entry.collection, entry.kind) == (collection, kind)
        assert is_messy(entry.key)
        assert TRUE_OF[kind](clean, stored, entry.field)
        assert len(raw) <= LARGEST
        assert kind in {"modified", "invalid_utf8"} or encode({"": stored["updated_at"]}) == encode(
            {"": clean["updated_at"]}
        )


def _changed(clean: Any, stored: Any, field: str) -> bool:
    return field in stored and encode({"": stored[field]}) != encode({"": clean[field]})


def _unreadable(clean: Any, stored: Any, field: str) -> bool:
    with pytest.raises(InvalidBSON):
        decode(stored.raw)
    return field in clean


TRUE_OF: dict[str, Callable[[Any, Any, str], bool]] = {
    "missing": lambda clean, stored, field: field in clean and field not in stored,
    "null": lambda _, stored, field: stored[field] is None,
    "wrong_type": lambda clean, stored, field: type(stored[field]) not in {type(clean[field]), type(None)},
    "decimal": lambda clean, stored, field: isinstance(stored[field], Decimal128) and _changed(clean, stored, field),
    "nan": lambda _, stored, field: str(stored[field]).lower().lstrip("-") in {"nan", "snan", "inf", "infinity"},
    "date": lambda _, stored, field: isinstance(stored[field], DatetimeMS) or stored[field].year in {1, 1582, 9999},
    "nul": lambda _, stored, field: "\x00" in stored[field],
    "utf8": lambda _, stored, field: any(len(c.encode()) == 4 for c in stored[field]),
    "invalid_utf8": _unreadable,
    "long": lambda _, stored, field: len(stored[field].encode()) >= 600,
    "nested": lambda _, stored, field: stored[field][0] == ["a", ["b"]],
    "unknown": lambda clean, stored, field: field not in clean and field.removeprefix("watermark.") in {
        **stored, **stored.get("watermark", {})
    },
    "id": lambda _, stored, field: field == "_id" and not isinstance(stored["_id"], ObjectId),
    "big": lambda _, stored, field: 2**20 - 64 <= len(stored[field]) <= LARGEST,
    "modified": lambda clean, stored, field: field == "updated_at" and type(stored.get(field)) is not datetime,
}  # fmt: skip


def test_a_tenth_is_messy_when_a_tenth_should_be() -> None:
    past = the_past(20_000, 0, mess=0.1)
    assert sum(is_messy(d["_id"]) for d in past.documents) == pytest.approx(2_000, rel=0.1)


def test_an_exact_share_stands_and_the_other_kinds_divide_the_rest() -> None:
    found = shares(0.1, {"nan": 0.02, "id": 0.0})
    assert found.pop("nan") == 0.02
    assert "id" not in found
    assert sum(found.values()) == pytest.approx(0.1)
    assert found["big"] < 0.0002


def test_there_is_no_mess_unless_asked_for() -> None:
    assert shares(0.0) == {}
    assert not any(is_messy(e["_id"]) for e in the_past(500, 500).documents)


def test_text_that_is_not_utf8_is_made_only_when_asked_for() -> None:
    assert "invalid_utf8" not in shares(1.0)


@pytest.mark.parametrize(("mess", "exact"), [(0.0, {"nann": 0.1}), (0.9, {"nan": 0.2}), (0.1, {"nan": -0.1})])
def test_impossible_shares_are_refused(mess: float, exact: dict[str, float]) -> None:
    with pytest.raises(StackError):
        shares(mess, exact)


def test_mixed_ids_are_of_all_types_and_never_the_same_key_in_mongodb() -> None:
    spoiler = Spoiler("x", {"id": 1.0}, 1)
    pen = Pen.of("x")
    ids = [spoiler.spoil(DOCUMENTS, pen.document(NOW))["_id"] for _ in range(500)]
    assert {type(i).__name__ for i in ids} == {
        "int", "str", "Int64", "float", "Decimal128", "Binary", "datetime", "dict",
    }  # fmt: skip
    numbers = [
        i.to_decimal() if isinstance(i, Decimal128) else i for i in ids if isinstance(i, int | float | Decimal128)
    ]
    others = [encode({"": i}) for i in ids if not isinstance(i, int | float | Decimal128)]
    assert len(set(numbers)) == len(numbers)
    assert len(set(others)) == len(others)
    assert 1 in ids
    assert "1" in ids
    assert max(i for i in ids if isinstance(i, Int64)) > 2**32


# --- the lifecycle ---------------------------------------------------------------------------------------------------


def lived(*, mess: float = 0.0, sizes: tuple[int, ...] = (50,), seed: int = 0) -> World:
    operations = ["add", "request", "advance", "advance", "update", "insert", "advance", "request"] * 400
    operations[100::37] = ["delete"] * len(operations[100::37])
    life, world, done = a_life(seed=seed, mess=mess), World(), 0
    while done < len(operations):
        size = sizes[done % len(sizes)]
        world.apply(life.plan(operations[done : done + size], NOW))
        done += size
    return world


def test_a_ticket_goes_from_started_over_in_progress_to_its_end_and_never_leaves_it() -> None:
    world = lived(mess=0.1)
    assert set(world.moves) == LEGAL


def test_whatever_happens_every_ticket_has_its_document_and_the_document_shows_it() -> None:
    world = lived()
    documents = {d["_id"]: d for d in world.documents.values()}
    of = defaultdict(list)
    for ticket in world.tickets.values():
        of[ticket["document_id"]].append(ticket)
    assert of.keys() <= documents.keys()
    for key, tickets in of.items():
        last = tickets[-1]
        assert documents[key]["watermark"]["status"] == last["status"]
        assert [t["status"] for t in tickets[:-1]] == [ERROR] * (len(tickets) - 1)
        assert (documents[key]["watermark"]["mark"] == last["mark"]) is (last["status"] == FINISHED)


def test_messy_tickets_belong_to_clean_documents_and_messy_documents_have_none() -> None:
    world = lived(mess=0.2)
    clean = {d["_id"] for d in world.documents.values() if not is_messy(d["_id"])}
    assert {t["document_id"] for t in world.tickets.values()} <= clean
    assert any(is_messy(t["_id"]) for t in world.tickets.values())
    assert any(is_messy(d["_id"]) for d in world.documents.values())


def test_how_operations_are_cut_into_chunks_changes_nothing() -> None:
    one, other = lived(sizes=(1,)), lived(sizes=(7, 300, 2))
    assert one.documents == other.documents
    assert one.tickets == other.tickets


def test_a_change_of_status_is_written_only_over_the_state_that_is_known() -> None:
    life = Life(Pen.of("x"), Spoiler("x", {}, 1), [Held(ObjectId(), LONG_AGO, ERROR)])
    chunk = life.plan(["request", "advance", "advance"], NOW)
    assert [c._filter["watermark.status"] for c in chunk.changes] == [ERROR, STARTED, IN_PROGRESS]
    assert [c._filter["updated_at"] for c in chunk.changes] == [LONG_AGO, instant(NOW), instant(NOW)]
    assert [step._filter["status"] for _, step in chunk.steps] == [STARTED, IN_PROGRESS]


@pytest.mark.parametrize("status", [FINISHED, *OPEN])
def test_no_watermark_is_requested_for_a_document_that_is_finished_or_open(status: str) -> None:
    life = Life(Pen.of("x"), Spoiler("x", {}, 1), [Held(ObjectId(), LONG_AGO, status)])
    assert life.plan(["request"], NOW).operations == {"add": 1}


@pytest.mark.parametrize("status", OPEN)
def test_an_open_document_is_not_deleted(status: str) -> None:
    life = Life(Pen.of("x"), Spoiler("x", {}, 1), [Held(ObjectId(), LONG_AGO, status)])
    assert life.plan(["delete"], NOW).operations == {"skip": 1}


def test_an_edit_heals_a_messy_document_now_and_then() -> None:
    pen, spoiler = Pen.of("x"), Spoiler("x", {"null": 1.0}, 1)
    key = ObjectId()
    chunk = Life(pen, spoiler, [], [key]).plan(["update"], NOW)
    assert chunk.operations == {"heal": 1}
    assert [(entry.kind, entry.key) for entry in spoiler.ledger] == [("healed", key)]


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 60))
def test_a_shelf_deals_no_document_twice_before_each_came_once(held: int, dealt: int) -> None:
    shelf = Shelf(Pen.of("x"), [Held(ObjectId(), LONG_AGO) for _ in range(held)])
    found = [one.id for _ in range(dealt) if (one := shelf.deal())]
    assert len(set(found)) == min(held, dealt)


# --- pace and summary ------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(0, 5_000))
def test_every_operation_has_its_turn_however_late(total: int) -> None:
    assert sum(Pace(total, 1e9, Event()).turns()) == total


def test_a_run_that_is_stopped_ends_at_once() -> None:
    stop = Event()
    turns = Pace(1_000_000, 1_000, stop).turns()
    next(turns)
    stop.set()
    assert list(turns) == []


def test_a_rate_is_kept() -> None:
    summary = Summary(datetime.now(UTC))
    assert sum(Pace(20, 100, Event()).turns()) == 20
    assert 0.15 <= summary.end().seconds < 5
