"""What ``sluice check`` tests before a first batch, and what to do about each failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from sluice.errors import SluiceError
from sluice.pipeline import connect_warehouse
from sluice.settings import Resolver, from_environment
from sluice.spec import Pipeline

if TYPE_CHECKING:
    from sluice.mongo import Source

MAX_CLOCK_DIFFERENCE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Check:
    """One test with what was found, and what to do unless it passed."""

    name: str
    state: Literal["passed", "warning", "failed", "skipped"]
    found: str = ""
    fix: str = ""


def check_pipeline(pipeline: Pipeline, resolve: Resolver = from_environment) -> list[Check]:
    """Every check of one pipeline: source, landing, warehouse. Never raises a SluiceError."""
    return [*_source(pipeline, resolve), *_landing(pipeline, resolve), *_warehouse(pipeline, resolve)]


def _source(pipeline: Pipeline, resolve: Resolver) -> Iterator[Check]:
    from sluice.mongo import Source

    name = f"source {pipeline.source.conn_id}"
    source: list[Source] = []

    def connects() -> str:
        found = Source.connect(resolve(pipeline.source.conn_id), pipeline.source.database)
        source.append(found)
        return found.server_version()

    connected = _attempt(f"{name}: connects", connects)
    yield connected
    if connected.state != "passed":
        yield Check(f"{name}: replica set, rights, indexes, clock", "skipped")
        return
    yield _replica_set(name, source[0])
    yield _clock(name, source[0])
    for collection in pipeline.collections:
        yield _attempt(
            f"{name}: may read {collection.name}", lambda c=collection: f"{source[0].probe_read(c.name)} documents"
        )
        if collection.modified:
            yield _index(name, source[0], collection.name, collection.modified)
            yield _undated(name, source[0], collection.name, collection.modified)


def _attempt(name: str, test: Callable[[], str]) -> Check:
    try:
        return Check(name, "passed", test())
    except SluiceError as error:
        found = f"{error.what}: {error.why}" if error.why else error.what
        return Check(name, "failed", found, error.fix)


def _replica_set(name: str, source: Source) -> Check:
    title = f"{name}: replica set"
    if source.has_snapshots():
        return Check(title, "passed", f"snapshots reach back {source.snapshot_window()} s")
    return Check(
        title,
        "warning",
        "a standalone server: collections are read one after the other, not at one instant",
        "run MongoDB as a replica set (one node is enough) if tables must agree with each other",
    )


def _clock(name: str, source: Source) -> Check:
    title = f"{name}: clock"
    difference = source.clock_difference()
    found = f"{difference.total_seconds():+.3f} s from here"
    if abs(difference) <= MAX_CLOCK_DIFFERENCE:
        return Check(title, "passed", found)
    return Check(
        title, "warning", found, "keep capture.overlap longer than the clocks of everything that writes may differ"
    )


def _index(name: str, source: Source, collection: str, field: str) -> Check:
    title = f"{name}: index on {collection}.{field}"
    index = source.index_on(collection, field)
    if index:
        return Check(title, "passed", index)
    return Check(
        title,
        "failed",
        "none: every batch would scan the whole collection",
        f"db.{collection}.createIndex({{{field!r}: 1}})",
    )


def _undated(name: str, source: Source, collection: str, field: str) -> Check:
    title = f"{name}: dates in {collection}.{field}"
    count = source.count_undated(collection, field)
    if count == 0:
        return Check(title, "passed", "every document has one")
    found = f"{count:,} documents without one" if count is not None else "too slow to count"
    return Check(
        title, "warning", found, "nothing is lost: they are read again in every batch; set the field to save time"
    )


def _landing(pipeline: Pipeline, resolve: Resolver) -> Iterator[Check]:
    from sluice.landing import Landing

    def may_write() -> str:
        return Landing.connect(resolve(pipeline.landing.conn_id), pipeline.landing).probe()

    yield _attempt(f"landing {pipeline.landing.conn_id}: put, get, list, multipart, delete", may_write)


def _warehouse(pipeline: Pipeline, resolve: Resolver) -> Iterator[Check]:
    name = f"warehouse {pipeline.warehouse.conn_id}"

    def connects() -> str:
        return connect_warehouse(pipeline, resolve).server_version()

    def may_write() -> str:
        return connect_warehouse(pipeline, resolve).probe()

    connected = _attempt(f"{name}: connects", connects)
    yield connected
    if connected.state == "passed":
        yield _attempt(f"{name}: may create, insert, alter, drop", may_write)
