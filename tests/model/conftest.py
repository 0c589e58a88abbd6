"""The arenas, one for each warehouse: made once, and used by every sequence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import make_world, warehouse_kind
from tests.model.arena import Arena, open_arena
from tests.model.death import reaping

__all__ = ["make_world", "warehouse_kind"]


BY_DATE, BY_STREAM = "{mode: modified, overlap: 10s, lag: 2s}", "{mode: change_stream}"


@pytest.fixture(params=["modified", "change_stream"])
def model_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipeline file, in each mode of capture."""
    file = Path(__file__).parent / "model.yml"
    if request.param == "modified":
        return file
    text = file.read_text()
    assert BY_DATE in text
    streamed = tmp_path_factory.mktemp("model") / "model.yml"
    streamed.write_text(text.replace(BY_DATE, BY_STREAM).replace("deletes: none", "deletes: stream"))
    return streamed


@pytest.fixture
def arena(make_world: Any, stack: Any, model_file: Path) -> Iterator[Arena]:
    """A pipeline of the test's own on one of the warehouses, in one mode."""
    world = make_world(model_file)
    with reaping() as reaper, open_arena(world, stack.env(), reaper) as arena:
        yield arena
