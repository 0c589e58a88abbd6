"""Which transactions have an order. c_serial_isolation."""

from __future__ import annotations

from devstack.redshift.isolation import Isolation

A, B = {1}, {2}
NOTHING: set[int] = set()


def test_each_reads_what_the_other_writes() -> None:
    known = Isolation()
    one, other = known.begin(), known.begin()
    assert not known.cycle(one, A, B)
    assert known.cycle(other, B, A) == [other, one]


def test_writers_of_different_tables_have_an_order() -> None:
    known = Isolation()
    one, other = known.begin(), known.begin()
    assert not known.cycle(one, A, A)
    assert not known.cycle(other, B, B)


def test_what_committed_before_a_transaction_began_is_no_conflict() -> None:
    known = Isolation()
    old, one = known.begin(), known.begin()
    known.cycle(one, A, B)
    known.end(one, committed=True)
    later = known.begin()  # while `old` keeps `one` known
    assert not known.cycle(later, A | B, A)
    assert not known.cycle(old, NOTHING, NOTHING)


def test_what_was_rolled_back_is_no_conflict() -> None:
    known = Isolation()
    one, other = known.begin(), known.begin()
    known.cycle(one, A, B)
    known.end(one, committed=False)
    assert not known.cycle(other, B, A)


def test_a_cycle_may_go_through_one_that_has_committed() -> None:
    known = Isolation()
    mine = known.begin()
    known.cycle(mine, A, NOTHING)
    other = known.begin()
    known.cycle(other, B, A)
    known.end(other, committed=True)
    assert known.cycle(mine, NOTHING, B) == [mine, other]
