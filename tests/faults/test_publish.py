"""Publish, disturbed at every statement and in every order: the long form of tests/contract/test_fence.py."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from threading import Timer

import pytest

from devstack.stack import Stack
from sluice.errors import SluiceError, WarehouseUnavailable
from tests.contract.lab import ONLY_CLICKHOUSE, Lab
from tests.contract.spoiled import do_nothing, hooked
from tests.contract.test_any_order import check_any_order
from tests.contract.test_fence import (
    DANGEROUS,
    a_full_batch,
    assert_undisturbed,
    check_another,
    check_crash,
    check_overlap,
    check_stall,
    statements,  # noqa: F401  a fixture
    with_lease,
)
from tests.contract.test_torn_reads import check_readers

pytestmark = [ONLY_CLICKHOUSE, pytest.mark.faults, pytest.mark.timeout(3600)]


def test_a_publish_that_died_at_any_statement_is_done_again(lab: Lab, statements: list[str]) -> None:  # noqa: F811
    for number in range(1, len(statements) + 1):
        lab.reset()
        check_crash(lab, number)


def test_a_publisher_that_stalled_at_any_statement_changes_nothing_when_it_wakes_up(
    lab: Lab,
    statements: list[str],  # noqa: F811
) -> None:
    lab = with_lease(lab, 0)
    for number in range(1, len(statements) + 1):
        lab.reset()
        check_stall(lab, number)


def test_a_publisher_that_wakes_up_beside_its_successor_does_not_disturb_it(
    lab: Lab,
    statements: list[str],  # noqa: F811
) -> None:
    lab = with_lease(lab, 0)
    first, last = (1 + statements.index(name) for name in ("take_fence", "insert_commit"))
    for number in range(first + 1, last + 1):
        for wake_before in ("insert_versions", "find_double", "insert_commit"):
            lab.reset()
            check_overlap(lab, number, wake_before)


@pytest.mark.parametrize("name", DANGEROUS)
def test_a_sleeper_does_nothing_to_what_another_published_since(lab: Lab, name: str) -> None:
    check_another(lab, name)


def test_many_batches_in_many_orders(lab: Lab) -> None:
    for seed in range(40):
        lab.reset()
        check_any_order(lab, random.Random(seed), batches=8)


def test_a_thousand_reads_during_publishes_are_whole(lab: Lab) -> None:
    check_readers(lab, publishes=20, reads=1000)


@pytest.mark.parametrize("name", ["compare_keys", "insert_versions", "close_versions", "insert_commit"])
def test_a_server_that_is_killed_during_a_publish_is_published_to_again(
    breakable_stack: Stack,
    lab: Lab,
    name: str,
) -> None:
    batch = a_full_batch(lab)
    lab.expect_death()

    def kill_soon(sent: str) -> None:
        if sent == name:
            Timer(0.005, breakable_stack.kill, ("clickhouse",)).start()

    with suppress(WarehouseUnavailable):  # the statement may have been quicker than the kill
        lab.attempt(lambda client: hooked(client, kill_soon, do_nothing)).publish(lab.pipeline, batch)
    _wait_until_dead(lab)
    breakable_stack.start("clickhouse")

    assert_undisturbed(lab, lab.warehouse.publish(lab.pipeline, batch))


def _wait_until_dead(lab: Lab) -> None:
    deadline = time.monotonic() + 30
    with suppress(SluiceError):
        while time.monotonic() < deadline:
            lab.warehouse.server_version()
            time.sleep(0.05)
