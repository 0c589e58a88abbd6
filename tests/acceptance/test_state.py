"""Where the truth is, and where no secret is: I8 and I9, over whole batches."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from urllib3.connectionpool import HTTPConnectionPool

from devstack.publisher import Publisher, shares
from sluice import audit
from tests.acceptance.conftest import World

SECRETS = ("CLICKHOUSE_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


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


def test_no_secret_is_in_a_statement_a_log_a_manifest_or_a_record(
    publishing: World, stack: Any, bucket: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """I9."""
    sent: list[str] = []
    request = HTTPConnectionPool.urlopen

    def listen(pool: HTTPConnectionPool, method: str, url: str, body: Any = None, *rest: Any, **options: Any) -> Any:
        sent.append(f"{url} {body!r}")  # and not the headers, which are for passwords
        return request(pool, method, url, body, *rest, **options)

    monkeypatch.setattr(HTTPConnectionPool, "urlopen", listen)
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
    assert "s3(" in statements
    assert all(texts.values())
    assert [(name, where) for name in SECRETS for where, text in texts.items() if stack.env()[name] in text] == []
