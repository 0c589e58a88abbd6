"""The publisher: fills a database with a past, and lets it live on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from random import Random
from threading import Event
from typing import Any, TypeVar

from bson import ObjectId
from pymongo import MongoClient

from devstack.errors import StackError
from devstack.publisher.entities import DOCUMENTS, TICKETS, Pen, milliseconds
from devstack.publisher.flat import flat
from devstack.publisher.history import Historian, Span
from devstack.publisher.lifecycle import Held, Life
from devstack.publisher.mess import Spoiler
from devstack.publisher.pace import CHUNK, Pace
from devstack.publisher.pool import gather
from devstack.publisher.store import Store
from devstack.publisher.summary import Summary

T = TypeVar("T")
_YEAR, _QUIET = timedelta(days=365), timedelta(minutes=30)
_FLAT_CHUNK = 5_000
_WRITERS = 2  # one encodes while the server works for the other
_HELD = 20_000  # documents that a run works on, besides those it makes
_MIX = ["add"] * 3 + ["request"] * 4 + ["advance"] * 10 + ["update"] * 3
_NO_MESS: Mapping[str, float] = {}


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Shard:
    """What one thread works with, and shares with no other."""

    life: Life
    spoiler: Spoiler
    order: Random


class Publisher:
    """The watermark service's write side on one database.

    The same ``seed`` makes the same choices; with the same ``clock`` (or ``start`` and ``end``) also the same ids and
    dates. ``mess`` is a share by kind, as :func:`devstack.publisher.shares` makes them. ``on_progress`` may be set to
    be told, from any thread, how many more entities or operations are done.
    """

    def __init__(
        self,
        client: MongoClient[Any],
        database: str = "publishing",
        *,
        seed: int = 0,
        mess: Mapping[str, float] = _NO_MESS,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.on_progress: Callable[[int], object] = lambda _: None
        self._store = Store(client, database)
        self._seed, self._mess, self._clock = seed, mess, clock
        self._acts = 0

    def seed(
        self,
        documents: int,
        tickets: int,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        drop: bool = False,
    ) -> Summary:
        """Fill the database with a past from ``start`` to ``end``: by default the year that ended half an hour ago.

        Raises StackError when the database holds what this seed makes; ``drop`` empties both collections first.
        """
        if tickets and not documents:
            raise StackError("Tickets need documents: seed at least one document.")
        span = self._span(start, end)
        if drop:
            self._store.drop(DOCUMENTS, TICKETS)
        shard, summary = f"{self._seed}/seed", Summary(self._clock())
        spoiler = Spoiler(shard, self._mess, 1 + self._seed * 1_000_000)
        past = Historian(Pen.of(shard), spoiler, span).write(documents, tickets)
        self._pour(past, self._store.put_past, summary)
        self._store.index()
        summary.operations.update(add=documents, request=tickets)
        summary.ledger = spoiler.ledger
        return summary.end()

    def burst(self, inserts: int = 0, updates: int = 0, deletes: int = 0) -> Summary:
        """A burst of changes, stamped now.

        ``inserts``: new tickets and new documents, two to one. ``updates``: documents that are edited or whose ticket
        advances, no document twice before each known one came once. ``deletes``: documents that go, with their tickets.
        """
        summary = Summary(self._clock())
        (shard,) = self._shards(1, 1_000 + 4 * inserts + 2 * updates + 2 * deletes)
        operations = ["insert"] * inserts + ["update"] * updates + ["delete"] * deletes
        shard.order.shuffle(operations)
        for first in range(0, len(operations), CHUNK):
            self._carry_out(shard, operations[first : first + CHUNK], summary)
        summary.ledger = shard.spoiler.ledger
        return summary.end()

    def run(
        self,
        rate: float,
        seconds: float,
        *,
        threads: int = 1,
        deletes: float = 0.02,
        stop: Event | None = None,
    ) -> Summary:
        """``rate * seconds`` operations of everyday life; ``deletes`` is the share of documents that go.

        A server that cannot keep up makes it last longer, and changes nothing else. ``stop`` ends it early.
        """
        if rate <= 0 or threads < 1:
            raise StackError("A run needs a rate above 0 and at least one thread.")
        summary, total, stop = Summary(self._clock()), round(rate * seconds), stop or Event()
        shards = self._shards(threads, min(_HELD, 1_000 + 4 * total))
        with ThreadPoolExecutor(threads) as pool:
            lives = []
            for n, shard in enumerate(shards):
                pace = Pace(total * (n + 1) // threads - total * n // threads, rate / threads, stop)
                lives.append(pool.submit(self._live, shard, deletes, pace))
        for life in lives:
            summary.add(life.result())
        return summary.end()

    def flat(self, count: int, collection: str = "books") -> Summary:
        """Replace a collection with ``count`` flat documents of about 200 bytes, for benchmarks."""
        summary = Summary(self._clock())
        self._store.drop(collection)
        books = flat(f"{self._seed}/flat", count, self._span(None, None))
        chunks = iter(lambda: list(islice(books, _FLAT_CHUNK)), [])
        self._pour(chunks, lambda chunk: self._store.put(collection, chunk), summary)
        self._store.database[collection].create_index("updated_at")
        return summary.end()

    def _span(self, start: datetime | None, end: datetime | None) -> Span:
        end = end or self._clock() - _QUIET
        span = Span(milliseconds(start or end - _YEAR), milliseconds(end))
        if not 0 <= span.start < span.end:
            raise StackError("The past must start before it ends, and not before 1970.")
        return span

    def _pour(self, items: Iterable[T], write: Callable[[T], Counter[str]], summary: Summary) -> None:
        """Write from several threads while the next items are made; few are ever held in memory."""
        pending: set[Future[Counter[str]]] = set()
        with ThreadPoolExecutor(_WRITERS) as pool:
            for item in items:
                pending.add(pool.submit(write, item))
                if len(pending) > _WRITERS:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    self._collect(done, summary)
        self._collect(pending, summary)

    def _collect(self, done: set[Future[Counter[str]]], summary: Summary) -> None:
        for future in done:
            summary.written += future.result()
            self.on_progress(future.result().total())

    def _shards(self, count: int, held: int) -> list[_Shard]:
        """Divide some documents of the database among shards, each with its own chance.

        Choices depend on the seed alone; new ids also on the time, so that two publishers never make the same one.
        """
        self._store.index()
        self._acts += 1
        act, now = f"{self._seed}/{self._acts}", milliseconds(self._clock())
        documents, messy = gather(self._store, Random(f"{act}/held").random, held)
        return [_shard(f"{act}/{n}", now, self._mess, (documents[n::count], messy[n::count])) for n in range(count)]

    def _live(self, shard: _Shard, deletes: float, pace: Pace) -> Summary:
        part, operations = Summary(self._clock()), _everyday(shard.order, deletes)
        try:
            for due in pace.turns():
                self._carry_out(shard, islice(operations, due), part)
        except BaseException:
            pace.stop.set()  # the other threads end too
            raise
        part.ledger = shard.spoiler.ledger
        return part

    def _carry_out(self, shard: _Shard, operations: Iterable[str], summary: Summary) -> None:
        chunk = shard.life.plan(operations, milliseconds(self._clock()))
        summary.written += self._store.write(chunk)
        summary.operations += chunk.operations
        self.on_progress(chunk.operations.total())


def _shard(name: str, now: int, mess: Mapping[str, float], known: tuple[list[Held], list[ObjectId]]) -> _Shard:
    ids = f"{name}/{now}"
    spoiler = Spoiler(name, mess, int.from_bytes(sha256(ids.encode()).digest()[:5]))
    return _Shard(Life(Pen.of(name, ids), spoiler, *known), spoiler, Random(f"{name}/order"))


def _everyday(order: Random, deletes: float) -> Iterator[str]:
    while True:
        yield "delete" if order.random() < deletes else order.choice(_MIX)
