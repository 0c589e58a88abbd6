"""A value that its column cannot hold, and what an ``on_error`` may put in its place."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bson import Binary, Code, DatetimeMS, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

# Stands where a document has nothing at all, for the one column where that differs from null: the key.
MISSING = object()

_NAMES: dict[type, str] = {
    type(MISSING): "nothing",
    type(None): "null",
    bool: "bool",
    int: "int",
    Int64: "long",
    float: "double",
    Decimal128: "decimal",
    str: "string",
    bytes: "binary (subtype 0)",
    datetime: "date",
    DatetimeMS: "date",
    ObjectId: "objectId",
    dict: "object",
    DBRef: "object",
    list: "array",
    Timestamp: "timestamp",
    Regex: "regex",
    Code: "javascript",
    MinKey: "minKey",
    MaxKey: "maxKey",
}


# What pymongo decodes a value to that is not null.
BSON_TYPES = (_NAMES.keys() | {Binary}) - {type(None), type(MISSING)}


class Misfit(Exception):
    """Why a value does not fit. ``reason`` is a short code, ``detail`` a phrase for people that never quotes text.

    ``repairs``: ``on_error`` → what stands for the value instead, where that means something.
    """

    def __init__(self, reason: str, detail: str, **repairs: Any) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail, self.repairs = reason, detail, repairs


def wrong_type(expected: str, value: Any) -> Misfit:
    """The misfit of a value of another BSON type."""
    return Misfit("wrong_type", f"takes {expected}, found {type_name(value)}")


def type_name(value: Any) -> str:
    """The BSON type of a decoded value, in MongoDB's words."""
    if type(value) is Binary:
        return f"binary (subtype {value.subtype})"
    return _NAMES[type(value)]
