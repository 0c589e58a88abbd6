"""What becomes of rejects: settled by the batch that reads their document again, or dropped by somebody (I7, I8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from sluice.warehouse.base import Batch, Commit
from sluice.warehouse.quarantine import RejectGroup, RejectRow, Which
from sluice.window import BatchKind
from tests.contract.lab import Doc, Lab, document, gone
from tests.contract.specs import keyed
from tests.contract.spoiled import Crash
from tests.contract.test_warehouse import a_reject


def publish(lab: Lab, cut: int, docs: Sequence[Doc] = (), rejects: Sequence[RejectRow] = (), **options: Any) -> Commit:
    return lab.warehouse.publish(lab.pipeline, staged(lab, cut, docs, rejects, **options))


def staged(lab: Lab, cut: int, docs: Sequence[Doc] = (), rejects: Sequence[RejectRow] = (), **options: Any) -> Batch:
    return lab.stage(lab.plan(cut, **options), documents=docs, rejects=rejects)


def states(lab: Lab) -> dict[tuple[int, str], str]:
    """(batch, key) → what became of each reject."""
    rows = lab.warehouse.rejects(lab.pipeline.name, settled=True)
    return {(row.batch, row.key): row.state for row in rows}


def open_keys(lab: Lab) -> list[str]:
    return [row.key for row in lab.warehouse.rejects(lab.pipeline.name)]


def test_a_batch_settles_the_rejects_whose_documents_it_reads(lab: Lab) -> None:
    publish(lab, 1, rejects=[a_reject("a", hash=1), a_reject("b", hash=2), a_reject("c", hash=3)])

    commit = publish(lab, 2, [document("a", "one"), gone("b")])

    assert states(lab) == {(1, "a"): "published", (1, "b"): "gone", (1, "c"): "open"}
    assert open_keys(lab) == ["c"]
    assert commit.counts["documents"]["quarantine"] == {"settled": {"published": 1, "gone": 1}}
    settled = lab.warehouse.rejects(lab.pipeline.name, Which(key="a"), settled=True)[0]
    assert settled.settled_by == 2
    assert settled.settled_at is not None


def test_the_same_key_in_another_collection_settles_nothing(lab: Lab) -> None:
    publish(lab, 1, rejects=[a_reject("a", collection="tickets")])

    publish(lab, 2, [document("a", "one")])

    assert open_keys(lab) == ["a"]


def test_what_is_new_is_told_by_reason_and_what_is_rejected_again_is_not_new(lab: Lab) -> None:
    rejects = [a_reject("a", hash=1), a_reject("b", hash=2), a_reject("c", reason="wrong_type", hash=3)]
    news = publish(lab, 1, rejects=rejects).counts["documents"]["quarantine"]
    again = publish(lab, 2, rejects=rejects).counts["documents"]

    assert news == {"new": {"too_long": 2, "wrong_type": 1}}
    assert "quarantine" not in again
    assert again["rejected"] == 3


def test_a_batch_of_an_older_cut_settles_nothing(lab: Lab) -> None:  # I4
    publish(lab, 9, rejects=[a_reject("a")])

    publish(lab, 5, [document("a", "older")], kind=BatchKind.BACKFILL)

    assert open_keys(lab) == ["a"]


def test_a_reject_of_an_older_cut_is_not_open_beside_a_newer_one(lab: Lab) -> None:
    publish(lab, 9, rejects=[a_reject("a", hash=2)])
    publish(lab, 5, rejects=[a_reject("a", hash=1)], kind=BatchKind.BACKFILL)
    publish(lab, 10, [document("a", "one")])

    assert states(lab) == {(1, "a"): "published", (2, "a"): "again"}


def test_a_document_that_is_read_twice_and_rejected_once_stays_open(lab: Lab) -> None:
    publish(lab, 1, rejects=[a_reject("a", hash=1)])

    publish(lab, 2, [document("a", "one")], rejects=[a_reject("a", hash=1)])

    assert states(lab) == {(1, "a"): "open"}


def test_what_was_read_last_decides_a_reject_like_a_row(lab: Lab) -> None:
    """What changed while a collection was read whole is read again, in a later turn."""
    before = [document("good, then bad", "published", "x"), document("bad, then good", "published")]
    publish(lab, 1, before, [a_reject("bad, then good", hash=1)])
    plan = replace(lab.plan(2, whole="documents"), turn=1)
    documents, tickets = lab.pipeline.collections
    turns = [
        (
            [document("good, then bad", "past", "y"), document("good", "one")],
            ["bad, then good", "bad, then gone", "bad"],
        ),
        ([document("bad, then good", "now"), gone("bad, then gone")], ["good, then bad", "bad"]),
    ]
    manifests, rejects = [lab.land(plan, tickets, ())], []
    for turn, (docs, keys) in enumerate(turns):
        landed = lab.land(plan, documents, [replace(doc, turn=turn) for doc in docs], range_=f"r{turn}")
        manifests.append(replace(landed, read=len(docs) + len(keys), rejected=len(keys), turn=turn))
        rejects += [a_reject(key, reason=f"turn {turn}", hash=10 * turn + n, turn=turn) for n, key in enumerate(keys)]

    commit = lab.warehouse.publish(lab.pipeline, lab.load(plan, manifests, rejects))

    titles = {"good, then bad": "published", "bad, then good": "now", "good": "one"}
    assert lab.state() == (titles, {"good, then bad": ["x"]}, {})
    found = lab.warehouse.rejects(lab.pipeline.name, settled=True)
    assert sorted((row.batch, row.key, row.reason, row.state) for row in found) == [
        (1, "bad, then good", "too_long", "published"),
        (2, "bad", "turn 1", "open"),
        (2, "good, then bad", "turn 1", "open"),
    ]
    lab.warehouse.verify(lab.pipeline, commit)


def test_a_document_that_is_rejected_again_after_it_was_published_is_open_again(lab: Lab) -> None:
    publish(lab, 1, rejects=[a_reject("a", hash=1)])
    publish(lab, 2, [document("a", "one")])

    publish(lab, 3, rejects=[a_reject("a", hash=1)])

    assert states(lab) == {(1, "a"): "published", (3, "a"): "open"}


def test_a_load_of_the_whole_collection_settles_what_it_does_not_reject(lab: Lab) -> None:
    keyless = [a_reject("", hash=7), a_reject("", hash=2**64 - 1, position=1)]
    others = [a_reject("a", hash=1), a_reject("b", hash=2), a_reject("c", hash=3)]
    publish(lab, 1, rejects=[*others, *keyless])

    publish(lab, 2, [document("b", "two")], rejects=[keyless[1], others[2]], whole="documents")

    found = lab.warehouse.rejects(lab.pipeline.name, settled=True)
    assert sorted((row.key, row.hash % 2**64, row.state) for row in found) == [
        ("", 7, "gone"),
        ("", 2**64 - 1, "open"),
        ("a", 1, "gone"),
        ("b", 2, "published"),
        ("c", 3, "open"),
    ]


def test_rejects_without_a_key_are_told_apart_and_not_settled_by_any_document(lab: Lab) -> None:
    publish(lab, 1, rejects=[a_reject("", hash=7), a_reject("", hash=8, position=1)])

    publish(lab, 2, [document("a", "one"), document("", "without any letter")])

    assert open_keys(lab) == ["", ""]


def test_a_batch_that_asked_for_rejects_settles_those_that_left_no_row(lab: Lab) -> None:
    publish(lab, 1, rejects=[a_reject(key, hash=n) for n, key in enumerate("abcd", 1)])
    batch = staged(lab, 2, [document("a", "one")], [a_reject("c", hash=3)], kind=BatchKind.REJECTS)

    asked = [("documents", "a"), ("documents", "b"), ("documents", "c"), ("tickets", "d")]
    lab.warehouse.publish(lab.pipeline, replace(batch, asked=asked))

    assert {key: state for (_, key), state in states(lab).items()} == {
        "a": "published",
        "b": "gone",
        "c": "open",
        "d": "open",
    }


def test_a_replay_which_reads_no_document_settles_nothing(lab: Lab) -> None:
    publish(lab, 1, [document("a", "one")])
    publish(lab, 2, rejects=[a_reject("a")])

    plan = replace(lab.plan(3, kind=BatchKind.REPLAY), base=2)
    lab.warehouse.publish(lab.pipeline, lab.stage(plan, documents=[document("a", "one")]))

    assert open_keys(lab) == ["a"]


@pytest.mark.parametrize(
    ("kind", "rejected", "stored"),
    [
        ("string(64)", ["s:123", "plain"], ["123", "plain"]),
        ("uuid", [f"uuid:{UUID(int=5)}"], [str(UUID(int=5))]),
        ("int64", ["5"], [5]),
    ],
    ids=["string", "uuid", "int64"],
)
def test_a_key_is_recognised_that_has_another_text_in_its_table(
    lab: Lab, kind: str, rejected: list[str], stored: list[Any]
) -> None:
    other = lab.another(keyed(lab.pipeline, kind))
    other.warehouse.migrate(other.pipeline)
    rejects = [a_reject(key, hash=n) for n, key in enumerate(rejected)]
    other.warehouse.publish(other.pipeline, other.stage(other.plan(1), rejects=rejects))

    other.publish(2, documents=[document(key, "one") for key in stored])

    assert states(other) == dict.fromkeys(((1, key) for key in rejected), "published")


def test_an_attempt_that_died_settled_nothing_and_the_next_one_does_once(lab: Lab) -> None:  # I3
    publish(lab, 1, rejects=[a_reject("a", hash=1)])
    batch = staged(lab, 2, [document("a", "one")], [a_reject("b", hash=2)])

    with pytest.raises(Crash):
        lab.dying("insert_commit").publish(lab.pipeline, batch)
    assert states(lab) == {(1, "a"): "open"}

    lab.warehouse.publish(lab.pipeline, batch)
    assert states(lab) == {(1, "a"): "published", (2, "b"): "open"}
    control = f"sluice.settled_rejects WHERE pipeline = '{lab.pipeline.name}'"
    assert lab.rows(f"SELECT batch, outcome FROM {control}") == [(2, "published")]


def test_what_a_dead_attempt_settled_is_not_settled_by_the_batch_that_takes_its_number(lab: Lab) -> None:
    publish(lab, 1, rejects=[a_reject("a", hash=1)])
    batch = staged(lab, 2, [document("a", "one")])
    with pytest.raises(Crash):
        lab.dying("insert_commit").publish(lab.pipeline, batch)

    publish(lab, 3, [document("b", "two")])

    assert states(lab) == {(1, "a"): "open"}


# --- dropped


def test_a_dropped_reject_is_kept_with_who_and_why(lab: Lab) -> None:
    publish(lab, 1, rejects=[a_reject("a", hash=1), a_reject("b", reason="wrong_type", hash=2)])

    assert lab.warehouse.drop_rejects(lab.pipeline.name, Which(reason="too_long"), who="ann", why="a test book") == 1

    assert open_keys(lab) == ["b"]
    (row,) = lab.warehouse.rejects(lab.pipeline.name, Which(key="a"), settled=True)
    assert (row.state, row.who, row.why, row.settled_by) == ("dropped", "ann", "a test book", 0)
    assert lab.warehouse.drop_rejects(lab.pipeline.name, Which(reason="too_long"), who="ann", why="again") == 0


def test_a_dropped_reject_stays_so_until_its_document_is_another(lab: Lab) -> None:
    publish(lab, 1, rejects=[a_reject("a", hash=1), a_reject("", hash=2)])
    lab.warehouse.drop_rejects(lab.pipeline.name, Which("documents"), who="ann", why="x")

    publish(lab, 2, rejects=[a_reject("a", hash=1), a_reject("", hash=2)])
    assert open_keys(lab) == []

    publish(lab, 3, rejects=[a_reject("a", hash=3), a_reject("", hash=2)])
    assert open_keys(lab) == ["a"]


def test_a_drop_between_two_batches_survives_them(lab: Lab) -> None:
    """It belongs to no batch: what undoes a dead one does not touch it."""
    publish(lab, 1, rejects=[a_reject("a", hash=1)])
    lab.warehouse.drop_rejects(lab.pipeline.name, Which("documents"), who="ann", why="x")
    with pytest.raises(Crash):
        lab.dying("insert_commit").publish(lab.pipeline, staged(lab, 2, [document("b", "two")]))

    publish(lab, 3, [document("c", "three")])

    assert states(lab) == {(1, "a"): "dropped"}


# --- asked for by people


def test_rejects_are_chosen_by_all_that_they_have(lab: Lab) -> None:
    publish(lab, 1, rejects=[a_reject("a", hash=1), a_reject("b", column="_id", hash=2)])
    publish(lab, 2, rejects=[a_reject("c", reason="wrong_type", hash=3), a_reject("d", collection="tickets", hash=4)])

    def keys(**which: Any) -> list[str]:
        return [row.key for row in lab.warehouse.rejects(lab.pipeline.name, Which(**which))]

    assert keys() == ["c", "d", "a", "b"]
    assert keys(collection="documents", column="title") == ["c", "a"]
    assert keys(reason="too_long", column="_id") == ["b"]
    assert keys(batch=2) == ["c", "d"]
    assert keys(batch=2, key="a") == []
    assert [row.key for row in lab.warehouse.rejects(lab.pipeline.name, limit=1)] == ["c"]


def test_open_rejects_are_grouped_by_reason(lab: Lab) -> None:
    publish(lab, 1, rejects=[a_reject("a", hash=1), a_reject("b", column="_id", hash=2)])
    publish(lab, 2, rejects=[a_reject("c", detail="70 bytes of 64", hash=3)])
    publish(lab, 3, [document("b", "two")])

    groups = lab.warehouse.reject_groups(lab.pipeline.name)

    assert groups == [RejectGroup("documents", "title", "too_long", 2, 1, 2, "c", "70 bytes of 64")]
