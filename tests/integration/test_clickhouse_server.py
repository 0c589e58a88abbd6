"""The ClickHouse server over chdb, through the unmodified client library and as plain HTTP."""

from __future__ import annotations

import gzip
import http.client
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import lz4.frame
import psutil
import pyarrow as pa
import pytest
import zstandard
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError
from clickhouse_connect.driver.external import ExternalData

from tests.integration.own_clickhouse import BASIC, PASSWORD, USER, OwnClickHouse, Running

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "lz4": lz4.frame.compress,
}
TOO_LATE = "SELECT throwIf(number = 3000000) FROM numbers(4000000) SETTINGS max_threads = 1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnClickHouse]:
    own = OwnClickHouse(tmp_path_factory.mktemp("clickhouse")).start()
    yield own
    own.end(signal.SIGKILL)


@pytest.fixture
def client(server: OwnClickHouse) -> Iterator[Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def database(client: Client) -> Iterator[str]:
    name = f"db_{secrets.token_hex(4)}"
    client.command(f"CREATE DATABASE {name} ENGINE = Atomic")
    yield name
    client.command(f"DROP DATABASE {name} SYNC")


@pytest.fixture
def table(client: Client, database: str) -> str:
    client.command(f"CREATE TABLE {database}.t (a Int64, s Nullable(String)) ENGINE = MergeTree ORDER BY a")
    return f"{database}.t"


def code_of(call: Callable[[], object]) -> int | None:
    with pytest.raises(DatabaseError) as caught:
        call()
    return caught.value.code


# Reading and writing


@pytest.mark.parametrize("compress", [False, "gzip", "zstd", "lz4"])
def test_rows_go_in_and_come_out_unchanged_with_every_compression(
    server: OwnClickHouse, table: str, compress: bool | str
) -> None:
    rows = [(number, None if number % 7 == 0 else f"\0 é '{number}\\") for number in range(20_000)]
    with server.client(compress=compress) as client:
        assert client.insert(table, rows, column_names=["a", "s"]).written_rows == len(rows)
        assert client.query(f"SELECT a, s FROM {table} ORDER BY a").result_rows == rows


def test_every_type_of_a_warehouse_row_survives_the_native_format(client: Client, database: str) -> None:
    moment = datetime(2026, 11, 23, 20, 15, 0, 123000, tzinfo=UTC)
    client.command(
        f"CREATE TABLE {database}.types (k String, t DateTime64(3, 'UTC'), d Decimal(38, 10), l LowCardinality("
        f"Nullable(String)), b Nullable(Bool), f Float64, u UInt64, x Array(Nullable(Int32))) ENGINE = Memory"
    )
    row = ("k", moment, "1234567890123456789012345678.0123456789", None, True, float("inf"), 2**64 - 1, [1, None])
    client.insert(f"{database}.types", [row])
    [read] = client.query(f"SELECT * REPLACE (toString(d) AS d) FROM {database}.types", query_tz="UTC").result_rows
    assert (read[0], read[1].replace(tzinfo=UTC), *read[2:]) == row


def test_arrow_goes_both_ways(client: Client, table: str) -> None:
    rows = pa.table({"a": pa.array([1, 2], pa.int64()), "s": pa.array(["x", None])})
    client.insert_arrow(table, rows)
    read = client.query_arrow(f"SELECT a, s FROM {table} ORDER BY a", use_strings=True)
    assert read.to_pydict() == rows.to_pydict()


@pytest.mark.parametrize("encoding", PACKERS)
def test_a_compressed_body_may_be_several_frames(client: Client, table: str, encoding: str) -> None:
    body = PACKERS[encoding](b"1,x\n") + PACKERS[encoding](b"2,y\n")
    summary = client.raw_insert(table, ["a", "s"], body, fmt="CSV", compression=encoding)
    assert summary.written_rows == 2


def test_the_data_of_an_insert_may_follow_its_statement_or_stand_in_it(client: Client, table: str) -> None:
    client.raw_insert(table, ["a", "s"], b"1,one\n", fmt="CSV")
    client.raw_insert(table, ["a", "s"], (b"%d,more\n" % number for number in (2, 3)), fmt="CSV")
    client.command(f"INSERT INTO {table} VALUES (4, 'semi;colon'), (2 + 3, concat('a', 'b'))")
    client.command(f"INSERT INTO {table} VALUES ({{a:Int64}}, {{s:String}})", parameters={"a": 6, "s": "it's\n"})
    expected = [(1, "one"), (2, "more"), (3, "more"), (4, "semi;colon"), (5, "ab"), (6, "it's\n")]
    assert client.query(f"SELECT a, s FROM {table} ORDER BY a").result_rows == expected


def test_parameters_are_values_whatever_they_hold(client: Client) -> None:
    given = {"text": "'; DROP TABLE x -- \\ \t\n", "list": ["a'b", "c\\"], "moment": datetime(2026, 1, 2, tzinfo=UTC)}
    [read] = client.query("SELECT {text:String}, {list:Array(String)}, {moment:DateTime}", parameters=given).result_rows
    assert (*read[:2], read[2].replace(tzinfo=UTC)) == tuple(given.values())
    long = "x" * 100_000  # beyond what fits into a URL, the client sends a form
    assert client.query("SELECT {long:String}", parameters={"long": long}).result_rows == [(long,)]


def test_external_data_is_a_table_for_one_statement(client: Client) -> None:
    data = ExternalData(file_name="ids.csv", data=b"1,a\r\n2,b\r\n", fmt="CSV", structure="id UInt32, name String")
    assert client.query("SELECT sum(id), max(name) FROM ids", external_data=data).result_rows == [(3, "b")]
    assert code_of(lambda: client.query("SELECT * FROM ids")) == 60


def test_an_empty_result_keeps_its_shape(client: Client, table: str) -> None:
    assert client.query(f"SELECT a FROM {table}").result_rows == []
    assert client.query(f"SELECT a, s FROM {table} LIMIT 0").column_names == ("a", "s")
    assert client.query_arrow(f"SELECT a FROM {table}").column_names == ["a"]
    assert client.command(f"SELECT a FROM {table}") == ""


def test_inserting_and_reading_much_takes_constant_memory(server: OwnClickHouse, client: Client, database: str) -> None:
    client.command(f"CREATE TABLE {database}.nothing (s String) ENGINE = Null")
    before = moved(server, client, f"{database}.nothing", megabytes=60)
    after = moved(server, client, f"{database}.nothing", megabytes=240)
    assert after - before < 150_000_000


def moved(server: OwnClickHouse, client: Client, table: str, *, megabytes: int) -> int:
    """The server's memory, in bytes, after it got and gave so much."""
    piece = (b"x" * 999 + b"\n") * 1000
    # The engine collects a million rows before it writes, unless it is told otherwise.
    blocks = {"max_insert_block_size": 20_000, "min_insert_block_size_rows": 20_000, "max_block_size": 20_000}
    client.raw_insert(table, ["s"], (piece for _ in range(megabytes)), fmt="TSV", settings=blocks)
    query = f"SELECT repeat('x', 999) FROM numbers({megabytes * 1000})"
    with client.raw_stream(query, fmt="TSV", settings=blocks) as stream:
        assert sum(len(part) for part in iter(lambda: stream.read(1 << 20), b"")) == megabytes * 1_000_000
    assert server.process
    memory: int = psutil.Process(server.process.pid).memory_info().rss
    return memory


# What comes along with an answer


def test_an_answer_tells_its_query_id_counters_and_timezone(server: OwnClickHouse, client: Client, table: str) -> None:
    assert client.insert(table, [(1, "x"), (2, "y")]).written_rows == 2
    assert client.command(f"INSERT INTO {table} SELECT number, '' FROM numbers(1000)").written_rows == 1000
    result = client.query(f"SELECT a FROM {table}", settings={"query_id": "mine"})
    assert len(result.result_rows) == 1002
    assert (result.query_id, result.summary["read_rows"], result.summary["result_rows"]) == ("mine", "1002", "1002")
    reply = server.request(b"SELECT timezone() FORMAT TSVRaw")
    assert reply.headers["X-ClickHouse-Timezone"] == reply.body.decode().strip()
    assert reply.headers["X-ClickHouse-Format"] == "TSVRaw"
    assert reply.headers["X-ClickHouse-Query-Id"]


def test_settings_hold_for_their_statement_only(client: Client) -> None:
    ask = "SELECT getSetting('log_comment'), getSetting('max_threads')"
    usual = client.query(ask).result_rows
    assert client.query(ask, settings={"log_comment": "it's me", "max_threads": 7}).result_rows == [("it's me", 7)]
    assert client.query(ask).result_rows == usual
    client.command("SET log_comment = 'of the session'")
    client.query(ask, settings={"log_comment": "for once"})
    assert client.query(ask).result_rows[0][0] == "of the session"


def test_the_database_of_a_request_holds_for_it_only(server: OwnClickHouse, client: Client, database: str) -> None:
    ask = b"SELECT currentDatabase()"
    assert server.request(ask, database=database, session_id=database).body == f"{database}\n".encode()
    assert server.request(ask, session_id=database).body == b"default\n"


# Sessions


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


# Cancelling


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


# Errors


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
    [(b"x,y\n", ["a", "s"], 27), (b"1,y\n", ["a", "nope"], 16), (b"1,y\n" * 3_000_000 + b"z", ["a", "s"], 27)],
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


# Who may come in


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


def test_a_wrong_password_is_what_the_client_library_says_it_is(server: OwnClickHouse) -> None:
    assert code_of(lambda: server.client(password="wrong").__enter__()) == 516


def test_anyone_may_ask_whether_it_lives(server: OwnClickHouse, client: Client) -> None:
    assert client.ping()
    assert server.request(method="GET", path="/ping", headers={}).body == b"Ok.\n"


def test_it_listens_to_this_machine_only(server: OwnClickHouse, tmp_path: Path) -> None:
    assert "not a loopback address" in OwnClickHouse(tmp_path).refusal("--host", "192.0.2.1")
    assert server.process
    listening = psutil.Process(server.process.pid).net_connections("tcp")
    assert {item.laddr.ip for item in listening} == {"127.0.0.1"}


# Starting, stopping, dying


def test_what_keeps_it_from_starting_is_one_clear_sentence(server: OwnClickHouse, tmp_path: Path) -> None:
    own = OwnClickHouse(tmp_path)
    assert "config file /nope.xml cannot be read" in own.refusal("--config", "/nope.xml")
    assert "password file /nope cannot be read" in own.refusal("--password-file", "/nope")
    assert f"cannot listen on 127.0.0.1:{server.port}" in own.refusal("--port", str(server.port))
    assert "does another server use it" in OwnClickHouse(server.folder).refusal()


def test_it_stops_at_once_although_clients_stay_connected_and_keeps_its_data(tmp_path: Path) -> None:
    server = OwnClickHouse(tmp_path).start()
    with ExitStack() as stack:
        clients = [stack.enter_context(server.client()) for _ in range(3)]
        clients[0].command("CREATE DATABASE kept ENGINE = Atomic")
        clients[1].command("CREATE TEMPORARY TABLE t (a Int8)")
        code, seconds = server.end()
        assert code == 0
        assert seconds < 2
    server.start()
    assert server.request(b"EXISTS DATABASE kept").body == b"1\n"
    with Running(server) as job:
        _, seconds = server.end()
        assert seconds < 2
        job.join()
        assert job.code == 394


def test_nothing_that_was_acknowledged_is_lost_by_a_kill(tmp_path: Path) -> None:
    server = OwnClickHouse(tmp_path).start()
    assert server.request(b"CREATE DATABASE d ENGINE = Atomic").status == 200
    table = b"CREATE TABLE d.t (writer UInt8, batch UInt32, row UInt8) ENGINE = MergeTree ORDER BY writer"
    assert server.request(table).status == 200
    writers = [Worker(server, WRITER, number) for number in range(3)]
    seen = [[writer.line() for _ in range(20)] for writer in writers]
    server.end(signal.SIGKILL)
    acknowledged = {
        (number, int(batch)) for number, writer in enumerate(writers) for batch in (*seen[number], *writer.rest())
    }
    server.start()
    with server.client() as client:
        batches = client.query("SELECT writer, batch, count() FROM d.t GROUP BY ALL").result_rows
        assert client.command("CHECK TABLE d.t SETTINGS check_query_single_value_result = 1") == 1
    server.end()
    assert len(acknowledged) >= 60
    assert acknowledged <= {(writer, batch) for writer, batch, _ in batches}
    assert {rows for *_, rows in batches} == {10}


def test_statements_of_several_processes_run_side_by_side(server: OwnClickHouse) -> None:
    readers = [Worker(server, READER, number) for number in range(4)]
    assert [reader.line() for reader in readers] == ["ready"] * 4
    for reader in readers:
        reader.say("go")
    spans = [tuple(map(float, reader.line().split())) for reader in readers]
    assert max(began for began, _ in spans) < min(ended for _, ended in spans)
    assert not any(reader.rest() for reader in readers)


_CONNECT = """
import sys, time, clickhouse_connect
port, user, password, number = sys.argv[1:]
client = clickhouse_connect.get_client(host="127.0.0.1", port=int(port), username=user, password=password)
"""
WRITER = (
    _CONNECT
    + """
for batch in range(100000):
    rows = ", ".join(f"({number}, {batch}, {row})" for row in range(10))
    client.command(f"INSERT INTO d.t VALUES {rows}", settings={"async_insert": 0})
    print(batch, flush=True)
"""
)
READER = (
    _CONNECT
    + """
print("ready", flush=True)
sys.stdin.readline()
began = time.monotonic()
assert client.query("SELECT sleep(1), {n:Int64}", parameters={"n": int(number)}).result_rows == [(0, int(number))]
print(began, time.monotonic(), flush=True)
"""
)


class Worker:
    """Another process with a client of its own."""

    def __init__(self, server: OwnClickHouse, script: str, number: int) -> None:
        words = [str(server.port), USER, PASSWORD, str(number)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, "-c", script, *words], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
        )

    def line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline().strip()
        assert line, "the worker ended"
        return line

    def say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def rest(self) -> list[str]:
        """What it still says until it ends."""
        return self._process.communicate(timeout=30)[0].split()


# The engine's own configuration


def test_the_engine_reads_s3_with_keys_of_its_own(tmp_path: Path) -> None:
    bucket = tmp_path / "s3" / "landing"
    bucket.mkdir(parents=True)
    (bucket / "a.csv").write_text("1\n2\n")
    (bucket / "b.csv").write_text("3\n")
    port = free_port()
    rclone = [str(Path(sys.executable).with_name("rclone")), "serve", "s3", "--auth-key", "KEY,SECRET"]
    store = subprocess.Popen([*rclone, "--addr", f"127.0.0.1:{port}", str(bucket.parent)], stderr=subprocess.DEVNULL)
    (tmp_path / "a config+%41.xml").write_text(
        f"<clickhouse><s3><devstack><endpoint>http://127.0.0.1:{port}/</endpoint><access_key_id>KEY</access_key_id>"
        "<secret_access_key>SECRET</secret_access_key></devstack></s3></clickhouse>"
    )
    server = OwnClickHouse(tmp_path, ("--config", str(tmp_path / "a config+%41.xml"))).start()
    try:
        wait_for(lambda: answers(port))
        place = f"http://127.0.0.1:{port}/landing"
        ask = "SELECT _file, count() FROM s3({url:String}, 'CSV', 'a Int8') GROUP BY ALL ORDER BY 1"
        assert server.request(ask.encode(), param_url=f"{place}/{{a,b}}.csv").body == b"a.csv\t2\nb.csv\t1\n"
        assert server.request(ask.encode(), param_url=f"{place}/{{a,missing}}.csv").code == 499
    finally:
        store.terminate()
        store.wait(10)
        server.end()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))


def wait_for(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
