"""What happens in a sequence: operations, as plain data, drawn from a seed.

Each names what it touches by a number, and makes sense whatever happened before it: so any part of a sequence is a
sequence, which is what shrinking needs, and the same seed is the same sequence.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bson import Binary, Int64, ObjectId

COLLECTIONS = ("accounts", "orders")

KEYS: tuple[Any, ...] = (
    1,
    "1",
    1.0,  # the same key as 1
    ObjectId("65f000000000000000000001"),
    Int64(2**40),
    {"a": 1, "b": "x"},
    datetime(2026, 1, 1, tzinfo=UTC),
    Binary(b"\x00\xff"),
    None,
)

CONTENTS: dict[str, tuple[dict[str, Any], ...]] = {
    "accounts": (
        {"name": "a", "amount": 1, "tags": ["x", "y"]},
        {"name": "b", "amount": 2, "tags": ["y"]},
        {"name": "c", "amount": 3, "note": {"not": ["declared"]}},
        {"name": "d", "amount": 4, "tags": []},
        {"name": "e", "amount": "not a number", "tags": ["z"]},  # a reject
    ),
    "orders": (
        {"amount": 1},
        {"amount": 2},
        {"amount": 2, "left": True},
        {"amount": "not a number"},  # a reject
    ),
}

LATE = (0, 0, 0, 0, 3, 9, 10, 11, 12, 13, 60, -5, -100_000)
"""Seconds that a date lies behind the clock: around ``overlap`` and ``lag``, long ago, and in the future."""
MISSING = object()
UNDATED: tuple[Any, ...] = (MISSING, None, "yesterday", [datetime(2026, 1, 1, tzinfo=UTC)])
"""What stands where a date should be."""


@dataclass(frozen=True)
class Put:
    """Insert a document, or replace it. ``date``: seconds behind the clock, or one of UNDATED by its place."""

    collection: str
    key: int
    content: int
    date: int | str


@dataclass(frozen=True)
class Change:
    """Set the amount of a document, if it is there."""

    collection: str
    key: int
    amount: int
    date: int | str


@dataclass(frozen=True)
class Delete:
    collection: str
    key: int


Write = Put | Change | Delete


@dataclass(frozen=True)
class Bulk:
    """One bulkWrite for each collection."""

    writes: tuple[Write, ...]


@dataclass(frozen=True)
class Transaction:
    """Writes to both collections, at one instant or never."""

    writes: tuple[Write, ...]
    aborted: bool


@dataclass(frozen=True)
class Drop:
    collection: str


@dataclass(frozen=True)
class Rename:
    """Away, or back over what is there meanwhile."""

    collection: str


@dataclass(frozen=True)
class Tick:
    """The clock goes on, or jumps: that of the source, and of those who write to it."""

    seconds: int


@dataclass(frozen=True)
class Election:
    """The primary steps down, and is elected again."""


@dataclass(frozen=True)
class Death:
    """The process dies at its so-many-th durable write from now, before it is sent or after it was answered."""

    write: int
    after: bool


Span = tuple[int, int]
"""Both ends of a backfill, in seconds behind the clock."""


@dataclass(frozen=True)
class Step:
    """The next steps of a run: plan, land, follow, load, publish. Runs go beside each other.

    ``again``: first the last one once more, or one before it.
    """

    run: str
    count: int = 1
    again: int | None = None
    span: Span | None = None
    death: Death | None = None


@dataclass(frozen=True)
class Batch:
    """A whole batch, from its plan to its end."""

    span: Span | None = None
    death: Death | None = None


@dataclass(frozen=True)
class Sweep:
    """Clean up after everything that died; to what is under way it is as if it had died."""


@dataclass(frozen=True)
class Purge:
    """Forget what ended, and the runs that are under way."""


Operation = Write | Bulk | Transaction | Drop | Rename | Tick | Election | Step | Batch | Sweep | Purge


def draw(seed: int, length: int = 24) -> list[Operation]:
    """The sequence of a seed."""
    chance = random.Random(seed)
    kinds, weights = zip(*_KINDS, strict=True)
    return [make(chance) for make in chance.choices(kinds, weights, k=chance.randint(length // 2, length))]


def _date(chance: random.Random) -> int | str:
    return f"undated {chance.randrange(len(UNDATED))}" if chance.random() < 0.1 else chance.choice(LATE)


def _key(chance: random.Random) -> int:
    return min(chance.randrange(len(KEYS)), chance.randrange(len(KEYS)))  # some are written more often than others


def _put(chance: random.Random) -> Put:
    collection = chance.choice(COLLECTIONS)
    return Put(collection, _key(chance), chance.randrange(len(CONTENTS[collection])), _date(chance))


def _change(chance: random.Random) -> Change:
    return Change(chance.choice(COLLECTIONS), _key(chance), chance.randrange(3), _date(chance))


def _delete(chance: random.Random) -> Delete:
    return Delete(chance.choice(COLLECTIONS), _key(chance))


def _writes(chance: random.Random) -> tuple[Write, ...]:
    return tuple(chance.choice((_put, _put, _change, _delete))(chance) for _ in range(chance.randint(2, 6)))


def _bulk(chance: random.Random) -> Bulk:
    return Bulk(_writes(chance))


def _transaction(chance: random.Random) -> Transaction:
    return Transaction(_writes(chance), chance.random() < 0.2)


def _tick(chance: random.Random) -> Tick:
    return Tick(chance.choice((1, 2, 3, 5, 8, 10, 12, 100, -1, -5, -30)))


def _death(chance: random.Random, share: float, writes: int) -> Death | None:
    return Death(chance.randint(1, writes), chance.random() < 0.5) if chance.random() < share else None


def _span(chance: random.Random) -> Span | None:
    if chance.random() < 0.7:
        return None
    low, high = sorted(chance.sample((-5, 0, 3, 9, 11, 13, 20, 60, 200), 2), reverse=True)
    return low, high


def _step(chance: random.Random) -> Step:
    again = chance.randrange(3) if chance.random() < 0.15 else None
    return Step(chance.choice("AAABBC"), chance.randint(1, 5), again, _span(chance), _death(chance, 0.15, 24))


def _batch(chance: random.Random) -> Batch:
    return Batch(_span(chance), _death(chance, 0.2, 40))


_KINDS: tuple[tuple[Callable[[random.Random], Operation], int], ...] = (
    (_put, 24),
    (_change, 8),
    (_delete, 8),
    (_bulk, 8),
    (_transaction, 8),
    (lambda chance: Drop(chance.choice(COLLECTIONS)), 1),
    (lambda chance: Rename(chance.choice(COLLECTIONS)), 2),
    (_tick, 14),
    (_step, 24),
    (_batch, 6),
    (lambda _: Election(), 1),
    (lambda _: Sweep(), 1),
    (lambda _: Purge(), 1),
)
