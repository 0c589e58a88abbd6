"""What every warehouse promises: load, publish, read back (I1 to I4)."""

from __future__ import annotations

from tests.contract.lab import Lab, document, gone, ticket


def test_a_batch_becomes_visible_in_every_table(lab: Lab) -> None:
    commit = lab.publish(documents=[document("a", "one", "x", "y")], tickets=[ticket("t", "a")])
    assert commit.batch == 1
    assert lab.state() == ({"a": "one"}, {"a": ["x", "y"]}, {"t": "a"})


def test_a_later_state_replaces_a_row_and_its_children(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one", "x", "y"), document("b", "two")])
    lab.publish(2, documents=[document("a", "uno", "z")])
    assert lab.state() == ({"a": "uno", "b": "two"}, {"a": ["z"]}, {})
