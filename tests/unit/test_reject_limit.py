"""What a batch may reject before it stops: documents that do not conform, and rows that the warehouse refused (I7)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sluice import pipeline as spine
from sluice.errors import TooManyRejects
from sluice.spec import Rejects
from sluice.warehouse.base import Loaded
from sluice.window import BatchKind
from tests.factories import a_collection, a_manifest, a_pipeline, a_plan


def publish(rejected: int, refused: dict[str, int], kind: BatchKind = BatchKind.LIVE, **limits: Any) -> Any:
    """Publish a batch with so many rejects, where two are allowed, or what ``limits`` say."""
    manifests = [a_manifest(read=200, rejected=rejected)]
    landing = SimpleNamespace(
        manifests=lambda _, name: [m for m in manifests if m.collection == name], read_rejects=lambda _: ()
    )
    published = SimpleNamespace(batch=1, cut=SimpleNamespace(time=None))
    warehouse = SimpleNamespace(publish=lambda *_: published, aggregates=lambda _: [])
    systems: Any = SimpleNamespace(landing=landing, warehouse=warehouse)
    loaded = [Loaded("documents", {"documents": 1}, {"documents": 0}, 0.1, refused)]
    limits = {"rejects": Rejects(2), **limits}
    return spine.publish(a_pipeline(**limits), systems, a_plan(kind=kind), loaded)


@pytest.mark.parametrize(("rejected", "refused"), [(2, {}), (0, {"documents": 2}), (1, {"documents": 1})])
def test_a_batch_at_its_limit_is_published(rejected: int, refused: dict[str, int]) -> None:
    assert publish(rejected, refused).batch == 1


@pytest.mark.parametrize(
    ("rejected", "refused"), [(3, {}), (0, {"documents": 3}), (2, {"documents": 0, "documents_keywords": 1})]
)
def test_a_batch_above_it_is_not(rejected: int, refused: dict[str, int]) -> None:
    with pytest.raises(TooManyRejects, match=r"3 of 200 documents|rejects\.limit"):
        publish(rejected, refused)


@pytest.mark.parametrize(("rejected", "refused"), [(2, {}), (1, {"documents": 1})])
def test_a_collection_has_a_limit_of_its_own_beside_the_pipelines(rejected: int, refused: dict[str, int]) -> None:
    strict = (a_collection(rejects=Rejects(1)), a_collection(name="tickets", rejects=Rejects(0)))

    with pytest.raises(TooManyRejects, match=r"2 of 200 documents of publishing\.documents .* 1 are allowed"):
        publish(rejected, refused, collections=strict, rejects=Rejects(9))
    assert publish(1, {}, collections=strict).batch == 1


def test_what_is_rejected_again_by_a_replay_of_rejects_does_not_count() -> None:
    assert publish(3, {}, BatchKind.REJECTS).batch == 1
