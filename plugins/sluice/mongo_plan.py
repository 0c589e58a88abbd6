"""Where to split what is read of a collection: questions to the server, each answered from an index or a sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import bson
from bson import json_util
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo.collection import Collection as MongoCollection
from pymongo.errors import PyMongoError

from sluice.ranges import MAX_RANGES, dated_ranges, horizon, id_ranges, undated_range, until_query
from sluice.spec import Collection
from sluice.window import Cut, Range, Window, milliseconds

Document = dict[str, Any]
Questions = MongoCollection[Document]

SAMPLES = 100
"""Sampled ``_id``s per range: the ranges' sizes then differ by a tenth."""

PATIENCE_MS = 10_000
"""For a question that a plan or a check can do without."""

ENDS = {'{"$minKey": 1}', '{"$maxKey": 1}'}
"""Nothing is before the one or after the other, and the server refuses an empty range."""

NOT_UTF8 = r"\ufffd"
"""Stands in a string that was not UTF-8, and was read as another one, which is elsewhere in the index."""

# Dates beyond year 9999, strings that are not UTF-8 and legacy UUIDs are all legal in a bound.
CODEC: CodecOptions[Document] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_MS, unicode_decode_error_handler="replace"
)
JSON = json_util.JSONOptions(json_mode=json_util.JSONMode.CANONICAL, datetime_conversion=DatetimeConversion.DATETIME_MS)


def split(
    asked: Questions, collection: Collection, window: Window, cut: Cut, range_size: int, **limits: int
) -> tuple[Range, ...]:
    """The ranges of a window. Each document of the window is in exactly one. ``limits`` are a cursor's."""
    field = collection.modified
    if not field or not window.low:
        query = until_query(field, window, horizon(cut)) if field and window.bounded else "{}"
        return id_ranges(collection.name, _id_boundaries(asked, range_size, **limits), query)
    arrays = may_hold_arrays(asked, field)
    boundaries = _date_boundaries(asked, field, window, range_size, **limits) if index_on(asked, field) else []
    ranges = dated_ranges(asked.name, field, window, boundaries, arrays=arrays)
    undated = undated_range(asked.name, field, arrays=arrays, beyond=horizon(cut))
    return (*ranges, undated) if _finds_any(asked, undated) else ranges


def index_on(asked: Questions, field: str) -> str | None:
    """The name of an index that finds documents by a field."""
    for index in asked.list_indexes():
        first, direction = next(iter(index["key"].items()))
        whole = "partialFilterExpression" not in index and not index.get("hidden")
        if first == field and direction in {1, -1} and whole:
            return str(index["name"])
    return None


def index_by_id(asked: Questions, fields: Iterable[str]) -> tuple[str, ...]:
    """The fields of an index in the order of ``_id``: of one that has all of these, so that no document is fetched."""
    for index in asked.list_indexes():
        keys = dict(index["key"])
        whole = not {"partialFilterExpression", "collation"} & index.keys() and not index.get("hidden")
        if whole and next(iter(keys)) == "_id" and set(keys.values()) == {1} and keys.keys() >= set(fields):
            return tuple(keys)
    return ("_id",)


def may_hold_arrays(asked: Questions, field: str) -> bool:
    """Only an index can tell that no document has an array there; without one, any may."""
    find = {"find": asked.name, "filter": {field: {"$gt": bson.DatetimeMS(0)}}}
    explained = asked.database.command("explain", find, verbosity="queryPlanner")
    paths = [paths[field] for paths in _values_of("multiKeyPaths", explained) if field in paths]
    return any(paths) or not paths


def to_bson(text: str) -> Any:
    """A filter or bound of a range as BSON takes it."""
    return json_util.loads(text, json_options=JSON)


def to_json(value: Any) -> str:
    """The inverse of :func:`to_bson`."""
    return json_util.dumps(value, json_options=JSON)


def _finds_any(asked: Questions, piece: Range) -> bool:
    """Whether a range has documents, when that can be told quickly: a task for nothing costs more than the question."""
    try:
        return asked.find_one(to_bson(piece.query), {"_id": 1}, max_time_ms=PATIENCE_MS) is not None
    except PyMongoError:
        return True


def _id_boundaries(asked: Questions, range_size: int, max_time_ms: int = 0) -> list[str]:
    count = min(MAX_RANGES, -(-asked.estimated_document_count() // range_size))
    if count <= 1:
        return []
    stages = [{"$sample": {"size": count * SAMPLES}}, {"$project": {"_id": 1}}, {"$sort": {"_id": 1}}]
    found = [to_json(document["_id"]) for document in asked.aggregate(stages, maxTimeMS=max_time_ms)]
    usable = [text for text in found if text not in ENDS and NOT_UTF8 not in text]
    return [usable[len(usable) * number // count] for number in range(1, count)] if usable else []


def _date_boundaries(asked: Questions, field: str, window: Window, range_size: int, **limits: int) -> list[int]:
    """Every ``range_size``-th modified date of the window, from the index alone; every second one beyond 64 ranges."""
    assert window.low is not None
    boundaries: list[int] = []
    low, step = milliseconds(window.low), range_size
    high = {"$lte": bson.DatetimeMS(milliseconds(window.high))} if window.bounded else {}
    while (found := _date_after(asked, field, {"$gt": bson.DatetimeMS(low)} | high, step, **limits)) is not None:
        boundaries.append(low := found)
        if len(boundaries) == MAX_RANGES:
            boundaries, step = boundaries[1::2], step * 2
    return boundaries


def _date_after(asked: Questions, field: str, bounds: dict[str, Any], step: int, **limits: Any) -> int | None:
    found = asked.find({field: bounds}, {field: 1, "_id": 0}, **limits).sort(field, 1).skip(step).limit(1)
    values = [_value(document, field) for document in found]
    return int(values[0]) if values and isinstance(values[0], bson.DatetimeMS) else None


def _value(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _values_of(name: str, tree: Any) -> Iterator[Any]:
    """Every value of a key, however deep."""
    branches = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    if isinstance(tree, dict) and name in tree:
        yield tree[name]
    for branch in branches:
        yield from _values_of(name, branch)
