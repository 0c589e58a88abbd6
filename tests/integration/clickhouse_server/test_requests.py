"""What goes in and what comes out, through the unmodified client library."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime

import lz4.frame
import psutil
import pyarrow as pa
import pytest
import zstandard
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.external import ExternalData

from tests.integration.clickhouse_server.own import OwnClickHouse, code_of

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "lz4": lz4.frame.compress,
}


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
    said = "SELECT {text:String}, {list:Array(String)}, toUnixTimestamp({moment:DateTime})"  # in the server's zone
    [read] = client.query(said, parameters=given).result_rows
    assert (*read[:2], datetime.fromtimestamp(read[2], UTC)) == tuple(given.values())
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


def test_rights_are_read_written_down_and_not_enforced(server: OwnClickHouse, client: Client, table: str) -> None:
    """The engine has nowhere to keep them."""
    said = [
        "CREATE ROLE IF NOT EXISTS readers",
        "CREATE SETTINGS PROFILE IF NOT EXISTS readers SETTINGS analyzer_inline_views = false CONST TO readers",
        f"GRANT SELECT ON {table} TO readers",
        f"REVOKE SELECT ON {table} FROM readers",
    ]
    for statement in said:
        client.command(statement)
    client.command(f"/* a comment */ grant select\n on {table} to readers")

    noted = (server.folder / "data" / "rights.sql").read_text().replace("`", "").splitlines()
    assert noted[-5:] == [*said, said[2]]
    assert code_of(lambda: client.command("GRANT NOTHING OF THE KIND TO readers")) == 62
    assert code_of(lambda: client.command(f"CREATE TABLE role (a Int8) ENGINE = Memory; SELECT 1 FROM {table}")) == 62
