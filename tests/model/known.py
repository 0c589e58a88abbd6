"""Sequences that once found a mistake, or would find one, as short as they came to be: they are played in every run."""

from __future__ import annotations

from tests.model.operations import Batch, Change, Death, Delete, Operation, Put, Step, Sweep, Tick, Transaction

PLANNED_TO_LOADED = 4

KNOWN: dict[str, list[Operation]] = {
    "a window is open at its low end, and re-reads the overlap": [
        Batch(),
        Put("accounts", 0, 0, date=13),
        Put("accounts", 1, 0, date=12),  # overlap and lag
        Put("accounts", 3, 0, date=11),
        Batch(),
    ],
    "a clock that ran back moves no window back": [
        Batch(),
        Tick(-30),
        Put("accounts", 0, 0, date=0),
        Batch(),
        Tick(40),
        Put("accounts", 1, 0, date=0),
        Batch(),
    ],
    "what has no date is read by every batch": [
        Put("accounts", 0, 0, date="undated 0"),
        Put("accounts", 1, 0, date="undated 3"),
        Batch(),
        Put("accounts", 0, 1, date="undated 1"),
        Change("accounts", 1, 2, date="undated 2"),
        Batch(),
    ],
    "a backfill has its ends, and moves no window": [
        Batch(),
        Put("accounts", 0, 0, date=13),
        Put("accounts", 1, 0, date=20),
        Put("accounts", 3, 0, date=60),
        Put("accounts", 4, 0, date=200),
        Batch(span=(60, 20)),
        Put("accounts", 5, 0, date=11),
        Batch(),
    ],
    "a backfill of dates to come moves no window": [
        Batch(),
        Batch(span=(0, -100)),
        Put("accounts", 0, 0, date=0),
        Batch(),
    ],
    "an older cut that comes later brings nothing": [
        Put("accounts", 0, 0, date=0),
        Put("orders", 0, 0, date=0),
        Batch(),
        Put("accounts", 0, 1, date=0),
        Put("orders", 0, 1, date=0),
        Put("orders", 1, 0, date=0),
        Step("A", PLANNED_TO_LOADED),
        Put("accounts", 0, 2, date=0),
        Put("orders", 0, 2, date=0),
        Put("orders", 1, 2, date=0),
        Batch(),
        Step("A"),
    ],
    "what became again what it was stays, when a cut in between comes later": [
        Put("accounts", 0, 0, date="undated 0"),
        Put("orders", 0, 0, date=0),
        Batch(),
        Put("accounts", 0, 1, date="undated 0"),
        Put("orders", 0, 1, date=0),
        Step("A", PLANNED_TO_LOADED),
        Step("B", PLANNED_TO_LOADED, span=(100, -100)),
        Put("accounts", 0, 0, date="undated 0"),
        Put("orders", 0, 0, date=0),
        Batch(),
        Step("A"),
        Step("B"),
    ],
    "children are replaced with their document": [
        Put("accounts", 0, 0, date=0),
        Batch(),
        Put("accounts", 0, 1, date=0),
        Batch(),
        Put("accounts", 0, 3, date=0),
        Batch(),
    ],
    "one that marks itself leaves, and comes back": [
        Put("orders", 0, 0, date=0),
        Put("orders", 1, 2, date=0),
        Batch(),
        Put("orders", 0, 2, date=0),
        Batch(),
        Put("orders", 0, 1, date=0),
        Batch(),
    ],
    "what was read last decides: a document that became a reject stays as it was published": [
        Put("orders", 0, 0, date=0),
        Step("A", 2),
        Put("orders", 0, 3, date=0),
        Step("A", 3),
    ],
    "what was read last decides: a reject that became a document is published": [
        Put("orders", 0, 3, date=0),
        Step("A", 2),
        Put("orders", 0, 0, date=0),
        Step("A", 3),
    ],
    "a batch is true to its cut": [
        Put("accounts", 0, 0, date=0),
        Put("orders", 0, 0, date=0),
        Step("A"),
        Transaction((Put("accounts", 0, 1, date=0), Delete("orders", 0), Put("orders", 1, 1, date=0)), aborted=False),
        Step("A", 4),
    ],
    "a publisher that died leaves nothing that is seen later": [
        Put("accounts", 0, 0, date=0),
        Put("accounts", 1, 0, date=0),
        Batch(),
        *(
            operation
            for number in (4, 5, 7, 9)  # of its writes
            for operation in (
                Put("accounts", 0, number % 3, date=0),
                Put("accounts", 1, (number + 1) % 3, date=0),
                Step(f"A{number}", PLANNED_TO_LOADED),
                Step(f"A{number}", death=Death(number, after=True)),
                Delete("accounts", 1),
            )
        ),
    ],
    "what was swept is refused, and loaded again": [
        Put("accounts", 0, 0, date=0),
        Step("A", PLANNED_TO_LOADED),
        Sweep(),
        Step("A"),
        Step("A", 2),
        Step("A", 2, again=1),
    ],
}
