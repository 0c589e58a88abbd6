"""What cleanup asks of a warehouse: commit records, rejects, and what dead batches left."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sluice.errors import ChecksFailed
from sluice.settings import Endpoint
from sluice.spec import CheckKind, DataCheck
from sluice.warehouse.base import Commit
from sluice.warehouse.cleanup import Cleaner, connect_cleaner
from sluice.warehouse.clickhouse.cleanup import Cleaner as OnClickHouse
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.quarantine import RejectRow, Which
from sluice.warehouse.redshift.cleanup import Cleaner as OnRedshift
from tests.contract.lab import FAST, ONLY_CLICKHOUSE, Lab, document
from tests.contract.spoiled import Crash, do_nothing, hooked
from tests.contract.test_data_checks import publish as checked
from tests.contract.test_data_checks import untitled
from tests.contract.test_drift import publish as drifting
from tests.contract.test_drift import seen

DAY = timedelta(days=1)


def cleaner_of(lab: Lab) -> Cleaner:
    if lab.kind == "redshift":
        servers: Any = lab.servers
        return OnRedshift(servers.client(), lab.pipeline.name)
    return OnClickHouse(Client.connect(lab.servers.clickhouse), lab.pipeline.name, replace(FAST, lease=0))


def published(lab: Lab, number: int, *rejects: str) -> Commit:
    """A batch with one document, and a reject for each key."""
    rows = [
        RejectRow("documents", key, "title", "too_long", "", f"s3://contract/{number}/{key}", n, hash=number * 10 + n)
        for n, key in enumerate(rejects)
    ]
    docs = [document(f"d{number}", "one")]
    return lab.warehouse.publish(lab.pipeline, lab.stage(lab.plan(number), rejects=rows, documents=docs))


def age(lab: Lab, batch: int, days: int) -> None:
    """A batch that was published so many days ago."""
    where = f"pipeline = '{lab.pipeline.name}' AND batch = {batch}"
    at, update = f"DATEADD(day, -{days}, GETDATE())", f"UPDATE sluice.batches SET committed_at = {{}} WHERE {where}"
    if lab.kind == "clickhouse":
        at = f"now64(3) - INTERVAL {days} DAY"
        update = f"ALTER TABLE sluice.batches UPDATE committed_at = {{}} WHERE {where} SETTINGS mutations_sync = 2"
    lab.command(update.format(at))


def keys_of(lab: Lab) -> set[str]:
    return {reject.key for reject in lab.warehouse.rejects(lab.pipeline.name)}


def test_a_plan_is_published_and_old_by_its_commit_record_alone(lab: Lab) -> None:
    plans = [published(lab, number).plan for number in (1, 2)]
    age(lab, 1, 60)

    found = cleaner_of(lab).published([*plans, "20260101T000000-000000"], 30 * DAY)

    assert found == {plans[0]: True, plans[1]: False}
    assert cleaner_of(lab).published([], DAY) == {}


def test_another_pipelines_plans_are_not_published_here(lab: Lab) -> None:
    plan = published(lab, 1).plan
    lab.command("SELECT 1")
    cleaner = cleaner_of(lab)
    cleaner._pipeline = f"{lab.pipeline.name}2"  # type: ignore[attr-defined]

    assert cleaner.published([plan], DAY) == {}


def test_many_plans_and_objects_may_be_asked_for(lab: Lab) -> None:
    plan = published(lab, 1, "a").plan
    many = [f"20260101T000000-{n:06x}" for n in range(1000)]
    uris = [f"s3://contract/sluice/{lab.pipeline.name}/documents/{n}/{'x' * 100}" for n in range(1000)]

    assert cleaner_of(lab).published([*many, plan], DAY) == {plan: False}
    assert cleaner_of(lab).listed([*uris, "s3://contract/1/a"], 0) == {"s3://contract/1/a"}


def test_an_object_is_listed_as_long_as_a_reject_points_to_it_that_is_open_or_of_a_later_batch(lab: Lab) -> None:
    published(lab, 1, "a", "it's")
    published(lab, 2, "b")
    uris = ["s3://contract/1/a", "s3://contract/1/it's", "s3://contract/2/b", "s3://contract/3/c"]

    lab.warehouse.drop_rejects(lab.pipeline.name, Which(key="it's"), who="ann", why="x")
    found = [cleaner_of(lab).listed(uris, above) for above in (0, 1, 2)]
    lab.warehouse.drop_rejects(lab.pipeline.name, Which("documents"), who="ann", why="x")
    dropped = [cleaner_of(lab).listed(uris, above) for above in (1, 2)]

    assert found == [set(uris[:3]), {uris[0], uris[2]}, {uris[0], uris[2]}]
    assert dropped == [{uris[2]}, set()]
    assert cleaner_of(lab).listed([], 0) == set()


def test_rejects_that_were_settled_long_ago_are_counted_and_deleted(lab: Lab) -> None:
    for number, rejects in enumerate((["a", "b"], ["c"]), 1):
        published(lab, number, *rejects)
    lab.publish(3, documents=[document(key, "good") for key in "ac"])
    for batch in (1, 2):
        age(lab, batch, 100)
    cleaner = cleaner_of(lab)

    assert [cleaner.batch_before(days * DAY) for days in (90, 101)] == [2, 0]
    assert cleaner.count_rejects(2) == (0, 0), "settled by the batch of today"
    assert cleaner.listed(["s3://contract/1/a", "s3://contract/2/c"], 2) == {"s3://contract/1/a", "s3://contract/2/c"}
    age(lab, 3, 91)
    assert [cleaner.count_rejects(batch) for batch in (0, 2, 3)] == [(0, 0), (0, 0), (2, 2)]
    cleaner.delete_rejects(3)

    assert [row.key for row in lab.warehouse.rejects(lab.pipeline.name, settled=True)] == ["b"]
    assert cleaner.count_rejects(3) == (0, 0)


def test_what_somebody_dropped_stays_dropped_however_old_it_is(lab: Lab) -> None:
    def rejected(number: int) -> None:
        row = RejectRow("documents", "undated", "title", "too_long", "", f"s3://contract/{number}/a", 0, hash=7)
        lab.warehouse.publish(lab.pipeline, lab.stage(lab.plan(number), rejects=[row]))

    rejected(1)
    lab.warehouse.drop_rejects(lab.pipeline.name, Which(key="undated"), who="ann", why="x")
    published(lab, 2)
    for batch in (1, 2):
        age(lab, batch, 400)
    cleaner = cleaner_of(lab)
    assert cleaner.count_rejects(2) == (0, 0)
    cleaner.delete_rejects(2)
    rejected(3)

    assert keys_of(lab) == set()
    assert cleaner.listed(["s3://contract/1/a"], 2) == set(), "its raw document is not needed"


def test_results_of_checks_are_deleted_by_their_own_age_but_for_the_newest_batchs(lab: Lab) -> None:
    check = DataCheck("documents", CheckKind.NOT_NULL, ("title",))
    first = checked(lab, 1, {"documents": [document("a", "one")]}, check)
    with pytest.raises(ChecksFailed):
        checked(lab, 2, {"documents": [untitled("b")]}, check)
    last = checked(lab, 3, {"documents": [document("c", "one")]}, check)
    cleaner = cleaner_of(lab)
    time.sleep(1.1)  # Redshift's clock has seconds

    assert [cleaner.count_checks(plan, DAY) for plan in ("", last.plan)] == [0, 0]
    assert [cleaner.count_checks(plan, timedelta(0)) for plan in ("", last.plan)] == [3, 2]
    cleaner.delete_checks(first.plan, DAY)
    cleaner.delete_checks(last.plan, timedelta(0))

    left = lab.warehouse.check_results(lab.pipeline.name)  # type: ignore[attr-defined]
    assert [result.plan for result in left] == [last.plan]


def test_of_drift_the_newest_row_of_each_path_stays(lab: Lab) -> None:
    for cut in range(3):
        drifting(lab, cut, isbn=seen(string=1), **({"old": seen(int=1)} if cut == 1 else {}))
    before, cleaner = lab.warehouse.drift(lab.pipeline.name), cleaner_of(lab)

    assert [cleaner.count_drift(batch) for batch in (0, 1, 2, 3)] == (
        [0] * 4 if lab.kind == "redshift" else [0, 0, 1, 2]
    )
    cleaner.delete_drift(3)

    where = f"WHERE pipeline = '{lab.pipeline.name}'"
    assert lab.rows(f"SELECT path, batch FROM sluice.drift {where} ORDER BY path") == [("isbn", 3), ("old", 2)]
    assert lab.warehouse.drift(lab.pipeline.name) == before
    assert cleaner.count_drift(3) == 0


@ONLY_CLICKHOUSE
def test_rows_of_a_dead_batch_are_counted_and_undone(lab: Lab) -> None:
    published(lab, 1, "a")
    before = lab.state()
    batch = lab.stage(lab.plan(2), documents=[document("d1", "other"), document("d2", "two")])
    with pytest.raises(Crash):
        lab.dying("insert_commit").publish(lab.pipeline, batch)
    cleaner = cleaner_of(lab)

    assert cleaner.dead_rows() == 3  # two versions were written, one was closed
    assert [cleaner.undo_dead(), cleaner.undo_dead(), cleaner.dead_rows()] == [3, 0, 0]
    assert lab.state() == before
    assert published(lab, 3).batch == 2


@ONLY_CLICKHOUSE
def test_the_rows_of_a_publisher_at_work_are_not_dead(lab: Lab) -> None:
    published(lab, 1)
    patient = OnClickHouse(Client.connect(lab.servers.clickhouse), lab.pipeline.name)
    found: list[int] = []

    def look(sent: str) -> None:
        if sent == "insert_commit":
            found.append(patient.dead_rows())

    batch = lab.stage(lab.plan(2), documents=[document("d2", "two")])
    lab.attempt(lambda client: hooked(client, look, do_nothing)).publish(lab.pipeline, batch)

    assert found == [0]


def test_a_published_batch_leaves_nothing_dead(lab: Lab) -> None:
    published(lab, 1, "a")
    before = lab.state()
    cleaner = cleaner_of(lab)

    assert [cleaner.dead_rows(), cleaner.undo_dead()] == [0, 0]
    assert lab.state() == before
    assert keys_of(lab) == {"a"}


def test_a_pipelines_file_says_where_to_connect(lab: Lab) -> None:
    servers: Any = lab.servers
    endpoint = servers.redshift if lab.kind == "redshift" else servers.clickhouse

    def resolve(_: str) -> Endpoint:
        return endpoint  # type: ignore[no-any-return]

    cleaner = connect_cleaner(lab.pipeline, resolve)
    assert cleaner.batch_before(DAY) == 0
    cleaner.close()
