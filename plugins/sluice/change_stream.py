"""What changed between two cluster times: the keys, from a change stream over the whole database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from bson.raw_bson import RawBSONDocument
from bson.timestamp import Timestamp
from pymongo.database import Database
from pymongo.errors import AutoReconnect, OperationFailure

from sluice.errors import StreamLost
from sluice.mongo_client import mongo_errors
from sluice.mongo_plan import CODEC

Document = dict[str, Any]
Stages = Sequence[Document]

AWAIT_MS: Final = 100
"""How long the server may wait before it says that nothing came."""

_REPLACING: Final = {"drop": "dropped", "rename": "renamed", "dropDatabase": "dropped with its database"}

TOO_LONG: Final = 10334

_LOST: Final = {
    286: "the oplog no longer reaches back to the last batch (error 286)",
    280: "the change stream cannot be resumed (error 280)",
    TOO_LONG: "the key of a document is too long for a change stream (error 10334)",
}

LONG: Final = 2_000_000
"""Bytes: a reply holds a key five times, three of them in the resume tokens, in hexadecimal digits."""


class Change(NamedTuple):
    """A key of a collection that changed, as the document ``{_id: …}`` in BSON.

    With ``whole`` it is no key: the collection was dropped, renamed or replaced.
    """

    collection: str
    key: bytes = b""
    whole: str = ""


def read_changes(
    database: Database[Document], since: Mapping[str, int], until: int, *, sharded: bool = False
) -> Iterator[Change]:
    """Every change with a cluster time after the collection's ``since`` and up to ``until``, in order, keys repeated.

    One stream for all of them, ended by cluster time alone: a transaction has one, so it is never split. It waits until
    the server has got that far; that nothing came in the meantime says nothing. Raises SourceUnavailable, ConfigError,
    and StreamLost when the stream cannot be read from there, now or ever.
    """
    with mongo_errors("follow the change stream"):
        try:
            yield from _read(database, since, until, sharded=sharded)
        except AutoReconnect as error:
            long = partial(_read, database, since, until, sharded=sharded, only=LONG_KEYS)
            if type(error) is not AutoReconnect or _passes(database, long):
                raise
            raise _lost(TOO_LONG) from error
        except OperationFailure as error:
            if error.code not in _LOST:
                raise
            raise _lost(error.code or 0) from error


def _lost(code: int) -> StreamLost:
    fix = "give that document another _id; until then its collection is read whole" if code == TOO_LONG else ""
    return StreamLost("the change stream is lost", why=_LOST[code], fix=fix)


def _passes(database: Database[Document], read: Callable[[], Iterator[Change]]) -> bool:
    """Whether changes can be read; they cannot when the server answers everything but them.

    It closes the connection, and says nothing, for a reply that is too large: an event with a long key.
    """
    try:
        for _ in read():
            pass
    except AutoReconnect as error:
        database.client.admin.command("ping")
        return type(error) is not AutoReconnect
    except OperationFailure as error:
        return error.code != TOO_LONG
    return True


def _read(
    database: Database[Document], since: Mapping[str, int], until: int, *, sharded: bool, only: Stages = ()
) -> Iterator[Change]:
    # A single oplog has one entry a time, a sharded cluster one a shard: only a later time tells that all came.
    reached = _mark(database, until + sharded)
    # After it, not at it: what was read already may be what no stream can carry.
    start: Document = {"start_at_operation_time": _timestamp(min(since.values()) + 1)}
    raw = database.with_options(codec_options=CODEC.with_options(document_class=RawBSONDocument))
    while start:
        with raw.watch([*_stages(since), *only], max_await_time_ms=AWAIT_MS, **start) as stream:
            start = {}
            for event in iter(lambda: _next(stream, reached), None):
                cluster = _cluster(event)
                if cluster > until:
                    return
                if event["operationType"] == "invalidate":  # ends a stream: after a dropped database
                    start = {"start_after": event["_id"]}
                    break
                yield from (change for change in _changes(event, since) if cluster > since[change.collection])


def _next(stream: Any, reached: str) -> Mapping[str, Any] | None:
    """The next event; None when the stream is as far as ``reached``."""
    while (event := stream.try_next()) is None:
        if stream.resume_token["_data"] >= reached:
            return None
    return event  # type: ignore[no-any-return]


def _changes(event: Mapping[str, Any], names: Mapping[str, int]) -> Iterator[Change]:
    kind = event["operationType"]
    if kind not in _REPLACING:
        yield Change(event["ns"]["coll"], event["documentKey"].raw)
        return
    touched = {event[side]["coll"] for side in ("ns", "to") if "coll" in event.get(side, {})}
    for name in names:
        if name in touched or kind == "dropDatabase":
            yield Change(name, whole=f"it was {_REPLACING[kind]}")


def _stages(names: Mapping[str, int]) -> list[Document]:
    """Only what is needed, made on the server: an event with its document may be beyond the 16 MB of a reply."""
    ours = {"$in": sorted(names)}
    whole = {"operationType": {"$in": ["dropDatabase", "invalidate"]}}
    fields = ("operationType", "ns", "to", "clusterTime", "documentKey._id")
    return [
        {"$match": {"$or": [{"ns.coll": ours}, {"to.coll": ours}, whole]}},
        {"$project": dict.fromkeys(fields, 1)},
    ]


LONG_KEYS: Final[Stages] = ({"$match": {"$expr": {"$gt": [{"$bsonSize": {"$ifNull": ["$documentKey", {}]}}, LONG]}}},)


def _mark(database: Database[Document], cluster: int) -> str:
    """A resume token that stands before everything of a cluster time: made by the server, so that its form is not ours.

    It is bound to no event, hence to no filter: other collections may be followed from it.
    """
    stages = [{"$changeStream": {"startAtOperationTime": _timestamp(cluster)}}]
    cursor = database.command("aggregate", 1, pipeline=stages, cursor={"batchSize": 0})["cursor"]
    if cursor["id"]:
        database.command("killCursors", cursor["ns"].split(".", 1)[1], cursors=[cursor["id"]])
    return str(cursor["postBatchResumeToken"]["_data"])


def _timestamp(cluster: int) -> Timestamp:
    return Timestamp(cluster >> 32, cluster & 0xFFFFFFFF)


def _cluster(event: Mapping[str, Any]) -> int:
    time: Timestamp = event["clusterTime"]
    return time.time << 32 | time.inc
