"""A replay beside other batches, and after other changes of the pipeline file: nothing newer is overwritten (I4).

The way of a field from the first document to a column is in tests/acceptance/test_evolution.py.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sluice import audit, replay
from sluice import pipeline as spine
from sluice.errors import MigrationError
from tests.acceptance.conftest import World
from tests.acceptance.test_evolution import add_columns, command, yesterday

pytestmark = pytest.mark.faults


@pytest.fixture
def world(make_world: Any) -> World:
    return yesterday(make_world)


def test_readers_see_all_of_a_replay_or_nothing(world: World) -> None:
    """Both tables in one statement, again and again, while the replay is published."""
    evolve(world)
    seen = set()
    with world.systems() as systems:
        made, left = replay.plan(world.pipeline, systems)
        seen.add(look(world))
        for piece in made.ranges:
            replay.land(world.pipeline, systems, made, piece)
        loaded = [spine.load(systems, made, collection) for collection in world.pipeline.collections]
        seen.add(look(world))
        spine.publish(world.pipeline, systems, made, loaded)
    seen.add(look(world))

    assert left == []
    assert seen == {(0, 0), (2, 3)}


def evolve(world: World) -> None:
    """Add the columns, as somebody does who writes the statements of the refusal by hand."""
    add_columns(world)
    with world.systems() as systems, pytest.raises(MigrationError) as error:
        spine.migrate(world.pipeline, systems)
    for line in str(error.value).splitlines():
        if line.strip().startswith("ALTER TABLE"):
            command(world, line.strip().rstrip(";"))
    with world.systems() as systems:
        spine.migrate(world.pipeline, systems)


def look(world: World) -> tuple[int, int]:
    """How many books have an isbn, and how many reviews there are."""
    return sum(row["isbn"] is not None for row in world.rows("books")), len(world.rows("books_reviews"))


def test_a_replay_that_is_made_again_finds_nothing_and_changes_nothing(world: World) -> None:
    evolve(world)
    world.database.books.delete_many({"_id": {"$in": [5, 11]}})  # what would be rejected again
    with world.systems() as systems:
        replay.run(world.pipeline, systems)
        before = by_key(world)
        again = replay.run(world.pipeline, systems)

    assert by_key(world) == before
    assert again.commit is None or again.commit.counts["books"]["tables"]["books"]["published"] == 0


def by_key(world: World) -> dict[str, dict[str, Any]]:
    return {row["_id"]: row for row in world.rows("books")}


def interrupted(world: World, systems: spine.Systems) -> Any:
    """A replay that is planned and landed, and not yet loaded."""
    made, _ = replay.plan(world.pipeline, systems)
    for piece in made.ranges:
        replay.land(world.pipeline, systems, made, piece)
    return made


def finish(world: World, systems: spine.Systems, made: Any) -> Any:
    loaded = [spine.load(systems, made, collection) for collection in world.pipeline.collections]
    commit = spine.publish(world.pipeline, systems, made, loaded)
    spine.verify(world.pipeline, systems, commit)
    return commit


@pytest.mark.parametrize("loaded_before", [False, True])
def test_what_a_batch_wrote_since_the_replay_was_planned_stays(world: World, *, loaded_before: bool) -> None:
    """I4: whatever is newer than what the replay read is not touched, children included."""
    evolve(world)
    with world.systems() as systems:
        made = interrupted(world, systems)
        if loaded_before:
            loaded = [spine.load(systems, made, collection) for collection in world.pipeline.collections]
        now = datetime.now(UTC)
        change = {"isbn": "new", "keywords": ["new"], "reviews": [], "updated_at": now}
        world.database.books.update_many({"_id": {"$in": [2, 7]}}, {"$set": change})
        world.batch()
        commit = spine.publish(world.pipeline, systems, made, loaded) if loaded_before else finish(world, systems, made)

    assert world.differences() == []
    assert {row["isbn"] for row in world.rows("books") if row["_id"] in {"2", "7"}} == {"new"}
    assert commit.counts["books"]["tables"]["books"]["published"] == 7


def test_a_backfill_of_before_the_replay_still_brings_what_it_read(world: World) -> None:
    """A replay is not newer than the rows that it rewrites: a state that was read after those is not lost to it.

    It starts from a batch of a later cut than the backfill's, so that by its commit record it would be newer.
    """
    world.database.books.update_one({"_id": 4}, {"$set": {"title": "changed without a date"}})
    evolve(world)
    with world.systems() as systems:
        backfill = landed_backfill(world, systems)
        world.batch()
        done = replay.run(world.pipeline, systems)
        finish(world, systems, backfill)

    assert done.commit is not None
    assert (done.commit.cut.cluster, done.commit.plan) > (backfill.cut.cluster, backfill.id)
    assert world.differences() == []
    assert {row["title"] for row in world.rows("books") if row["_id"] == "4"} == {"changed without a date"}


SPAN = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))


def landed_backfill(world: World, systems: spine.Systems) -> Any:
    """A backfill that read the source, and is published later."""
    made = spine.plan(world.pipeline, systems, SPAN)
    for piece in made.ranges:
        spine.land(world.pipeline, systems, made, piece)
    return made


def test_a_replay_does_not_yield_to_a_whole_load_before_it(world: World) -> None:
    """The batch that it starts from may be of an older cut than that load: whatever it read there is of no cut."""
    with world.systems() as systems:
        late = landed_backfill(world, systems)
        world.batch("books")
        finish(world, systems, late)
    evolve(world)

    with world.systems() as systems:
        done = replay.run(world.pipeline, systems)

    assert done.commit is not None
    assert done.commit.counts["books"]["tables"]["books"]["superseded"] == 0
    assert world.differences() == []


def test_what_a_whole_load_ended_since_the_replay_was_planned_does_not_come_back(world: World) -> None:
    evolve(world)
    with world.systems() as systems:
        made = interrupted(world, systems)
        world.database.books.delete_many({"_id": {"$in": [1, 2, 7]}})
        world.batch("books")
        finish(world, systems, made)

    assert world.differences() == []


def test_what_was_found_unchanged_after_a_replay_is_not_replaced_by_an_older_state(world: World) -> None:
    """The replay says of no row at what cut it was read; the batch that found it unchanged does."""
    evolve(world)
    books = world.database.books
    books.delete_many({"_id": {"$in": [5, 11]}})
    with world.systems() as systems:
        books.update_one({"_id": 4}, {"$set": {"title": "for a moment"}})
        late = landed_backfill(world, systems)
        books.update_one({"_id": 4}, {"$set": {"title": "Book 4"}})
        replay.run(world.pipeline, systems)
        confirming = world.batch(SPAN)
        finish(world, systems, late)

    counts = confirming.counts["books"]["tables"]["books"]
    assert (counts["published"], counts["unchanged"], counts["confirmed"]) == (0, 9, 9)
    assert {row["title"] for row in world.rows("books") if row["_id"] == "4"} == {"Book 4"}


def test_a_landed_page_is_not_read_again(world: World) -> None:
    """I3: whoever dies after landing goes on from the manifest."""
    evolve(world)
    with world.systems() as systems:
        made = interrupted(world, systems)
        first = [replay.land(world.pipeline, systems, made, piece) for piece in made.ranges]
        command(world, f"DELETE FROM sluice_data.{world.pipeline.name}_books WHERE title = 'Book 4'")
        again = [replay.land(world.pipeline, systems, made, piece) for piece in made.ranges]

    assert again == first


def test_rows_whose_columns_changed_otherwise_are_left_and_counted(world: World) -> None:
    world.file.write_text(
        world.file.read_text().replace("title: string(64)", "title: {type: string(64), on_error: truncate}")
    )
    evolve(world)
    before = by_key(world)

    with world.systems() as systems:
        done = replay.run(world.pipeline, systems)

    assert by_key(world) == before
    assert any(
        "books: 11 rows of batches 1 to 1 are left: these columns are not as they were: title" in words
        for words in done.left
    )


def test_rows_without_undeclared_fields_are_replayed_once(world: World) -> None:
    """Only their hashes are exchanged: a second exchange would undo the first."""
    world.file.write_text(
        world.file.read_text().replace(
            "      updated_at: timestamp\n", "      updated_at: timestamp\n      more: text\n"
        )
    )
    world.database.tickets.update_one({"_id": 1}, {"$unset": {"note": 1}, "$set": {"updated_at": datetime.now(UTC)}})
    world.batch()
    evolve(world)

    with world.systems() as systems:
        first = replay.run(world.pipeline, systems, ["tickets"])
        second = replay.run(world.pipeline, systems, ["tickets"])
        (_, tickets) = audit.compare(world.pipeline, systems)

    assert first.commit is not None
    assert first.commit.counts["tickets"]["tables"]["tickets"]["published"] == 1
    assert second.commit is None
    assert tickets.equal
