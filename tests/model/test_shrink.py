"""A failing sequence is made as short as it can be."""

from __future__ import annotations

from tests.model.operations import draw
from tests.model.shrink import shrunk


def test_what_is_needed_is_left_in_its_order() -> None:
    assert shrunk(range(40), lambda items: {3, 17, 38} <= set(items), seconds=10.0) == [3, 17, 38]


def test_without_time_nothing_is_lost() -> None:
    assert shrunk([1, 2], lambda items: True, seconds=0.0) == [1, 2]


def test_a_seed_is_one_sequence() -> None:
    assert draw(7) == draw(7) != draw(8)
