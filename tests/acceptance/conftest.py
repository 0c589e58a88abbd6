"""A pipeline of one's own on the real servers, and the comparison of source and warehouse value by value."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import MongoClient
from pymongo.database import Database

from sluice import pipeline as spine
from sluice.pipeline_file import load_pipeline
from sluice.plans import Reread
from sluice.settings import from_environment
from sluice.spec import Collection, Pipeline
from sluice.warehouse.quarantine import Which
from tests.acceptance import oracle
from tests.acceptance.analysts import Analyst, OnClickHouse, OnRedshift

ROOT = Path(__file__).parents[2]


@dataclass
class World:
    """One pipeline with its source database and an analyst of its warehouse."""

    file: Path
    pipeline: Pipeline
    database: Database[dict[str, Any]]
    analyst: Analyst

    def systems(self) -> spine.Systems:
        return spine.connect(self.pipeline, from_environment)

    def batch(self, reread: Reread | None = None) -> Any:
        with self.systems() as systems:
            return spine.run(self.pipeline, systems, reread)

    def sweep(self) -> None:
        """Clean up after everything that died."""
        with self.systems() as systems:
            spine.sweep(self.pipeline, systems, timedelta(0))

    def leftovers(self) -> list[str]:
        """Staging tables and unfinished uploads of the pipeline that are still there."""
        with self.systems() as systems:
            prefix = f"{self.pipeline.landing.prefix}/{self.pipeline.name}/"
            uploads = [key for key, _ in systems.landing._unfinished(prefix)]
        return self.analyst.staging(self.pipeline.name) + uploads

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What an analyst sees of a table."""
        return self.analyst.rows(self.pipeline.warehouse.schema, table)

    def differences(self) -> list[str]:
        """Every key whose rows differ from the source, or that is missing without a reject, or is too many."""
        with self.systems() as systems:
            rejected = {c.name: self._rejected(systems, c.name) for c in self.pipeline.collections}
        return [line for c in self.pipeline.collections for line in self._differences_of(c, rejected[c.name])]

    def _differences_of(self, collection: Collection, rejected: dict[str, str]) -> Iterator[str]:
        found = {table.name: self._by_key(table.name, table.key[0]) for table in collection.tables}
        codec: CodecOptions[dict[str, Any]] = CodecOptions(
            tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
        )
        seen = set()
        for document in self.database.get_collection(collection.name, codec_options=codec).find():
            key = oracle.key_text(document["_id"])
            seen.add(key)
            expected = oracle.rows(collection, document, oracle.BOUNDS[self.pipeline.warehouse.kind])
            if expected is None and key not in rejected:
                yield f"{collection.name} {key}: must be rejected"
            if expected is None:
                continue
            for table, rows in expected.items():
                if not _same_rows(rows, found[table].get(key, [])):
                    yield f"{table} {key}: expected {rows}, found {found[table].get(key)}"
        yield from (f"{collection.name} {key}: not in the source" for key in found[collection.name].keys() - seen)

    def _by_key(self, table: str, key: str) -> dict[str, list[dict[str, Any]]]:
        rows = defaultdict(list)
        for row in self.rows(table):
            rows[row[key]].append(row)
        return rows

    def rejected(self, collection: str) -> dict[str, str]:
        """Key → reason of every reject of a collection."""
        with self.systems() as systems:
            return self._rejected(systems, collection)

    def _rejected(self, systems: spine.Systems, collection: str) -> dict[str, str]:
        rows = systems.warehouse.rejects(self.pipeline.name, Which(collection), limit=1_000_000)
        return {row.key: row.reason for row in rows}


def _same_rows(expected: list[dict[str, Any]], found: list[dict[str, Any]]) -> bool:
    if len(expected) != len(found):
        return False
    places = [name for name in expected[0] if name.startswith("ordinal")] if expected else []
    found = sorted(found, key=lambda row: [row[place] for place in places])
    pairs = zip(expected, found, strict=True)
    return all(oracle.same(value, row.get(name)) for wanted, row in pairs for name, value in wanted.items())


ANALYSTS: dict[str, type[Analyst]] = {"clickhouse": OnClickHouse, "redshift": OnRedshift}


@pytest.fixture(params=["clickhouse", "redshift"])
def warehouse_kind(request: pytest.FixtureRequest) -> str:
    """The warehouse that a test's pipelines publish to."""
    return str(request.param)


_read = cache(load_pipeline)
"""Of the files that most tests begin with each is read once."""


@pytest.fixture
def make_world(stack: Any, warehouse_kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Make a world from a pipeline file: the same pipeline under names of its own, on the warehouse of the test."""
    env = stack.env()
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    client: MongoClient[dict[str, Any]] = MongoClient(env["MONGO_URL"], tz_aware=True)
    analyst = ANALYSTS[warehouse_kind](env)
    made: list[World] = []

    def make(file: Path) -> World:
        name = f"{file.stem[:3]}_{secrets.token_hex(3)}"  # short: the stand-in holds 63 bytes, Redshift 127
        text = file.read_text()
        original = _read(file)
        for key, value in (
            ("pipeline", original.name),
            ("database", original.source.database),
            ("schema", original.warehouse.schema),
        ):
            text = text.replace(f"{key}: {value}", f"{key}: {name}")
        if warehouse_kind == "redshift":
            text = text.replace("{kind: clickhouse, conn_id: warehouse,", "{kind: redshift, conn_id: redshift,")
        copy = tmp_path / f"{name}.yml"
        copy.write_text(text)
        pipeline = load_pipeline(copy)
        assert (pipeline.name, pipeline.source.database, pipeline.warehouse.schema) == (name, name, name)
        assert pipeline.warehouse.kind == warehouse_kind
        made.append(World(copy, pipeline, client[name], analyst))
        return made[-1]

    yield make
    for world in made:
        client.drop_database(world.database.name)
    client.close()
    analyst.close()


@pytest.fixture
def publishing(make_world: Any) -> World:
    """The shipped pipeline, empty."""
    return make_world(ROOT / "dags" / "pipelines" / "publishing.yml")


def as_stream(text: str) -> str:
    """The text of a pipeline file, capturing by change stream."""
    text = text.replace("{mode: modified, overlap: 2m, lag: 5s}", "{mode: change_stream}")
    return text.replace("deletes: reconcile", "deletes: stream")


@pytest.fixture
def streaming(make_world: Any, tmp_path: Path) -> World:
    """The shipped pipeline, capturing by change stream."""
    file = tmp_path / "streaming.yml"
    text = (ROOT / "dags" / "pipelines" / "publishing.yml").read_text()
    file.write_text(as_stream(text).replace("pipeline: publishing", "pipeline: streaming"))
    return make_world(file)


def eventually(holds: Callable[[], bool], seconds: float = 90) -> None:
    """Wait until it is so."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.2)
