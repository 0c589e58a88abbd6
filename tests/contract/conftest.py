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


@pytest.fixture(scope="session", params=["clickhouse"])
def shared_lab(request: pytest.FixtureRequest, servers: Servers) -> Lab:
    """A pipeline with its tables."""
    found = Lab(servers)
    found.warehouse.migrate(found.pipeline)
    return found


@pytest.fixture
def lab(shared_lab: Lab) -> Lab:
    """A pipeline with its tables, in which nothing was ever published."""
    shared_lab.reset()
    return shared_lab
