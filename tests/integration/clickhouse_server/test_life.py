"""Starting, stopping, dying, serving several processes, and the engine's own configuration."""

from __future__ import annotations

import signal
from contextlib import ExitStack

from tests.integration.clickhouse_server.own import OwnClickHouse, Running, Worker

_CONNECT = """
import sys, time, clickhouse_connect
port, user, password, number = sys.argv[1:]
client = clickhouse_connect.get_client(host="127.0.0.1", port=int(port), username=user, password=password)
"""
_WRITE = """
for batch in range(100000):
    rows = ", ".join(f"({number}, {batch}, {row})" for row in range(10))
    client.command(f"INSERT INTO d.t VALUES {rows}", settings={"async_insert": 0})
    print(batch, flush=True)
"""
_READ = """
print("ready", flush=True)
sys.stdin.readline()
began = time.monotonic()
assert client.query("SELECT sleep(1), {n:Int64}", parameters={"n": int(number)}).result_rows == [(0, int(number))]
print(began, time.monotonic(), flush=True)
"""


def test_what_keeps_it_from_starting_is_one_clear_sentence(server: OwnClickHouse, own: OwnClickHouse) -> None:
    assert "config file /nope.xml cannot be read" in own.refusal("--config", "/nope.xml")
    assert "password file /nope cannot be read" in own.refusal("--password-file", "/nope")
    assert f"cannot listen on 127.0.0.1:{server.port}" in own.refusal("--port", str(server.port))
    odd = own.folder / "odd&.xml"
    odd.write_text("<clickhouse/>")
    assert "a file without &" in own.refusal("--config", str(odd))
    odd.rename(broken := own.folder / "broken.xml")
    broken.write_text("<clickhouse>")
    assert "is the config file broken" in own.refusal("--config", str(broken))
    assert "does another server use it" in OwnClickHouse(server.folder).refusal()


def test_it_stops_at_once_although_clients_stay_connected_and_keeps_its_data(own: OwnClickHouse) -> None:
    server = own.start()
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


def test_nothing_that_was_acknowledged_is_lost_by_a_kill(own: OwnClickHouse) -> None:
    server = own.start()
    assert server.request(b"CREATE DATABASE d ENGINE = Atomic").status == 200
    table = b"CREATE TABLE d.t (writer UInt8, batch UInt32, row UInt8) ENGINE = MergeTree ORDER BY writer"
    assert server.request(table).status == 200
    writers = [Worker(server, _CONNECT + _WRITE, number) for number in range(3)]
    seen = [[writer.line() for _ in range(20)] for writer in writers]
    server.end(signal.SIGKILL)
    acknowledged = {
        (number, int(batch)) for number, writer in enumerate(writers) for batch in (*seen[number], *writer.rest())
    }
    server.start()
    with server.client() as client:
        batches = client.query("SELECT writer, batch, count() FROM d.t GROUP BY ALL").result_rows
        assert client.command("CHECK TABLE d.t SETTINGS check_query_single_value_result = 1") == 1
    assert len(acknowledged) >= 60
    assert acknowledged <= {(writer, batch) for writer, batch, _ in batches}
    assert {rows for *_, rows in batches} == {10}


def test_statements_of_several_processes_run_side_by_side(server: OwnClickHouse) -> None:
    readers = [Worker(server, _CONNECT + _READ, number) for number in range(4)]
    assert [reader.line() for reader in readers] == ["ready"] * 4
    for reader in readers:
        reader.say("go")
    spans = [tuple(map(float, reader.line().split())) for reader in readers]
    assert max(began for began, _ in spans) < min(ended for _, ended in spans)
    assert not any(reader.rest() for reader in readers)


def test_the_engine_reads_s3_with_keys_of_its_own(own: OwnClickHouse, store: str) -> None:
    config = own.folder / "a config+%41.xml"
    config.write_text(
        f"<clickhouse><s3><devstack><endpoint>{store}/</endpoint><access_key_id>KEY</access_key_id>"
        "<secret_access_key>SECRET</secret_access_key></devstack></s3></clickhouse>"
    )
    own.options = ("--config", str(config))
    own.start()
    ask = b"SELECT _file, count() FROM s3({url:String}, 'CSV', 'a Int8') GROUP BY ALL ORDER BY 1"
    assert own.request(ask, param_url=f"{store}/{{a,b}}.csv").body == b"a.csv\t2\nb.csv\t1\n"
    assert own.request(ask, param_url=f"{store}/{{a,missing}}.csv").code == 499
