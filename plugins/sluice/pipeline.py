"""The spine: one batch of one pipeline, from MongoDB to published tables. Read it top to bottom.

    migrate → plan → land[collection x range] → (follow) → load[collection] → publish → verify

Each step is one function here, and one task under Airflow; the command line calls the same functions. Every step may
be run again at any time after dying at any point (I3): what it leaves behind is either whole or ignored. Counts are
compared at every hand-over, and a mismatch stops the batch (I1).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Container, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from sluice.errors import ChecksFailed, CountMismatch, SluiceError, StreamLost
from sluice.hashes import collection_hash
from sluice.kept import KeptPlans, is_kept, name_of
from sluice.limits import limits_of
from sluice.plans import Reread, Span, keep, kind_of, refuse_refresh, take_up, windows_of
from sluice.progress import Progress
from sluice.ranges import UNDATED, later_range
from sluice.reject_limits import Rejected, refuse_too_many
from sluice.rejects import asked_keys, plan_rejects
from sluice.retention import plan_spared
from sluice.spec import CHANGE_STREAM, Collection, Pipeline, WarehouseKind
from sluice.telling import tell_progress, telling
from sluice.warehouse.aggregates import Refreshing
from sluice.warehouse.base import Batch, Commit, Loaded, Warehouse
from sluice.warehouse.quarantine import Which
from sluice.window import BatchKind, Cut, Plan, Range, Window, next_window

if TYPE_CHECKING:
    from sluice.conform import Conformer
    from sluice.key_lists import Found
    from sluice.landing import Landing
    from sluice.manifest import Manifest
    from sluice.mongo import Source
    from sluice.range_writer import RangeWriter
    from sluice.settings import Resolver

log = logging.getLogger(__name__)

TURNS: Final = 3
"""By which a batch by date is followed, at most."""


@dataclass(frozen=True, slots=True)
class Systems:
    """The three systems of a pipeline, connected. Leaving it as a context manager closes their connections."""

    source: Source
    landing: Landing
    warehouse: Warehouse

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()
        self.warehouse.close()


def connect(pipeline: Pipeline, resolve: Resolver) -> Systems:
    """Connect to the pipeline's three systems. The drivers are imported here, not when a DAG is parsed (I10)."""
    from sluice.landing import Landing
    from sluice.mongo import Source

    return Systems(
        Source.connect(resolve(pipeline.source.conn_id), pipeline.source.database, pipeline.source.care),
        Landing.connect(resolve(pipeline.landing.conn_id), pipeline.landing),
        connect_warehouse(pipeline, resolve),
    )


def connect_warehouse(pipeline: Pipeline, resolve: Resolver) -> Warehouse:
    """Connect to the pipeline's warehouse alone."""
    warehouse, landing = resolve(pipeline.warehouse.conn_id), resolve(pipeline.landing.conn_id)
    if pipeline.warehouse.kind is WarehouseKind.REDSHIFT:
        from sluice.warehouse.redshift import Redshift

        return Redshift.connect(warehouse, landing, pipeline.landing)
    from sluice.warehouse.clickhouse import ClickHouse, bucket_address

    bucket = bucket_address(landing, pipeline.landing.bucket)
    return ClickHouse.connect(warehouse, pipeline.warehouse, bucket=bucket)


def migrate(pipeline: Pipeline, systems: Systems) -> list[str]:
    """Bring the warehouse's schema to what the migrations and the pipeline file say. Returns what was applied.

    Nothing is created for a batch that could not be landed: the landing is looked at first.
    """
    systems.landing.look()
    applied = systems.warehouse.migrate(pipeline)
    log.info("migrate: %s", ", ".join(applied) or "nothing to do")
    return applied


def plan(pipeline: Pipeline, systems: Systems, reread: Reread | None = None) -> Plan:
    """Decide once what the batch reads: the cut, a window per collection, and the ranges to land.

    A live batch goes on from the last commit record. One that re-reads moves no position. With a span it is a backfill:
    it reads the documents whose modified date lies in the span, in their state at the cut. With a collection it is a
    refresh: it reads all of that collection, and ends what is no longer there. With rejects it reads their documents.
    A load of a collection from its beginning that was killed is gone on with: its plan is taken up, and what it landed
    is not read again.
    """
    last = systems.warehouse.last_commit(pipeline.name)
    made = plan_after(pipeline, systems, last, reread)
    tell_plan(made, last)
    return made


def plan_after(pipeline: Pipeline, systems: Systems, last: Commit | None, reread: Reread | None = None) -> Plan:
    """The plan of what follows a commit record, without a word in the log."""
    made = take_up(pipeline, systems, last, reread)
    return made or keep(systems, make_plan(pipeline, systems, last, reread), last)


def make_plan(pipeline: Pipeline, systems: Systems, last: Commit | None, reread: Reread | None) -> Plan:
    """A new plan, of which nobody knows yet."""
    if isinstance(reread, Which):
        return plan_rejects(pipeline, systems, reread)
    if pipeline.capture.mode == CHANGE_STREAM and reread is None:
        from sluice.planning import plan_stream

        return plan_stream(pipeline, systems, last)
    return _plan_by_date(pipeline, systems, last, reread)


def _plan_by_date(pipeline: Pipeline, systems: Systems, last: Commit | None, reread: Span | str | None) -> Plan:
    from sluice.planning import new_plan

    if isinstance(reread, str):
        refuse_refresh(pipeline, systems.source, last, reread)
    cut = systems.source.now_cut()
    made = new_plan(pipeline, kind_of(reread), cut, windows_of(pipeline, last, cut, reread))
    wanted = {name: window for name, window in made.windows.items() if not isinstance(reread, str) or name == reread}
    ranges = _ranges_of(pipeline, systems, wanted, cut)
    if made.kind is BatchKind.BACKFILL:
        # What has no date is in no span, and every live batch reads it.
        ranges = [piece for piece in ranges if piece.name != UNDATED]
    return replace(made, ranges=tuple(ranges))


def _ranges_of(pipeline: Pipeline, systems: Systems, windows: Mapping[str, Window], cut: Cut) -> list[Range]:
    # What is read from its beginning comes last: it may outlast the snapshot, and the others need not.
    names = sorted(windows, key=lambda name: windows[name].low is None)
    pieces = (systems.source.plan_ranges(pipeline.collection(name), windows[name], cut) for name in names)
    return [piece for found in pieces for piece in found]


def plan_keys(
    pipeline: Pipeline, systems: Systems, keys: Mapping[str, Iterable[bytes]], kind: BatchKind = BatchKind.REPAIR
) -> Plan:
    """A plan that reads given keys of collections at one cut, and moves no position: :mod:`sluice.key_lists`."""
    from sluice.planning import list_keys, new_plan

    def windows(cut: Cut) -> dict[str, Window]:
        return {c.name: Window(None, cut.time, bounded=False) for c in pipeline.collections}

    listing = systems.source.now_cut()
    made = new_plan(pipeline, kind, listing, windows(listing))
    ranges = [piece for name in keys for piece in list_keys(systems.landing, made, name, keys[name])]
    # To find keys takes time: what was seen of one, that it is gone, must be true at the cut.
    cut = systems.source.now_cut()
    return replace(made, cut=cut, windows=windows(cut), ranges=tuple(ranges))


def land(
    pipeline: Pipeline, systems: Systems, plan: Plan, piece: Range, on_read: Callable[[int], None] | None = None
) -> Manifest:
    """Copy one range to S3, conformed and compressed. It is landed when its manifest exists, and not before.

    ``on_read`` is called with the number of documents after each batch that was read.
    """
    from sluice.encoding import Encoding

    landed = systems.landing.manifest(plan, piece)
    if landed:
        log.info("land %s: already landed, nothing is read again", _label(piece))
        return landed
    collection = pipeline.collection(piece.collection)
    conform, on_read = conformer(pipeline, collection, piece.turn), telling(_label(piece), on_read)
    with (
        closing(read(systems, plan, collection, piece)) as batches,
        systems.landing.writer(plan, collection, piece, Encoding.of(pipeline, plan)) as writer,
    ):
        for found in batches:
            if found.documents:
                conformed = conform(found.documents)
                writer.write(conformed, read_bytes=len(found.documents))
                on_read(conformed.read)
            writer.late |= found.late
            if found.asked:
                _settle(writer, conform, found, keep_deleted=collection.deletes == "none")
    _tell_landed(piece, writer.manifest)
    if progress := progress_of(systems, plan):
        tell_progress(progress, plan, systems.source.oplog_window() if plan.follow else None)
    return writer.manifest


def progress_of(systems: Systems, plan: Plan) -> Progress | None:
    """How far a load is that reads collections from their beginning; None of any other plan."""
    kept = KeptPlans(systems.landing, plan.pipeline).get(name_of(plan)) if is_kept(plan) else None
    return Progress.of(kept, systems.landing.landed(plan)) if kept and kept.plan.id == plan.id else None


def loads_under_way(pipeline: Pipeline, resolve: Resolver, published: Container[str]) -> list[Progress]:
    """How far each such load is, by its landing alone. ``published``: the ids of plans that are."""
    from sluice.landing import Landing

    landing = Landing.connect(resolve(pipeline.landing.conn_id), pipeline.landing)
    left = [kept for kept in KeptPlans(landing, pipeline.name).all() if kept.plan.id not in published]
    return [Progress.of(kept, landing.landed(kept.plan)) for kept in left]


def follow(pipeline: Pipeline, systems: Systems, plan: Plan) -> Plan:
    """Bring what was landed to one cut: land what changed in MongoDB while it was read. Returns the plan to load.

    Lands by itself, and goes on as long as there is more than can be read at a snapshot.
    """
    from sluice.planning import follow_stream

    turn = follow_stream if pipeline.capture.mode == CHANGE_STREAM else _follow_dates
    late = _late(systems, plan)
    while plan.follow or _helps(plan, late):
        with _trusting(systems, plan):
            plan = turn(pipeline, systems, plan)
        log.info("follow %s: turn %d, cut %s", plan.id, plan.turn, plan.cut.time)
        for piece in plan.ranges:
            if piece.turn == plan.turn:
                land(pipeline, systems, plan, piece)
        late = _late(systems, plan)
    if late:
        log.warning(LATE, ", ".join(sorted(late)), plan.cut.time)
    return plan


def _follow_dates(pipeline: Pipeline, systems: Systems, plan: Plan) -> Plan:
    """The plan with a later cut, and as ranges of a later turn what the next batch would read."""
    cut = systems.source.now_cut()
    turned = replace(plan, cut=cut, turn=plan.turn + 1)
    windows = {n: next_window(w.high, cut, pipeline.capture, w.field) for n, w in plan.windows.items()}
    ranges = [later_range(piece, turned) for piece in _ranges_of(pipeline, systems, windows, cut)]
    reached = {name: replace(window, high=windows[name].high) for name, window in plan.windows.items()}
    return replace(turned, windows=reached, ranges=(*plan.ranges, *ranges))


def _late(systems: Systems, plan: Plan) -> set[str]:
    """The collections of which the plan's turn read something later than its cut."""
    manifests = (systems.landing.manifest(plan, piece) for piece in plan.ranges if piece.turn == plan.turn)
    return {manifest.collection for manifest in manifests if manifest and manifest.late}


def _helps(plan: Plan, late: Container[str]) -> bool:
    """Whether another turn may bring a batch to one cut: each has less to read, but where a collection has no dates.

    By date it need not be: what is left the next batch reads, and without an index a turn takes as long as the first.
    """
    windows = [window for name, window in plan.windows.items() if name in late]
    return plan.kind is BatchKind.LIVE and any(w.stream or (w.field and plan.turn < TURNS) for w in windows)


LATE: Final = (
    "%s: read later than the cut, %s, of which the server no longer has its state. Tables may disagree with each other "
    "until the next batch has read what changed since"
)


def load(systems: Systems, plan: Plan, collection: Collection) -> Loaded:
    """Stage every landed range of one collection, and count it against the manifests (I1)."""
    with _trusting(systems, plan):
        manifests = systems.landing.manifests(plan, collection.name)
        rejects = (row for manifest in manifests if manifest.turn for row in systems.landing.read_rejects(manifest))
        loaded = systems.warehouse.load(plan, collection, manifests, rejects)
    for table, rows in loaded.staged.items():
        log.info(
            "load %s: %s rows staged, %s repeated keys dropped, %s, %s",
            table,
            f"{rows:,}",
            f"{loaded.repeated.get(table, 0):,}",
            f"{loaded.seconds:.1f} s",
            _rate(rows, loaded.seconds),
        )
    return loaded


def publish(pipeline: Pipeline, systems: Systems, plan: Plan, loaded: Sequence[Loaded]) -> Commit:
    """Make the batch visible: every table at once, or none (I2). Stops before it when too much was rejected (I7).

    The checks of the pipeline file are judged inside of it, on the tables as readers would see them: one that does not
    hold raises ChecksFailed, and readers see nothing of the batch.
    """
    begun = time.monotonic()
    with _trusting(systems, plan):
        manifests = [m for c in pipeline.collections for m in systems.landing.manifests(plan, c.name)]
        if plan.kind is not BatchKind.REJECTS:  # what is rejected again is in quarantine already
            refuse_too_many(pipeline, Rejected(manifests, loaded))
        rejects = (row for manifest in manifests for row in systems.landing.read_rejects(manifest))
        batch = Batch(plan, manifests, loaded, rejects, plan.cut.time, asked_keys(systems.landing, plan))
        commit = systems.warehouse.publish(pipeline, batch)
    KeptPlans(systems.landing, pipeline.name).forget(plan)
    log.info("publish: batch %d is visible, cut %s, %.1f s", commit.batch, commit.cut.time, time.monotonic() - begun)
    refresh(pipeline, systems.warehouse)
    return commit


def refresh(pipeline: Pipeline, warehouse: Refreshing) -> None:
    """Bring what is aggregated for analysts to the batch that is visible.

    That the batch is published is true whatever becomes of this: a failure is said, and the next publish tries again.
    Aggregates tell of which batch they are.
    """
    for aggregate in warehouse.aggregates(pipeline):
        begun = time.monotonic()
        try:
            warehouse.refresh(aggregate)
        except SluiceError as error:
            log.warning(
                "refresh: %s IS STILL OF AN OLDER BATCH, and the next publish tries again: %s", aggregate, error
            )
        else:
            log.info("refresh: %s, %.1f s", aggregate, time.monotonic() - begun)


def verify(pipeline: Pipeline, systems: Systems, commit: Commit) -> None:
    """Recount what readers now see of the batch against its commit record."""
    systems.warehouse.verify(pipeline, commit)
    log.info("verify: batch %d holds what its commit record says", commit.batch)


def clean_up(systems: Systems, plan: Plan) -> None:
    """Leave nothing of a plan but its landing: abort unfinished uploads, drop its staging tables. Safe at any time."""
    aborted = systems.landing.abort_uploads(plan)
    dropped = systems.warehouse.drop_staging(plan.id)
    log.info("clean up: %d uploads aborted, %d staging tables dropped", aborted, dropped)


def sweep(pipeline: Pipeline, systems: Systems, older_than: timedelta) -> tuple[int, int]:
    """Clean up after plans that died: what was made of them longer ago than any batch of the pipeline takes.

    Returns how many uploads were aborted, and how many staging tables dropped.
    """
    now = datetime.now(UTC)
    under_way = KeptPlans(systems.landing, pipeline.name).alive(now)

    def dead(plan: str, made: datetime) -> bool:
        return plan_spared(plan, made, under_way, now - older_than) is None

    aborted = systems.landing.abort_dead(pipeline.name, dead)
    staged = systems.warehouse.staged_plans(pipeline)
    return aborted, sum(systems.warehouse.drop_staging(plan) for plan, made in staged.items() if dead(plan, made))


class Watch:
    """What a caller may follow of a batch that :func:`run` makes; every method does nothing here."""

    def planned(self, plan: Plan) -> None:
        """The plan is made; landing starts."""

    def read(self, piece: Range, documents: int) -> None:
        """So many more documents of a range were read."""

    def landed(self, manifest: Manifest) -> None:
        """A range is landed."""

    def step(self, name: str) -> None:
        """The next step starts."""


def run(pipeline: Pipeline, systems: Systems, reread: Reread | None = None, watch: Watch | None = None) -> Commit:
    """One whole batch, in this process, one step after the other."""
    watch = watch or Watch()
    watch.step("migrate")
    migrate(pipeline, systems)
    watch.step("plan")
    return run_plan(pipeline, systems, plan(pipeline, systems, reread), watch)


def run_plan(pipeline: Pipeline, systems: Systems, made: Plan, watch: Watch | None = None) -> Commit:
    """Land, load, publish and verify a plan."""
    watch = watch or Watch()
    watch.planned(made)
    with cleaned_up(systems, made):
        watch.step("land")
        for piece in made.ranges:
            watch.landed(land(pipeline, systems, made, piece, partial(watch.read, piece)))
        watch.step("follow")
        made = follow(pipeline, systems, made)
        watch.step("load")
        loaded = [load(systems, made, collection) for collection in pipeline.collections]
        watch.step("publish")
        commit = publish(pipeline, systems, made, loaded)
    watch.step("verify")
    verify(pipeline, systems, commit)
    return commit


@contextmanager
def _trusting(systems: Systems, plan: Plan) -> Iterator[None]:
    """What was landed is taken for good, until it is of no use: then the next run makes a new plan."""
    try:
        yield
    except (CountMismatch, StreamLost, ChecksFailed):
        KeptPlans(systems.landing, plan.pipeline).forget(plan)
        raise


@contextmanager
def cleaned_up(systems: Systems, made: Plan) -> Iterator[None]:
    """Clean up afterwards; an error of the batch is not hidden by one of cleaning up after it."""
    try:
        yield
    except BaseException:
        try:
            clean_up(systems, made)
        except SluiceError as error:
            log.warning("clean up: %s", error)
        raise
    clean_up(systems, made)


def read(systems: Systems, plan: Plan, collection: Collection, piece: Range) -> Generator[Found, None, None]:
    """The documents of a range; of a list of keys also what became of each."""
    later = plan.follow
    if piece.keys is None:
        pieces = systems.source.read_range(collection, piece, plan.cut, plan.windows[collection.name], later=later)
    else:
        keys = systems.landing.keys(plan, piece)
        pieces = systems.source.read_keys(collection.name, keys, plan.cut, later=later)
    with closing(pieces) as found:
        yield from found


def _settle(writer: RangeWriter, conform: Conformer, found: Found, *, keep_deleted: bool) -> None:
    """Count the keys of a question; those that are gone become rows that say so."""
    gone = conform(found.gone, gone=True)
    writer.asked(found.asked, gone.read)
    if gone.read and not keep_deleted:
        writer.mark(gone)


def conformer(pipeline: Pipeline, collection: Collection, turn: int = 0) -> Conformer:
    """What turns raw documents of a collection into columns that the pipeline's warehouse can hold.

    A document's hash is of its bytes and its columns: the same for every warehouse.
    """
    from sluice.conform import Conformer

    limits = limits_of(pipeline.warehouse.kind)
    return Conformer(collection, limits=limits, hash_seed=collection_hash(collection), turn=turn)


def tell_plan(made: Plan, last: Commit | None) -> None:
    """Say what a batch reads."""
    after = f"after batch {last.batch}" if last else "the first batch"
    log.info("plan %s: %s, %s, cut %s, %d ranges", made.id, made.kind, after, made.cut.time, len(made.ranges))
    for name, window in made.windows.items():
        keys = sum(piece.keys or 0 for piece in made.ranges if piece.collection == name)
        what = f"{keys:,} changed keys" if window.stream else f"({window.low or 'the beginning'}, {window.high}]"
        log.info("plan %s: %s", name, window.anew or what)


def _tell_landed(piece: Range, manifest: Manifest) -> None:
    log.info(
        "land %s: %s read, %s rejected, %d parts, %.1f MB compressed of %.1f MB, %.1f s, %s",
        _label(piece),
        f"{manifest.read:,}",
        f"{manifest.rejected:,}",
        len(manifest.parts),
        manifest.bytes / 1e6,
        manifest.read_bytes / 1e6,
        manifest.seconds,
        _rate(manifest.read, manifest.seconds),
    )


def _label(piece: Range) -> str:
    return f"{piece.collection} {piece.label or piece.name}"


def _rate(rows: int, seconds: float) -> str:
    return f"{rows / seconds:,.0f} rows/s" if seconds > 0 else "-"
