"""Keys that may differ between source and warehouse, and what the second look at each of them says. Pure.

A suspect is found by its key, version and number of rows alone. What it is, is decided by its document.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

EXAMPLES: Final = 20
"""Keys of each collection that are named; all are counted."""


class Verdict(StrEnum):
    """What a suspect is. The first four are differences."""

    MISSING = "missing"  # in the source only
    EXTRA = "extra"  # in the warehouse only
    STALE = "stale"  # another state of the document, or several
    TORN = "torn"  # the document is right, its children are not
    KEPT = "kept"  # extra, and the pipeline file keeps what was deleted
    NEWER = "newer"  # the next batch reads it
    REJECTED = "rejected"
    EQUAL = "equal"


DIFFERENCES: Final = (Verdict.MISSING, Verdict.EXTRA, Verdict.STALE, Verdict.TORN)


@dataclass(frozen=True, slots=True)
class Suspect:
    """``found``: how often readers see the document. ``hash``: of which content. ``torn``: its children differ."""

    key: str
    found: int
    hash: int
    torn: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What the source says of a suspect. ``hash``: of its document, None when it has none.

    ``rejected``: it has one that does not conform. ``newer``: the next batch reads it anyway.
    """

    hash: int | None = None
    rejected: bool = False
    newer: bool = False


def judge(suspect: Suspect, seen: Seen, *, keeps_deleted: bool) -> Verdict:
    """What a suspect is."""
    if seen.rejected:
        return Verdict.REJECTED
    if suspect.found == 1 and suspect.hash == seen.hash:
        return Verdict.TORN if suspect.torn else Verdict.EQUAL
    if suspect.found > 1 and seen.hash is not None:
        return Verdict.STALE
    if seen.newer:
        return Verdict.NEWER
    if seen.hash is None:
        return _gone(suspect, keeps_deleted=keeps_deleted)
    return Verdict.STALE if suspect.found else Verdict.MISSING


def _gone(suspect: Suspect, *, keeps_deleted: bool) -> Verdict:
    if suspect.found:
        return Verdict.KEPT if keeps_deleted else Verdict.EXTRA
    return Verdict.TORN if suspect.torn else Verdict.EQUAL  # rows of a document that is nowhere


@dataclass(slots=True)
class Comparison:
    """What comparing one collection found. ``keys``: read of the source, ``looked``: of them with their documents.

    ``examples``: key → verdict, of some differences. ``repaired``: rows that were written or ended for them.
    """

    collection: str
    batch: int = 0
    keys: int = 0
    rows: int = 0
    looked: int = 0
    counts: dict[Verdict, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    repaired: int = 0

    def add(self, key: str, verdict: Verdict) -> None:
        """Count a suspect."""
        self.counts[verdict] = self.counts.get(verdict, 0) + 1
        if verdict in DIFFERENCES and len(self.examples) < EXAMPLES:
            self.examples[key] = str(verdict)

    @property
    def differences(self) -> int:
        """How many keys differ that should not."""
        return sum(self.counts.get(verdict, 0) for verdict in DIFFERENCES)

    @property
    def left(self) -> int:
        """How many of them were not repaired."""
        return max(0, self.differences - self.repaired)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types only; the inverse of :meth:`from_json`."""
        return {**asdict(self), "counts": {str(verdict): count for verdict, count in self.counts.items()}}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild from :meth:`to_json`."""
        return cls(**{**data, "counts": {Verdict(word): count for word, count in data["counts"].items()}})
