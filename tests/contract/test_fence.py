"""Publishers that die, stall, lose answers or meet (I2, I3): the end state is that of an undisturbed publish."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Event, Thread
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from sluice.errors import CountMismatch, Fenced, MigrationError, Retryable, SluiceError, WarehouseUnavailable
from sluice.warehouse.base import Batch, Commit
from sluice.warehouse.clickhouse.client import Client
from sluice.window import BatchKind
from tests.contract.lab import ONLY_CLICKHOUSE, Lab, document, gone, ticket
from tests.contract.spoiled import Crash, changing, crash_after, do_nothing, hooked, lose_answer_to, stall_before
from tests.contract.test_warehouse import a_reject

pytestmark = ONLY_CLICKHOUSE
"""Redshift needs no fence: its publish is one transaction behind one lock (tests/contract/test_redshift_publish.py)."""

Everything = tuple[Any, ...]


def a_full_batch(lab: Lab) -> Batch:
    """A batch with everything a batch may have, over two that were published before; f is not found any more.

    It settles the reject of c.
    """
    old = [document(k, "one", "x", k) for k in "abcdf"]
    first = lab.stage(
        lab.plan(1), documents=old, tickets=[ticket("t", "a"), ticket("u", "b")], rejects=[a_reject("c", hash=1)]
    )
    lab.warehouse.publish(lab.pipeline, first)
    lab.publish(9, documents=[document("b", "newer", "n")])
    return lab.stage(
        lab.plan(5, whole="documents"),
        documents=[document("a", "uno", "y"), document("b", "older"), document("c", "one", "x", "c"), gone("d")],
        tickets=[ticket("t", "c", modified=5), ticket("v", "a")],
        rejects=[a_reject()],
    )


def undisturbed() -> Everything:
    documents = {"a": "uno", "b": "newer", "c": "one"}
    return documents, {"a": ["y"], "b": ["n"], "c": ["x", "c"]}, {"t": "c", "u": "b", "v": "a"}


def assert_undisturbed(lab: Lab, commit: Commit) -> None:
    """Readers see the batch once, its record holds, nothing else is left."""
    assert lab.state() == undisturbed()
    assert commit.batch == 3
    assert lab.warehouse.commits(lab.pipeline.name)[0] == commit
    lab.warehouse.verify(lab.pipeline, commit)
    mine = f"WHERE pipeline = '{lab.pipeline.name}' ORDER BY key"
    assert lab.rows(f"SELECT batch, key FROM sluice.rejects {mine}") == [(3, "bad"), (1, "c")]
    assert lab.rows(f"SELECT batch, key, outcome FROM sluice.settled_rejects {mine}") == [(3, "c", "published")]
    for table in lab.pipeline.tables:
        storage = f"sluice_data.{lab.pipeline.name}_{table.name}"
        (above,) = lab.rows(f"SELECT countIf(_from > 3), countIf(_to > 3 AND _to < 4294967295) FROM {storage}")
        assert above == (0, 0)


@pytest.fixture(scope="session")
def statements(shared_lab: Lab) -> list[str]:
    """The changing statements of an undisturbed publish, in their order."""
    shared_lab.reset()
    seen: list[str] = []
    batch = a_full_batch(shared_lab)
    shared_lab.attempt(lambda client: hooked(client, do_nothing, changing(seen))).publish(shared_lab.pipeline, batch)
    expected = {"compare_keys", "insert_missing", "insert_versions", "close_versions", "insert_rejects"}
    expected |= {"settle_rejects"}
    assert expected | {"insert_commit"} <= set(seen)
    return seen


def some(statements: list[str]) -> list[int]:
    """Two of them by their numbers, others each day; tests/faults tries every one."""
    return sorted(random.Random(time.strftime("%F")).sample(range(1, len(statements) + 1), 2))


def check_crash(lab: Lab, number: int) -> None:
    """Publish, die after so many changing statements, publish again."""
    batch = a_full_batch(lab)
    before = lab.state()
    lab.expect_death()

    with pytest.raises(Crash):
        lab.attempt(crash_after(number)).publish(lab.pipeline, batch)
    committed = len(lab.warehouse.commits(lab.pipeline.name)) == 3
    assert lab.state() == (undisturbed() if committed else before)

    assert_undisturbed(lab, lab.warehouse.publish(lab.pipeline, batch))


def check_stall(lab: Lab, number: int) -> None:
    """Publish, sleep before a changing statement while a successor publishes, wake up and go on."""
    batch = a_full_batch(lab)
    successor: list[Commit] = []
    sleeper = lab.attempt(stall_before(number, lambda: successor.append(lab.warehouse.publish(lab.pipeline, batch))))

    with suppress(Fenced, MigrationError):  # MigrationError: the successor is done, and has dropped the staging tables
        assert sleeper.publish(lab.pipeline, batch) == successor[0]

    assert_undisturbed(lab, successor[0])


def check_overlap(lab: Lab, number: int, wake_before: str = "insert_versions") -> None:
    """As check_stall, but the sleeper wakes up in the middle of its successor's publish, and runs to its end there."""
    batch = a_full_batch(lab)
    asleep, woken = Event(), Event()

    def sleep() -> None:
        asleep.set()
        woken.wait(60)

    def publish() -> None:
        with suppress(Fenced, CountMismatch, MigrationError):
            lab.attempt(stall_before(number, sleep)).publish(lab.pipeline, batch)

    sleeper = Thread(target=publish)
    sleeper.start()
    asleep.wait(60)

    def wake(name: str) -> None:
        if name == wake_before:
            woken.set()
            sleeper.join()

    assert_undisturbed(lab, lab.attempt(lambda c: hooked(c, wake, do_nothing)).publish(lab.pipeline, batch))


@pytest.mark.timeout(600)
def test_a_publish_that_died_anywhere_is_done_again(lab: Lab, statements: list[str]) -> None:
    for number in some(statements):
        lab.reset()
        check_crash(lab, number)


@pytest.mark.timeout(600)
def test_a_publisher_that_stalled_anywhere_changes_nothing_when_it_wakes_up(lab: Lab, statements: list[str]) -> None:
    lab = with_lease(lab, 0)
    for number in some(statements):
        lab.reset()
        check_stall(lab, number)


@pytest.mark.parametrize(
    ("asleep_before", "awake_before"),
    [
        ("insert_versions", "find_double"),  # would add rows of its own to the successor's batch
        ("insert_commit", "insert_versions"),  # would publish a batch whose rows the successor has removed
    ],
)
def test_a_publisher_that_wakes_up_beside_its_successor_does_not_disturb_it(
    lab: Lab, statements: list[str], asleep_before: str, awake_before: str
) -> None:
    check_overlap(with_lease(lab, 0), 1 + statements.index(asleep_before), awake_before)


DANGEROUS = {
    "delete_unpublished_versions": "would delete what the other published since",
    "reopen_versions": "would show again what the other replaced",
    "delete_unpublished_records": "would delete the other's",
    "insert_versions": "would write into the batch that has its number now",
    "insert_child_versions": "the same, for a child table",
    "insert_missing": "would stage keys as gone that the other published",
    "close_versions": "would end rows that readers see, at once",
    "insert_rejects": "would add to the other's",
    "settle_rejects": "would settle what the other left open",
    "insert_commit": "would publish its leftovers",
}
"""Where a sleeper may wake up, and what it would do without the guard."""


@pytest.mark.parametrize("name", ["delete_unpublished_versions", "close_versions", "insert_commit"])
def test_a_sleeper_does_nothing_to_what_another_published_since(lab: Lab, name: str) -> None:
    check_another(lab, name)


def check_another(lab: Lab, name: str) -> None:
    """The sleeper's staging is still there, and its number is now the other's."""
    lab = with_lease(lab, 0)
    batch = die_before_the_commit(lab)
    later: list[Commit] = []

    def publish_something_else(sent: str) -> None:
        if sent == name and not later:
            docs = [document("e", "five"), document("a", "other", "o")]
            other = lab.stage(lab.plan(20), documents=docs, rejects=[a_reject("other")])
            later.append(lab.warehouse.publish(lab.pipeline, other))

    with pytest.raises(Fenced):
        lab.attempt(lambda c: hooked(c, publish_something_else, do_nothing)).publish(lab.pipeline, batch)

    assert later[0].batch == 3
    titles = {"a": "other", "b": "newer", "c": "one", "d": "one", "e": "five", "f": "one"}
    keywords = {"a": ["o"], "b": ["n"], "c": ["x", "c"], "d": ["x", "d"], "f": ["x", "f"]}
    assert lab.state() == (titles, keywords, {"t": "a", "u": "b"})
    assert [r.key for r in lab.warehouse.rejects(lab.pipeline.name)] == ["other", "c"]
    lab.warehouse.verify(lab.pipeline, later[0])


def test_a_lost_answer_to_the_commit_is_found_out(lab: Lab) -> None:
    batch = a_full_batch(lab)

    assert_undisturbed(lab, lab.attempt(lose_answer_to("insert_commit")).publish(lab.pipeline, batch))


@pytest.mark.parametrize("name", ["insert_versions", "close_versions"])
def test_a_lost_answer_before_the_commit_is_a_failed_attempt(lab: Lab, name: str) -> None:
    batch = a_full_batch(lab)

    with pytest.raises(WarehouseUnavailable):
        lab.attempt(lose_answer_to(name)).publish(lab.pipeline, batch)

    assert_undisturbed(lab, lab.warehouse.publish(lab.pipeline, batch))


def test_an_answer_that_was_cut_off_is_a_failed_attempt(lab: Lab) -> None:
    """A SELECT that a successor ended may come back without its row."""

    class CutOff(Client):
        def rows(self, name: str, /, **values: object) -> list[tuple[Any, ...]]:
            return [] if name == "count_written" else super().rows(name, **values)

    batch = a_full_batch(lab)

    with pytest.raises(WarehouseUnavailable, match="count_written"):
        lab.attempt(lambda client: CutOff(client._driver, secret=client._secret)).publish(lab.pipeline, batch)

    assert_undisturbed(lab, lab.warehouse.publish(lab.pipeline, batch))


def test_publishers_that_meet_go_one_after_the_other(lab: Lab) -> None:
    plans = [lab.plan(n, kind=BatchKind.BACKFILL) for n in range(3)]
    batches = [lab.stage(plan, documents=[document(f"k{n}", "t")]) for n, plan in enumerate(plans)]

    def publish(batch: Batch) -> Commit:
        while True:
            try:
                return lab.attempt().publish(lab.pipeline, batch)
            except Retryable:  # claimed in the same moment as another, or taken for dead: tried again, as the DAG does
                continue

    with ThreadPoolExecutor(3) as pool:
        commits = list(pool.map(publish, batches))

    assert sorted(commit.batch for commit in commits) == [1, 2, 3]
    assert lab.titles() == {"k0": "t", "k1": "t", "k2": "t"}


def test_a_live_publisher_is_waited_for_and_not_longer_than_patience(lab: Lab) -> None:
    lab = Lab(lab.servers, lab.pipeline, replace(lab.pace, lease=60, patience=0.2))
    batch = lab.stage(lab.plan(), documents=[document("a", "one")])

    def meet(name: str) -> None:
        if name == "insert_versions":
            with pytest.raises(WarehouseUnavailable, match="still at work"):
                lab.warehouse.publish(lab.pipeline, batch)

    lab.attempt(lambda client: hooked(client, meet, do_nothing)).publish(lab.pipeline, batch)

    assert lab.titles() == {"a": "one"}


@contextmanager
def running(lab: Lab, owner: str, sql: str) -> Iterator[list[Exception]]:
    """A statement of some attempt, still executed by the server: how it failed is known afterwards."""
    failed: list[Exception] = []
    mine = {"log_comment": f"sluice:publish:{lab.pipeline.name}:{owner}", "max_block_size": 1}

    def send() -> None:
        try:
            lab.servers.driver().command(sql, settings=mine)
        except DatabaseError as error:
            failed.append(error)

    thread = Thread(target=send)
    thread.start()
    time.sleep(0.3)
    yield failed
    thread.join()


def test_a_statement_sent_under_an_older_fence_is_ended_before_anything_is_repaired(lab: Lab) -> None:
    storage = f"sluice_data.{lab.pipeline.name}_documents"
    zombies = "SELECT concat('zombie', toString(number)), 1, 4294967295 FROM numbers(300) WHERE sleepEachRow(0.1) = 0"

    with running(lab, "dead", f"INSERT INTO {storage} (_id, _from, _to) {zombies}") as failed:
        lab.publish(documents=[document("a", "one")])

    assert "QUERY_WAS_CANCELLED" in str(failed[0])
    assert lab.titles() == {"a": "one"}


def test_a_holder_is_alive_as_long_as_a_statement_of_it_runs(lab: Lab) -> None:
    lab = with_lease(lab, 0)
    fence = "INSERT INTO sluice.fences (pipeline, fence, owner, state)"
    lab.analyst.command(f"{fence} VALUES ('{lab.pipeline.name}', 7, 'busy', 'held')")

    with running(lab, "busy", "SELECT sleepEachRow(0.1) FROM numbers(15) FORMAT Null") as failed:
        begun = time.monotonic()
        lab.publish(documents=[document("a", "one")])
        waited = time.monotonic() - begun

    assert failed == []
    assert waited > 1


def test_a_failed_publish_releases_the_fence(lab: Lab) -> None:
    lab = Lab(lab.servers, lab.pipeline, replace(lab.pace, lease=60, patience=1))
    bad = lab.stage(lab.plan(), documents=[document("a", "one")])
    with pytest.raises(SluiceError):
        lab.warehouse.publish(lab.pipeline, replace(bad, loaded=bad.loaded[:1]))

    assert lab.publish(documents=[document("b", "two")]).batch == 1


@pytest.mark.parametrize("table", ["documents", "documents_keywords"])
def test_a_version_that_was_not_closed_stops_the_batch_before_it_is_seen(lab: Lab, table: str) -> None:
    """I2: checking comes before the commit record."""
    batch = a_full_batch(lab)
    before, storage = lab.state(), f"sluice_data.{lab.pipeline.name}_{table}"

    def open_again(name: str) -> None:
        if name == "find_double":
            lab.command(f"ALTER TABLE {storage} UPDATE _to = 4294967295 WHERE _to = 3 SETTINGS mutations_sync = 2")

    with pytest.raises(CountMismatch, match="old version is still visible"):
        lab.attempt(lambda client: hooked(client, open_again, do_nothing)).publish(lab.pipeline, batch)

    assert lab.state() == before
    assert_undisturbed(lab, lab.warehouse.publish(lab.pipeline, batch))


def test_a_mutation_whose_staging_was_dropped_does_not_block_the_next_publish(lab: Lab) -> None:
    batch = a_full_batch(lab)
    name = f"sluice_data.{lab.pipeline.name}_documents"
    missing = f"_id IN (SELECT _id FROM sluice_staging.{lab.pipeline.name}_missing)"
    create = f"CREATE TABLE sluice_staging.{lab.pipeline.name}_missing (_id String) ENGINE = MergeTree ORDER BY _id"
    lab.analyst.command(create)
    lab.analyst.command(f"SYSTEM STOP MERGES {name}")
    lab.analyst.command(f"ALTER TABLE {name} UPDATE _to = 3 WHERE {missing} SETTINGS mutations_sync = 0")
    lab.analyst.command(f"DROP TABLE sluice_staging.{lab.pipeline.name}_missing SYNC")
    lab.analyst.command(f"SYSTEM START MERGES {name}")

    assert_undisturbed(lab, lab.warehouse.publish(lab.pipeline, batch))


def die_before_the_commit(lab: Lab) -> Batch:
    """An attempt that wrote everything but the commit record."""
    batch = a_full_batch(lab)
    with pytest.raises(Crash):
        lab.dying("insert_commit").publish(lab.pipeline, batch)
    return batch


def test_nothing_of_a_dead_attempt_is_in_the_batch_that_takes_its_number(lab: Lab) -> None:
    die_before_the_commit(lab)

    commit = lab.publish(6, kind=BatchKind.BACKFILL, documents=[document("e", "five")])

    titles = {"a": "one", "b": "newer", "c": "one", "d": "one", "e": "five", "f": "one"}
    assert lab.state() == (
        titles,
        {"a": ["x", "a"], "b": ["n"], "c": ["x", "c"], "d": ["x", "d"], "f": ["x", "f"]},
        {"t": "a", "u": "b"},
    )
    assert [r.key for r in lab.warehouse.rejects(lab.pipeline.name)] == ["c"]
    lab.warehouse.verify(lab.pipeline, commit)


def test_what_an_attempt_left_in_a_table_that_was_then_removed_from_the_file_never_appears(lab: Lab) -> None:
    die_before_the_commit(lab)
    before = lab.tickets()
    smaller = replace(lab.pipeline, collections=lab.pipeline.collections[:1])
    other = lab.stage(lab.plan(6), documents=[document("e", "five")])
    lab.warehouse.publish(smaller, replace(other, loaded=other.loaded[:1]))

    assert lab.tickets() == before


def with_lease(lab: Lab, seconds: float) -> Lab:
    """The same pipeline, whose publishers take each other for dead so soon."""
    return Lab(lab.servers, lab.pipeline, replace(lab.pace, lease=seconds))


def test_a_hooked_client_is_a_client(lab: Lab) -> None:
    assert isinstance(hooked(Client.connect(lab.servers.clickhouse), do_nothing, do_nothing).tagged("x"), Client)
