"""A check in a pipeline file, end to end: readers never see the batch that fails it, and the next run heals it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from sluice.cli import app
from sluice.errors import ChecksFailed
from tests.acceptance.conftest import ANALYSTS, ROOT, World

CHECKS = """checks:
      - not_null: title
      - {accepted_values: {column: topic, values: [history]}, severity: warn}
    columns:"""


@pytest.fixture
def checked(make_world: Any, tmp_path: Any) -> World:
    """The shipped pipeline; of its documents some things must hold."""
    file = tmp_path / "checked.yml"
    text = (ROOT / "dags" / "pipelines" / "publishing.yml").read_text()
    file.write_text(text.replace("pipeline: publishing", "pipeline: checked").replace("columns:", CHECKS, 1))
    world: World = make_world(file)
    assert world.pipeline.checks[0].name == "documents.not_null(title)"
    return world


@contextmanager
def looked_at(world: World, env: dict[str, str]) -> Iterator[list[set[str]]]:
    """What another session sees of the documents, again and again, meanwhile."""
    seen: list[set[str]] = []
    stop, analyst = threading.Event(), ANALYSTS[world.pipeline.warehouse.kind](env)

    def look() -> None:
        while not stop.is_set():
            seen.append({row["_id"] for row in analyst.rows(world.pipeline.warehouse.schema, "documents")})

    thread = threading.Thread(target=look)
    thread.start()
    yield seen
    stop.set()
    thread.join()
    analyst.close()


def test_a_batch_that_fails_a_check_is_never_seen_and_the_next_one_heals_it(
    checked: World, stack: Any, caplog: pytest.LogCaptureFixture
) -> None:
    now = datetime.now(UTC)
    good = {"title": "On Checks", "topic": "history", "created_at": now, "updated_at": now - timedelta(seconds=10)}
    checked.database.documents.insert_one({"_id": "first", **good, "title": None})
    with pytest.raises(ChecksFailed):
        checked.batch()
    checked.database.documents.delete_one({"_id": "first"})  # a first load is kept and gone on with, but not this one
    checked.database.documents.insert_many([{"_id": f"d{n}", **good} for n in range(3)])
    assert checked.batch().batch == 1
    checked.database.documents.insert_one({"_id": "bad", **good, "title": None, "topic": "histry"})

    with (
        looked_at(checked, stack.env()) as seen,
        caplog.at_level(logging.WARNING),
        pytest.raises(ChecksFailed) as error,
    ):
        checked.batch()

    assert len(seen) > 1
    assert set.union(*seen) == {"d0", "d1", "d2"}
    assert "documents.not_null(title): 1 fail: bad" in str(error.value)
    assert "check documents.accepted_values(topic): 1 fail: bad: histry" in caplog.text
    shown = CliRunner().invoke(app, ["status", str(checked.file)]).output
    assert "documents.not_null(title) stopped the batch" in shown
    checked.database.documents.update_one({"_id": "bad"}, {"$set": {"title": "Mended"}})
    assert checked.batch().batch == 2
    assert checked.differences() == []
    listed = CliRunner().invoke(app, ["checks", "list", "--failed", str(checked.file)]).output
    assert [line.split()[0] for line in listed.splitlines() if "documents." in line] == ["2", "not", "not", "not"]
    assert "stopped" not in CliRunner().invoke(app, ["status", str(checked.file)]).output
    assert checked.leftovers() == []
