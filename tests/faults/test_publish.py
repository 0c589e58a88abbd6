"""Publish, disturbed at every statement and in every order: the long form of tests/contract/test_fence.py."""

from __future__ import annotations

import random

import pytest

from tests.contract.conftest import lab, servers, shared_lab  # noqa: F401  fixtures
from tests.contract.lab import Lab
from tests.contract.test_fence import check_any_order, check_crash, check_stall, statements_of_a_publish, with_lease
from tests.contract.test_torn_reads import check_readers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


def test_a_publish_that_died_at_any_statement_is_done_again(lab: Lab) -> None:  # noqa: F811
    for number in range(1, statements_of_a_publish(lab) + 1):
        lab.reset()
        check_crash(lab, number)


def test_a_publisher_that_stalled_at_any_statement_changes_nothing_when_it_wakes_up(lab: Lab) -> None:  # noqa: F811
    lab = with_lease(lab, 0)
    for number in range(1, statements_of_a_publish(lab) + 1):
        lab.reset()
        check_stall(lab, number)


def test_many_batches_in_many_orders(lab: Lab) -> None:  # noqa: F811
    for seed in range(40):
        lab.reset()
        check_any_order(lab, random.Random(seed), batches=8)


def test_a_thousand_reads_during_publishes_are_whole(lab: Lab) -> None:  # noqa: F811
    check_readers(lab, publishes=20, reads=1000)
