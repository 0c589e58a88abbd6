"""The known sequences, on both warehouses: `make test-model`, and what mutants are caught by."""

from __future__ import annotations

import pytest

from tests.model.arena import Arena
from tests.model.known import KNOWN
from tests.model.play import failed


@pytest.mark.timeout(900)
@pytest.mark.parametrize("known", KNOWN)
def test_what_is_known(arena: Arena, known: str) -> None:
    assert failed(arena, KNOWN[known]) is None
