"""Materialized views of the stand-in, and users who are given rights."""

from __future__ import annotations

from tests.integration.redshift.conftest import Session


def test_a_materialized_view_holds_rows_until_it_is_refreshed(session: Session, name: str) -> None:
    """materialized-view-refresh-sql-command."""
    session.run(f"CREATE TABLE {name} (a INTEGER)", f"INSERT INTO {name} VALUES (1)")
    attributes = "BACKUP NO DISTSTYLE ALL SORTKEY (a) AUTO REFRESH NO"
    session.run(
        f"CREATE MATERIALIZED VIEW {name}_mv {attributes} AS SELECT NVL(a, 0) AS a, COUNT(*) FROM {name} GROUP BY 1"
    )
    session.run(f"INSERT INTO {name} VALUES (2)")

    assert session.rows(f"SELECT a FROM {name}_mv") == [(1,)]
    session.run(f"REFRESH MATERIALIZED VIEW {name}_mv")
    assert session.rows(f"SELECT a FROM {name}_mv ORDER BY a") == [(1,), (2,)]
    session.run(f"DROP MATERIALIZED VIEW IF EXISTS {name}_mv")
    assert session.error(f"SELECT * FROM {name}_mv")["C"] == "42P01"


def test_a_materialized_view_over_a_view_is_refused(session: Session, name: str) -> None:
    """materialized-view-create-sql-command, limitations; one over another materialized view is not."""
    session.run(f"CREATE TABLE {name} (a INTEGER)", f"CREATE VIEW {name}_v AS SELECT a FROM {name}")
    session.run(f"CREATE MATERIALIZED VIEW {name}_mv AS SELECT a FROM {name}")

    assert session.error(f"CREATE MATERIALIZED VIEW {name}_no AS SELECT a FROM {name}_v")["C"] == "0A000"
    session.run(f"CREATE MATERIALIZED VIEW {name}_yes AS SELECT a FROM {name}_mv")
    assert session.error(f"SELECT * FROM {name}_no")["C"] == "42P01"


def test_what_is_not_emulated_of_it_is_refused(session: Session, name: str) -> None:
    session.run(f"CREATE TABLE {name} (a INTEGER)", f"CREATE MATERIALIZED VIEW {name}_mv AS SELECT a FROM {name}")

    assert session.error(f"REFRESH MATERIALIZED VIEW {name}_mv CASCADE")["C"] == "0A000"
    assert session.error(f"CREATE MATERIALIZED VIEW {name}_no AS SELECT DISTINCT ON (a) a FROM {name}")["C"] == "0A000"


def test_a_session_that_becomes_a_user_has_that_users_rights_alone(session: Session, name: str) -> None:
    """r_SET_SESSION_AUTHORIZATION."""
    session.run(f"CREATE TABLE {name} (a INTEGER)", f"CREATE USER {name}_ann PASSWORD 'Abcdefg1'")
    session.run(f"SET SESSION AUTHORIZATION {name}_ann")

    assert session.rows("SELECT CURRENT_USER") == [(f"{name}_ann",)]
    assert session.error(f"SELECT * FROM {name}")["C"] == "42501"
    session.run("SET SESSION AUTHORIZATION DEFAULT")
    assert session.rows(f"SELECT * FROM {name}") == []
