"""What happens to documents and tickets, planned without touching a database.

A ticket goes Started → InProgress → Finished | Error, and its document's watermark shows the same status. A document
has one open ticket at a time, may be asked for again after an Error, and once Finished is never marked again.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import ReplaceOne, UpdateOne

from devstack.publisher.entities import (
    DOCUMENTS,
    ERROR,
    FINISHED,
    IN_PROGRESS,
    OPEN,
    STARTED,
    TICKETS,
    Entity,
    Pen,
    instant,
)
from devstack.publisher.mess import Mess, Spoiler

_MARKED = 0.8  # the share of attempts that end in Finished
_SOONER = 0.2  # documents that are being worked on come up sooner than others
_NEARBY = 64  # a new document is asked for soon, but not at once
_TRIES = 16  # how many documents are looked at to find a suitable one


@dataclass(slots=True, eq=False)
class Held:
    """What the service knows of a clean document, and of the open ticket it may have.

    ``updated`` and ``status`` together tell whether somebody else has changed the document since. An open document
    without a ticket is one whose ticket is messy: nobody can work on it, so it ends in Error.
    """

    id: ObjectId
    updated: datetime
    status: str | None = None
    ticket: ObjectId | None = None
    mark: str = ""
    gone: bool = False

    @property
    def open(self) -> bool:
        """Whether a ticket of it is being worked on."""
        return self.status in OPEN

    @property
    def free(self) -> bool:
        """Whether a watermark may be requested."""
        return self.status in {None, ERROR}


class Shelf:
    """The documents that one shard looks after, dealt like cards: none comes twice before each has come once."""

    def __init__(self, pen: Pen, held: Iterable[Held]) -> None:
        self._random = pen.random
        self._cards = deque(sorted(held, key=lambda one: pen.random() * (_SOONER if one.open else 1)))
        self._open = deque(one for one in self._cards if one.open)

    def put(self, one: Held) -> None:
        """Take in a new document."""
        self._cards.insert(int(self._random() * min(len(self._cards), _NEARBY)), one)

    def deal(self, *, free: bool = False, closed: bool = False) -> Held | None:
        """The next document; with ``free`` or ``closed`` the next such one, None if none is near."""
        for _ in range(min(_TRIES, len(self._cards))):
            one = self._cards.popleft()
            if one.gone:
                continue
            self._cards.append(one)
            if (one.free or not free) and not (one.open and closed):
                return one
        return None

    def opened(self, one: Held) -> None:
        """Line a document up to be worked on."""
        self._open.append(one)

    def deal_open(self) -> Held | None:
        """The document that has waited longest to be worked on."""
        while self._open:
            one = self._open.popleft()
            if one.open and not one.gone:
                return one
        return None


@dataclass(slots=True)
class Chunk:
    """What to write, in the order of the fields: a ticket follows its document, and dies before it."""

    documents: list[Any] = field(default_factory=list)
    changes: list[UpdateOne | ReplaceOne[Entity]] = field(default_factory=list)
    moved: list[Held] = field(default_factory=list)  # whose status changed, if nobody else was faster
    tickets: list[tuple[Held, Any]] = field(default_factory=list)
    steps: list[tuple[Held, UpdateOne]] = field(default_factory=list)
    withdrawn: list[Held] = field(default_factory=list)
    operations: Counter[str] = field(default_factory=Counter)


class Life:
    """One shard's life: its own chance, its own documents. The same chance makes the same choices."""

    def __init__(self, pen: Pen, spoiler: Spoiler, held: Iterable[Held], messy: Iterable[ObjectId] = ()) -> None:
        self._pen, self._spoiler = pen, spoiler
        self._shelf, self._messy = Shelf(pen, held), list(messy)

    def plan(self, operations: Iterable[str], at: int) -> Chunk:
        """Carry out operations by name (add, request, insert, advance, update, delete) at ``at`` milliseconds.

        ``insert`` is a request or a new document, ``update`` an advance or an edit; an operation for which there is no
        document is skipped, and counted as that.
        """
        chunk = Chunk()
        for operation in operations:
            chunk.operations[getattr(self, f"_{operation}")(chunk, at)] += 1
        return chunk

    def _add(self, chunk: Chunk, at: int) -> str:
        document = self._pen.document(at)
        if self._spoiler.strikes():
            chunk.documents.append(self._spoiler.spoil(DOCUMENTS, document))
            if isinstance(document["_id"], ObjectId):
                self._messy.append(document["_id"])
        else:
            chunk.documents.append(document)
            self._shelf.put(Held(document["_id"], document["updated_at"]))
        return "add"

    def _request(self, chunk: Chunk, at: int) -> str:
        one = self._shelf.deal(free=True)
        if one is None:
            return self._add(chunk, at)
        ticket = self._pen.ticket(one.id, at)
        _move(chunk, one, STARTED, at)
        if self._spoiler.strikes():
            chunk.tickets.append((one, self._spoiler.spoil(TICKETS, ticket)))
        else:
            chunk.tickets.append((one, ticket))
            one.ticket, one.mark = ticket["_id"], ticket["mark"]
        self._shelf.opened(one)
        return "request"

    def _insert(self, chunk: Chunk, at: int) -> str:
        return self._request(chunk, at) if self._pen.random() < 2 / 3 else self._add(chunk, at)

    def _advance(self, chunk: Chunk, at: int) -> str:
        one = self._shelf.deal_open()
        if one is None:
            return self._request(chunk, at)
        self._step(chunk, one, at)
        if one.open:
            self._shelf.opened(one)
        return "advance"

    def _update(self, chunk: Chunk, at: int) -> str:
        if self._messy and self._spoiler.strikes():
            return self._heal(chunk, at)
        one = self._shelf.deal()
        if one is None:
            return "skip"
        if one.open:
            self._step(chunk, one, at)
            return "advance"
        one.updated = instant(at)
        chunk.changes.append(UpdateOne({"_id": one.id}, {"$set": {**self._pen.edit(), "updated_at": one.updated}}))
        return "edit"

    def _heal(self, chunk: Chunk, at: int) -> str:
        key = self._messy.pop(int(self._pen.random() * len(self._messy)))
        chunk.changes.append(ReplaceOne({"_id": key}, {**self._pen.document(at), "_id": key}))
        self._spoiler.ledger.append(Mess(DOCUMENTS, key, "healed", ""))
        return "heal"

    def _delete(self, chunk: Chunk, _: int) -> str:
        one = self._shelf.deal(closed=True)
        if one is None:
            return "skip"
        one.gone = True
        chunk.withdrawn.append(one)
        return "delete"

    def _step(self, chunk: Chunk, one: Held, at: int) -> None:
        ticket, was = one.ticket, one.status
        _move(chunk, one, self._next(one), at)
        if ticket:
            change = {"status": one.status, "updated_at": instant(at), "attempts": self._pen.attempts()}
            chunk.steps.append((one, UpdateOne({"_id": ticket, "status": was}, {"$set": change})))

    def _next(self, one: Held) -> str:
        if one.ticket and one.status == STARTED:
            return IN_PROGRESS
        return FINISHED if one.ticket and self._pen.random() < _MARKED else ERROR


def _move(chunk: Chunk, one: Held, status: str, at: int) -> None:
    """Change the document's status, unless somebody else was faster: a Finished document stays as it is."""
    known = {"_id": one.id, "watermark.status": one.status, "updated_at": one.updated}
    one.status, one.updated = status, instant(at)
    change: Entity = {"watermark.status": status, "updated_at": one.updated}
    if status == FINISHED:
        change["watermark.mark"] = one.mark
    chunk.changes.append(UpdateOne(known, {"$set": change}))
    chunk.moved.append(one)
    if not one.open:
        one.ticket = None
