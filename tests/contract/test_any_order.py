"""Batches published in any order: the latest cut of each key is what readers see (I4)."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import Any

from sluice.window import BatchKind
from tests.contract.lab import Lab, document, gone, ticket


def test_batches_in_any_order_leave_the_state_of_the_latest_cuts(lab: Lab) -> None:
    """An order, another each day; tests/faults tries forty."""
    check_any_order(lab, random.Random(time.strftime("%F")), batches=5)


def test_a_state_that_was_found_again_unchanged_is_not_replaced_by_one_of_a_cut_in_between(lab: Lab) -> None:
    """A field that was switched on and off again, without a new date: nothing but the cuts tells the states' order."""
    back, forth = document("a", "one", "x"), document("a", "two", "y")
    lab.publish(1, kind=BatchKind.BACKFILL, documents=[back])
    confirming = lab.publish(3, kind=BatchKind.BACKFILL, documents=[back, document("b", "new")])
    lab.warehouse.verify(lab.pipeline, confirming)
    late = lab.publish(2, kind=BatchKind.BACKFILL, documents=[forth])

    assert lab.state() == ({"a": "one", "b": "new"}, {"a": ["x"]}, {})
    assert late.counts["documents"]["tables"]["documents"]["superseded"] == 1
    lab.warehouse.verify(lab.pipeline, late)
    lab.publish(4, kind=BatchKind.BACKFILL, documents=[forth])
    assert lab.state() == ({"a": "two", "b": "new"}, {"a": ["y"]}, {})


def check_any_order(lab: Lab, chance: random.Random, *, batches: int) -> None:
    """A source with a history, batches that each read some keys at their cut, published in a random order."""
    histories = {key: _history(chance, key, cuts=batches) for key in "abcdef"}
    reads = {cut: chance.sample("abcdef", chance.randint(1, 5)) for cut in range(batches)}
    order = chance.sample(range(batches), batches)
    for cut in order:
        docs = [histories[key][cut] for key in reads[cut]]
        lab.publish(cut, kind=BatchKind.BACKFILL, documents=docs)

    expected = {}
    for key, history in histories.items():
        cuts = [cut for cut in range(batches) if key in reads[cut]]
        if cuts and not history[cuts[-1]].gone:
            expected[key] = history[cuts[-1]]
    assert lab.titles() == {k: d.fields["title"] for k, d in expected.items()}, order
    assert lab.keywords() == {k: list(d.children["keywords"]) for k, d in expected.items() if d.children["keywords"]}


def _history(chance: random.Random, key: str, *, cuts: int) -> list[Any]:
    """The state of a key at each cut. A document that changes may become again what it was, to the last byte."""
    states = [document(key, "v0", "w0", modified=0)]
    for cut in range(1, cuts):
        words = [f"w{cut}{n}" for n in range(chance.randint(0, 2))]
        changed = document(key, f"v{cut}", *words, modified=cut)
        states.append(chance.choice([states[-1], chance.choice(states), changed, gone(key)]))
    return states


def test_a_live_batch_that_comes_after_one_of_a_later_cut_brings_nothing(lab: Lab) -> None:
    """Not even what no row of a later cut tells of: that one found it as it was before."""
    lab.publish(1, documents=[document("a", "one", "x")])
    lab.publish(3, documents=[document("a", "one", "x")])
    late = lab.publish(2, documents=[document("a", "two", "y"), document("b", "gone since")])

    assert lab.state() == ({"a": "one"}, {"a": ["x"]}, {})
    assert late.counts["documents"]["tables"]["documents"]["superseded"] == 2
    lab.warehouse.verify(lab.pipeline, late)


def test_a_batch_of_a_pipeline_file_without_a_collection_knows_nothing_of_it(lab: Lab) -> None:
    """`sluice stream` reads the file once: it goes on without a collection that was added since."""
    older = lab.another(replace(lab.pipeline, collections=lab.pipeline.collections[:1]))
    lab.publish(1, documents=[document("a", "one")], tickets=[ticket("t", "a")])
    older.publish(3, documents=[document("a", "three")])
    late = lab.publish(2, documents=[document("a", "two")], tickets=[ticket("t", "b"), ticket("u", "a")])

    assert lab.state() == ({"a": "three"}, {}, {"t": "b", "u": "a"})
    assert [late.counts[name]["tables"][name]["superseded"] for name in ("documents", "tickets")] == [1, 0]
    lab.warehouse.verify(lab.pipeline, late)
