"""The publisher's MongoDB: what is written goes in an order that no reader can see the wrong side of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from bson import CodecOptions, DatetimeConversion, ObjectId
from pymongo import MongoClient, ReplaceOne, UpdateOne, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from devstack.errors import StackError
from devstack.publisher.entities import DOCUMENTS, OPEN, TICKETS, Entity
from devstack.publisher.history import Past
from devstack.publisher.lifecycle import Chunk, Held

_DUPLICATE_KEY = 11_000
_READABLE = CodecOptions[Entity](
    tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
)  # messy documents must not stop the one that made them


def state(document: Entity) -> tuple[Any, datetime] | None:
    """The watermark's status and the date of the last change; None when the document is not as this service has it."""
    watermark, updated = document.get("watermark"), document.get("updated_at")
    if not isinstance(watermark, dict) or not isinstance(updated, datetime):
        return None
    return watermark.get("status"), updated


class Store:
    """Documents and tickets of one database. Every method that writes counts what the server says it has done."""

    def __init__(self, client: MongoClient[Any], database: str) -> None:
        self._client = client
        self.database = client.get_database(database, codec_options=_READABLE, write_concern=WriteConcern(w=1))
        self.documents, self.tickets = self.database[DOCUMENTS], self.database[TICKETS]

    def drop(self, *collections: str) -> None:
        """Empty collections, indexes included."""
        for name in collections:
            self.database.drop_collection(name)

    def index(self) -> None:
        """Indexes on the modified date of both collections, and from a document to its tickets."""
        self.documents.create_index("updated_at")
        self.tickets.create_index("updated_at")
        self.tickets.create_index("document_id")

    def put(self, collection: str, entities: Sequence[Any]) -> Counter[str]:
        """Insert new entities. Raises StackError when some of them are there already."""
        if not entities:
            return Counter()
        try:
            self.database[collection].insert_many(entities, ordered=False)
        except BulkWriteError as error:
            if any(e["code"] == _DUPLICATE_KEY for e in error.details.get("writeErrors", [])):
                raise StackError(
                    f"{self.database.name}.{collection} already holds what this seed makes: drop it first, or take "
                    "another seed."
                ) from None
            raise
        return Counter({f"{collection} inserted": len(entities)})

    def put_past(self, past: Past) -> Counter[str]:
        """Documents first, then their tickets."""
        return self.put(DOCUMENTS, past.documents) + self.put(TICKETS, past.tickets)

    def write(self, chunk: Chunk) -> Counter[str]:
        """Write a chunk: a ticket follows its document, and only where the document could be changed as planned."""
        written = self.put(DOCUMENTS, chunk.documents)
        matched = self._update(self.documents, chunk.changes)
        lost = self._lost(chunk.moved) if matched < len(chunk.changes) else set()
        written["documents updated"] = matched
        written += self.put(TICKETS, [ticket for one, ticket in chunk.tickets if one not in lost])
        written["tickets updated"] = self._update(self.tickets, [step for one, step in chunk.steps if one not in lost])
        return written + self._withdraw([one.id for one in chunk.withdrawn])

    @staticmethod
    def _update(collection: Collection[Entity], changes: Sequence[UpdateOne | ReplaceOne[Entity]]) -> int:
        return collection.bulk_write(changes).matched_count if changes else 0

    def _lost(self, moved: list[Held]) -> set[Held]:
        """The documents that another publisher has changed or deleted; they are left to it."""
        ids = [one.id for one in moved]
        found = self.documents.find({"_id": {"$in": ids}}, {"watermark.status": 1, "updated_at": 1})
        now = {document["_id"]: state(document) for document in found}
        lost = {one for one in moved if now.get(one.id) != (one.status, one.updated)}
        for one in lost:
            one.gone = True
        return lost

    def _withdraw(self, ids: list[ObjectId]) -> Counter[str]:
        """Delete documents with their tickets: in a transaction where there are any, else the tickets first."""
        if not ids:
            return Counter()
        if not self._replicated:
            return self._delete(ids)
        with self._client.start_session() as session:
            return session.with_transaction(lambda s: self._delete(ids, s))

    def _delete(self, ids: list[ObjectId], session: ClientSession | None = None) -> Counter[str]:
        """A document that another publisher has opened meanwhile is kept."""
        closed: Entity = {"_id": {"$in": ids}, "watermark.status": {"$nin": OPEN}}
        keys = [document["_id"] for document in self.documents.find(closed, {"_id": 1}, session=session)]
        tickets = self.tickets.delete_many({"document_id": {"$in": keys}}, session=session)
        documents = self.documents.delete_many({"_id": {"$in": keys}}, session=session)
        return Counter({"documents deleted": documents.deleted_count, "tickets deleted": tickets.deleted_count})

    @cached_property
    def _replicated(self) -> bool:
        hello = self._client.admin.command("hello")
        return "setName" in hello or hello.get("msg") == "isdbgrid"
