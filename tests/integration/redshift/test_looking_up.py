"""What Redshift does fast by reading one column is fast here by an index, of which nothing is seen."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import pytest

from tests.integration.redshift.conftest import Connect, Session

ROWS = 200_000
LONG = "".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(100))  # which no compression makes short
KEYS = f"SELECT 'k' || generate_series(1, {ROWS})"


@pytest.fixture
def keyed(session: Session, name: str) -> str:
    """A table that was written, and one of a few of its keys."""
    session.run(
        f"CREATE TABLE {name} (id VARCHAR(24) NOT NULL, value INTEGER) DISTKEY (id)",
        f"INSERT INTO {name} (id) {KEYS}",
        f"CREATE TABLE {name}_few (id VARCHAR(24) NOT NULL) DISTKEY (id)",
        f"INSERT INTO {name}_few VALUES ('k7'), ('k70'), ('unknown')",
    )
    return name


def plan_of(session: Session, sql: str) -> str:
    return "\n".join(line for (line,) in session.rows(f"EXPLAIN {sql}"))


def test_a_few_keys_are_looked_up(session: Session, keyed: str) -> None:
    few = f"SELECT id FROM {keyed}_few"

    for asking in (f"SELECT COUNT(*) FROM {keyed}", f"DELETE FROM {keyed}"):
        plan = plan_of(session, f"{asking} WHERE id IN ({few})")
        assert f"Seq Scan on {keyed} " not in plan
        assert "Index" in plan
    assert session.value(f"SELECT COUNT(*) FROM {keyed} WHERE id IN ({few})") == 2


def test_all_keys_are_joined_by_hash(session: Session, keyed: str) -> None:
    session.run(f"CREATE TABLE {keyed}_all (id VARCHAR(24) NOT NULL)", f"INSERT INTO {keyed}_all {KEYS}")

    plan = plan_of(session, f"SELECT COUNT(*) FROM {keyed} INNER JOIN {keyed}_all ON {keyed}_all.id = {keyed}.id")

    assert "Hash Join" in plan
    assert "Nested Loop" not in plan


def test_many_keys_are_taken_out_by_hash(connect: Connect, keyed: str) -> None:
    """Of a table that the transaction has just written. Else each is compared with each: for hours."""
    session = connect(autocommit=False)
    keys = f"SELECT 'a rather long key: ' || MD5(generate_series(1, {ROWS})::VARCHAR)"
    session.run(f"CREATE TABLE {keyed}_skipped (id VARCHAR(1024) NOT NULL)", f"INSERT INTO {keyed}_skipped {keys}")

    plan = plan_of(session, f"SELECT id FROM {keyed} WHERE id NOT IN (SELECT id FROM {keyed}_skipped)")

    assert "hashed SubPlan" in plan


def test_keys_may_be_longer_than_an_index_takes(session: Session, name: str) -> None:
    session.run(
        f"CREATE TABLE {name} (id VARCHAR(65535) NOT NULL) DISTKEY (id)",
        f"INSERT INTO {name} {KEYS}",
        f"INSERT INTO {name} VALUES ('k1'), ('{LONG}')",
    )

    assert session.value(f"SELECT COUNT(*) FROM {name} WHERE id = 'k1'") == 2
    assert session.value(f"SELECT COUNT(*) FROM {name} WHERE id = '{LONG}'") == 1


def test_a_key_that_is_there_is_inserted_again(session: Session, keyed: str) -> None:
    session.run(f"INSERT INTO {keyed} (id) VALUES ('k7')")

    assert session.value(f"SELECT COUNT(*) FROM {keyed} WHERE id = 'k7'") == 2


def test_nothing_of_it_is_seen(session: Session, keyed: str) -> None:
    assert session.rows(f"SELECT indexname FROM pg_indexes WHERE tablename = '{keyed}'") == []
    (found,) = session.rows(f"SELECT stats_off, unsorted FROM svv_table_info WHERE \"table\" = '{keyed}'")
    assert found == (Decimal(100), None), "as if nobody had analyzed it"
