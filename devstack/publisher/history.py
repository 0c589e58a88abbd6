"""The past: documents and their tickets as a year of life would have left them, chunk by chunk, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from devstack.publisher.entities import (
    DOCUMENTS,
    ERROR,
    FINISHED,
    IN_PROGRESS,
    STARTED,
    TICKETS,
    Entity,
    Pen,
    instant,
)
from devstack.publisher.mess import Spoiler

_CHUNK = 2_000
_RECENT = 0.03  # only tickets of the last few hundredths of the span are still open
_WORK = 6 * 3_600_000  # a ticket takes six hours at most,
_PATIENCE = 20 * 24 * 3_600_000  # and the next is asked for within twenty days


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, in milliseconds since 1970, both included."""

    start: int
    end: int

    def at(self, share: float) -> int:
        """The instant that far into the span."""
        return self.start + int((self.end - self.start) * share)


@dataclass(frozen=True, slots=True)
class Past:
    """Some documents, and tickets of these documents only."""

    documents: list[Any]
    tickets: list[Any]


class Historian:
    """Writes the past of a span: ``documents`` in order of their dates, and exactly ``tickets`` tickets."""

    def __init__(self, pen: Pen, spoiler: Spoiler, span: Span) -> None:
        self._pen, self._spoiler, self._span = pen, spoiler, span

    def write(self, documents: int, tickets: int) -> Iterator[Past]:
        """Chunk by chunk; how the chunks fall depends on nothing but the two numbers."""
        for first in range(0, documents, _CHUNK):
            last = min(first + _CHUNK, documents)
            quota = tickets * last // documents - tickets * first // documents
            dates = [self._span.at((n + self._pen.random()) / documents) for n in range(first, last)]
            yield self._past(dates, quota)

    def _past(self, dates: list[int], quota: int) -> Past:
        past = Past([], [])
        clean = self._clean(past, dates)
        for (document, at), count in zip(clean, self._counts(len(clean), quota), strict=True):
            past.tickets.extend(self._tickets(document, at, count))
        return past

    def _clean(self, past: Past, dates: list[int]) -> list[tuple[Entity, int]]:
        """Write the documents. The first of a chunk is clean, so that there is always one that may have tickets."""
        clean: list[tuple[Entity, int]] = []
        for at in dates:
            document = self._pen.document(at)
            if clean and self._spoiler.strikes():
                past.documents.append(self._spoiler.spoil(DOCUMENTS, document))
            else:
                past.documents.append(document)
                clean.append((document, at))
        return clean

    def _counts(self, documents: int, tickets: int) -> list[int]:
        """How many tickets each document has: some are asked for more often."""
        counts = [0] * documents
        for _ in range(tickets):
            counts[int(documents * self._pen.random() ** 1.5)] += 1
        return counts

    def _tickets(self, document: Entity, at: int, count: int) -> Iterator[Any]:
        for left in range(count, 0, -1):
            began, ended = self._interval(at)
            ticket = self._pen.ticket(document["_id"], began)
            self._settle(ticket, self._status(began, last=left == 1), ended)
            self._show(document, ticket)
            at = ended
            yield self._spoiler.spoil(TICKETS, ticket) if self._spoiler.strikes() else ticket

    def _interval(self, after: int) -> tuple[int, int]:
        random, end = self._pen.random, self._span.end
        began = after + int(min((end - after) * 0.3, _PATIENCE) * random())
        return began, began + int(min(end - began, _WORK) * random())

    def _status(self, began: int, *, last: bool) -> str:
        """Every ticket but the last ended in Error: nobody asks again for a finished document."""
        if not last:
            return ERROR
        choice = self._pen.random()
        if began > self._span.at(1 - _RECENT):
            return (STARTED, IN_PROGRESS, FINISHED, ERROR)[int(choice * 4)]
        return FINISHED if choice < 0.85 else ERROR

    def _settle(self, ticket: Entity, status: str, ended: int) -> None:
        ticket["status"] = status
        if status != STARTED:
            ticket["updated_at"], ticket["attempts"] = instant(ended), self._pen.attempts()

    @staticmethod
    def _show(document: Entity, ticket: Entity) -> None:
        """The document's watermark shows its last ticket."""
        status = ticket["status"]
        document["watermark"] = {"mark": ticket["mark"] if status == FINISHED else None, "status": status}
        document["updated_at"] = ticket["updated_at"]
