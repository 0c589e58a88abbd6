"""A reject, from the document that does not fit to the row that it becomes, as an operator goes about it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from sluice import audit, rejects
from sluice import pipeline as spine
from sluice.cli import app
from sluice.errors import SluiceError
from sluice.pipeline_file import load_pipeline
from sluice.warehouse.migrations import read_migrations, write_migration
from sluice.warehouse.quarantine import Which
from tests.acceptance.conftest import ROOT, World
from tests.acceptance.test_evolution import forget

LONG = "a topic of more than sixty-four bytes, which is what the pipeline file allows"
DATED = {"updated_at": datetime(2026, 1, 1, tzinfo=UTC)}


@pytest.fixture
def world(publishing: World) -> World:
    """A batch of which five documents were rejected."""
    publishing.database.documents.insert_many(
        [
            {"_id": "good", "topic": "short", **DATED},
            {"_id": "long", "topic": LONG, "keywords": ["a", "b"], **DATED},
            {"_id": 5, "topic": LONG, **DATED},
            {"_id": "deleted", "topic": LONG, **DATED},
            {"_id": "changed", "topic": LONG, **DATED},
            {"_id": "undated", "topic": "short", "created_at": "yesterday", "updated_at": "today"},
        ]
    )
    publishing.batch()
    return publishing


@pytest.fixture
def project(world: World, tmp_path: Path) -> Iterator[Path]:
    """A copy of the migrations, to which more are written; what was applied leaves the servers' history again."""
    kind = world.pipeline.warehouse.kind
    shutil.copytree(ROOT / "migrations" / kind, tmp_path / "project" / "migrations" / kind)
    yield tmp_path / "project"
    forget(world, len(read_migrations(kind)))


def systems_of(world: World, project: Path) -> spine.Systems:
    """Connected, with the migrations of the project."""
    systems = world.systems()
    systems.warehouse._files = read_migrations(world.pipeline.warehouse.kind, project)  # type: ignore[attr-defined]
    return systems


def widen(world: World, project: Path) -> None:
    """Correct the column: in the file, and by the migration that is written of it."""
    text = world.file.read_text()
    assert "topic: {type: string(64)," in text
    world.file.write_text(text.replace("topic: {type: string(64),", "topic: {type: string(256),"))
    world.pipeline = load_pipeline(world.file)
    with systems_of(world, project) as systems:
        write_migration(world.pipeline.warehouse.kind, systems.warehouse.compare(world.pipeline), project)


def open_rejects(world: World) -> dict[str, str]:
    return world.rejected("documents")


def test_a_reject_is_published_by_a_replay_once_its_column_is_corrected(world: World, project: Path) -> None:
    fits_not = {"5": "too_long", "changed": "too_long", "deleted": "too_long", "long": "too_long"}
    assert open_rejects(world) == {**fits_not, "undated": "wrong_type"}
    documents = world.database.documents
    documents.delete_one({"_id": "deleted"})
    documents.update_one({"_id": "changed"}, {"$set": {"topic": "shorter"}})  # by hand: its date stands still
    widen(world, project)

    with systems_of(world, project) as systems:
        before = systems.warehouse.last_commit(world.pipeline.name)
        done = rejects.replay(world.pipeline, systems)
        assert all(found.equal for found in audit.compare(world.pipeline, systems))

    assert open_rejects(world) == {"undated": "wrong_type"}
    assert world.differences() == []
    assert {row["_id"] for row in world.rows("documents")} == {"good", "long", "5", "changed"}
    assert done.commit is not None
    assert before is not None
    assert (done.commit.kind, done.commit.positions) == ("rejects", before.positions)
    assert (done.found, dict(done.settled), done.rejected) == (5, {"published": 3, "gone": 1}, 1)
    assert world.leftovers() == []


def test_a_replay_that_died_after_its_publish_has_settled_all_of_it(world: World, project: Path) -> None:
    """There is nothing between the two: the plan is published, and the next replay finds no reject to read."""
    widen(world, project)
    with systems_of(world, project) as systems:
        spine.migrate(world.pipeline, systems)
        made = spine.plan(world.pipeline, systems, Which(reason="too_long"))
        for piece in made.ranges:
            spine.land(world.pipeline, systems, made, piece)
        loaded = [spine.load(systems, made, collection) for collection in world.pipeline.collections]
        commit = spine.publish(world.pipeline, systems, made, loaded)
        again = spine.publish(world.pipeline, systems, made, loaded)

        assert again == commit
        assert rejects.replay(world.pipeline, systems, Which(reason="too_long")).found == 0

    assert open_rejects(world) == {"undated": "wrong_type"}


def test_where_deleted_documents_are_kept_a_reject_of_one_is_gone_all_the_same(world: World) -> None:
    documents, tickets = world.pipeline.collections
    world.pipeline = replace(world.pipeline, collections=(replace(documents, deletes="none"), tickets))
    world.database.documents.delete_many({"_id": {"$in": ["deleted", "good"]}})

    with world.systems() as systems:
        done = rejects.replay(world.pipeline, systems, Which(key="deleted"))

    assert dict(done.settled) == {"gone": 1}
    assert "deleted" not in open_rejects(world)
    assert {row["_id"] for row in world.rows("documents")} == {"good"}


def test_more_rejects_than_the_limit_are_replayed(world: World) -> None:
    """They are in quarantine already: that they are rejected again is no reason to stop."""
    world.pipeline = replace(world.pipeline, rejects=replace(world.pipeline.rejects, limit=0))

    with world.systems() as systems:
        done = rejects.replay(world.pipeline, systems)

    assert (done.found, done.rejected) == (5, 5)


def test_rejects_of_a_collection_that_the_file_no_longer_has_are_named(world: World) -> None:
    world.database.tickets.insert_one({"_id": 1, "attempts": "many", "updated_at": datetime.now(UTC)})
    world.batch()
    smaller = replace(world.pipeline, collections=world.pipeline.collections[:1])

    with world.systems() as systems:
        rows = systems.warehouse.rejects(world.pipeline.name)

    keys, left = rejects.keys_of(smaller, rows)
    assert len(keys["documents"]) == 5
    assert [(many, "no collection tickets" in why) for why, many in left.items()] == [(1, True)]


# --- by the command line


@pytest.fixture
def sluice(world: World) -> Any:
    """Commands about the world's rejects."""

    def run(words: str, *more: str) -> Result:
        command, *rest = words.split()
        return CliRunner().invoke(app, ["rejects", command, str(world.file), *rest, *more], catch_exceptions=False)

    return run


def said(world: World, words: str, *more: str) -> str:
    """What a command says that is refused."""
    command, *rest = words.split()
    found = CliRunner().invoke(app, ["rejects", command, str(world.file), *rest, *more])
    assert found.exit_code == 1
    assert isinstance(found.exception, SluiceError), found.output
    return str(found.exception)


def test_rejects_are_listed_shown_and_dropped(world: World, sluice: Any) -> None:
    listed = sluice("list --reason too_long --limit 2").output
    assert len(re.findall("too_long", listed)) == 2
    assert "--limit shows more" in listed

    shown = sluice("show long").output
    assert "documents long: topic: too_long" in shown
    assert json.loads(shown[shown.index("{") :])["topic"] == LONG

    assert "4 rejects dropped" in sluice("drop --reason too_long --who ann", "--why", "test books").output
    assert "wrong_type" in sluice("list").output
    assert "too_long" not in sluice("list").output
    assert "dropped by ann" in " ".join(sluice("list --all").output.split())
    left = sluice("replay")
    assert left.exit_code == 1
    assert "1 documents read again by batch 2, 1 rejected again" in left.output
    sluice("drop --collection documents", "--why", "x")
    assert "no open rejects" in sluice("replay").output


def test_wrong_words_get_one_clear_answer(world: World) -> None:
    assert "did you mean documents?" in said(world, "replay --collection document")
    assert "no open reject with reason nothing" in said(world, "replay --reason nothing")
    assert "no open reject with key nobody" in said(world, "show nobody")
    assert "every open reject" in said(world, "drop", "--why", "x")
    assert "--why says nothing" in said(world, "drop --reason too_long", "--why", " ")
    assert "no open reject with batch 7" in said(world, "drop --batch 7", "--why", "x")


def test_a_raw_document_that_was_cleaned_up_is_told_and_is_not_needed(world: World, project: Path, sluice: Any) -> None:
    with world.systems() as systems:
        landed = f"{world.pipeline.name}/"
        for key in systems.landing.times(landed):
            systems.landing.delete(key)
        now = datetime.now(UTC)
        systems.landing.note_cleaning(world.pipeline.name, now, now)

    shown = sluice("show --limit 9").output
    assert shown.count("not on the landing any more") == 5
    assert "documents long: topic: too_long" in shown
    assert f"was cleaned up on {now:%Y-%m-%d %H:%M} UTC" in shown
    widen(world, project)
    with systems_of(world, project) as systems:
        assert rejects.replay(world.pipeline, systems, Which(key="long")).settled == {"published": 1}
