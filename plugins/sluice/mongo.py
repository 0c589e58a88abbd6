"""The source: MongoDB. Cuts, ranges, and raw documents as they were at the cut."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Self

import bson
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.raw_bson import RawBSONDocument
from bson.timestamp import Timestamp
from pymongo import MongoClient
from pymongo.collection import Collection as MongoCollection
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import make_read_preference, read_pref_mode_from_name

from sluice.change_stream import Change, read_changes
from sluice.errors import AccessDenied, ConfigError, SourceUnavailable
from sluice.key_lists import Found, any_of, keys_of, questions, settle
from sluice.mongo_client import connect, is_snapshot_lost, mongo_errors
from sluice.mongo_plan import (
    CODEC,
    NOT_UTF8,
    PATIENCE_MS,
    Document,
    Questions,
    index_by_id,
    index_on,
    may_hold_arrays,
    split,
    to_bson,
    to_json,
)
from sluice.ranges import is_by_id, undated_range, until_query
from sluice.raw_batches import RawBatches
from sluice.settings import Endpoint
from sluice.spec import Care, Collection
from sluice.threads import prefetch
from sluice.throttle import Throttle
from sluice.window import Cut, Range, Window

log = logging.getLogger(__name__)

NO_CARE = Care()

RANGE_SIZE = 100_000
"""Documents that one task lands, about; more where that would be more than 64 ranges.

What a task has read of its range is lost when it is killed: with 64 ranges, at most 1.6 % of the collection.
"""

SAMPLE_MS = 60_000
"""For the server's part of a sample."""

SNAPSHOT_WIRE_VERSION = 13  # MongoDB 5.0
SNAPSHOT_WINDOW = 300  # seconds, unless the server was told otherwise


class AtClusterTime(ReadConcern):
    """Read a snapshot at a time of our choosing.

    pymongo's snapshot sessions choose the time themselves, so that tasks in several processes cannot share one. The
    server takes it in the read concern, which every read of pymongo lets us give.
    """

    _level, _name = "snapshot", "atClusterTime"

    def __init__(self, cluster: int) -> None:
        super().__init__(self._level)
        self._time = Timestamp(cluster >> 32, cluster & 0xFFFFFFFF)

    @property
    def document(self) -> dict[str, Any]:
        """What goes to the server."""
        return {"level": self._level, self._name: self._time}


class AfterClusterTime(AtClusterTime):
    """Read what a majority has, at that time or later: a cursor may live for hours."""

    _level, _name = "majority", "afterClusterTime"


class Source:
    """One database of a MongoDB server, replica set or sharded cluster."""

    def __init__(self, client: MongoClient[Document], database: str, care: Care = NO_CARE) -> None:
        self._client, self._care = client, care
        self._throttle = Throttle(rate) if (rate := care.max_documents_per_second) else None
        members = care.read_preference and make_read_preference(read_pref_mode_from_name(care.read_preference), None)
        self._database = client.get_database(database, codec_options=CODEC, read_preference=members or None)

    @classmethod
    def connect(cls, endpoint: Endpoint, database: str, care: Care = NO_CARE) -> Self:
        """Connect lazily: the first question raises SourceUnavailable or AccessDenied."""
        return cls(connect(endpoint), database, care)

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def now_cut(self) -> Cut:
        """The present, as the primary has it. Reading at it waits until a majority has it too."""
        with mongo_errors("ask MongoDB for its time"):
            hello = self._client.admin.command("hello")
        time = hello["localTime"].replace(tzinfo=UTC)
        if not _has_snapshots(hello):
            return Cut(time, int(time.timestamp()) << 32, snapshot=False)
        cluster = hello.get("operationTime") or hello["$clusterTime"]["clusterTime"]
        return Cut(time, cluster.time << 32 | cluster.inc, snapshot=True)

    def plan_ranges(
        self, collection: Collection, window: Window, cut: Cut, range_size: int | None = None
    ) -> tuple[Range, ...]:
        """Split a window into at most 64 ranges of ``range_size`` documents or more, and one of undated documents.

        Each document of the window is in exactly one range, whatever its ``_id`` and its modified field are.
        """
        with mongo_errors(f"plan what to read of {collection.name}"):
            asked = self._database[collection.name]
            return split(asked, collection, window, cut, range_size or RANGE_SIZE, **self._limits)

    def without_stream(self, names: Sequence[str]) -> list[str]:
        """Those of these collections of whose changes no stream tells: views and time series."""
        kinds = {"name": {"$in": sorted(names)}, "type": {"$ne": "collection"}}
        with mongo_errors(f"list the collections of {self._database.name}"):
            return sorted(found["name"] for found in self._database.list_collections(filter=kinds))

    def changes(self, since: Mapping[str, int], until: Cut) -> Iterator[Change]:
        """What changed of each collection after a cluster time, up to a cut: see :mod:`sluice.change_stream`."""
        with mongo_errors("ask MongoDB what it is"):
            sharded = self._client.admin.command("hello").get("msg") == "isdbgrid"
        return read_changes(self._database, since, until.cluster, sharded=sharded)

    def read_raw(
        self, collection: Collection, piece: Range, cut: Cut, window: Window, *, later: bool = False
    ) -> Generator[bytes, None, None]:
        """The documents of :meth:`read_range` alone."""
        with closing(self.read_range(collection, piece, cut, window, later=later)) as pieces:
            yield from (found.documents for found in pieces if found.documents)

    def read_range(
        self, collection: Collection, piece: Range, cut: Cut, window: Window, *, later: bool = False
    ) -> Generator[Found, None, None]:
        """Documents of a range in their state at the cut: concatenated BSON, about 4 MiB at a time, never above 16.

        ``later``: as they are when they are read, at the cut or after it. So is the rest of a range that outlasts the
        server's snapshots, and a piece says so. A thread reads a batch ahead. Close the iterator to end the cursor
        early.
        """
        asked = self._later(collection.name, cut) if later else self._at(collection.name, cut)
        return prefetch(partial(self._read, asked, collection, piece, cut, window))

    def read_keys(self, collection: str, keys: bytes, cut: Cut, *, later: bool = False) -> Generator[Found, None, None]:
        """The documents of a list of keys in their state at the cut, or ``later``, and which keys are gone.

        The pieces are those of :meth:`read_range`; the last one of each question has its counts.
        """
        asked = self._later(collection, cut) if later else self._at(collection, cut)
        return prefetch(partial(self._read_keys, asked, keys, cut))

    def estimate(self, collection: str) -> int:
        """Documents in a collection, from its metadata."""
        with mongo_errors(f"count {collection}"):
            return self._database[collection].estimated_document_count()

    def exists(self, collection: str) -> bool:
        """Whether there is a collection, or a view, of that name."""
        with mongo_errors(f"look for {collection}"):
            return bool(self._database.list_collection_names(filter={"name": collection}))

    def count_at(self, collection: str, cut: Cut) -> int:
        """Documents in a collection at a cut, counted one by one. Raises SourceUnavailable when it is too long ago."""
        with mongo_errors(f"count {collection}"):
            return self._at(collection, cut).count_documents({}, hint="_id_")

    def _read(
        self, asked: Questions, collection: Collection, piece: Range, cut: Cut, window: Window
    ) -> Iterator[Found]:
        with mongo_errors(f"read {collection.name} ({piece.label or piece.name})"):
            raw = b""
            try:
                for raw in self._batches(asked, piece):
                    yield Found(raw)
            except OperationFailure as error:
                if not is_snapshot_lost(error):
                    raise
                log.warning(WITHOUT_SNAPSHOT, collection.name, piece.label or piece.name, cut.time)
                yield Found(b"", late=True)
                # Only in the order of `_id` is it known what is left: dates may be equal, or have no index.
                rest = _rest(piece, raw) if is_by_id(piece) else piece
                # A whole load may leave nothing out: what it does not find is ended.
                rest = rest if window.anew else _before_cut(collection, rest, window, cut)
                yield from map(Found, self._batches(self._later(collection.name, cut), rest))

    def _batches(self, asked: Questions, piece: Range) -> Iterator[bytes]:
        return self._paced(_batches(asked, piece, **self._sparing))

    def _paced(self, batches: Iterator[bytes]) -> Iterator[bytes]:
        return self._throttle(batches) if self._throttle else batches

    @property
    def _sparing(self) -> dict[str, Any]:
        """How a cursor spares the server."""
        return self._limits | ({"batch_documents": self._throttle.batch_documents} if self._throttle else {})

    @property
    def _limits(self) -> dict[str, int]:
        return {"max_time_ms": self._care.max_time_ms} if self._care.max_time_ms else {}

    def _read_keys(self, asked: Questions, keys: bytes, cut: Cut) -> Iterator[Found]:
        with mongo_errors(f"read {asked.name} by keys"):
            for question in questions(keys):
                found: list[bytes] = []
                try:
                    yield from self._ask(asked, question, found)
                except OperationFailure as error:
                    if not is_snapshot_lost(error):
                        raise
                    log.warning(WITHOUT_SNAPSHOT, asked.name, "by keys", cut.time)
                    yield Found(b"", late=True)
                    asked = self._later(asked.name, cut)
                    yield from self._ask(asked, settle(question, found)[1], found)
                count, gone = settle(question, found)
                yield Found(b"", count, b"".join(gone))

    def _ask(self, asked: Questions, keys: Sequence[bytes], found: list[bytes]) -> Iterator[Found]:
        """The documents of a question; adds their keys to what is ``found``."""
        with RawBatches(asked, any_of(keys), hint=[("_id", 1)], **self._sparing) as cursor:
            for raw in self._paced(cursor):
                found += keys_of(raw)
                yield Found(raw)

    def _at(self, collection: str, cut: Cut) -> MongoCollection[Document]:
        found = self._database[collection]
        return found.with_options(read_concern=AtClusterTime(cut.cluster)) if cut.snapshot else found

    def _later(self, collection: str, cut: Cut) -> MongoCollection[Document]:
        return self._database[collection].with_options(read_concern=AfterClusterTime(cut.cluster))

    # What `sluice infer` asks.

    def collections(self) -> list[str]:
        """The names of the database's collections, without views, time series and the server's own."""
        with mongo_errors(f"list the collections of {self._database.name}"):
            names = self._database.list_collection_names(filter={"type": "collection"})
        return sorted(name for name in names if not name.startswith("system."))

    def sample(self, collection: str, size: int) -> Generator[bytes, None, None]:
        """At most ``size`` documents by chance, as concatenated BSON; all of them when there are no more."""
        asked = self._database[collection]
        with mongo_errors(f"sample {collection}"):
            try:
                if asked.estimated_document_count() <= size:
                    yield from asked.find_raw_batches({}, limit=size, batch_size=1_000, max_time_ms=SAMPLE_MS)
                else:
                    stages = [{"$sample": {"size": size}}]
                    yield from asked.aggregate_raw_batches(
                        stages, batchSize=1_000, maxTimeMS=SAMPLE_MS, allowDiskUse=True
                    )
            except OperationFailure as error:
                if not error.timeout:
                    raise
                why = f"MongoDB needs more than {SAMPLE_MS // 1_000} s for {size:,} documents"
                fix = "give a smaller --sample: below a twentieth of the collection it needs no scan"
                raise SourceUnavailable(f"could not sample {collection}", why=why, fix=fix) from error

    # What `sluice check` asks.

    def server_version(self) -> str:
        """For people: ``MongoDB 6.0.5``."""
        with mongo_errors("connect to MongoDB"):
            return f"MongoDB {self._client.server_info()['version']}"

    def has_snapshots(self) -> bool:
        """Whether all collections can be read at one instant: a replica set or sharded cluster, 5.0 or newer."""
        with mongo_errors("connect to MongoDB"):
            return _has_snapshots(self._client.admin.command("hello"))

    def snapshot_window(self) -> int:
        """Seconds for which a cut can be read; the default where the login may not ask."""
        name = "minSnapshotHistoryWindowInSeconds"
        try:
            with mongo_errors("ask for the snapshot window"):
                return int(self._client.admin.command({"getParameter": 1, name: 1})[name])
        except AccessDenied:
            return SNAPSHOT_WINDOW

    def probe_stream(self) -> None:
        """Open a change stream, to see that it is allowed."""
        now = self.now_cut()
        for _ in self.changes({"sluice_probe": now.cluster}, now):
            pass

    def oplog_window(self) -> timedelta | None:
        """How far back the oplog reaches; None where the login may not look at it, and on a sharded cluster."""
        oplog = self._client.local["oplog.rs"]
        try:
            with mongo_errors("look at the oplog"):
                ends = [oplog.find_one({}, {"ts": 1}, sort=[("$natural", way)]) for way in (1, -1)]
        except (AccessDenied, ConfigError):
            return None
        times = [end["ts"].time for end in ends if end]
        return timedelta(seconds=times[-1] - times[0]) if times else None

    def clock_difference(self) -> timedelta:
        """The server's clock minus ours."""
        with mongo_errors("ask MongoDB for its time"):
            self._client.admin.command("ping")  # connecting would count as network time
            before = datetime.now(UTC)
            server: datetime = self._client.admin.command("hello")["localTime"].replace(tzinfo=UTC)
            return server - (before + (datetime.now(UTC) - before) / 2)

    def probe_read(self, collection: str) -> int:
        """Read one document, to see that it is allowed. Returns about how many there are."""
        with mongo_errors(f"read {collection}"):
            self._database[collection].find_one({}, {"_id": 1})
            return self._database[collection].estimated_document_count()

    def index_on(self, collection: str, field: str) -> str | None:
        """The name of an index that finds documents by a field, None if there is none."""
        with mongo_errors(f"list the indexes of {collection}"):
            return index_on(self._database[collection], field)

    def count_undated(self, collection: str, field: str) -> int | None:
        """Documents whose modified field is missing or not a date; None when that takes too long to count."""
        asked = self._database[collection]
        with mongo_errors(f"look at {field} in {collection}"):
            undated = undated_range(collection, field, arrays=may_hold_arrays(asked, field))
            try:
                return asked.count_documents(to_bson(undated.query), maxTimeMS=PATIENCE_MS)
            except OperationFailure as error:
                if error.timeout:
                    return None
                raise


WITHOUT_SNAPSHOT = (
    "%s %s: the server no longer has its state at %s. The rest of this range is read without a snapshot, as it is now"
)


def _batches(collection: MongoCollection[Document], piece: Range, **options: Any) -> Iterator[bytes]:
    fields = to_bson(piece.fields) if piece.fields else None
    index = index_by_id(collection, fields) if fields else ("_id",)
    bounds: dict[str, Any] = {"hint": [(name, 1) for name in index]} if is_by_id(piece) else {}
    first = dict.fromkeys(index, MinKey())
    if piece.min_id is not None:
        # The server takes an open end to be MaxKey, excluded: a document of that `_id` would be in no range.
        bounds |= {"min": first | {"_id": to_bson(piece.min_id)}, "max": first | {"_id": MaxKey()}}
    if piece.max_id is not None:
        bounds["max"] = first | {"_id": to_bson(piece.max_id)}
    query = to_bson(piece.query)
    with RawBatches(collection, query, projection=fields, **bounds, **options) as cursor:
        yield from cursor
    if piece.min_id is not None and piece.max_id is None:
        with RawBatches(collection, {"$and": [query, {"_id": MaxKey()}]}, projection=fields, **options) as cursor:
            yield from cursor


def _rest(piece: Range, last: bytes) -> Range:
    """What is left of a range after the batch ``last``.

    It goes on from the last `_id` that can be named. One that is not UTF-8 cannot: what it is decoded to is elsewhere
    in the index. Then some documents are read twice.
    """
    named = (text for text in map(to_json, _ids_backwards(last)) if NOT_UTF8 not in text)
    reached = next(named, None)
    if reached is None:
        return piece
    query = f'{{"$and": [{piece.query}, {{"_id": {{"$ne": {reached}}}}}]}}'
    return replace(piece, query=query, min_id=reached)


def _before_cut(collection: Collection, piece: Range, window: Window, cut: Cut) -> Range:
    """What may be read after the cut, and still be as it was then: what is dated later is the next window's."""
    window = replace(window, high=min(window.high, cut.time))
    until = until_query(collection.modified, window) if collection.modified else "{}"
    query = f'{{"$and": [{piece.query}, {until}]}}'
    return replace(piece, query=query)


def _ids_backwards(raw: bytes) -> Iterator[Any]:
    for document in reversed(bson.decode_all(raw, CODEC.with_options(document_class=RawBSONDocument))):
        yield document["_id"]


def _has_snapshots(hello: Document) -> bool:
    clustered = "setName" in hello or hello.get("msg") == "isdbgrid"
    return clustered and hello.get("maxWireVersion", 0) >= SNAPSHOT_WIRE_VERSION
