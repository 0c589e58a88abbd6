"""Real servers for every test that asks for them, and names of its own for each test.

Nothing of the caller's environment reaches a test: no connection, no key, no Airflow of theirs.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import clickhouse_connect
import pytest
from botocore.config import Config
from clickhouse_connect.driver import Client
from pymongo import MongoClient
from pymongo.database import Database

from devstack.stack import Stack

REPOSITORY = Path(__file__).parents[1]
_FOREIGN = ("AIRFLOW", "AWS_", "CLICKHOUSE_", "MONGO_", "S3_", "SLUICE_")
_PREFIX = "sluice-tests-"


def _scratch() -> tuple[Path, int]:
    # Locked while this session lives: a later one can tell a folder that is in use from one that was left behind.
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return folder, descriptor


def _isolate(folder: Path) -> None:
    # At import, and not in a fixture: Airflow reads its settings when it is first imported, which may be at collection.
    for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
        del os.environ[name]
    os.environ |= {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(folder / "bundles"),
        # Workers and servers may live in any zone: whoever takes their clock for UTC is off by five and a half hours.
        "TZ": "Asia/Kolkata",
    }
    time.tzset()


_GIVEN = {name: value for name, value in os.environ.items() if name.startswith("SLUICE_EXTERNAL_")}
SCRATCH, _LOCK = _scratch()
_isolate(SCRATCH)


def pytest_configure(config: pytest.Config) -> None:
    """End what a session that was killed has left running: once, and not in each of its processes."""
    if hasattr(config, "workerinput"):
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):  # another session that starts now was faster
            if folder != SCRATCH and folder.owner() == SCRATCH.owner() and _abandoned(folder):
                Stack(folder / "stack").down()
                shutil.rmtree(folder, ignore_errors=True)


def pytest_unconfigure() -> None:
    """Remove what this session wrote."""
    Stack(SCRATCH / "stack").down()
    shutil.rmtree(SCRATCH, ignore_errors=True)
    os.close(_LOCK)


def _abandoned(folder: Path) -> bool:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


@pytest.fixture(scope="session")
def given() -> dict[str, str]:
    """Of the caller's environment: servers that run elsewhere. Only for tests that are told to use them."""
    return _GIVEN


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """MongoDB, S3 and ClickHouse for the whole session. A test that breaks one asks for ``breakable_stack``."""
    stack = Stack(SCRATCH / "stack")
    stack.up(airflow=False)
    yield stack
    stack.down()


@pytest.fixture
def breakable_stack(stack: Stack) -> Iterator[Stack]:
    """The stack, for tests that kill its servers: made whole again afterwards."""
    yield stack
    stack.up(airflow=False)


@pytest.fixture
def stack_env(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The stack's connections in this process's environment, as in a shell that sourced its ``env`` file."""
    env = stack.env()
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return env


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's own database in ``AIRFLOW_HOME``, for ``dag.test()``."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def name() -> str:
    """A name that no other test has; fit for a pipeline, a database, a schema."""
    return f"t_{secrets.token_hex(5)}"


@pytest.fixture
def mongo(stack: Stack) -> Iterator[MongoClient[dict[str, Any]]]:
    """A client of the stack's MongoDB; datetimes are aware."""
    with MongoClient[dict[str, Any]](stack.env()["MONGO_URL"], tz_aware=True) as client:
        yield client


@pytest.fixture
def database(mongo: MongoClient[dict[str, Any]], name: str) -> Iterator[Database[dict[str, Any]]]:
    """An empty database of the test's own."""
    yield mongo[name]
    mongo.drop_database(name)


@pytest.fixture
def s3(stack: Stack) -> Any:
    """A client of the stack's S3."""
    env = stack.env()
    return boto3.client(
        "s3",
        endpoint_url=env["S3_ENDPOINT_URL"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        region_name="us-east-1",
        # rclone answers a ranged GET with the whole object's checksum.
        config=Config(response_checksum_validation="when_required", s3={"addressing_style": "path"}),
    )


@pytest.fixture
def bucket(s3: Any, name: str) -> Iterator[str]:
    """An empty bucket of the test's own."""
    bucket = name.replace("_", "-")
    s3.create_bucket(Bucket=bucket)
    yield bucket
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=item["Key"])
    s3.delete_bucket(Bucket=bucket)


@pytest.fixture
def clickhouse(stack: Stack) -> Iterator[Client]:
    """A client of the stack's ClickHouse."""
    env = stack.env()
    client = clickhouse_connect.get_client(
        host=env["CLICKHOUSE_HOST"],
        port=int(env["CLICKHOUSE_PORT"]),
        username=env["CLICKHOUSE_USER"],
        password=env["CLICKHOUSE_PASSWORD"],
        autogenerate_session_id=False,
    )
    yield client
    client.close()


@pytest.fixture
def schema(clickhouse: Client, name: str) -> Iterator[str]:
    """An empty schema of the test's own; afterwards also the tables of a pipeline of the same name are dropped."""
    clickhouse.command(f"CREATE DATABASE `{name}` ENGINE = Atomic")
    yield name
    clickhouse.command(f"DROP DATABASE IF EXISTS `{name}` SYNC")
    found = clickhouse.query(
        "SELECT database, name FROM system.tables WHERE startsWith(name, {prefix:String})"
        " AND database IN ('sluice_data', 'sluice_staging') ORDER BY engine != 'View'",
        parameters={"prefix": f"{name}_"},
    )
    for database, table in found.result_rows:
        clickhouse.command(f"DROP TABLE IF EXISTS `{database}`.`{table}` SYNC")
