"""What lasts longer than a request, and what may end one: sessions, query ids, KILL QUERY."""

from __future__ import annotations

import time

import pytest
from clickhouse_connect.driver import Client

from tests.integration.clickhouse_server.own import OwnClickHouse, Running, code_of


def test_a_session_keeps_temporary_tables_and_others_do_not_see_them(server: OwnClickHouse, client: Client) -> None:
    client.command("CREATE TEMPORARY TABLE mine (a Int8)")
    client.insert("mine", [[1]], column_names=["a"])
    assert client.query("SELECT a FROM mine").result_rows == [(1,)]
    with server.client() as other:
        assert code_of(lambda: other.query("SELECT a FROM mine")) == 60


def test_a_session_serves_one_request_at_a_time(server: OwnClickHouse, client: Client) -> None:
    with Running(server, session_id="busy"):
        assert server.request(b"SELECT 1", session_id="busy").code == 373
        assert server.request(b"SELECT 1", session_id="another").code == 0


def test_a_session_ends_when_it_is_idle_for_too_long(server: OwnClickHouse) -> None:
    assert server.request(b"CREATE TEMPORARY TABLE kept (a Int8)", session_id="s", session_timeout=1).status == 200
    assert server.request(b"SELECT * FROM kept", session_id="s", session_check=1, session_timeout=1).status == 200
    time.sleep(1.2)
    assert server.request(b"SELECT 1", session_id="s", session_check=1).code == 372


@pytest.mark.parametrize(
    "condition",
    [
        "query_id = 'job *1/'",
        "(query_id IN ('job *1/', 'x')) AND user != 'query_id'",
        "Settings['log_comment'] = 'nightly'",
        "query LIKE 'SELECT sleepEachRow(0.5)%'",
    ],
)
def test_a_statement_is_killed_by_what_its_client_called_it(
    server: OwnClickHouse, client: Client, condition: str
) -> None:
    with Running(server, query_id="job *1/", log_comment="nightly") as job:
        client.command("KILL QUERY WHERE query_id = 'another' SYNC")
        assert not job.code
        client.command(f"KILL QUERY WHERE {condition} SYNC")
        job.join()
        assert job.code == 394


def test_a_query_id_is_given_to_one_statement_at_a_time(server: OwnClickHouse) -> None:
    with Running(server, query_id="unique"):
        assert server.request(b"SELECT 1", query_id="unique").code == 216
    assert server.request(b"SELECT 1", query_id="unique").code == 0
