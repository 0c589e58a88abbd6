"""Random operations on a real source, batches beside each other that die anywhere: the warehouse is right (I3, I4, I5).

    make test-model SEQUENCES=500       many, from seeds that nobody has tried
    SEED=1234 make test-model           one again

What has to hold, and why, is in promises.py; what may happen is in operations.py.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator

import pytest

from tests.model.arena import Arena
from tests.model.operations import draw
from tests.model.play import failed
from tests.model.shrink import shrunk

SECONDS = 2.5
"""For each warehouse in a bounded run."""
SHRINKING = 60.0

pytestmark = pytest.mark.timeout(7200)


def test_after_every_batch_the_warehouse_is_what_it_has_to_be(arena: Arena) -> None:
    begun, played = time.monotonic(), 0
    for seed in seeds():
        check(arena, seed)
        played += 1
    print(f"{arena.pipeline.warehouse.kind}: {played} sequences, {played / (time.monotonic() - begun):.1f} a second")
    assert played


def seeds() -> Iterator[int]:
    """One that is asked for, so many as are asked for, or those of the day, as long as there is time."""
    if seed := os.environ.get("SEED"):
        yield int(seed)
        return
    count = int(os.environ.get("SEQUENCES", "0"))
    chance = random.Random(None if count else time.strftime("%F"))
    end, done = time.monotonic() + SECONDS, 0
    while done < count if count else time.monotonic() < end:
        yield chance.randrange(2**32)
        done += 1


def check(arena: Arena, seed: int) -> None:
    operations = draw(seed)
    if failed(arena, operations) is None:
        return
    shortest = shrunk(operations, lambda fewer: failed(arena, fewer) is not None, seconds=SHRINKING)
    pytest.fail(f"SEED={seed} make test-model\n{failed(arena, shortest) or failed(arena, operations)}", pytrace=False)
