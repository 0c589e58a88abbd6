"""What PostgreSQL does and Redshift does not; and what Redshift says in words of its own."""

from __future__ import annotations

import datetime as dt
import gc
from typing import Any

import pytest

from tests.contract.own_redshift import PASSWORD, USER, OwnRedshift
from tests.integration.redshift.conftest import Connect, Session

REFUSED = [
    "INSERT INTO {t} VALUES (1) ON CONFLICT DO NOTHING",
    "INSERT INTO {t} VALUES (1) RETURNING n",
    "CREATE INDEX i ON {t} (n)",
    "CREATE TABLE {t}_2 (n SERIAL)",
    "CREATE TABLE {t}_2 (n JSONB)",
    "CREATE TABLE {t}_2 (n INTEGER CHECK (n > 0))",
    "SAVEPOINT s",
    "SELECT DISTINCT ON (n) n FROM {t}",
    "SELECT n FROM {t} FOR UPDATE",
    "SELECT COUNT(*) FILTER (WHERE n > 0) FROM {t}",
    "SELECT '{{}}'::jsonb",
    "DELETE FROM {t} AS a WHERE a.n = 1",
    "WITH x AS (DELETE FROM {t}) SELECT 1",
    "CREATE TRIGGER g BEFORE INSERT ON {t} EXECUTE FUNCTION f()",
    "COPY {t} FROM STDIN",
    "TRUNCATE {t}, {t}",
    "SET work_mem = '1GB'",
    "SELECT E'\\n'",
    "DO $$ BEGIN END $$",
    "SELECT 1; SELECT 2",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_what_only_postgresql_does_is_refused(session: Session, name: str, statement: str) -> None:
    """c_unsupported-postgresql-features."""
    session.run(f"CREATE TABLE {name} (n INTEGER)")

    assert session.error(statement.format(t=name))["C"] in {"42601", "0A000", "42704"}
    assert session.value(f"SELECT COUNT(*) FROM {name}") == 0


@pytest.mark.parametrize("statement", ["SELECT 'returning, for update'", 'SELECT 1 AS "returning"'])
def test_the_same_words_as_text_and_as_names_are_not(session: Session, statement: str) -> None:
    session.run(statement)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("DATEDIFF(day, '2024-01-01 23:00'::timestamp, '2024-01-02 01:00'::timestamp)", 1),
        ("DATEDIFF(month, '2024-01-31'::timestamp, '2024-02-01'::timestamp)", 1),
        ("DATEADD(quarter, 1, '2024-01-01'::timestamp)::date", dt.date(2024, 4, 1)),
        ("NVL(NULL, NULL, 3)", 3),
        ("LEN('ä')", 1),
        ("STRTOL('ff', 16)", 255),
        ("'it\\'s'", "it's"),
        ("CAST('x' AS VARCHAR(MAX))", "x"),
        ("JSON_SERIALIZE(JSON_PARSE('[1]'))", "[1]"),
        ("GETDATE() <= SYSDATE", True),
    ],
)
def test_what_redshift_says_differently(session: Session, expression: str, value: Any) -> None:
    """c_SQL_functions; for the literal, r_UNLOAD."""
    assert session.value(f"SELECT {expression}") == value


def test_minus_temporary_tables_and_delete_without_from(session: Session) -> None:
    """r_UNION, r_CREATE_TABLE_NEW, r_DELETE."""
    session.run("CREATE TABLE #mine (n INTEGER)", "INSERT INTO #mine VALUES (1), (2)", "DELETE #mine WHERE n = 1")

    assert session.rows("SELECT n FROM #mine MINUS SELECT 3") == [(2,)]


def test_prepared_statements_see_the_last_copy_of_now(session: Session, name: str, s3: Any, bucket: str) -> None:
    """PG_LAST_COPY_COUNT, through the driver's cache of statements."""
    s3.put_object(Bucket=bucket, Key="rows", Body=b"1\n2\n")
    session.run(f"CREATE TABLE {name} (n INTEGER)")
    before = session.value("SELECT pg_last_copy_count()")
    session.driver.autocommit = False
    session.run(f"COPY {name} FROM 's3://{bucket}/rows' IAM_ROLE default CSV")

    assert (before, session.value("SELECT pg_last_copy_count()")) == (0, 2)


def test_tls_is_offered(standin: OwnRedshift, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """connecting-ssl-support."""
    monkeypatch.setenv("SSL_CERT_FILE", str(standin.folder / "data" / "ca.pem"))
    for mode in ("verify-ca", "verify-full"):
        assert connect(ssl=True, sslmode=mode).value("SELECT 1") == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a driver refused leaves its socket
@pytest.mark.parametrize("login", [{"password": "no"}, {"user": "no"}, {"database": "no"}])
def test_strangers_are_refused(connect: Connect, login: dict[str, str]) -> None:
    with pytest.raises(Exception, match=r"authentication failed|does not exist"):
        connect(**{"user": USER, "password": PASSWORD, **login})
    gc.collect()
