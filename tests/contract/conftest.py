"""One suite for every warehouse: what DESIGN section 2 promises, tried on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from devstack.stack import Stack
from tests.contract.cluster import MARKER, cluster_servers, is_asked_for, runs_there
from tests.contract.lab import BUCKET, Lab, Servers
from tests.contract.own_redshift import OwnRedshift, require_stand_in
from tests.contract.redshift import RedshiftLab, RedshiftServers


@pytest.fixture(scope="session")
def servers(stack: Stack) -> Servers:
    found = Servers(stack.env())
    with suppress(found.s3.exceptions.BucketAlreadyOwnedByYou, found.s3.exceptions.BucketAlreadyExists):
        found.s3.create_bucket(Bucket=BUCKET)
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what a real cluster can be asked too."""
    for item in items:
        if isinstance(item, pytest.Function) and runs_there(item):
            item.add_marker(MARKER)


@pytest.fixture(scope="session")
def redshift(
    request: pytest.FixtureRequest, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnRedshift]:
    """A stand-in of the session's own, in snapshot isolation, with its log and its faults."""
    if is_asked_for(request.config):
        pytest.skip("only the stand-in shows the statements that it was sent, and can be told to fail")
    require_stand_in()
    with OwnRedshift(tmp_path_factory.mktemp("redshift"), servers.environment).running() as server:
        yield server


@pytest.fixture(scope="session")
def clickhouse_lab(servers: Servers) -> Lab:
    return migrated(Lab(servers))


@pytest.fixture(scope="session")
def redshift_servers(
    request: pytest.FixtureRequest, servers: Servers, given: dict[str, str]
) -> Iterator[RedshiftServers]:
    """S3 and Redshift: a real cluster's where that is asked for, else the stand-in's."""
    if is_asked_for(request.config):
        found = cluster_servers(servers, given)
    else:
        found = RedshiftServers(servers.environment, request.getfixturevalue("redshift").endpoint)
    with closing(found):
        yield found


@pytest.fixture(scope="session")
def redshift_lab(redshift_servers: RedshiftServers) -> Lab:
    return migrated(RedshiftLab(redshift_servers))


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
