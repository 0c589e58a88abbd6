"""Redshift disturbed at any statement, in both isolations: the end state is that of an undisturbed publish (I2, I3)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from sluice.errors import CountMismatch, Retryable, SluiceError, WarehouseUnavailable
from sluice.warehouse.base import Batch, Commit
from tests.contract.conftest import migrated
from tests.contract.lab import BUCKET, Lab, Servers, document, gone, ticket
from tests.contract.own_redshift import OwnRedshift, require_stand_in
from tests.contract.redshift import RedshiftLab, RedshiftServers
from tests.contract.test_warehouse import a_reject

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

STATEMENTS = {
    "begin": r"^begin",
    "lock": r"^LOCK",
    "the plan's record": r"FROM sluice\.batches\s+WHERE .*plan = ",
    "the newest record": r"ORDER BY batch DESC",
    "recount of staging": r'^SELECT COUNT\(\*\) FROM "sluice_staging"',
    "table of skipped keys": r'^CREATE TABLE "sluice_staging".*superseded',
    "later loads": r"^SELECT kind, positions, counts",
    "find skipped": r"^INSERT .*superseded\)\s+WITH later",
    "stage missing": r"^INSERT .*_turn\)\s+SELECT",
    "delete": r'^DELETE FROM "sluice_data"',
    "insert": r'^INSERT INTO "sluice_data"',
    "forget marks": r"^DELETE FROM sluice\.gone",
    "insert marks": r"^INSERT INTO sluice\.gone",
    "count marks": r"^SELECT COUNT\(\*\)\s+FROM sluice\.gone",
    "count rows": r"COUNT\(CASE WHEN _from",
    "count skipped": r"COUNT\(CASE WHEN skipped",
    "look for doubles": r"HAVING COUNT\(\*\) > 1 OR MIN",
    "insert rejects": r"^INSERT INTO sluice\.rejects",
    "settle rejects": r"^INSERT INTO sluice\.settled_rejects",
    "insert the record": r"^INSERT INTO sluice\.batches",
    "commit": r"^commit",
    "drop staging": r"^DROP TABLE",
}
"""A piece of the text of each statement of a publish."""

CONFLICT = {"code": "XX000", "message": "1023", "detail": "Serializable isolation violation on table - 1"}
DEADLOCK = {"code": "40P01", "message": "deadlock detected"}
AFTERWARDS = ({"a": "uno", "b": "two"}, {"a": ["z"], "b": ["v"]}, {"t": "a", "u": "b"})


@pytest.fixture(scope="module", params=["snapshot", "serializable"])
def server(
    request: pytest.FixtureRequest, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnRedshift]:
    require_stand_in()
    folder = tmp_path_factory.mktemp(request.param)
    with OwnRedshift(folder, servers.environment, isolation=request.param).running() as found:
        yield found


@pytest.fixture(scope="module")
def module_lab(server: OwnRedshift, servers: Servers) -> Iterator[Lab]:
    with closing(RedshiftServers(servers.environment, server.endpoint)) as both:
        yield migrated(RedshiftLab(both))


@pytest.fixture
def lab(module_lab: Lab) -> Lab:
    module_lab.reset()
    return module_lab


def a_full_batch(lab: Lab, *, rejects: int = 1, whole: str = "documents") -> Batch:
    """A batch with everything a batch may have, over one that was published before; f is not found any more.

    It settles the reject of b.
    """
    old = [
        document("a", "one", "x", "y"),
        document("b", "two", "v"),
        document("e", "ends", "w"),
        document("f", "", "w"),
    ]
    first = lab.stage(lab.plan(1), documents=old, tickets=[ticket("t", "a")], rejects=[a_reject("b", hash=1)])
    lab.warehouse.publish(lab.pipeline, first)
    new = [document("a", "uno", "z"), document("b", "two", "v"), gone("e")]
    return lab.stage(
        lab.plan(2, whole=whole), documents=new, tickets=[ticket("u", "b")], rejects=[a_reject()] * rejects
    )


def publish_as_a_task(lab: Lab, batch: Batch) -> Commit:
    """Once more when it says that it may be tried again, as Airflow does."""
    try:
        return lab.warehouse.publish(lab.pipeline, batch)
    except Retryable:
        return lab.warehouse.publish(lab.pipeline, batch)


def assert_published_once(lab: Lab, commit: Commit, *, rejects: int = 1, state: object = AFTERWARDS) -> None:
    assert lab.state() == state
    assert [found.batch for found in lab.warehouse.commits(lab.pipeline.name)] == [2, 1]
    assert lab.warehouse.last_commit(lab.pipeline.name) == commit
    assert len(lab.warehouse.rejects(lab.pipeline.name)) == rejects
    settled = f"sluice.settled_rejects WHERE pipeline = '{lab.pipeline.name}'"
    assert lab.rows(f'SELECT batch, "key", outcome FROM {settled}') == [(2, "b", "published")]
    lab.warehouse.verify(lab.pipeline, commit)


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("action", ["error", "drop_before", "drop_after"])
def test_a_publish_disturbed_at_any_statement_is_published_once(
    lab: Lab, server: OwnRedshift, statement: str, action: str
) -> None:
    batch = a_full_batch(lab)

    with server.fault(f"(?s){STATEMENTS[statement]}", action, **CONFLICT) as left:
        commit = publish_as_a_task(lab, batch)
        assert left() == 0, "the statement never came"

    assert_published_once(lab, commit)


@pytest.mark.parametrize("action", ["drop_before", "drop_after"])
def test_a_connection_lost_at_the_commit_costs_no_attempt_of_the_task(
    lab: Lab, server: OwnRedshift, action: str
) -> None:
    """Before COMMIT arrived and after it took effect look alike to the client; only the record tells."""
    batch = a_full_batch(lab, rejects=0, whole="")  # one transaction: no rejects to stage before it

    with server.fault("^commit", action) as left:
        commit = lab.warehouse.publish(lab.pipeline, batch)
        assert left() == 0

    left_alone = ({"f": ""}, {"f": ["w"]}, {})
    expected = tuple(seen | more for seen, more in zip(AFTERWARDS, left_alone, strict=True))
    assert_published_once(lab, commit, rejects=0, state=expected)


def test_a_deadlock_is_tried_again(lab: Lab, server: OwnRedshift) -> None:
    batch = a_full_batch(lab)

    with server.fault('^INSERT INTO "sluice_data"', "error", **DEADLOCK) as left:
        commit = lab.warehouse.publish(lab.pipeline, batch)
        assert left() == 0

    assert_published_once(lab, commit)


def test_a_conflict_that_stays_is_given_up_and_changes_nothing(lab: Lab, server: OwnRedshift) -> None:
    batch = a_full_batch(lab)
    before = lab.state()

    with server.fault("^LOCK", "error", **CONFLICT, times=99), pytest.raises(WarehouseUnavailable):
        lab.warehouse.publish(lab.pipeline, batch)

    assert lab.state() == before
    assert_published_once(lab, lab.warehouse.publish(lab.pipeline, batch))


@pytest.mark.parametrize("action", ["error", "drop_before", "drop_after"])
def test_a_load_that_fails_halfway_leaves_nothing_and_is_done_again(lab: Lab, server: OwnRedshift, action: str) -> None:
    """The first table is loaded, the COPY of the second is disturbed."""
    plan, (documents, _) = lab.plan(1), lab.pipeline.collections
    manifest = lab.land(plan, documents, [document("a", "one", "x")])

    with server.fault("^COPY .*__documents_keywords__", action, **CONFLICT) as left:
        with pytest.raises(SluiceError):
            lab.warehouse.load(plan, documents, [manifest])
        assert left() == 0

    assert lab.staging() == []
    assert lab.warehouse.load(plan, documents, [manifest]).staged == {"documents": 1, "documents_keywords": 1}


def test_a_part_that_is_missing_stops_the_load(lab: Lab) -> None:
    plan, (documents, _) = lab.plan(1), lab.pipeline.collections
    manifest = lab.land(plan, documents, [document("a", "one", "x")])
    lab.servers.s3.delete_object(Bucket=BUCKET, Key=manifest.parts[1].key)

    with pytest.raises(CountMismatch, match="landed part is missing"):
        lab.warehouse.load(plan, documents, [manifest])
    assert lab.staging() == []
    assert lab.state() == ({}, {}, {})
