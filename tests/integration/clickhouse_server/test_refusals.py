"""Every way to be refused, with the code and the status of ClickHouse; and who may come in at all."""

from __future__ import annotations

import gzip
import http.client
import socket
from collections.abc import Callable

import lz4.frame
import psutil
import pytest
import zstandard
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import StreamFailureError

from tests.integration.clickhouse_server.own import BASIC, PASSWORD, USER, OwnClickHouse, code_of, wait_for

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "lz4": lz4.frame.compress,
}
TOO_LATE = "SELECT throwIf(number = 3000000) FROM numbers(4000000) SETTINGS max_threads = 1"


@pytest.mark.parametrize("wait", [0, 1])
@pytest.mark.parametrize(
    ("statement", "parameters", "answer"),
    [
        ("SELECT nope", {}, (47, 404)),
        ("SELECT nope(1)", {}, (46, 404)),
        ("SELECT * FROM nope", {}, (60, 404)),
        ("SELECT * FROM nope.t", {}, (81, 404)),
        ("SELECT 1", {"database": "nope"}, (81, 404)),
        ("SELECT 1", {"nope": "1"}, (115, 404)),
        ("SELECT 1 FORMAT Nope", {}, (73, 404)),
        ("SELECT {x:Int8}", {}, (456, 500)),
        ("SELECT {x:Int8}", {"param_x": "y"}, (457, 500)),
        ("SELECT toDate('x')", {}, (38, 400)),
        ("SELEC 1", {}, (62, 400)),
        ("SELECT 1; SELECT 2", {}, (62, 400)),
        ("SELECT 'unfinished", {}, (62, 400)),
        ("", {}, (62, 400)),
        ("SELECT throwIf(1)", {}, (395, 500)),
        ("SELECT sleepEachRow(1) FROM numbers(3)", {"max_execution_time": "0.2"}, (159, 408)),
        ("DROP TABLE nope", {"readonly": "1"}, (164, 500)),
        ("INSERT INTO nope VALUES (1)", {"readonly": "1"}, (164, 500)),
        ("INSERT INTO nope VALUES (1)", {}, (60, 404)),
        ("SELECT 1", {"session_id": "x", "session_check": "1"}, (372, 500)),
        ("SELECT 1", {"session_id": "x", "session_timeout": "soon"}, (374, 500)),
        ("SELECT 1", {"compress": "1"}, (48, 501)),
        ("SELECT 1", {"role": "boss"}, (48, 501)),
    ],
)
def test_an_error_has_the_code_and_status_of_clickhouse(
    server: OwnClickHouse, statement: str, parameters: dict[str, str], answer: tuple[int, int], wait: int
) -> None:
    reply = server.request(statement.encode(), wait_end_of_query=wait, **parameters)
    assert (reply.code, reply.status) == answer
    assert reply.body.startswith(f"Code: {reply.code}. DB::Exception: ".encode())


@pytest.mark.parametrize(
    ("rows", "columns", "code"),
    [(b"x,y\n", ["a", "s"], 27), (b"1,y\n", ["a", "nope"], 16), (b"x,y\n" * 3_000_000, ["a", "s"], 27)],
)
def test_an_insert_that_cannot_be_parsed_says_why_and_leaves_the_connection_in_order(
    client: Client, table: str, rows: bytes, columns: list[str], code: int
) -> None:
    assert code_of(lambda: client.raw_insert(table, columns, rows, fmt="CSV")) == code
    assert client.command("SELECT 1") == 1


@pytest.mark.parametrize("encoding", PACKERS)
def test_a_compressed_body_that_is_cut_off_is_refused_whole(client: Client, table: str, encoding: str) -> None:
    rows = PACKERS[encoding](b"".join(b"%d,x\n" % number for number in range(1000)))
    for spoiled in (rows[:-9], b"nonsense" + rows):
        refused = code_of(lambda body=spoiled: client.raw_insert(table, None, body, fmt="CSV", compression=encoding))
        assert refused == 271
    assert client.command(f"SELECT count() FROM {table}") == 0


def test_an_unknown_encoding_a_missing_length_and_an_unknown_path_are_refused(server: OwnClickHouse) -> None:
    assert server.request(b"SELECT 1", headers={**BASIC, "Content-Encoding": "br"}).code == 48
    assert server.request(b"SELECT 1", path="/nope").status == 404
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(f"POST / HTTP/1.1\r\nAuthorization: {BASIC['Authorization']}\r\n\r\n".encode())
        answer = raw.recv(4096)
    assert b" 411 " in answer
    assert b"X-ClickHouse-Exception-Code: 381" in answer


def test_a_get_may_only_read(server: OwnClickHouse) -> None:
    assert server.request(method="GET", query="SELECT 1").body == b"1\n"
    assert server.request(method="GET", query="CREATE DATABASE x").code == 164
    assert server.request(method="GET", query="INSERT INTO x VALUES (1)").code == 164


@pytest.mark.parametrize("compress", [False, "zstd", "lz4", "gzip"])
def test_an_error_in_the_middle_of_a_result_reaches_the_client(server: OwnClickHouse, compress: bool | str) -> None:
    with server.client(compress=compress) as client:
        with client.query_row_block_stream(TOO_LATE) as blocks:
            assert next(blocks)
            with pytest.raises(StreamFailureError, match="Code: 395"):
                list(blocks)
        assert client.command("SELECT 1") == 1


def test_a_result_that_ends_in_an_error_is_never_a_whole_http_body(server: OwnClickHouse) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        server.request(TOO_LATE.encode())
    assert b"__exception__\r\n" in caught.value.partial


def test_a_client_that_dies_while_inserting_leaves_nothing_behind(
    server: OwnClickHouse, client: Client, table: str
) -> None:
    head = f"POST / HTTP/1.1\r\nAuthorization: {BASIC['Authorization']}\r\nTransfer-Encoding: chunked\r\n\r\n"
    data = f"INSERT INTO {table} FORMAT CSV\n1,x\n2,y\n".encode()
    for torn in (b"%x\r\n%b\r\n" % (len(data), data), b"%x\r\n%b" % (len(data) + 9, data)):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
            raw.sendall(head.encode() + torn)
    wait_for(lambda: client.command("SELECT count() FROM system.processes WHERE query LIKE 'INSERT%'") == 0)
    assert client.command(f"SELECT count() FROM {table}") == 0


def test_the_password_is_taken_from_a_header_basic_authentication_or_the_url(server: OwnClickHouse) -> None:
    header = {"X-ClickHouse-User": USER, "X-ClickHouse-Key": PASSWORD}
    assert server.request(b"SELECT 1", headers=header).body == b"1\n"
    assert server.request(b"SELECT 1", headers=BASIC).body == b"1\n"
    assert server.request(b"SELECT 1", headers={}, user=USER, password=PASSWORD).body == b"1\n"


@pytest.mark.parametrize(
    ("headers", "parameters"),
    [
        ({}, {}),
        ({}, {"user": USER}),
        ({}, {"user": USER, "password": PASSWORD + " "}),
        ({}, {"user": "default", "password": PASSWORD}),
        ({"X-ClickHouse-User": USER, "X-ClickHouse-Key": "\u00e9"}, {}),
        ({"X-ClickHouse-User": USER}, {"password": PASSWORD}),
        ({"Authorization": "Basic !!!"}, {}),
        ({"Authorization": "Bearer " + PASSWORD}, {}),
    ],
)
def test_everyone_else_is_refused(server: OwnClickHouse, headers: dict[str, str], parameters: dict[str, str]) -> None:
    reply = server.request(b"CREATE DATABASE stolen", headers=headers, **parameters)
    assert (reply.status, reply.code) == (403, 516)
    assert PASSWORD.encode() not in reply.body


def test_a_refused_request_leaves_its_connection_in_order(server: OwnClickHouse) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("POST", "/", b"INSERT INTO t FORMAT CSV\n" + b"1\n" * 3_000_000)
        assert connection.getresponse().read().startswith(b"Code: 516.")
        connection.request("POST", "/", b"SELECT 1", BASIC)
        assert connection.getresponse().read() == b"1\n"
    finally:
        connection.close()


def test_a_wrong_password_is_what_the_client_library_says_it_is(server: OwnClickHouse) -> None:
    assert code_of(lambda: server.client(password="wrong").__enter__()) == 516


def test_anyone_may_ask_whether_it_lives(server: OwnClickHouse, client: Client) -> None:
    assert client.ping()
    assert server.request(method="GET", path="/ping", headers={}).body == b"Ok.\n"


def test_it_listens_to_this_machine_only(server: OwnClickHouse, own: OwnClickHouse) -> None:
    assert "not a loopback address" in own.refusal("--host", "192.0.2.1")
    assert server.process
    listening = psutil.Process(server.process.pid).net_connections("tcp")
    assert {item.laddr.ip for item in listening} == {"127.0.0.1"}
