"""Which documents of a database a burst or a run works on: few enough to hold in memory, the same ones by seed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from bson import ObjectId

from devstack.publisher.entities import OPEN, Entity, is_messy
from devstack.publisher.lifecycle import Held
from devstack.publisher.store import Store, state

_LOWEST, _HIGHEST = ObjectId(b"\x00" * 12), ObjectId(b"\xff" * 12)
_RUN = 10  # neighbours that are read together: a tenth of the queries, still hundreds of places
_LOOKUP = 1_000


def gather(store: Store, random: Callable[[], float], count: int) -> tuple[list[Held], list[ObjectId]]:
    """About ``count`` clean documents in order of ``_id``, half of them the newest, and the messy ones met beside."""
    found = _all(store) if store.documents.estimated_document_count() <= count else _some(store, random, count)
    known = {document["_id"]: state(document) for document in found}
    clean = ((key, now) for key, now in sorted(known.items()) if now and not is_messy(key))
    held = [Held(key, updated, status) for key, (status, updated) in clean]
    _find_tickets(store, [one for one in held if one.open])
    return held, sorted(key for key in known if is_messy(key))


def _all(store: Store) -> list[Entity]:
    return _read(store, _LOWEST, 1, 0)


def _some(store: Store, random: Callable[[], float], count: int) -> list[Entity]:
    newest = _read(store, _LOWEST, -1, count // 2)
    if not newest:
        return []
    first, last = _read(store, _LOWEST, 1, 1)[0]["_id"].binary, newest[0]["_id"].binary
    low, high = int.from_bytes(first), int.from_bytes(last)
    points = (ObjectId((low + int((high - low) * random())).to_bytes(12)) for _ in range(count // 2 // _RUN))
    return [*newest, *chain.from_iterable(_read(store, point, 1, _RUN) for point in points)]


def _read(store: Store, start: ObjectId, direction: int, limit: int) -> list[Entity]:
    query = {"_id": {"$gte": start, "$lte": _HIGHEST}}
    return list(
        store.documents.find(query, {"watermark.status": 1, "updated_at": 1}).sort("_id", direction).limit(limit)
    )


def _find_tickets(store: Store, held: list[Held]) -> None:
    """Give each open document its open ticket."""
    by_id = {one.id: one for one in held}
    for start in range(0, len(held), _LOOKUP):
        ids = [one.id for one in held[start : start + _LOOKUP]]
        query = {"document_id": {"$in": ids}, "status": {"$in": OPEN}}
        for ticket in store.tickets.find(query, {"document_id": 1, "mark": 1}):
            if not is_messy(ticket["_id"]):
                one = by_id[ticket["document_id"]]
                one.ticket, one.mark = ticket["_id"], ticket["mark"]
