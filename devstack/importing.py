"""``python -m devstack import``: a file of documents into MongoDB, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from bson import json_util
from bson.codec_options import DatetimeConversion
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, PyMongoError

from devstack.errors import StackError
from sluice.config.grammar import plain_name

_BATCH = 1000
# A date that Python's datetime cannot hold is a date all the same.
_EXACT = json_util.RELAXED_JSON_OPTIONS.with_options(datetime_conversion=DatetimeConversion.DATETIME_AUTO)


def import_file(url: str, database: str, file: Path) -> str:
    """Fill the collection that is named as the file. Returns what was done; raises StackError with nothing changed."""
    try:
        with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=5000) as client:
            collection = client[database][plain_name(file.name.partition(".")[0])]
            if collection.find_one():
                raise StackError(
                    f"{collection.full_name} has documents already: name another, as make import DATABASE=other"
                )
            return f"{collection.full_name}: {_fill(collection, _documents(file)):,} documents"
    except BulkWriteError as error:
        raise StackError(f"{file}: nothing was imported: {error.details['writeErrors'][0]['errmsg']}") from None
    except (OSError, UnicodeDecodeError, PyMongoError) as error:
        raise StackError(f"{file}: nothing was imported: {error}") from None


def _fill(collection: Collection[dict[str, Any]], documents: Iterator[dict[str, Any]]) -> int:
    try:
        while batch := list(islice(documents, _BATCH)):
            collection.insert_many(batch)
        return collection.count_documents({})
    except BaseException:
        collection.delete_many({})  # it was empty
        raise


def _documents(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if line.lstrip().startswith("["):
                line += lines.read()  # noqa: PLW2901  one array, over as many lines as it likes
            if line.strip():
                yield from _parsed(line, f"{file}:{number}")


def _parsed(text: str, where: str) -> Iterator[dict[str, Any]]:
    try:
        found = json_util.loads(text, json_options=_EXACT)
    except Exception as error:  # noqa: BLE001  a wrong value of Extended JSON fails in any way its type knows
        raise _unreadable(where, str(error)) from None
    for document in found if isinstance(found, list) else [found]:
        if not isinstance(document, dict):
            raise _unreadable(where, f"{document!r:.40} is no document")
        yield document


def _unreadable(where: str, why: str) -> StackError:
    return StackError(f"{where}: nothing was imported: {why}; a document of Extended JSON a line, or one array of them")
