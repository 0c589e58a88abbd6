"""A landing process's memory and disk (I6): the figures of ``python -m benchmarks.land memory``, smaller."""

from __future__ import annotations

import pytest

from benchmarks import land
from devstack.stack import Stack
from sluice.spec import LandingFormat


@pytest.mark.slow
@pytest.mark.parametrize("format_", LandingFormat)
def test_memory_does_not_grow_with_the_collection_and_the_disk_is_not_touched(
    stack: Stack, format_: LandingFormat
) -> None:
    # The smaller is large enough to fill every buffer: else a busy machine, on which uploads lag, is measured.
    found = land.memory(stack.env(), (200_000, 600_000), format_)

    assert found["large"]["peak_megabytes"] <= 400
    assert found["large_over_small"] <= 1.2
    assert found["large"]["disk_bytes_written"] == 0
