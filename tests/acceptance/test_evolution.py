"""A new field, from the first document that has it to a column that every document has: nothing is read twice.

What can happen beside a replay is in tests/faults/test_replay.py.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from bson import Binary, Decimal128, ObjectId

from sluice import audit, replay, report
from sluice import pipeline as spine
from sluice.errors import MigrationError
from sluice.pipeline_file import load_pipeline
from sluice.settings import from_environment
from sluice.warehouse.migrations import read_migrations, write_migration
from sluice.warehouse.redshift.connection import connector
from tests.acceptance.conftest import ROOT, World

NOWHERE = '{"conn_type": "mongo", "host": "127.0.0.1", "port": 9, "extra": {"serverSelectionTimeoutMS": 500}}'
ADDED = """      isbn: string(13)
      price: decimal(18,2)
      published: {type: timestamp, on_error: "null"}
      owner: objectid
      size.height: float64
      cover: json
"""
REVIEWS = """      reviews:
        columns:
          stars: int32
          by: text
"""


def a_book(number: int, **fields: Any) -> dict[str, Any]:
    """A book of today: half of its fields are not in the pipeline file of yesterday."""
    book: dict[str, Any] = {
        "_id": number,
        "title": f"Book {number}",
        "updated_at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
        "size": {"pages": number, "height": number / 4, "unit": "cm"},
        "keywords": ["a", "b"][: number % 3],
    }
    return book | fields


def the_books() -> list[dict[str, Any]]:
    """Each kind of value that moves, that stays, and that does not fit."""
    isbn = {"isbn": "9780000000000"}
    reviews = [{"stars": 5, "by": "x", "at": datetime(2026, 2, 3, tzinfo=UTC)}, {"stars": 1}, None]
    return [
        a_book(1),
        a_book(2, **isbn, price=Decimal128("12.50"), owner=ObjectId()),
        a_book(3, isbn=None, price=3, cover={"$oid": "not one", "n": [1, 2.5, None, {"x": Binary(b"\1", 4)}]}),
        a_book(4, price=0.1, published=datetime(1999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC), left="stays"),
        a_book(5, isbn="far too long for its column"),  # rejected: it stays as it is
        a_book(6, published="in spring", size={"pages": 6, "height": 2**40}),
        a_book(7, reviews=reviews, **isbn),
        a_book(8, reviews=[], cover=ObjectId()),
        a_book(9, size="no document"),
        a_book(10, cover=["text"], price=Decimal128("-0.01"), published=datetime(1960, 1, 1, tzinfo=UTC)),
        a_book(11, reviews="no array"),  # rejected too
    ]


def add_columns(world: World) -> None:
    """Declare what the documents have."""
    text = world.file.read_text()
    text = text.replace("    children:\n", ADDED + "    children:\n").replace(
        "string(64)\n  tickets", f"string(64)\n{REVIEWS}  tickets"
    )
    world.file.write_text(text)
    world.pipeline = load_pipeline(world.file)


def yesterday(make_world: Any) -> World:
    """Yesterday's pipeline, with a batch of documents that have more."""
    made: World = make_world(ROOT / "tests" / "pipelines" / "evolution.yml")
    made.database.books.create_index("updated_at")
    made.database.books.insert_many(the_books())
    made.database.tickets.insert_one({"_id": 1, "updated_at": datetime(2026, 1, 1, tzinfo=UTC), "note": 1})
    made.batch()
    return made


@pytest.fixture
def world(make_world: Any) -> World:
    return yesterday(make_world)


@pytest.fixture
def project(world: World, tmp_path: Path) -> Iterator[Path]:
    """A copy of the migrations, to which more are written; what was applied leaves the servers' history again."""
    kind = world.pipeline.warehouse.kind
    shutil.copytree(ROOT / "migrations" / kind, tmp_path / "project" / "migrations" / kind)
    yield tmp_path / "project"
    forget(world, len(read_migrations(kind)))


@contextmanager
def connected(world: World, project: Path) -> Iterator[spine.Systems]:
    """With the migrations of the project, and no MongoDB: whoever asks it fails."""
    nowhere = {"AIRFLOW_CONN_PUBLISHING_MONGO": NOWHERE}
    with spine.connect(world.pipeline, lambda conn_id: from_environment(conn_id, {**os.environ, **nowhere})) as systems:
        systems.warehouse._files = read_migrations(world.pipeline.warehouse.kind, project)  # type: ignore[attr-defined]
        yield systems


def forget(world: World, newest: int) -> None:
    where = f"sluice.migrations{{}} WHERE version > {newest}"
    if world.pipeline.warehouse.kind == "redshift":
        command(world, f"DELETE FROM {where.format('')}")
    else:
        command(world, f"ALTER TABLE {where.format(' DELETE')} SETTINGS mutations_sync = 2")


def command(world: World, sql: str) -> None:
    """Somebody's own statement."""
    end = from_environment(world.pipeline.warehouse.conn_id)
    if world.pipeline.warehouse.kind == "redshift":
        with closing(connector(end)()) as session:
            session.autocommit = True
            session.cursor().execute(sql)
        return
    with closing(
        clickhouse_connect.get_client(host=end.host, port=end.port, username=end.login, password=end.password or "")
    ) as client:
        client.command(sql)


def test_a_new_field_becomes_a_column_of_every_document(world: World, project: Path, capsys: Any) -> None:
    """Kept and recorded, declared, migrated, replayed; and then the warehouse equals the source, value by value."""
    kind = world.pipeline.warehouse.kind
    with connected(world, project) as systems:
        found = systems.warehouse.drift(world.pipeline.name)
        report.show_status(world.pipeline, systems.warehouse.commits(world.pipeline.name), found)
    assert "undeclared fields, kept in _extra: books.cover (array, object, objectId), " in capsys.readouterr().out
    drift = {row.path: row for row in found if row.collection == "books"}
    assert {"isbn", "price", "size.unit", "size", "left", "reviews"} <= drift.keys()
    assert (drift["price"].types, drift["price"].documents) == ("decimal, double, int", 4)
    assert drift["isbn"].sample.startswith('"')

    add_columns(world)
    with connected(world, project) as systems, pytest.raises(MigrationError, match="sluice migrate new"):
        spine.migrate(world.pipeline, systems)
    before = len(read_migrations(kind, project))
    with connected(world, project) as systems:
        said = write_migration(kind, systems.warehouse.compare(world.pipeline), project)
    (made,) = read_migrations(kind, project)[before:]
    assert f"{made.label}.sql" in said
    assert (made.label, made.pipeline) == (f"{before + 1:04d}_alter_{world.pipeline.name}", world.pipeline.name)
    with connected(world, project) as systems:
        with pytest.raises(MigrationError, match="others are not applied yet"):
            systems.warehouse.compare(world.pipeline)
        assert made.label in spine.migrate(world.pipeline, systems)
        assert write_migration(kind, systems.warehouse.compare(world.pipeline), project).startswith("nothing to write")
        done = replay.run(world.pipeline, systems)

    assert done.commit is not None
    assert (done.commit.kind, done.left) == ("replay", [])
    assert world.differences() == []
    assert world.rejected("books") == {"5": "too_long", "11": "wrong_type"}
    rows = {row["_id"]: row for row in world.rows("books")}
    assert "far too long" in rows["5"]["_extra"]
    assert json.loads(rows["4"]["_extra"]) == {"size": {"unit": "cm"}, "left": "stays"}
    with world.systems() as systems:
        assert all(finding.equal for finding in audit.compare(world.pipeline, systems))
