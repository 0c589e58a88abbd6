"""What a batch may reject before it stops: documents that do not conform, and rows that the warehouse refused (I7)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sluice import pipeline as spine
from sluice.errors import TooManyRejects
from sluice.spec import Rejects
from sluice.warehouse.base import Loaded
from tests.factories import a_manifest, a_pipeline, a_plan


def publish(rejected: int, refused: dict[str, int]) -> Any:
    """Publish a batch with so many rejects, where two are allowed."""
    manifests = [a_manifest(read=200, rejected=rejected)]
    landing = SimpleNamespace(manifests=lambda *_: manifests, read_rejects=lambda _: ())
    published = SimpleNamespace(batch=1, cut=SimpleNamespace(time=None))
    warehouse = SimpleNamespace(publish=lambda *_: published)
    systems: Any = SimpleNamespace(landing=landing, warehouse=warehouse)
    loaded = [Loaded("documents", {"documents": 1}, {"documents": 0}, 0.1, refused)]
    return spine.publish(a_pipeline(rejects=Rejects(2)), systems, a_plan(), loaded)


@pytest.mark.parametrize(("rejected", "refused"), [(2, {}), (0, {"documents": 2}), (1, {"documents": 1})])
def test_a_batch_at_its_limit_is_published(rejected: int, refused: dict[str, int]) -> None:
    assert publish(rejected, refused).batch == 1


@pytest.mark.parametrize(
    ("rejected", "refused"), [(3, {}), (0, {"documents": 3}), (2, {"documents": 0, "documents_keywords": 1})]
)
def test_a_batch_above_it_is_not(rejected: int, refused: dict[str, int]) -> None:
    with pytest.raises(TooManyRejects, match=r"3 of 200 documents|rejects\.limit"):
        publish(rejected, refused)
