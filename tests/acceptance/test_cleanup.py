"""Cleanup frees exactly what is due: whatever somebody may still need, and whatever others made, survives it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devstack.publisher import Publisher
from sluice import cleanup as steps
from sluice import pipeline as spine
from sluice.cleanup import Tools
from sluice.landed_keys import read_key
from sluice.settings import from_environment
from sluice.spec import WarehouseKind
from sluice.warehouse.base import Commit
from sluice.warehouse.maintenance import Entry
from sluice.window import Plan
from tests.acceptance.conftest import World

BUCKET = "landing"
PART = "documents/{}/ids-000/0123abcd/documents/part-00000.parquet"
DEAD = "20260101T000000-aaaaaa"


@pytest.fixture
def many(publishing: World, s3: Any) -> Many:
    return Many(publishing, s3)


class Many:
    """A pipeline after three batches, of which two are old; with the newest as old as they are."""

    def __init__(self, world: World, s3: Any) -> None:
        self.world, self.s3 = world, s3
        self.root = f"{world.pipeline.landing.prefix}/{world.pipeline.name}/"
        publisher = Publisher(world.database.client, world.database.name, seed=41)
        publisher.seed(documents=20, tickets=20)
        self.commits: list[Commit] = []
        for number in range(3):
            bad = {"_id": f"bad {number}", "topic": 5.0, "updated_at": datetime.now(UTC)}
            world.database.documents.insert_one(bad)
            self.commits.append(world.batch())
            publisher.burst(inserts=5, updates=5)

    # -- time that passes

    def age(self, days: int = 60) -> None:
        """Everything that there is now is so many days old."""
        at, ends = f"DATEADD(day, -{days}, GETDATE())", ""
        change = "UPDATE sluice.batches SET committed_at ="
        if self.world.pipeline.warehouse.kind is WarehouseKind.CLICKHOUSE:
            change, at = "ALTER TABLE sluice.batches UPDATE committed_at =", f"now64(3) - INTERVAL {days} DAY"
        self.world.analyst.damage(f"{change} {at} WHERE pipeline = '{self.world.pipeline.name}'{ends}")
        written = (datetime.now(UTC) - timedelta(days=days)).timestamp()
        for key in self.there():
            body = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata={"mtime": str(written)})

    # -- what there is

    def there(self, root: str | None = None) -> set[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=root or self.root)
        return {found["Key"] for page in pages for found in page.get("Contents", ())}

    def of(self, plan: str) -> set[str]:
        return {key for key in self.there() if f"/{plan}/" in key}

    def raw_rejects(self, plan: str) -> set[str]:
        return {key for key in self.of(plan) if key.endswith("rejects.bson.gz")}

    def uploads(self) -> set[str]:
        return {u["Key"] for u in self.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ())}

    def put(self, *keys: str) -> set[str]:
        for key in keys:
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=b"decoy", Metadata={"mtime": "1000000000"})
        return set(keys)

    def upload(self, key: str) -> str:
        self.s3.create_multipart_upload(Bucket=BUCKET, Key=key)
        return key

    # -- cleaning up

    @contextmanager
    def tools(self) -> Iterator[Tools]:
        with steps.connect(self.world.pipeline, from_environment) as tools:
            yield tools

    def clean(self, **how: Any) -> list[Entry]:
        with self.tools() as tools:
            return steps.run(self.world.pipeline, tools, **how)

    def keep(self, **retention: timedelta) -> None:
        """With another retention of landing or rejects in the pipeline file."""
        for section, time_ in retention.items():
            changed = replace(getattr(self.world.pipeline, section), retention=time_)
            self.world.pipeline = replace(self.world.pipeline, **{section: changed})


def test_what_is_due_is_deleted_once_and_every_decoy_survives(many: Many) -> None:
    world, (first, second, latest) = many.world, many.commits
    kept, running = landed(world, "documents"), landed(world)
    seen = visible(world)
    many.age()
    others = [f"{many.root.rstrip('/')}{end}" for end in ("_2/", "x/")] + [f"sluice/{world.pipeline.name[:-1]}/"]
    decoys = many.put(
        *(root + PART.format(first.plan) for root in others),
        *(many.root + name for name in ("notes.txt", "documents/notes.txt", f"documents/{first.plan}/notes.txt")),
        many.root + PART.format("20200101T000000-000000"),
    )
    young = many.root + PART.format(first.plan)
    many.s3.put_object(Bucket=BUCKET, Key=young, Body=b"landed again")
    protected = many.of(latest.plan) | many.of(kept.id) | many.of(running.id) | decoys | {young}
    raw = many.raw_rejects(first.plan) | many.raw_rejects(second.plan)
    assert raw
    before = many.there() | decoys
    unknown = {key for key in many.there() if read_key(key, many.root) is None}
    assert {key.removeprefix(many.root) for key in unknown - decoys} == {"_plans/refresh-documents.json"}

    would = many.clean(dry_run=True)
    assert many.there() | many.there("sluice/") & decoys == before
    done = many.clean()

    due = (many_of(before, first) | many_of(before, second)) - raw - protected
    assert due
    assert before - many.there("sluice/") == due
    assert many.there("sluice/") >= protected | raw
    (entry,) = done
    assert entry.action == "delete landed objects"
    assert (entry.before.objects or 0) - (entry.after.objects or 0) == len(due)
    assert (would[0].before, would[0].after) == (entry.before, entry.after)
    assert many.clean() == []
    assert visible(world) == seen


def visible(world: World) -> dict[str, list[str]]:
    return {table.name: sorted(map(repr, world.rows(table.name))) for table in world.pipeline.tables}


def many_of(keys: set[str], commit: Commit) -> set[str]:
    return {key for key in keys if f"/{commit.plan}/" in key}


def landed(world: World, reread: str | None = None) -> Plan:
    """A batch that is under way: planned and landed, and not published."""
    with world.systems() as systems:
        plan = spine.plan(world.pipeline, systems, reread)
        for piece in plan.ranges:
            spine.land(world.pipeline, systems, plan, piece)
        return plan


def test_what_was_begun_before_the_first_batch_is_looked_at(publishing: World, s3: Any) -> None:
    with steps.connect(publishing.pipeline, from_environment) as tools:
        assert [entry.action for entry in steps.run(publishing.pipeline, tools)] == ["look"]
