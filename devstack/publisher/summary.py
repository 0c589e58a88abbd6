"""What a publisher has done."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from devstack.publisher.mess import Mess


@dataclass(slots=True)
class Summary:
    """Operations by name, writes as the server counted them (``documents inserted`` …), and every mess that was made.

    ``started`` is the publisher's clock before the first write; ``seconds`` is how long it took.
    """

    started: datetime
    seconds: float = 0.0
    operations: Counter[str] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)
    ledger: list[Mess] = field(default_factory=list)
    _began: float = field(default_factory=time.perf_counter)

    @property
    def mess(self) -> Counter[str]:
        """The ledger counted by kind."""
        return Counter(entry.kind for entry in self.ledger)

    def add(self, other: Summary) -> None:
        """Take in what another thread has done."""
        self.operations += other.operations
        self.written += other.written
        self.ledger += other.ledger

    def end(self) -> Summary:
        """Take the time."""
        self.seconds = time.perf_counter() - self._began
        return self
