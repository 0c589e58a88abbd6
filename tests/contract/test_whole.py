"""Whole loads: what a load of every document does not find is gone, and nothing else is (I1, I2, I4)."""

from __future__ import annotations

from typing import Any

import pytest

from sluice.warehouse.base import TableCounts
from sluice.window import BatchKind
from tests.contract.lab import ONLY_CLICKHOUSE, Lab, document, gone, ticket
from tests.contract.specs import keyed
from tests.contract.test_warehouse import a_reject, counts


def publish_whole(lab: Lab, cut: int, *docs: Any, rejects: Any = ()) -> Any:
    batch = lab.stage(lab.plan(cut, whole="documents"), documents=docs, rejects=rejects)
    return lab.warehouse.publish(lab.pipeline, batch)


def test_what_a_whole_load_does_not_find_is_ended_with_its_children(lab: Lab) -> None:
    old = [
        document("a", "one", "x"),
        document("b", "two", "y", "z"),
        document("c", "three", "w"),
        document("d", "four"),
    ]
    lab.publish(1, documents=old, tickets=[ticket("t", "b")])

    commit = publish_whole(lab, 2, document("a", "one", "x"), document("c", "drei"), document("e", "new"), gone("d"))

    assert lab.state() == ({"a": "one", "c": "drei", "e": "new"}, {"a": ["x"]}, {"t": "b"})
    assert counts(commit) == TableCounts(5, 2, 1, 0, closed=3, gone=2)
    assert counts(commit, "documents_keywords") == TableCounts(1, 0, 1, 0, closed=3)
    assert counts(commit, "tickets") == TableCounts(0, 0, 0, 0, closed=0)
    assert (commit.counts["documents"]["ended"], "ended" in commit.counts["tickets"]) == (1, False)
    lab.warehouse.verify(lab.pipeline, commit)


def test_a_whole_load_of_nothing_ends_everything(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one", "x"), document("b", "two")])
    commit = publish_whole(lab, 2)

    assert lab.state() == ({}, {}, {})
    assert counts(commit) == TableCounts(2, 0, 0, 0, closed=2, gone=2)
    assert publish_whole(lab, 3, document("a", "one", "x")).batch == 3
    assert lab.state() == ({"a": "one"}, {"a": ["x"]}, {})


def test_a_whole_load_into_an_empty_table_ends_nothing(lab: Lab) -> None:
    commit = publish_whole(lab, 1, document("a", "one", "x"))

    assert lab.state() == ({"a": "one"}, {"a": ["x"]}, {})
    assert counts(commit) == TableCounts(1, 1, 0, 0, closed=0)


def test_a_batch_that_is_not_whole_ends_nothing(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one")])
    lab.publish(2, documents=[document("b", "two")])

    assert lab.titles() == {"a": "one", "b": "two"}


def test_what_was_written_at_a_later_cut_is_not_ended(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one"), document("b", "two")])
    lab.publish(3, documents=[document("b", "dos"), document("c", "new")])
    commit = publish_whole(lab, 2, document("a", "one"))

    assert lab.titles() == {"a": "one", "b": "dos", "c": "new"}
    assert counts(commit) == TableCounts(3, 0, 1, 2, closed=0)


def test_a_key_that_was_ended_is_not_brought_back_by_an_older_cut(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one", "x"), document("b", "two")])
    publish_whole(lab, 5, document("b", "two"))
    commit = lab.publish(3, kind=BatchKind.BACKFILL, documents=[document("a", "older", "y")])

    assert lab.state() == ({"b": "two"}, {}, {})
    assert counts(commit).superseded == 1


def test_a_key_that_was_gone_before_anything_knew_it_is_not_brought_in_by_an_older_cut(lab: Lab) -> None:
    publish_whole(lab, 5, document("b", "two"))
    docs = [document("never seen", "gone by then", "x"), document("b", "old")]
    commit = lab.publish(3, kind=BatchKind.BACKFILL, documents=docs, tickets=[ticket("t", "b")])

    assert lab.state() == ({"b": "two"}, {}, {"t": "b"})
    assert counts(commit) == TableCounts(2, 0, 0, 2, closed=0)
    assert counts(commit, "documents_keywords") == TableCounts(1, 0, 0, 1, closed=0)


def test_of_two_whole_loads_the_later_cut_counts_whichever_is_published_last(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one"), document("b", "two")])
    publish_whole(lab, 5, document("a", "cinq"), document("c", "five"))
    commit = publish_whole(lab, 3, document("a", "three"), document("b", "three"))

    assert lab.titles() == {"a": "cinq", "c": "five"}
    assert counts(commit) == TableCounts(3, 0, 0, 3, closed=0)


def test_a_key_that_was_ended_comes_back_when_it_is_read_later(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one", "x")])
    publish_whole(lab, 2)
    lab.publish(3, documents=[document("a", "one", "x")])

    assert lab.state() == ({"a": "one"}, {"a": ["x"]}, {})


def test_a_document_that_was_rejected_stays_as_it_is_known(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one", "x"), document("b", "two"), document("c", "three")])
    rejects = [a_reject("a"), a_reject("b", collection="tickets")]
    commit = publish_whole(lab, 2, document("c", "drei"), rejects=rejects)

    assert lab.state() == ({"a": "one", "c": "drei"}, {"a": ["x"]}, {})
    assert counts(commit) == TableCounts(2, 1, 0, 0, closed=2, gone=1)


def test_nothing_is_ended_where_a_reject_may_be_any_document(lab: Lab) -> None:
    """Its key could not be read."""
    lab.publish(1, documents=[document("a", "one")])
    commit = publish_whole(lab, 5, document("b", "two"), rejects=[a_reject("")])

    assert lab.titles() == {"a": "one", "b": "two"}
    assert commit.counts["documents"]["ended"] == 0


@ONLY_CLICKHOUSE
def test_a_table_of_many_slices_is_compared_slice_by_slice(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.warehouse.clickhouse.versions.KEYS_A_SLICE", 10)
    lab.publish(1, documents=[document(f"k{n}", "t", "x") for n in range(60)])
    commit = publish_whole(lab, 2, *(document(f"k{n}", "t" if n % 2 else "u", "x") for n in range(0, 60, 3)))

    assert lab.titles() == {f"k{n}": "t" if n % 2 else "u" for n in range(0, 60, 3)}
    assert counts(commit) == TableCounts(60, 10, 10, 0, closed=50, gone=40)
    assert counts(commit, "documents_keywords") == TableCounts(20, 10, 10, 0, closed=50)
    lab.warehouse.verify(lab.pipeline, commit)


@pytest.mark.parametrize(
    ("kind", "keys"),
    [("int64", (1, 2, 3)), ("uuid", tuple(f"00000000-0000-0000-0000-00000000000{n}" for n in (1, 2, 3)))],
)
def test_keys_of_other_types_are_ended_and_kept(shared_lab: Lab, kind: str, keys: tuple[Any, ...]) -> None:
    lab = shared_lab.another(keyed(shared_lab.pipeline, kind))
    lab.warehouse.migrate(lab.pipeline)
    a, b, _ = keys

    lab.publish(1, documents=[document(key, "one", "x") for key in keys])
    commit = publish_whole(lab, 2, document(a, "uno"), rejects=[a_reject(str(b))])

    assert {str(key): title for key, title in lab.titles().items()} == {str(a): "uno", str(b): "one"}
    assert counts(commit) == TableCounts(2, 1, 0, 0, closed=2, gone=1)
    lab.warehouse.verify(lab.pipeline, commit)
