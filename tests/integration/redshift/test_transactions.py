"""Transactions of the stand-in: what commits, what refuses them, what outlives them, who waits for whom."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from redshift_connector.error import Error, InterfaceError

from tests.contract.own_redshift import OwnRedshift
from tests.integration.redshift.conftest import Connect, Session

BROKEN = (Error, OSError, EOFError, InterfaceError)


@pytest.fixture
def tables(session: Session, name: str) -> tuple[str, str]:
    """Two tables, each with a row."""
    both = f"{name}_1", f"{name}_2"
    for table in both:
        session.run(f"CREATE TABLE {table} (n INTEGER)", f"INSERT INTO {table} VALUES (0)")
    return both


def later(work: Callable[[], Any]) -> Future[Any]:
    """Begin in a thread, and give it time to arrive and wait."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(work)
    pool.shutdown(wait=False)
    time.sleep(0.3)
    return future


# --- what commits, and what refuses a transaction


def test_truncate_commits_what_came_before(session: Session, connect: Connect, tables: tuple[str, str]) -> None:
    """r_TRUNCATE."""
    one, other = tables
    mine = connect(autocommit=False)
    mine.run(f"INSERT INTO {one} VALUES (1)", f"TRUNCATE {other}")
    mine.driver.rollback()

    assert session.value(f"SELECT COUNT(*) FROM {one}") == 2
    assert session.value(f"SELECT COUNT(*) FROM {other}") == 0


@pytest.mark.parametrize(
    "statement",
    ["VACUUM {0}", "ALTER TABLE {0} APPEND FROM {1}", "ALTER TABLE {0} ALTER COLUMN t TYPE VARCHAR(20)"],
    ids=["vacuum", "append", "alter column"],
)
def test_some_statements_refuse_a_transaction(
    session: Session, connect: Connect, tables: tuple[str, str], statement: str
) -> None:
    """r_VACUUM_command, r_ALTER_TABLE_APPEND, r_ALTER_TABLE."""
    for table in tables:
        session.run(f"ALTER TABLE {table} ADD COLUMN t VARCHAR(10)")
    mine = connect(autocommit=False)
    mine.run("SELECT 1")

    assert mine.error(statement.format(*tables))["C"] == "25001"
    assert mine.error("SELECT 1")["C"] == "25P02"
    mine.driver.rollback()
    session.run(statement.format(*tables))


def test_a_client_that_dies_leaves_nothing(session: Session, connect: Connect, tables: tuple[str, str]) -> None:
    """copy-usage_notes-multiple-files."""
    mine = connect(autocommit=False)
    mine.run(f"INSERT INTO {tables[0]} VALUES (1)")
    mine.driver._usock.shutdown(socket.SHUT_RDWR)

    session.run(f"DELETE FROM {tables[0]}")  # waits for its lock
    assert session.value(f"SELECT COUNT(*) FROM {tables[0]}") == 0


def test_copy_is_in_the_clients_transaction(
    session: Session, connect: Connect, tables: tuple[str, str], s3: Any, bucket: str
) -> None:
    """r_COPY."""
    s3.put_object(Bucket=bucket, Key="rows", Body=b"1\n2\n")
    mine = connect(autocommit=False)
    mine.run(f"COPY {tables[0]} FROM 's3://{bucket}/rows' IAM_ROLE default CSV")

    assert mine.value("SELECT pg_last_copy_count()") == 2
    assert session.value(f"SELECT COUNT(*) FROM {tables[0]}") == 1
    mine.driver.rollback()
    assert session.value(f"SELECT COUNT(*) FROM {tables[0]}") == 1
    assert mine.value("SELECT pg_last_copy_count()") == 2, "of the session, not of the transaction"


def test_load_errors_outlive_the_rollback(
    session: Session, connect: Connect, tables: tuple[str, str], s3: Any, bucket: str
) -> None:
    """r_STL_LOAD_ERRORS, SYS_LOAD_ERROR_DETAIL."""
    s3.put_object(Bucket=bucket, Key="rows", Body=b"1\nx\n")
    mine = connect(autocommit=False)
    failed = mine.error(f"COPY {tables[0]} FROM 's3://{bucket}/rows' IAM_ROLE default CSV")
    mine.driver.rollback()
    number = mine.value("SELECT pg_last_copy_id()")

    assert failed["C"] == "XX000"
    assert "stl_load_errors" in failed["M"]
    assert mine.value("SELECT pg_last_copy_count()") == 0
    assert session.rows(f"SELECT line_number, err_code FROM stl_load_errors WHERE query = {number}") == [(2, 1207)]
    found = session.rows(f"SELECT line_number, error_code FROM sys_load_error_detail WHERE query_id = {number}")
    assert found == [(2, 1207)]
    assert session.rows(f"SELECT status FROM sys_load_history WHERE query_id = {number}") == [("aborted",)]


# --- isolation: c_serial_isolation


def test_a_transaction_sees_one_state(session: Session, connect: Connect, tables: tuple[str, str]) -> None:
    mine = connect(autocommit=False)
    mine.run(f"SELECT * FROM {tables[0]}")
    session.run(f"INSERT INTO {tables[1]} VALUES (1)")

    assert mine.value(f"SELECT COUNT(*) FROM {tables[1]}") == 1


def test_who_writes_first_sees_what_it_waited_for(session: Session, connect: Connect, tables: tuple[str, str]) -> None:
    """The lock of a write comes before the snapshot."""
    first, second = connect(autocommit=False), connect(autocommit=False)
    first.run(f"INSERT INTO {tables[0]} VALUES (7)")
    waiting = later(lambda: second.run(f"UPDATE {tables[0]} SET n = n + 1"))

    assert not waiting.done()
    first.driver.commit()
    waiting.result(10)
    second.driver.commit()
    assert session.rows(f"SELECT n FROM {tables[0]} ORDER BY 1") == [(1,), (8,)]


def test_who_read_before_it_waited_gets_1023(connect: Connect, tables: tuple[str, str]) -> None:
    first, second = connect(autocommit=False), connect(autocommit=False)
    first.run(f"SELECT * FROM {tables[0]}")
    second.run(f"SELECT * FROM {tables[0]}", f"UPDATE {tables[0]} SET n = 1")
    waiting = later(lambda: first.error(f"UPDATE {tables[0]} SET n = 2"))
    second.driver.commit()

    failed = waiting.result(10)
    assert (failed["C"], failed["M"]) == ("XX000", "1023")
    assert failed["D"].startswith("Serializable isolation violation on table - ")


def test_readers_wait_for_no_writer_but_for_lock(connect: Connect, session: Session, tables: tuple[str, str]) -> None:
    """r_LOCK."""
    writer = connect(autocommit=False)
    writer.run(f"UPDATE {tables[0]} SET n = 9")
    assert session.value(f"SELECT n FROM {tables[0]}") == 0
    writer.driver.rollback()

    writer.run(f"LOCK {tables[0]}")
    waiting = later(lambda: session.value(f"SELECT n FROM {tables[0]}"))
    assert not waiting.done()
    writer.driver.rollback()
    assert waiting.result(10) == 0


def test_two_that_wait_for_each_other_are_a_deadlock(connect: Connect, tables: tuple[str, str]) -> None:
    first, second = connect(autocommit=False), connect(autocommit=False)
    first.run(f"INSERT INTO {tables[0]} VALUES (1)")
    second.run(f"INSERT INTO {tables[1]} VALUES (1)")
    waiting = later(lambda: first.rows(f"INSERT INTO {tables[1]} VALUES (2)"))

    found = []
    for attempt in (lambda: second.rows(f"INSERT INTO {tables[0]} VALUES (2)"), lambda: waiting.result(10)):
        try:
            attempt()
        except Error as error:
            found.append(error.args[0]["C"])
            second.driver.rollback()
    assert found == ["40P01"]


CROSSING = ("SELECT * FROM {0}", "INSERT INTO {1} VALUES (1)"), ("SELECT * FROM {1}", "INSERT INTO {0} VALUES (1)")
"""The guide's example: each reads what the other writes."""


def cross(connect: Connect) -> tuple[list[Session], list[str]]:
    names = [f"cross_{id(connect)}_{n}" for n in range(2)]
    setup = connect()
    setup.run(*(f"CREATE TABLE {table} (n INTEGER)" for table in names))
    both = [connect(autocommit=False) for _ in range(2)]
    for session, (read, _) in zip(both, CROSSING, strict=True):
        session.run(read.format(*names))
    both[0].run(CROSSING[0][1].format(*names))
    return both, names


def test_crossing_transactions_are_allowed_under_snapshot_isolation(connect: Connect) -> None:
    both, names = cross(connect)
    both[1].run(CROSSING[1][1].format(*names))

    for session in both:
        session.driver.commit()


def test_crossing_transactions_get_1023_under_serializable_isolation(connect_serializable: Connect) -> None:
    both, names = cross(connect_serializable)

    failed = both[1].error(CROSSING[1][1].format(*names))

    assert (failed["C"], failed["M"]) == ("XX000", "1023")
    assert "transactions forming the cycle are: " in failed["D"]
    both[0].driver.commit()
    both[1].driver.rollback()
    assert both[1].value(f"SELECT COUNT(*) FROM {names[1]}") == 1
    both[1].driver.rollback()
    assert both[1].value(f"SELECT COUNT(*) FROM {names[0]}") == 0


def test_lock_at_the_start_keeps_1023_away(connect_serializable: Connect) -> None:
    """How to fix serializable isolation errors."""
    names = [f"locked_{id(connect_serializable)}_{n}" for n in range(2)]
    connect_serializable().run(*(f"CREATE TABLE {table} (n INTEGER)" for table in names))
    first, second = (connect_serializable(autocommit=False) for _ in range(2))
    lock = f"LOCK {names[0]}, {names[1]}"
    first.run(lock, *(text.format(*names) for text in CROSSING[0]))
    waiting = later(lambda: second.run(lock, *(text.format(*names) for text in CROSSING[1])))

    assert not waiting.done()
    first.driver.commit()
    waiting.result(10)
    second.driver.commit()


# --- faults and the log


@pytest.mark.parametrize(("action", "rows"), [("drop_before", 1), ("drop_after", 2)])
def test_a_connection_lost_before_and_after_commit(
    standin: OwnRedshift, connect: Connect, tables: tuple[str, str], action: str, rows: int
) -> None:
    mine = connect(autocommit=False)
    mine.run(f"INSERT INTO {tables[0]} VALUES (1)")

    with standin.fault("^commit", action) as left:
        with pytest.raises(BROKEN):
            mine.driver.commit()
        assert left() == 0

    assert connect().value(f"SELECT COUNT(*) FROM {tables[0]}") == rows


def test_an_error_on_demand_fails_the_transaction(
    standin: OwnRedshift, connect: Connect, tables: tuple[str, str]
) -> None:
    mine = connect(autocommit=False)
    with standin.fault("^INSERT", "error", code="XX000", message="1018", detail="Relation does not exist"):
        failed = mine.error(f"INSERT INTO {tables[0]} VALUES (1)")

    assert (failed["C"], failed["M"], failed["D"]) == ("XX000", "1018", "Relation does not exist")
    assert mine.error("SELECT 1")["C"] == "25P02"


def test_the_log_hides_keys(standin: OwnRedshift, session: Session, tables: tuple[str, str]) -> None:
    keys = "ACCESS_KEY_ID 'AKIAHIDDEN' SECRET_ACCESS_KEY 'topsecret'"
    session.error(f"COPY {tables[0]} FROM 's3://no-such-bucket/x' {keys} CSV")
    session.error(f"COPY {tables[0]} FROM 's3://no-such-bucket/x' CREDENTIALS AS 'aws_secret_access_key=topsecret' CSV")

    assert "topsecret" not in standin.log.read_text()
    assert "AKIAHIDDEN" not in standin.log.read_text()
    assert [sql for _, sql in standin.statements() if "no-such-bucket" in sql]
