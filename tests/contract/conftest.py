"""One suite for every warehouse: what DESIGN section 2 promises, tried on real servers."""

from __future__ import annotations

from contextlib import suppress

import pytest

from devstack.stack import Stack
from tests.contract.lab import BUCKET, Lab, Servers


@pytest.fixture(scope="session")
def servers(stack: Stack) -> Servers:
    found = Servers(stack.env())
    with suppress(found.s3.exceptions.BucketAlreadyOwnedByYou, found.s3.exceptions.BucketAlreadyExists):
        found.s3.create_bucket(Bucket=BUCKET)
    return found


@pytest.fixture(params=["clickhouse"])
def lab(request: pytest.FixtureRequest, servers: Servers) -> Lab:
    """A pipeline of the test's own, with its tables; nothing published yet."""
    found = Lab(servers)
    found.warehouse.migrate(found.pipeline)
    return found
