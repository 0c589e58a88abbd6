"""One suite for every warehouse: what DESIGN section 2 promises, tried on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from devstack.stack import Stack
from tests.contract.lab import BUCKET, Lab, Servers
from tests.contract.own_redshift import OwnRedshift, require_stand_in
from tests.contract.redshift import RedshiftLab, RedshiftServers


@pytest.fixture(scope="session")
def servers(stack: Stack) -> Servers:
    found = Servers(stack.env())
    with suppress(found.s3.exceptions.BucketAlreadyOwnedByYou, found.s3.exceptions.BucketAlreadyExists):
        found.s3.create_bucket(Bucket=BUCKET)
    return found


@pytest.fixture(scope="session")
def redshift(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedshift]:
    """A Redshift of the session's own, in snapshot isolation."""
    require_stand_in()
    with OwnRedshift(tmp_path_factory.mktemp("redshift"), servers.environment).running() as server:
        yield server


@pytest.fixture(scope="session")
def clickhouse_lab(servers: Servers) -> Lab:
    return migrated(Lab(servers))


@pytest.fixture(scope="session")
def redshift_lab(servers: Servers, redshift: OwnRedshift) -> Iterator[Lab]:
    with closing(RedshiftServers(servers.environment, redshift.endpoint)) as both:
        yield migrated(RedshiftLab(both))


@pytest.fixture(scope="session", params=["clickhouse", "redshift"])
def shared_lab(request: pytest.FixtureRequest) -> Lab:
    """A pipeline with its tables."""
    found: Lab = request.getfixturevalue(f"{request.param}_lab")
    return found


def migrated(lab: Lab) -> Lab:
    lab.warehouse.migrate(lab.pipeline)
    return lab


@pytest.fixture
def lab(shared_lab: Lab) -> Lab:
    """A pipeline with its tables, in which nothing was ever published."""
    shared_lab.reset()
    return shared_lab
