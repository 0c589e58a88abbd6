"""Where the truth is, and where no secret is: I8 and I9, over whole batches."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from traceback import format_exception
from typing import Any

import boto3
import pytest
from redshift_connector.cursor import Cursor
from redshift_connector.error import ProgrammingError
from urllib3.connectionpool import HTTPConnectionPool

from devstack.publisher import Publisher, shares
from sluice import audit
from sluice.errors import AccessDenied
from tests.acceptance.conftest import World

SECRETS = ("CLICKHOUSE_PASSWORD", "REDSHIFT_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
ROLE = "arn:aws:iam::123456789012:role/landing"


@pytest.fixture
def bucket(stack: Any) -> Any:
    env = stack.env()
    service = boto3.resource(
        "s3",
        endpoint_url=env["S3_ENDPOINT_URL"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        region_name="us-east-1",
    )
    return service.Bucket("landing")


def landed(bucket: Any, world: World) -> Iterator[Any]:
    """Every object that a pipeline has on the landing."""
    yield from bucket.objects.filter(Prefix=f"{world.pipeline.landing.prefix}/{world.pipeline.name}/")


def test_a_lost_landing_loses_no_truth(publishing: World, bucket: Any) -> None:
    """I8: positions and data are in the warehouse, and nowhere else."""
    publisher = Publisher(publishing.database.client, publishing.database.name, seed=8)
    publisher.seed(documents=200, tickets=400)
    publishing.batch()
    objects = list(landed(bucket, publishing))
    for each in objects:
        each.delete()

    publisher.burst(inserts=5, updates=5)
    commit = publishing.batch()

    assert objects
    assert publishing.differences() == []
    assert sum(counts["read"] for counts in commit.counts.values()) < 100
    with publishing.systems() as systems:
        assert all(finding.equal for finding in audit.compare(publishing.pipeline, systems))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is sent to ClickHouse, S3 and Redshift from now on."""
    heard: list[str] = []
    request, execute = HTTPConnectionPool.urlopen, Cursor.execute

    def listen(pool: HTTPConnectionPool, method: str, url: str, body: Any = None, *rest: Any, **options: Any) -> Any:
        heard.append(f"{url} {body!r}")  # and not the headers, which are for passwords
        return request(pool, method, url, body, *rest, **options)

    def listen_to_redshift(cursor: Cursor, operation: str, *rest: Any, **options: Any) -> Any:
        heard.append(f"{operation} {rest!r}")
        return execute(cursor, operation, *rest, **options)

    monkeypatch.setattr(HTTPConnectionPool, "urlopen", listen)
    monkeypatch.setattr(Cursor, "execute", listen_to_redshift)
    return heard


@pytest.fixture
def with_a_role(publishing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redshift reads the landing by a role, and not by keys in its statements."""
    connection = json.loads(os.environ["AIRFLOW_CONN_REDSHIFT"])
    extra = connection.get("extra") or {}
    connection["extra"] = {**(json.loads(extra) if isinstance(extra, str) else extra), "iam_role": ROLE}
    monkeypatch.setenv("AIRFLOW_CONN_REDSHIFT", json.dumps(connection))


@pytest.mark.usefixtures("with_a_role")
def test_no_secret_is_in_a_statement_a_log_a_manifest_or_a_record(
    publishing: World, stack: Any, bucket: Any, sent: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """I9."""
    caplog.set_level(logging.DEBUG, logger="sluice")
    Publisher(publishing.database.client, publishing.database.name, seed=9, mess=shares(0.1)).seed(
        documents=200, tickets=400
    )

    commit = publishing.batch()

    statements = "\n".join(sent)
    texts = {
        "statements": statements,
        "log": caplog.text,
        "landing": "\n".join(
            each.get()["Body"].read().decode() for each in landed(bucket, publishing) if each.key.endswith(".json")
        ),
        "record": json.dumps(commit.to_json()),
    }
    assert ("s3(" if publishing.pipeline.warehouse.kind == "clickhouse" else f"IAM_ROLE '{ROLE}'") in statements
    assert all(texts.values())
    assert [(name, where) for name in SECRETS for where, text in texts.items() if stack.env()[name] in text] == []


@pytest.mark.parametrize("warehouse_kind", ["redshift"], indirect=True)
def test_keys_that_stand_in_a_copy_are_nowhere_else(
    publishing: World,
    stack: Any,
    sent: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """I9, where there is no role: COPY takes them in its text. The cluster hides them in its own logs."""
    caplog.set_level(logging.DEBUG)
    publisher = Publisher(publishing.database.client, publishing.database.name, seed=9)
    publisher.seed(documents=20, tickets=20)

    def fail(cursor: Cursor, operation: str, *rest: Any, **options: Any) -> Any:
        if operation.startswith("COPY"):
            raise ProgrammingError({"C": "XX000", "M": f"S3ServiceException:Access Denied, in: {operation}"})
        return execute(cursor, operation, *rest, **options)

    commit = publishing.batch()
    execute = Cursor.execute
    monkeypatch.setattr(Cursor, "execute", fail)
    publisher.burst(inserts=5, updates=5)
    with pytest.raises(AccessDenied) as error:
        publishing.batch()

    secret = stack.env()["AWS_SECRET_ACCESS_KEY"]
    assert any(secret in text for text in sent if text.startswith("COPY"))
    assert "***" in str(error.value)
    shown = (str(error.value), "".join(format_exception(error.value)), caplog.text, json.dumps(commit.to_json()))
    assert [n for n, text in enumerate(shown) if secret in text] == []
