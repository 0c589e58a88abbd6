"""The oplog rolled over while nothing was read. Minutes: MongoDB gives up old entries once a minute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from sluice import report
from tests.acceptance.conftest import World, make_world, streaming, warehouse_kind  # noqa: F401  fixtures
from tests.acceptance.test_stream import DATED, lost
from tests.integration.own_mongod import own_mongod

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


def test_after_a_lost_history_deletes_are_found_all_the_same(
    streaming: World,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with own_mongod(tmp_path, replica_set=True, options=("--oplogSize", "1")) as url, MongoClient(url) as client:
        monkeypatch.setenv("AIRFLOW_CONN_PUBLISHING_MONGO", url)
        streaming.database = client.get_database(streaming.database.name)
        documents = streaming.database.documents
        documents.insert_many([{"_id": n, **DATED} for n in range(5)])
        since = streaming.batch().positions["documents"].cluster
        documents.delete_many({"_id": {"$lt": 3}})
        while oldest(client) <= since:
            streaming.database.other.insert_many([{"text": "x" * 1_000_000} for _ in range(5)])

        commit = streaming.batch()

        assert streaming.differences() == []
    why = "the oplog no longer reaches back to the last batch (error 286)"
    assert commit.counts["documents"]["anew"] == why
    assert ("WARNING", f"plan {commit.plan}: documents is read whole: {why}") in said(caplog)
    report.show_status(streaming.pipeline, [commit], [])
    status = " ".join(capsys.readouterr().out.split())
    assert f"documents was read whole: {why}; 3 rows that it no longer has were ended" in status
    assert lost(streaming, commit) == {"documents": 3, "tickets": 0}


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.message) for record in caplog.records]


def oldest(client: MongoClient[dict[str, Any]]) -> int:
    """The cluster time at which the oplog begins."""
    found = client.local["oplog.rs"].find_one({}, {"ts": 1}, sort=[("$natural", 1)])
    assert found
    return int(found["ts"].time << 32 | found["ts"].inc)
