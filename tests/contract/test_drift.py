"""``sluice.drift``: what is known of undeclared fields is published with the batch, or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sluice.drift import DriftRow
from sluice.errors import Fenced
from sluice.history import ColumnsRow
from sluice.warehouse.base import Warehouse
from tests.contract.lab import ONLY_CLICKHOUSE, Lab
from tests.contract.spoiled import Crash, do_nothing, hooked


def seen(sample: str = '"x"', **types: int) -> dict[str, Any]:
    return {"types": sorted(types), "times": sum(types.values()), "sample": sample}


def publish(
    lab: Lab, cut: int, warehouse: Warehouse | None = None, columns: str = "00", **paths: dict[str, Any]
) -> Any:
    """A batch whose documents have such undeclared fields, landed under columns of such a hash."""
    plan = lab.plan(cut)
    landed = {c.name: lab.land(plan, c, ()) for c in lab.pipeline.collections}
    drift = {"paths": paths, "more": 2} if paths else {}
    landed["documents"] = replace(landed["documents"], drift=drift, columns=columns)
    return (warehouse or lab.warehouse).publish(lab.pipeline, lab.load(plan, list(landed.values())))


def known(lab: Lab) -> dict[str, DriftRow]:
    return {row.path: row for row in lab.warehouse.drift(lab.pipeline.name)}


def test_a_path_is_recorded_with_its_types_a_sample_and_its_batches(lab: Lab) -> None:
    commit = publish(lab, 1, isbn=seen('"0-19"', string=3), note=seen("1", int=1))
    publish(lab, 2)
    publish(lab, 3, isbn=seen("7", int=1, null=1))

    assert known(lab) == {
        "isbn": DriftRow("documents", "isbn", "int, null, string", 3, '"0-19"', first_batch=1, batch=3),
        "note": DriftRow("documents", "note", "int", 1, "1", first_batch=1, batch=1),
    }
    assert commit.counts["documents"]["drift"] == {"paths": 2, "more": 2}
    assert "drift" not in commit.counts["tickets"]


def test_a_batch_that_is_not_published_leaves_no_drift_and_no_columns(lab: Lab) -> None:
    publish(lab, 1, isbn=seen(string=1))
    with pytest.raises(Crash):
        publish(lab, 2, lab.dying("insert_commit"), columns="ff", isbn=seen(int=9), other=seen(int=9))
    before = known(lab)

    publish(lab, 3, isbn=seen(string=1))

    assert before == {"isbn": DriftRow("documents", "isbn", "string", 1, '"x"', 1, 1)}
    assert known(lab) == {"isbn": DriftRow("documents", "isbn", "string", 1, '"x"', 1, 2)}
    columns = [row for row in lab.warehouse.columns(lab.pipeline.name) if row.collection == "documents"]
    assert columns == [ColumnsRow("documents", 1, "00", "")]


def test_another_pipelines_drift_is_its_own(lab: Lab) -> None:
    publish(lab, 1, isbn=seen(string=1))

    assert lab.warehouse.drift(f"{lab.pipeline.name}_other") == []


@ONLY_CLICKHOUSE
def test_a_publisher_that_lost_the_fence_writes_no_drift(lab: Lab) -> None:
    """On Redshift there is no such publisher: the lock ends with the session."""
    claim = f"('{lab.pipeline.name}', 999, 'thief', 'held')"
    thief = f"INSERT INTO sluice.fences (pipeline, fence, owner, state) VALUES {claim}"

    def rob(name: str) -> None:
        if name == "insert_drift":
            lab.command(thief)

    with pytest.raises(Fenced):
        publish(lab, 1, lab.attempt(lambda client: hooked(client, rob, do_nothing)), isbn=seen(int=1))

    assert lab.rows(f"SELECT COUNT(*) FROM sluice.drift WHERE pipeline = '{lab.pipeline.name}'") == [(0,)]
