"""The vacuum on real servers: it takes what is half dead under 5 %, leaves the rest alone, and publishes go first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from sluice.errors import WarehouseUnavailable
from sluice.vacuum import Order, Outcome, connect_keeper, vacuum
from sluice.vacuum_jobs import Action, Job, Wanted
from sluice.warehouse.maintenance import VACUUM, Entry, connect_journal
from tests.contract.lab import ONLY_CLICKHOUSE, ONLY_REDSHIFT, Lab, document, ticket
from tests.contract.redshift import hooked as hooked_redshift
from tests.contract.spoiled import do_nothing, hooked

ROWS = 1_200
"""Of each table: below 1,000 dead ones nothing is gained."""


def clean(lab: Lab, *, budget: float = 60.0, dry_run: bool = False, **wanted: Any) -> list[Entry]:
    """One run, for which everything that ended is old."""
    order = Order(timedelta(seconds=budget), timedelta(0), Wanted(**wanted), dry_run)
    return vacuum(lab.pipeline, lambda _: lab.endpoint, order)


def storage(lab: Lab, table: str) -> str:
    return f"sluice_data.{lab.pipeline.name}_{table}"


def dead(lab: Lab, table: str) -> float:
    """The share of a table that no reader sees, in percent, as the warehouse itself has it."""
    if lab.kind == "redshift":
        columns, name = "tbl_rows, estimated_visible_rows", storage(lab, table).split(".")[1]
        ((rows, visible),) = lab.rows(f"SELECT {columns} FROM svv_table_info WHERE \"table\" = '{name}'")
    else:
        ((rows, visible),) = lab.rows(f"SELECT count(), countIf(_to = 4294967295) FROM {storage(lab, table)}")
    return 100 * (1 - int(visible) / int(rows))


def journal(lab: Lab) -> list[Entry]:
    with closing(connect_journal(lab.pipeline, lambda _: lab.endpoint)) as found:
        return found.entries(lab.pipeline.name, kind=VACUUM)


@pytest.fixture
def half_dead(lab: Lab) -> Lab:
    """Two tables that were vacuumed; then every row of one of them was replaced."""
    tickets = [ticket(f"t{n:05}", "d00000") for n in range(ROWS)]
    lab.publish(1, documents=documents("one"), tickets=tickets)
    assert any(not clean(lab) for _ in range(4)), "until there is nothing to do"
    lab.publish(2, documents=documents("two", modified=1))
    return lab


def documents(title: str, modified: int = 0) -> list[Any]:
    return [document(f"d{n:05}", title, modified=modified) for n in range(ROWS)]


@contextmanager
def publishing(lab: Lab) -> Iterator[Event]:
    """A publish that has done everything but for its commit record, until the event is set."""
    reached, go_on = Event(), Event()

    def before(name: str) -> None:
        if name == "insert_commit":
            reached.set()
            assert go_on.wait(60)

    batch = lab.stage(lab.plan(3), documents=documents("three", modified=2))
    wrap = hooked_redshift if lab.kind == "redshift" else hooked
    publisher = lab.attempt(lambda client: wrap(client, before, do_nothing))  # type: ignore[operator, arg-type]
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(publisher.publish, lab.pipeline, batch)
        assert reached.wait(60)
        try:
            yield go_on
        finally:
            go_on.set()
            done.result(60)


def test_half_of_a_table_dead_is_brought_under_5_percent_and_a_healthy_one_left_alone(half_dead: Lab) -> None:
    before, (healthy, *_) = half_dead.state(), half_dead.rows(f"SELECT COUNT(*) FROM {storage(half_dead, 'tickets')}")
    assert dead(half_dead, "documents") >= 50

    found = clean(half_dead)

    assert dead(half_dead, "documents") < 5
    assert half_dead.state() == before
    assert half_dead.rows(f"SELECT COUNT(*) FROM {storage(half_dead, 'tickets')}") == [healthy]
    assert {entry.target for entry in found} == {storage(half_dead, "documents")}
    freed = found[0]
    assert freed.before.rows >= 2 * ROWS  # the stand-in's counters may have a few more: they are PostgreSQL's
    assert (freed.after.rows, freed.error) == (ROWS, "")
    assert f"% of {freed.before.rows:,}" in freed.reason
    assert [(e.did, e.after) for e in journal(half_dead)[: len(found)]] == [(e.did, e.after) for e in reversed(found)]

    assert clean(half_dead) == [], "a second run has nothing to do"


def test_a_dry_run_says_what_it_would_do_and_without_time_nothing_is_started(half_dead: Lab) -> None:
    noted = journal(half_dead)
    assert clean(half_dead, budget=0) == []
    assert clean(half_dead, table=storage(half_dead, "tickets")) == [], "another table alone"
    assert journal(half_dead) == noted

    found = clean(half_dead, dry_run=True)

    assert dead(half_dead, "documents") == 50
    assert {(e.dry_run, e.did[:10], e.after.rows) for e in found} == {(True, "would do: ", None)}
    assert [e.did for e in reversed(journal(half_dead)[: len(found)])] == [e.did for e in found]
    assert [entry.did for entry in clean(half_dead)] == [entry.did.removeprefix("would do: ") for entry in found]


def test_no_job_starts_beside_a_publish_and_the_publish_is_not_disturbed(half_dead: Lab) -> None:
    with publishing(half_dead):
        begun = time.monotonic()
        assert clean(half_dead, budget=2) == []
        assert 2 <= time.monotonic() - begun < 10

    commit = half_dead.warehouse.last_commit(half_dead.pipeline.name)
    assert commit
    half_dead.warehouse.verify(half_dead.pipeline, commit)
    assert set(half_dead.titles().values()) == {"three"}
    assert clean(half_dead)
    assert set(half_dead.titles().values()) == {"three"}


def test_a_vacuum_that_waits_goes_on_when_the_publish_has_ended(half_dead: Lab) -> None:
    with ThreadPoolExecutor(1) as pool:
        with publishing(half_dead) as go_on:
            waiting = pool.submit(clean, half_dead)
            time.sleep(1.5)
            assert not waiting.done()
            go_on.set()
        assert waiting.result(60)

    assert dead(half_dead, "documents") < 5
    assert set(half_dead.titles().values()) == {"three"}


# --- ClickHouse


@ONLY_CLICKHOUSE
def test_what_ended_is_kept_for_as_long_as_it_is_to_be_kept(half_dead: Lab) -> None:
    order = Order(timedelta(minutes=1), timedelta(hours=1))

    assert vacuum(half_dead.pipeline, lambda _: half_dead.endpoint, order) == []
    assert dead(half_dead, "documents") == 50


@ONLY_CLICKHOUSE
def test_parts_that_the_server_leaves_are_merged(lab: Lab) -> None:
    table = storage(lab, "tickets")
    lab.publish(1, tickets=[ticket("t", "d")])
    limits = ("max_bytes_to_merge_at_max_space_in_pool", "max_bytes_to_merge_at_min_space_in_pool")
    lab.command(f"ALTER TABLE {table} MODIFY SETTING {', '.join(f'{limit} = 1' for limit in limits)}")
    for n in range(40):
        lab.command(f"INSERT INTO {table} (_id, document_id, _from, _to) VALUES ('t{n}', 'd', 1, 4294967295)")
    before = lab.state()

    found = [entry for entry in clean(lab) if entry.target == table]

    assert [(e.action, e.after.objects) for e in found] == [("optimize", 1)]
    assert lab.state() == before
    assert clean(lab) == []
    lab.command(f"ALTER TABLE {table} RESET SETTING {', '.join(limits)}")


@ONLY_CLICKHOUSE
def test_patches_are_applied_once(lab: Lab) -> None:
    table = storage(lab, "tickets")
    lab.publish(1, tickets=[ticket("t", "d"), ticket("u", "d")])
    for column in ("block_number", "block_offset"):
        lab.command(f"ALTER TABLE {table} MODIFY SETTING enable_{column}_column = 1")
    lab.command(f"OPTIMIZE TABLE {table} FINAL SETTINGS optimize_skip_merged_partitions = 0")
    lab.command(f"UPDATE {table} SET document_id = 'e' WHERE _id = 'u'")

    assert [entry.action for entry in clean(lab)] == ["apply patches"]
    assert lab.tickets() == {"t": "d", "u": "e"}
    assert clean(lab) == []


@ONLY_CLICKHOUSE
def test_a_mutation_that_fails_is_given_up_and_the_next_run_goes_on(half_dead: Lab) -> None:
    table = storage(half_dead, "documents")
    half_dead.command(f"ALTER TABLE {table} UPDATE title = toString(throwIf(1)) WHERE 1 SETTINGS mutations_sync = 0")
    database, name = table.split(".")
    failing = f"SELECT count() FROM system.mutations WHERE database = '{database}' AND table = '{name}'"
    while half_dead.rows(f"{failing} AND latest_fail_reason != ''") == [(0,)]:
        time.sleep(0.05)

    assert [(e.action, e.before.objects, e.after.objects) for e in clean(half_dead)] == [("kill mutation", 1, 0)]
    assert [e.action for e in clean(half_dead)] == ["purge"]
    assert set(half_dead.titles().values()) == {"two"}


@ONLY_CLICKHOUSE
def test_a_purge_that_has_no_time_left_is_given_up(half_dead: Lab) -> None:
    half_dead.command(f"SYSTEM STOP MERGES {storage(half_dead, 'documents')}")
    try:
        (entry,) = clean(half_dead, budget=1)
    finally:
        half_dead.command(f"SYSTEM START MERGES {storage(half_dead, 'documents')}")

    assert entry.did.startswith("ended by the time budget")
    assert half_dead.rows("SELECT count() FROM system.mutations WHERE NOT is_done") == [(0,)]
    assert dead(half_dead, "documents") == 50
    assert set(half_dead.titles().values()) == {"two"}


# --- Redshift


def sent(lab: Lab, since: int, redshift: Any) -> list[str]:
    return [sql for _, sql in redshift.statements()[since:] if sql.startswith(("VACUUM", "ANALYZE"))]


@ONLY_REDSHIFT
def test_a_mode_that_is_asked_for_is_sent_as_it_is(half_dead: Lab, redshift: Any) -> None:
    since, table = len(redshift.statements()), storage(half_dead, "documents")
    quoted = table.replace(".", '"."')

    found = clean(half_dead, table=table, mode=Action.RECLUSTER, percent=80, boost=True)
    more = clean(half_dead, table=table, mode=Action.FULL, percent=80, boost=True)

    assert [entry.did for entry in (*found[:1], *more[:1])] == [
        f"VACUUM RECLUSTER {table} BOOST",
        f"VACUUM FULL {table} TO 80 PERCENT BOOST",
    ]
    vacuums = [sql for sql in sent(half_dead, since, redshift) if sql.startswith("VACUUM")]
    assert vacuums == [f'VACUUM RECLUSTER "{quoted}" BOOST', f'VACUUM FULL "{quoted}" TO 80 PERCENT BOOST']
    mine = {session for session, sql in redshift.statements()[since:] if sql.startswith("VACUUM")}
    assert not [sql for session, sql in redshift.statements()[since:] if session in mine and sql.startswith("begin")]


@ONLY_REDSHIFT
def test_another_vacuum_is_waited_for(half_dead: Lab, redshift: Any) -> None:
    with redshift.fault("^VACUUM", "error", code="XX000", message="VACUUM is running") as left:
        found = clean(half_dead)

    assert left() == 0
    assert [entry.error for entry in found] == [""] * len(found)
    assert dead(half_dead, "documents") < 5


@ONLY_REDSHIFT
def test_a_publish_that_begins_while_another_vacuum_is_waited_for_goes_first(half_dead: Lab, redshift: Any) -> None:
    table = storage(half_dead, "documents")
    publisher = half_dead.connect()
    publisher.autocommit = False
    publisher.cursor().execute(f"LOCK {table}")
    with (
        closing(connect_keeper(half_dead.pipeline, lambda _: half_dead.endpoint)) as keeper,
        redshift.fault("^VACUUM", "error", code="XX000", message="VACUUM is running"),
    ):
        assert keeper.do(Job(Action.FULL, table, "a test", 0), Wanted(), 3.0) is Outcome.LEFT
    publisher.rollback()


@ONLY_REDSHIFT
def test_a_vacuum_that_has_no_time_left_is_stopped_by_the_server(half_dead: Lab) -> None:
    table = storage(half_dead, "documents")
    holder = half_dead.connect()
    holder.autocommit = False
    holder.cursor().execute(f"LOCK {table}")  # as whoever locks it between our look and our VACUUM
    with closing(connect_keeper(half_dead.pipeline, lambda _: half_dead.endpoint)) as keeper:
        job = Job(Action.FULL, table, "a test", 0)
        assert keeper.is_published_to(table)
        assert not keeper.is_published_to()
        begun = time.monotonic()
        assert keeper.do(job, Wanted(), 1.0) is Outcome.ENDED
        assert 1 <= time.monotonic() - begun < 10
        holder.rollback()
        assert not keeper.is_published_to(table)
        assert keeper.do(job, Wanted(), 60.0) is Outcome.DONE

    assert dead(half_dead, "documents") < 5


@ONLY_REDSHIFT
def test_rows_that_an_old_transaction_may_read_stay_and_that_is_said(half_dead: Lab) -> None:
    old = half_dead.connect()
    old.autocommit = False
    old.cursor().execute(f"SELECT COUNT(*) FROM {half_dead.pipeline.warehouse.schema}.documents")
    clean(half_dead)
    half_dead.publish(3, documents=documents("three", modified=2))

    (entry, *_) = clean(half_dead, table=storage(half_dead, "documents"), mode=Action.DELETE)
    old.rollback()

    assert entry.after.rows == 2 * ROWS
    assert "an old transaction may still read these rows" in entry.did
    (entry, *_) = clean(half_dead, table=storage(half_dead, "documents"), mode=Action.DELETE)
    assert entry.after.rows == ROWS


@ONLY_REDSHIFT
def test_a_failed_job_is_noted_the_others_are_done_and_the_run_fails(half_dead: Lab, redshift: Any) -> None:
    half_dead.publish(3, tickets=[ticket(f"t{n:05}", "d00001", modified=1) for n in range(ROWS)])

    with (
        redshift.fault("^VACUUM", "error", code="53100", message="disk full"),
        pytest.raises(WarehouseUnavailable, match="vacuum_table"),
    ):
        clean(half_dead)

    assert sorted(dead(half_dead, table) < 5 for table in ("documents", "tickets")) == [False, True]
    assert len([entry for entry in journal(half_dead) if "disk full" in entry.error]) == 1


@ONLY_REDSHIFT
def test_old_marks_of_keys_that_are_gone_are_purged(half_dead: Lab) -> None:
    half_dead.publish(3, documents=documents("three", modified=2)[:100], whole="documents")
    marks = f"SELECT COUNT(*) FROM sluice.gone WHERE pipeline = '{half_dead.pipeline.name}'"
    assert half_dead.rows(marks) == [(ROWS - 100,)]
    time.sleep(1)  # the commit records have whole seconds

    assert ("purge", "sluice.gone") in [(entry.action, entry.target) for entry in clean(half_dead)]
    assert half_dead.rows(marks) == [(0,)]
