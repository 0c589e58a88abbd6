"""The local stack on its real servers: what `make demo`, the tests and the benchmarks stand on."""

from __future__ import annotations

import gc
import json
import shlex
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import clickhouse_connect
import pytest
from botocore.exceptions import ClientError
from clickhouse_connect.driver.exceptions import DatabaseError
from pymongo import MongoClient
from redshift_connector.error import InterfaceError

from devstack import process
from devstack.host import LOOPBACK
from devstack.stack import Stack
from sluice.settings import from_environment
from sluice.warehouse.redshift.connection import connector
from sluice.warehouse.redshift.failures import BROKEN

ROOT = Path(__file__).parents[2]
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
SERVERS = ["mongod", "s3", "clickhouse", "redshift"]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that these tests may stop and kill as they like."""
    stack = Stack(tmp_path_factory.mktemp("own") / "stack")
    stack.up(airflow=False)
    yield stack
    stack.down()


@pytest.fixture(autouse=True)
def whole(own: Stack) -> None:
    own.up(airflow=False)


def clickhouse_of(env: dict[str, str], **other: Any) -> Any:
    login = {"username": env["CLICKHOUSE_USER"], "password": env["CLICKHOUSE_PASSWORD"]} | other
    return clickhouse_connect.get_client(host=env["CLICKHOUSE_HOST"], port=int(env["CLICKHOUSE_PORT"]), **login)


def s3_of(env: dict[str, str], **other: Any) -> Any:
    keys = {"aws_access_key_id": env["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": env["AWS_SECRET_ACCESS_KEY"]}
    return boto3.client("s3", endpoint_url=env["S3_ENDPOINT_URL"], region_name="us-east-1", **keys | other)


@contextmanager
def redshift_of(env: dict[str, str], **other: Any) -> Iterator[Any]:
    """A session over TLS."""
    session = connector(replace(from_environment("redshift", env), **other))()
    try:
        yield session
    finally:
        with suppress(*BROKEN, InterfaceError):
            session.close()


def redshift(env: dict[str, str], *statements: str) -> Any:
    """Each committed by itself; the first value of the last one."""
    with redshift_of(env) as session:
        session.autocommit = True
        cursor = session.cursor()
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def keep_in_redshift(env: dict[str, str], name: str) -> None:
    redshift(env, "CREATE TABLE IF NOT EXISTS kept (name VARCHAR(64))", f"INSERT INTO kept VALUES ('{name}')")


def problems(stack: Stack) -> dict[str, str]:
    return {each.name: each.problem for each in stack.status() if each.problem}


def pids(stack: Stack) -> dict[str, list[int]]:
    return {name: stack.pids(name) for name in SERVERS}


def devstack(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "devstack", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_after_up_every_server_answers(own: Stack) -> None:
    env = own.env()

    assert problems(own) == {}
    with MongoClient[dict[str, Any]](env["MONGO_URL"]) as mongo:
        assert mongo.admin.command("hello")["setName"] == "rs0"
        assert mongo.server_info()["version"] == "6.0.5"
    assert [bucket["Name"] for bucket in s3_of(env).list_buckets()["Buckets"]] == ["landing"]
    assert clickhouse_of(env).query("SELECT 6 * 7").result_rows == [(42,)]
    assert redshift(env, "SELECT 6 * 7") == 42


def test_strangers_are_refused(own: Stack) -> None:
    with pytest.raises(ClientError):
        s3_of(own.env(), aws_secret_access_key="guessed").list_buckets()
    with pytest.raises(DatabaseError):
        clickhouse_of(own.env(), password="guessed")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a driver refused leaves its socket
def test_strangers_are_refused_by_redshift(own: Stack) -> None:
    with pytest.raises(InterfaceError, match="password authentication failed"), redshift_of(own.env(), password="no"):
        pass
    gc.collect()


def test_clickhouse_reads_the_landing_bucket_with_credentials_of_its_own(own: Stack) -> None:
    env = own.env()
    s3_of(env).put_object(Bucket="landing", Key="numbers.csv", Body=b"1\n2\n3\n")

    url = f"{env['S3_ENDPOINT_URL']}/landing/numbers.csv"
    result = clickhouse_of(env).query(f"SELECT sum(n) FROM s3('{url}', 'CSV', 'n Int64')")

    assert result.result_rows == [(6,)]


def test_the_env_file_is_private_and_a_shell_can_source_it(own: Stack) -> None:
    file = own.home / "env"
    dump = f"{shlex.quote(sys.executable)} -c 'import json, os; print(json.dumps(dict(os.environ)))'"

    seen = subprocess.run(
        ["sh", "-c", f". {shlex.quote(str(file))}; {dump}"], capture_output=True, text=True, check=True
    )

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert own.env().items() <= json.loads(seen.stdout).items()


def test_the_connections_are_the_ones_that_sluice_reads(own: Stack) -> None:
    env = own.env()

    mongo = from_environment("publishing_mongo", env)
    s3 = from_environment("landing_s3", env)
    warehouse = from_environment("warehouse", env)

    assert mongo.uri == env["MONGO_URL"]
    assert (s3.login, s3.password) == (env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
    assert s3.extra["endpoint_url"] == env["S3_ENDPOINT_URL"]
    assert (warehouse.host, warehouse.port) == (env["CLICKHOUSE_HOST"], int(env["CLICKHOUSE_PORT"]))
    assert (warehouse.login, warehouse.password) == (env["CLICKHOUSE_USER"], env["CLICKHOUSE_PASSWORD"])


def test_no_secret_is_on_a_command_line(own: Stack) -> None:
    secrets = [own.env()[name] for name in ("AWS_SECRET_ACCESS_KEY", "CLICKHOUSE_PASSWORD", "REDSHIFT_PASSWORD")]

    shown = b"".join(Path(f"/proc/{pid}/cmdline").read_bytes() for each in pids(own).values() for pid in each).decode()

    assert not [secret for secret in secrets if secret in shown]


def test_all_listen_on_loopback_only(own: Stack) -> None:
    ports = {int(each.address.rpartition(":")[2]) for each in own.status()}

    listening = [
        line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()
    ]
    addresses = {
        address
        for _, local, _, state, *_ in listening[1:]
        for address, _, port in [local.partition(":")]
        if state == "0A" and int(port, 16) in ports
    }

    assert addresses == {"0100007F"}, f"{LOOPBACK}, as the kernel writes it"


def test_mongod_leaves_no_socket_file_behind_when_it_is_killed(own: Stack) -> None:
    port = own.env()["MONGO_URL"].rpartition(":")[2].partition("/")[0]

    assert not Path(tempfile.gettempdir(), f"mongodb-{port}.sock").exists()


def test_up_again_changes_nothing(own: Stack) -> None:
    before = (pids(own), own.env(), (own.home / "env").read_text())

    own.up(airflow=False)

    assert (pids(own), own.env(), (own.home / "env").read_text()) == before


@pytest.mark.parametrize("name", SERVERS)
def test_a_killed_server_comes_back_alone_and_with_its_data(own: Stack, name: str) -> None:
    env = own.env()
    with MongoClient[dict[str, Any]](env["MONGO_URL"], w="majority", journal=True) as mongo:
        mongo.test.kept.replace_one({"_id": name}, {"_id": name}, upsert=True)
    s3_of(env).put_object(Bucket="landing", Key=f"kept/{name}", Body=name.encode())
    clickhouse_of(env).command("CREATE TABLE IF NOT EXISTS kept (name String) ENGINE = MergeTree ORDER BY name")
    clickhouse_of(env).command(f"INSERT INTO kept VALUES ('{name}')", settings={"async_insert": 0})
    keep_in_redshift(env, name)
    before = pids(own)

    own.kill(name)
    assert problems(own) == {name: f"not running: {name}"}
    own.up(airflow=False)

    after = pids(own)
    assert {each for each in SERVERS if before[each] != after[each]} == {name}
    assert own.env() == env
    with MongoClient[dict[str, Any]](env["MONGO_URL"]) as mongo:
        assert mongo.test.kept.find_one({"_id": name})
    assert s3_of(env).get_object(Bucket="landing", Key=f"kept/{name}")["Body"].read() == name.encode()
    assert clickhouse_of(env).query(f"SELECT count() FROM kept WHERE name = '{name}'").result_rows == [(1,)]
    assert redshift(env, f"SELECT COUNT(*) FROM kept WHERE name = '{name}'") == 1


def test_a_killed_postgresql_comes_back_with_all_that_was_committed(own: Stack) -> None:
    env, data = own.env(), own.home / "redshift" / "data" / "postgres"
    keep_in_redshift(env, "postgresql")
    with redshift_of(env) as session:
        session.cursor().execute("INSERT INTO kept VALUES ('postgresql')")  # and no COMMIT

        (server,) = process.named(f"-D\0{data}\0")
        server.send(signal.SIGKILL)
        while own.pids("redshift"):  # the front ends with it
            time.sleep(0.05)
    own.up(airflow=False)

    assert redshift(env, "SELECT COUNT(*) FROM kept WHERE name = 'postgresql'") == 1


def test_reset_empties_the_data_and_keeps_the_rest(own: Stack) -> None:
    env = own.env()
    with MongoClient[dict[str, Any]](env["MONGO_URL"]) as mongo:
        mongo.test.documents.insert_one({})
    s3_of(env).put_object(Bucket="landing", Key="part", Body=b"")
    clickhouse_of(env).command("CREATE DATABASE IF NOT EXISTS analytics ENGINE = Atomic")

    own.reset()

    assert problems(own) == {}
    assert own.env() == env
    with MongoClient[dict[str, Any]](env["MONGO_URL"]) as mongo:
        assert "test" not in mongo.list_database_names()
    assert "Contents" not in s3_of(env).list_objects_v2(Bucket="landing")
    assert "analytics" not in [name for (name,) in clickhouse_of(env).query("SHOW DATABASES").result_rows]


def test_two_stacks_run_side_by_side_and_nothing_survives_down(own: Stack, tmp_path: Path) -> None:
    before, shared_memory = pids(own), set(SHARED_MEMORY.iterdir())
    other = Stack(tmp_path / "other")

    other.up(airflow=False)
    running = [each for member in SERVERS for each in other.pids(member)]
    differing = {name for name, value in other.env().items() if value != own.env()[name]}
    other.down()

    same = {"CLICKHOUSE_HOST", "CLICKHOUSE_USER", "REDSHIFT_HOST", "REDSHIFT_USER", "REDSHIFT_DATABASE"}
    assert differing == own.env().keys() - same
    assert len(running) == len(SERVERS)
    assert not [
        pid for pid in running if Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    assert process.marked(str(other.home)) == []
    assert not other.home.exists()
    assert set(SHARED_MEMORY.iterdir()) <= shared_memory
    assert pids(own) == before
    assert problems(own) == {}


def test_servers_that_run_elsewhere_are_used_and_left_alone(own: Stack, tmp_path: Path, monkeypatch: Any) -> None:
    env, before = own.env(), pids(own)
    s3_host, clickhouse_host = env["S3_ENDPOINT_URL"].removeprefix("http://"), f"{LOOPBACK}:{env['CLICKHOUSE_PORT']}"
    monkeypatch.setenv("SLUICE_EXTERNAL_MONGO_URL", env["MONGO_URL"])
    monkeypatch.setenv(
        "SLUICE_EXTERNAL_S3_URL", f"http://{env['AWS_ACCESS_KEY_ID']}:{env['AWS_SECRET_ACCESS_KEY']}@{s3_host}"
    )
    monkeypatch.setenv(
        "SLUICE_EXTERNAL_CLICKHOUSE_URL",
        f"http://{env['CLICKHOUSE_USER']}:{env['CLICKHOUSE_PASSWORD']}@{clickhouse_host}",
    )
    login = f"{env['REDSHIFT_USER']}:{env['REDSHIFT_PASSWORD']}@{LOOPBACK}:{env['REDSHIFT_PORT']}"
    authority = own.home / "redshift" / "data" / "ca.pem"
    monkeypatch.setenv("SLUICE_EXTERNAL_REDSHIFT_URL", f"redshift://{login}/dev?sslrootcert={authority}")
    guest = Stack(tmp_path / "guest")

    guest.up(airflow=False)
    seen, started = guest.env(), process.marked(str(guest.home))
    guest.down()

    assert started == []
    assert seen == env | {"SLUICE_DEVSTACK": str(guest.home)}
    assert pids(own) == before


def test_the_command_line_tells_health_by_its_exit_code(own: Stack) -> None:
    healthy = devstack("status", "--home", own.home)
    own.kill("s3")
    unhealthy = devstack("--home", own.home, "status")

    assert (healthy.returncode, unhealthy.returncode) == (0, 1)
    assert "mongod" in healthy.stdout
    assert "s3: not running" in unhealthy.stdout


def test_the_command_line_prints_the_env_file(own: Stack) -> None:
    assert devstack("env", "--home", own.home).stdout == (own.home / "env").read_text()
