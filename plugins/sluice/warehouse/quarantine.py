"""Documents that were rejected, and what became of them: asked of a warehouse beside what every batch asks of it.

A reject is *open* until a batch of a later cut reads its document and it conforms (``published``), or does not find it
(``gone``), or somebody says that it is dealt with (``dropped``). The batch that does so writes it with its commit
record (I8); nothing is deleted. One that is older than another reject of the same document is ``again``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Final, Protocol, Self

from sluice.columns import Kind
from sluice.errors import ConfigError
from sluice.suggest import did_you_mean

OPEN: Final = "open"


@dataclass(frozen=True, slots=True)
class RejectRow:
    """One rejected document. ``raw_uri`` names the object that keeps it raw, as its ``position``-th document.

    ``hash`` is that of the raw document: whether it is the same as when it was rejected before. ``settled_by``: the
    batch that read it again; of one that was dropped, 0, and ``who`` did it and ``why``. ``turn``: in which one of its
    plan it was rejected, as long as it is not published.
    """

    collection: str
    key: str
    column: str
    reason: str
    detail: str
    raw_uri: str
    position: int
    batch: int = 0
    cut: datetime | None = None
    hash: int = field(default=0, compare=False)
    state: str = OPEN
    settled_by: int = 0
    who: str = ""
    why: str = ""
    settled_at: datetime | None = None
    turn: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class RejectGroup:
    """Open rejects of one column for one reason: how many, of which batches, and one of them."""

    collection: str
    column: str
    reason: str
    rejects: int
    first_batch: int
    last_batch: int
    key: str
    detail: str


@dataclass(frozen=True, slots=True)
class Which:
    """Which rejects are meant: those that have all of it. Empty, and batch 0, mean any."""

    collection: str = ""
    column: str = ""
    reason: str = ""
    batch: int = 0
    key: str = ""

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in asdict(self).items() if value)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """From what somebody typed into a form. Raises ConfigError for what is none of it."""
        types = {each.name: int if each.name == "batch" else str for each in fields(cls)}
        for name, value in data.items():
            if name not in types:
                raise ConfigError(f"rejects have no {name!r} to choose by", fix=did_you_mean(name, types))
            if type(value) is not types[name]:
                wanted = "a whole number" if types[name] is int else "a text"
                raise ConfigError(f"{name} of rejects is {wanted}, and not {value!r}")
        return cls(**data)


ANY: Final = Which()

PLAIN_KEYS: Final = {Kind.KEY, Kind.OBJECTID, Kind.INT32, Kind.INT64}
"""Keys that have one text, in rejects as in the table; of the others that in rejects may have a tag."""


class Quarantine(Protocol):
    """The part of a warehouse that knows its rejects."""

    def rejects(self, pipeline: str, which: Which = ANY, *, settled: bool = False, limit: int = 50) -> list[RejectRow]:
        """Open rejects of published batches, newest batch first. ``settled``: also all others."""
        ...

    def reject_groups(self, pipeline: str) -> list[RejectGroup]:
        """The open rejects by collection, column and reason, the most frequent first."""
        ...

    def drop_rejects(self, pipeline: str, which: Which, *, who: str, why: str) -> int:
        """Mark open rejects as dealt with. Returns how many."""
        ...
