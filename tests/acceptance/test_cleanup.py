"""Cleanup frees exactly what is due: whatever somebody may still need, and whatever others made, survives it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devstack.publisher import Publisher, shares
from sluice import cleanup as steps
from sluice import pipeline as spine
from sluice.cleanup import Tools
from sluice.settings import from_environment
from sluice.spec import WarehouseKind
from sluice.warehouse.base import Commit
from sluice.warehouse.maintenance import CLEANUP, Entry
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
        publisher = Publisher(world.database.client, world.database.name, seed=41, mess=shares(0.05))
        publisher.seed(documents=60, tickets=60)
        self.commits: list[Commit] = []
        for _ in range(3):
            self.commits.append(world.batch())
            publisher.burst(inserts=20, updates=5)

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
    world_before = {t.name: world.rows(t.name) for t in world.pipeline.tables}
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
    assert {t.name: world.rows(t.name) for t in world.pipeline.tables} == world_before


def many_of(keys: set[str], commit: Commit) -> set[str]:
    return {key for key in keys if f"/{commit.plan}/" in key}


def landed(world: World, reread: str | None = None) -> Plan:
    """A batch that is under way: planned and landed, and not published."""
    with world.systems() as systems:
        plan = spine.plan(world.pipeline, systems, reread)
        for piece in plan.ranges:
            spine.land(world.pipeline, systems, plan, piece)
        return plan


def test_raw_rejects_go_when_their_rejects_do_and_the_latest_batchs_stay(many: Many) -> None:
    world, (first, second, latest) = many.world, many.commits
    assert many.raw_rejects(latest.plan)
    many.age(days=100)

    done = {entry.action: entry for entry in many.clean()}

    assert set(done) == {"delete rejects", "delete landed objects"}
    with world.systems() as systems:
        assert {r.batch for r in systems.warehouse.rejects(world.pipeline.name, limit=10_000)} == {latest.batch}
    assert many.of(first.plan) | many.of(second.plan) == set()
    assert many.raw_rejects(latest.plan)
    assert many.clean() == []


def test_what_dead_batches_left_goes_and_what_lives_stays(many: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    world = many.world
    with world.systems() as systems:
        made = spine.plan(world.pipeline, systems)
        for plan in (replace(made, id=DEAD), made):
            for piece in plan.ranges:
                spine.land(world.pipeline, systems, plan, piece)
            spine.load(systems, plan, world.pipeline.collections[0])
    foreign = {many.upload(many.root + "mine.bin"), many.upload(f"sluice/{world.pipeline.name}x/{PART.format(DEAD)}")}
    many.upload(many.root + PART.format(DEAD))
    alive = many.upload(many.root + PART.format(made.id))
    staged = world.analyst.staging(world.pipeline.name)

    assert {entry.action for entry in many.clean()} == {"drop staging"}
    assert many.root + PART.format(DEAD) in many.uploads()  # begun just now

    monkeypatch.setattr(steps, "ABANDONED", timedelta(seconds=1))
    world.batch()  # a plan of just now
    time.sleep(1.1)
    many.clean()
    assert many.uploads() >= foreign
    assert not many.uploads() & {many.root + PART.format(DEAD), alive}
    assert staged
    assert world.analyst.staging(world.pipeline.name) == []
    assert many.of(DEAD)  # landed, and never published: nobody but a person may know that nobody wants it


def test_the_schedule_only_looks_until_somebody_had_time_to(many: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    many.age()
    before = many.there()

    for _ in range(2):  # the second is another try of the same run
        first = many.clean(dry_run=None)
        assert [(entry.action, entry.dry_run) for entry in first] == [("delete landed objects", True)]
        assert many.there() == before

    monkeypatch.setattr(steps, "TIME_TO_LOOK", timedelta(0))
    assert [entry.dry_run for entry in many.clean(dry_run=None)] == [False]
    assert many.there() < before
    with many.tools() as tools:
        assert len(tools.journal.entries(many.world.pipeline.name, kind=CLEANUP)) == 3


def test_nothing_is_due_before_the_first_batch(publishing: World, s3: Any) -> None:
    with steps.connect(publishing.pipeline, from_environment) as tools:
        assert steps.run(publishing.pipeline, tools) == []
