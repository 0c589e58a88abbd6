"""What changed between two cluster times: the keys, from a change stream over the whole database."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

from bson.timestamp import Timestamp
from pymongo.database import Database

from sluice.mongo_client import mongo_errors

Document = dict[str, Any]

AWAIT_MS: Final = 100
"""How long the server may wait before it says that nothing came."""

_REPLACING: Final = {"drop", "rename", "dropDatabase"}


class Change(NamedTuple):
    """A key of a collection that changed. Without one (``whole``) the collection was dropped, renamed or replaced."""

    collection: str
    id: Any = None
    whole: bool = False


def read_changes(
    database: Database[Document], names: Collection[str], since: int, until: int, *, sharded: bool = False
) -> Iterator[Change]:
    """Every change of these collections with a cluster time in ``(since, until]``, in order, keys repeated.

    One stream for all of them, ended by cluster time alone: a transaction has one, so it is never split. It waits until
    the server has got that far; that nothing came in the meantime says nothing. Raises SourceUnavailable, ConfigError.
    """
    with mongo_errors("follow the change stream"):
        # A single oplog has one entry a time, a sharded cluster one a shard: only a later time tells that all came.
        reached = _mark(database, until + sharded)
        start: Document = {"start_at_operation_time": _timestamp(since)}
        while start:
            with database.watch(_stages(names), max_await_time_ms=AWAIT_MS, **start) as stream:
                start = {}
                for event in iter(lambda: _next(stream, reached), None):
                    if _cluster(event) > until:
                        return
                    if event["operationType"] == "invalidate":  # ends a stream: after a dropped database
                        start = {"start_after": event["_id"]}
                        break
                    if _cluster(event) > since:
                        yield from _changes(event, names)


def _next(stream: Any, reached: str) -> Document | None:
    """The next event; None when the stream is as far as ``reached``."""
    while (event := stream.try_next()) is None:
        if stream.resume_token["_data"] >= reached:
            return None
    return dict(event)


def _changes(event: Document, names: Collection[str]) -> Iterator[Change]:
    if event["operationType"] not in _REPLACING:
        yield Change(event["ns"]["coll"], event["documentKey"]["_id"])
        return
    touched = {event[side]["coll"] for side in ("ns", "to") if "coll" in event.get(side, {})}
    for name in names:
        if name in touched or event["operationType"] == "dropDatabase":
            yield Change(name, whole=True)


def _stages(names: Collection[str]) -> list[Document]:
    """Only what is needed, made on the server: an event with its document may be beyond the 16 MB of a reply."""
    ours = {"$in": sorted(names)}
    whole = {"operationType": {"$in": ["dropDatabase", "invalidate"]}}
    fields = ("operationType", "ns", "to", "clusterTime", "documentKey._id")
    return [
        {"$match": {"$or": [{"ns.coll": ours}, {"to.coll": ours}, whole]}},
        {"$project": dict.fromkeys(fields, 1)},
    ]


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


def _cluster(event: Document) -> int:
    time: Timestamp = event["clusterTime"]
    return time.time << 32 | time.inc
