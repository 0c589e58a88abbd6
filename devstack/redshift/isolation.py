"""Which transactions could have run one after the other: table by table, as Redshift decides it (error 1023).

Pages: *Serializable isolation* (c_serial_isolation) and *How to fix serializable isolation errors*
(serializable-isolation-snapshot-isolation-faqs).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count


@dataclass(eq=False)
class Transaction:
    """``start``: when its snapshot was taken, ``end``: when it committed, on one clock. Tables are their oids."""

    number: int
    start: int
    end: int = 0
    reads: set[int] = field(default_factory=set)
    writes: set[int] = field(default_factory=set)

    def precedes(self, other: Transaction) -> bool:
        """Whether every serial order that explains what both saw has this one first."""
        if self.end and self.end < other.start:
            return bool(self.writes & (other.reads | other.writes) or self.reads & other.writes)
        if other.end and other.end < self.start:
            return False
        return bool((self.reads - self.writes) & other.writes)  # it did not see what the other wrote


class Isolation:
    """The transactions of a server."""

    def __init__(self) -> None:
        self._clock, self._numbers = count(1), count(1_000_001)
        self._known: list[Transaction] = []

    def begin(self) -> Transaction:
        """A transaction whose snapshot is taken now."""
        made = Transaction(next(self._numbers), next(self._clock))
        self._known.append(made)
        return made

    def cycle(self, mine: Transaction, reads: set[int], writes: set[int]) -> list[Transaction]:
        """It also read and wrote these tables: the transactions that it forms a cycle with, or none."""
        mine.reads |= reads
        mine.writes |= writes
        paths, seen = [[mine]], set[Transaction]()
        for path in paths:
            for follower in self._followers(path[-1]):
                if follower is mine:
                    return path
                if follower not in seen:
                    seen.add(follower)
                    paths.append([*path, follower])
        return []

    def end(self, mine: Transaction, *, committed: bool) -> None:
        """It is over. What committed is remembered as long as a transaction is open that did not see it."""
        if committed:
            mine.end = next(self._clock)
        else:
            self._known.remove(mine)
        oldest = min((each.start for each in self._known if not each.end), default=mine.end)
        self._known = [each for each in self._known if not each.end or each.end > oldest]

    def _followers(self, one: Transaction) -> Iterator[Transaction]:
        return (other for other in self._known if other is not one and one.precedes(other))
