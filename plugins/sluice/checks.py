"""What ``sluice check`` tests before a first batch, and what to do about each failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Literal

from sluice.errors import SluiceError
from sluice.pipeline import connect_warehouse
from sluice.settings import Resolver, from_environment
from sluice.spec import CHANGE_STREAM, Pipeline

if TYPE_CHECKING:
    from sluice.mongo import Source

MAX_CLOCK_DIFFERENCE = timedelta(seconds=2)
SHORTEST_OPLOG = timedelta(hours=24)


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

    def connects() -> tuple[Source, str]:
        source = Source.connect(resolve(pipeline.source.conn_id), pipeline.source.database, pipeline.source.care)
        return source, source.server_version()

    try:
        source, version = connects()
    except SluiceError as error:
        yield _failed(f"{name}: connects", error)
        yield Check(f"{name}: replica set, rights, indexes, clock", "skipped")
        return
    yield Check(f"{name}: connects", "passed", version)
    try:
        yield from _look_at(name, source, pipeline)
    finally:
        source.close()


def _look_at(name: str, source: Source, pipeline: Pipeline) -> Iterator[Check]:
    streams = pipeline.capture.mode == CHANGE_STREAM
    replicated = _attempt(f"{name}: replica set", partial(_replica_set, source, streams=streams))
    yield replicated
    if streams and replicated.state == "passed":
        yield _attempt(f"{name}: may follow changes", partial(_may_follow, source, pipeline))
        yield _attempt(f"{name}: oplog", partial(_oplog, source))
    yield _attempt(f"{name}: clock", partial(_clock, source))
    for collection in pipeline.collections:
        yield _attempt(f"{name}: may read {collection.name}", partial(_may_read, source, collection.name))
        if (field := collection.modified) and not streams:
            title = f"{collection.name}.{field}"
            yield _attempt(f"{name}: index on {title}", partial(_index, source, collection.name, field))
            yield _attempt(f"{name}: dates in {title}", partial(_undated, source, collection.name, field))


Outcome = tuple[Literal["passed", "warning", "failed"], str, str]
"""State, what was found, what to do."""


def _attempt(name: str, test: Callable[[], Outcome]) -> Check:
    try:
        return Check(name, *test())
    except SluiceError as error:
        return _failed(name, error)


def _failed(name: str, error: SluiceError) -> Check:
    return Check(name, "failed", f"{error.what}: {error.why}" if error.why else error.what, error.fix)


def _may_read(source: Source, collection: str) -> Outcome:
    return "passed", f"about {source.probe_read(collection):,} documents", ""


def _replica_set(source: Source, *, streams: bool) -> Outcome:
    if source.has_snapshots():
        return "passed", f"snapshots reach back {source.snapshot_window()} s", ""
    if streams:
        found = "a standalone server, or one older than 5.0: it has no change streams"
        return "failed", found, "run MongoDB as a replica set (one node is enough), or set capture.mode to modified"
    found = "a standalone server: collections are read one after the other, not at one instant, and no deletes are seen"
    return "warning", found, "run MongoDB as a replica set (one node is enough) if tables must agree with each other"


def _may_follow(source: Source, pipeline: Pipeline) -> Outcome:
    from sluice.planning import refuse_views

    source.probe_stream()
    refuse_views(source, pipeline)
    return "passed", "a change stream of the database", ""


def _oplog(source: Source) -> Outcome:
    window = source.oplog_window()
    if window is None:
        fix = "nothing, if you know it: the login may not read local.oplog.rs"
        return "warning", "how far back it reaches cannot be seen from here", fix
    found = f"reaches back {window.total_seconds() / 3600:,.1f} hours"
    if window >= SHORTEST_OPLOG:
        return "passed", found, ""
    return (
        "warning",
        found,
        (
            "when no batch is made for so long, every collection is read whole: enlarge it (replSetResizeOplog); "
            "on a new server it has yet to fill"
        ),
    )


def _clock(source: Source) -> Outcome:
    difference = source.clock_difference()
    found = f"{difference.total_seconds():+.3f} s from here"
    if abs(difference) <= MAX_CLOCK_DIFFERENCE:
        return "passed", found, ""
    return "warning", found, "keep capture.overlap longer than the clocks of everything that writes may differ"


def _index(source: Source, collection: str, field: str) -> Outcome:
    if index := source.index_on(collection, field):
        return "passed", index, ""
    found = "none: every batch would scan the whole collection"
    return "failed", found, f'db.{collection}.createIndex({{"{field}": 1}})'


def _undated(source: Source, collection: str, field: str) -> Outcome:
    count = source.count_undated(collection, field)
    if count == 0:
        return "passed", "every document has one", ""
    found = f"{count:,} documents without one" if count is not None else "too slow to count"
    return "warning", found, "nothing is lost: they are read again in every batch; set the field to save time"


def _landing(pipeline: Pipeline, resolve: Resolver) -> Iterator[Check]:
    from sluice.landing import Landing

    def may_write() -> Outcome:
        return "passed", Landing.connect(resolve(pipeline.landing.conn_id), pipeline.landing).probe(), ""

    yield _attempt(f"landing {pipeline.landing.conn_id}: put, get, list, multipart, delete", may_write)


def _warehouse(pipeline: Pipeline, resolve: Resolver) -> Iterator[Check]:
    name = f"warehouse {pipeline.warehouse.conn_id}"

    def connects() -> Outcome:
        with closing(connect_warehouse(pipeline, resolve)) as warehouse:
            return "passed", warehouse.server_version(), ""

    def may_write() -> Outcome:
        with closing(connect_warehouse(pipeline, resolve)) as warehouse:
            return "passed", warehouse.probe(), ""

    connected = _attempt(f"{name}: connects", connects)
    yield connected
    if connected.state == "passed":
        yield _attempt(f"{name}: may create, insert, alter, drop", may_write)
