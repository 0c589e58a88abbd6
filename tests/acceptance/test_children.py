"""Arrays to three levels on real servers: every value arrives where it stands, and leaves with its document."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128, ObjectId

from sluice.warehouse.quarantine import Which
from tests.acceptance.conftest import World

FILE = Path(__file__).parents[1] / "pipelines" / "library.yml"
MEMBERS = ["m1", 2, ObjectId("65f000000000000000000003")]
DEEP = ("books_chapters", "books_sections", "books_notes", "books_outline")


class Books(random.Random):
    """Books with arrays of every length at each level, and what real ones have: nulls, gaps, fields nobody declared."""

    def book(self, number: int) -> dict[str, Any]:
        chapters = self._some(self._chapter)
        return {"_id": number, "title": f"t{number}", "keywords": self._some(lambda: "k"), "chapters": chapters}

    def _chapter(self) -> dict[str, Any]:
        tables = self._some(lambda: self._some(lambda: {"cells": self._some(lambda: {"a": [1, None]})}))
        fields = {
            "title": "ü",
            "pages": {"first": 7, "last": 9},
            "sections": self._some(self._section),
            "tables": tables,
        }
        return self._without_some(fields)

    def _section(self) -> dict[str, Any]:
        outline = self._some(lambda: self._some(lambda: self.choice((1, 2.5, None))))
        fields = {
            "price": Decimal128("12.50"),
            "notes": self._some(self._note),
            "outline": outline,
            "draft": [{"x": 1}],
        }
        return self._without_some({**fields, "written_at": datetime(2026, 1, 1, tzinfo=UTC)})

    def _note(self) -> dict[str, Any]:
        return self._without_some({"by": self.choice(MEMBERS), "text": 'a,\n"b"', "stars": self.choice((1, 0.5, "*"))})

    def _some(self, make: Any) -> list[Any]:
        return [make() if self.random() < 0.95 else None for _ in range(self.choice((0, 1, 2, 3)))]

    def _without_some(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in fields.items() if self.random() < 0.9}


@pytest.fixture
def world(make_world: Any) -> World:
    found: World = make_world(FILE)
    dated = {"updated_at": datetime(2026, 1, 1, tzinfo=UTC)}
    found.database.members.insert_many({"_id": member, **dated} for member in MEMBERS[:2])
    made = Books(7)
    found.database.books.insert_many({**made.book(number), **dated} for number in range(60))
    return found


def change(world: World, key: int, **how: Any) -> None:
    done = world.database.books.update_one({"_id": key}, {**how, "$currentDate": {"updated_at": True}})
    assert done.modified_count == 1


def orphans(world: World) -> list[tuple[str, Any]]:
    """Rows whose outer row is not there."""
    found = []
    tables = {table.name: table for table in world.pipeline.collection("books").tables}
    for table in tables.values():
        outer = table.within[-1].name if table.within else None
        around = tables[f"books_{outer}"] if outer else tables["books"]
        if table.child:
            there = {tuple(row[name] for name in around.key) for row in world.rows(around.name)}
            keys = [tuple(row[name] for name in table.key) for row in world.rows(table.name)]
            found += [(table.name, key) for key in keys if key[: len(around.key)] not in there]
    return found


def check_numbers(world: World) -> None:
    """Ids deep inside have the numbers of their documents."""
    numbers = {row["_id"]: row["_key"] for row in world.rows("members")}
    notes = world.rows("books_notes")
    assert len(numbers) == 2
    assert {row["by_key"] for row in notes if row["by"] in numbers} == set(numbers.values())
    assert all((row["by_key"] is None) == (row["by"] is None) for row in notes)
    assert {row["parent_key"] for row in notes} <= {row["_key"] for row in world.rows("books")}


def test_arrays_to_three_levels_arrive_shrink_grow_and_leave_with_their_document(world: World) -> None:
    world.batch()
    assert world.differences() == orphans(world) == []
    for table in DEEP:
        assert len(world.rows(table)) > 60, table
    check_numbers(world)

    chapter = {"title": "new", "sections": [{"notes": [{"text": "new"}], "outline": [[1], [2, 3]]}] * 3}
    full = {"chapters": [chapter] * 3}
    for key in range(4):
        change(world, key, **{"$set": full})
    world.batch()
    assert world.differences() == []

    shorter = {"chapters.1.sections.2.notes": [], "chapters.1.sections.1.outline": [[4]], "chapters.0.sections": [{}]}
    change(world, 0, **{"$set": shorter})
    change(world, 1, **{"$pop": {"chapters": 1}})
    change(world, 2, **{"$unset": {"chapters": ""}})
    change(world, 3, **{"$set": {"deleted_at": datetime(2026, 1, 1, tzinfo=UTC)}})
    world.batch()

    world.database.books.delete_one({"_id": 3})  # its mark did it already
    assert world.differences() == orphans(world) == []
    for table in DEEP:
        parents = {row["parent_id"] for row in world.rows(table)}
        assert parents >= {"0", "1"}
        assert not parents & {"2", "3"}


@pytest.mark.parametrize("warehouse_kind", ["redshift"], indirect=True)
def test_a_backfill_changes_nothing_and_a_bad_element_deep_inside_is_found_by_its_place(world: World) -> None:
    notes = [{"text": "fits"}, {"text": "x" * 33}]
    change(world, 0, **{"$set": {"chapters": [{}, {"sections": [{"notes": notes}]}]}})

    commit = world.batch()

    assert world.differences() == []
    assert commit.counts["books"]["rejected"] == 1
    with world.systems() as systems:
        (reject,) = systems.warehouse.rejects(world.pipeline.name, Which("books"), limit=10)
    assert (reject.key, reject.column, reject.reason) == ("0", "notes.text", "too_long")
    assert reject.detail.endswith(", at chapters.1.sections.0.notes.1")
    place = reject.detail.rpartition(" at ")[2]
    assert world.database.books.count_documents({f"{place}.text": "x" * 33}) == 1  # as it is written, MongoDB finds it

    for key in range(10):
        change(world, key, **{"$pop": {"chapters": 1}, "$push": {"keywords": "later"}})
    now = datetime.now(UTC)
    world.batch((now - timedelta(days=400), now))
    assert world.differences() == orphans(world) == []
