"""What a document and a ticket of the watermark service look like. What happens to them is told in the lifecycle."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any, TypeVar

from bson import Decimal128, ObjectId

from devstack.publisher.words import AUTHORS, KEYWORDS, PROSE, TITLES, TOPICS, USERS

Entity = dict[str, Any]
T = TypeVar("T")

DOCUMENTS, TICKETS = "documents", "tickets"
STARTED, IN_PROGRESS, FINISHED, ERROR = "Started", "InProgress", "Finished", "Error"
OPEN = (STARTED, IN_PROGRESS)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PRICES = [Decimal128(f"{cents // 100}.{cents % 100:02}") for cents in range(499, 24_999, 50)]
_MESSY = b"\xff"


def milliseconds(at: datetime) -> int:
    """Milliseconds since 1970: what a BSON date holds."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def instant(at: int) -> datetime:
    """The inverse of :func:`milliseconds`."""
    return datetime.fromtimestamp(at / 1000, UTC)


class Ids:
    """ObjectIds by seed: 4 bytes of seconds, a zero byte, 4 bytes that tell shards apart, 3 bytes counted upwards.

    The zero byte becomes 0xFF in messy entities, so that whoever meets one later knows it by its id alone.
    """

    def __init__(self, shard: str) -> None:
        self._shard = b"\x00" + sha256(shard.encode()).digest()[:4]
        self._count = 0

    def new(self, at: int) -> ObjectId:
        """The next id, made at ``at`` milliseconds."""
        self._count = (self._count + 1) & 0xFFFFFF
        return ObjectId(struct.pack(">I5s", at // 1000, self._shard) + self._count.to_bytes(3, "big"))


def messy_id(clean: ObjectId) -> ObjectId:
    """The same id, marked as belonging to a messy entity."""
    return ObjectId(clean.binary[:4] + _MESSY + clean.binary[5:])


def is_messy(key: Any) -> bool:
    """Whether an ``_id`` belongs to an entity that was made messy, or that is not this service's at all."""
    return not isinstance(key, ObjectId) or key.binary[4:5] == _MESSY


class Pen:
    """Writes new entities, all from one source of chance."""

    def __init__(self, random: Callable[[], float], ids: Ids) -> None:
        self.random = random
        self._ids = ids

    @classmethod
    def of(cls, shard: str, ids: str = "") -> Pen:
        """The pen of a shard; ``ids`` may tell its ObjectIds apart from those of a shard with the same choices."""
        return cls(Random(shard).random, Ids(ids or shard))

    def document(self, at: int) -> Entity:
        """A clean, unmarked document of about 340 bytes, written at ``at`` milliseconds."""
        random, written = self.random, instant(at)
        return {
            "_id": self._ids.new(at),
            "title": _one_of(TITLES, random),
            "author": _one_of(AUTHORS, random),
            "topic": _one_of(TOPICS, random),
            "content": self._content(),
            "created_at": written,
            "updated_at": written,
            "keywords": _one_of(KEYWORDS, random),
            "pages": 8 + int(random() ** 3 * 900),
            "price": _one_of(_PRICES, random),
            "watermark": {"mark": None, "status": None},
        }

    def ticket(self, document_id: ObjectId, at: int) -> Entity:
        """A clean ticket, just started."""
        user, asked = _one_of(USERS, self.random), instant(at)
        return {
            "_id": self._ids.new(at),
            "document_id": document_id,
            "user": user,
            "mark": f"Licensed to {user}, copy {int(self.random() * 10_000)}",
            "status": STARTED,
            "created_at": asked,
            "updated_at": asked,
            "attempts": 0,
        }

    def edit(self) -> Entity:
        """The fields that an edit of a document sets; never the watermark, never the author."""
        price, pages = _one_of(_PRICES, self.random), 8 + int(self.random() * 900)
        return {"content": self._content(), "price": price, "pages": pages}

    def attempts(self) -> int:
        """How many attempts it took to mark a document."""
        return 1 + int(self.random() ** 3 * 4)

    def _content(self) -> str:
        at = int(self.random() * (len(PROSE) - 256))
        return PROSE[at : at + 100 + int(self.random() * 40)]


def _one_of(values: list[T], random: Callable[[], float]) -> T:
    return values[int(random() * len(values))]
