"""What the spine asks of a warehouse, and the records that pass between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sluice.manifest import Manifest
from sluice.spec import Collection, Pipeline
from sluice.window import Cut, Plan


@dataclass(frozen=True, slots=True)
class TableCounts:
    """One table's hand-over at publish (I1): ``staged = published + unchanged + superseded``.

    ``unchanged``: the same document as the open version. ``superseded``: the warehouse already has a state read at a
    later cut (I4). ``closed``: open versions that this batch ended. ``gone``: keys ended without a new version.
    """

    staged: int
    published: int
    unchanged: int
    superseded: int
    closed: int
    gone: int = 0


@dataclass(frozen=True, slots=True)
class Loaded:
    """What :meth:`Warehouse.load` staged of one collection: rows per table, after repeated keys were dropped."""

    collection: str
    staged: dict[str, int]
    repeated: dict[str, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit record: one row of ``sluice.batches``, the only state there is (I8).

    ``positions``: collection → the modified date up to which it was read (ISO). ``counts``: collection → read,
    rejected, landed, bytes, coerced and ``tables`` (name → TableCounts as a dict).
    """

    pipeline: str
    batch: int
    plan: str
    kind: str
    cut: Cut
    positions: dict[str, str]
    counts: dict[str, Any]
    spec_hash: str
    started_at: datetime
    committed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RejectRow:
    """One row of ``sluice.rejects``. ``raw_uri`` names the object that keeps the raw document, ``position`` its index."""

    collection: str
    key: str
    column: str
    reason: str
    detail: str
    raw_uri: str
    position: int
    batch: int = 0
    cut: datetime | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that publish needs to know of what was landed and staged."""

    plan: Plan
    manifests: Sequence[Manifest]
    loaded: Sequence[Loaded]
    rejects: Iterable[RejectRow]
    started_at: datetime


@dataclass(frozen=True, slots=True)
class MigrationState:
    """One migration, as ``sluice migrate status`` shows it."""

    version: str
    name: str
    state: str  # pending | applied | half-applied | edited | missing
    applied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TableState:
    """What readers see of one table at one batch."""

    table: str
    rows: int
    hashes: dict[int, int] = field(default_factory=dict)  # bucket of the key's hash → sum of row hashes mod 2**64


class Warehouse(Protocol):
    """One analytics warehouse. Every method may be called again after dying at any point (I3)."""

    def migrate(self, pipeline: Pipeline | None) -> list[str]:
        """Apply what is missing: the product's migrations, then the pipeline's tables and views. Returns names."""
        ...

    def last_commit(self, pipeline: str) -> Commit | None:
        """The newest commit record."""
        ...

    def load(self, plan: Plan, collection: Collection, manifests: Sequence[Manifest]) -> Loaded:
        """Stage the landed parts of one collection, and count them against the manifests."""
        ...

    def publish(self, pipeline: Pipeline, batch: Batch) -> Commit:
        """Make a batch visible, all tables or none (I2). Publishing the same plan twice returns the first commit."""
        ...

    def verify(self, pipeline: Pipeline, commit: Commit) -> None:
        """Recount what readers see of a batch against its commit record. Raises CountMismatch."""
        ...

    def drop_staging(self, plan: str) -> int:
        """Drop the staging tables of one plan. Returns how many."""
        ...
