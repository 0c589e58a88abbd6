"""What the spine asks of a warehouse, and the records that pass between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, Self

from sluice.drift import DriftRow
from sluice.hashes import columns_hash
from sluice.manifest import Manifest
from sluice.positions import Position
from sluice.spec import Collection, Pipeline, Table
from sluice.suspects import Suspect
from sluice.warehouse.aggregates import Refreshing
from sluice.warehouse.differences import Comparison
from sluice.warehouse.quarantine import Quarantine, RejectGroup, RejectRow
from sluice.warehouse.replayable import Replayable
from sluice.window import BatchKind, Cut, Plan


@dataclass(frozen=True, slots=True)
class TableCounts:
    """One table's hand-over at publish (I1): ``staged = published + unchanged + superseded + gone``.

    ``unchanged``: the same document as the open version. ``superseded``: the warehouse already has a state read at a
    later cut (I4). ``gone``: rows that say "this key is gone". ``closed``: open versions that this batch ended. A
    child's row counts as its parent's does. ``confirmed``: unchanged rows of which is noted that they were read at this
    cut (see ``Plan.confirms``).
    """

    staged: int
    published: int
    unchanged: int
    superseded: int
    closed: int
    gone: int = 0
    confirmed: int = 0


@dataclass(frozen=True, slots=True)
class Loaded:
    """What :meth:`Warehouse.load` staged of one collection: rows per table, after repeated keys were dropped.

    ``landed + copied = staged + repeated + refused`` (I1). ``copied``: table → rows that a replay takes from the master
    as they are. ``refused``: table → rows that the warehouse could not load where the pipeline file lets it go on
    (Redshift's ``copy_options``), and the children of such documents. ``replaced``: table →
    column → values in which it replaced what was not UTF-8.
    """

    collection: str
    staged: dict[str, int]
    repeated: dict[str, int]
    seconds: float
    refused: dict[str, int] = field(default_factory=dict)
    replaced: dict[str, dict[str, int]] = field(default_factory=dict)
    copied: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types only; the inverse of :meth:`from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild from :meth:`to_json`."""
        return cls(**data)


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit record: one row of ``sluice.batches``, the only state there is (I8).

    ``positions``: collection → how far it was read. ``counts``: collection →
    read, rejected, landed, bytes, coerced and ``tables`` (name → TableCounts as a dict). ``found_done``, which is
    not in the row: an attempt before this one had published the batch.
    """

    pipeline: str
    batch: int
    plan: str
    kind: str
    cut: Cut
    positions: dict[str, Position]
    counts: dict[str, Any]
    spec_hash: str
    started_at: datetime
    committed_at: datetime | None = None
    code_version: str = ""
    found_done: bool = field(default=False, compare=False)

    def position(self, collection: Collection) -> datetime | None:
        """The modified date up to which a collection was read; None when it never was by that field."""
        found = self.positions.get(collection.name)
        return found.modified(collection.modified) if found else None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types only; the inverse of :meth:`from_json`."""
        data = asdict(self)
        data["cut"]["time"] = self.cut.time.isoformat()
        data["positions"] = {name: position.to_json() for name, position in self.positions.items()}
        data["started_at"] = self.started_at.isoformat()
        data["committed_at"] = self.committed_at and self.committed_at.isoformat()
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild from :meth:`to_json`."""
        cut, committed = data["cut"], data["committed_at"]
        fields = {
            "cut": Cut(_instant(cut["time"]), cut["cluster"], cut["snapshot"]),
            "positions": {name: Position.from_json(position) for name, position in data["positions"].items()},
            "started_at": _instant(data["started_at"]),
            "committed_at": _instant(committed) if committed else None,
        }
        return cls(**{**data, **fields})


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that publish needs to know of what was landed and staged.

    ``asked``: collection and key, as text, of each rejected document that was read again on purpose.
    """

    plan: Plan
    manifests: Sequence[Manifest]
    loaded: Sequence[Loaded]
    rejects: Iterable[RejectRow]
    started_at: datetime
    asked: Iterable[tuple[str, str]] = ()

    def columns(self, pipeline: Pipeline) -> list[tuple[str, str]]:
        """Under which columns rows were landed: (collection, hash). A replay brings its collections to today's."""
        replayed = [(name, columns_hash(pipeline.collection(name))) for name in self.plan.runs]
        return [(manifest.collection, manifest.columns) for manifest in self.manifests] + replayed

    @property
    def for_rejects(self) -> bool:
        """Whether it was made to read rejected documents again."""
        return self.plan.kind is BatchKind.REJECTS

    def may_settle(self, pipeline: Pipeline, open_: Iterable[RejectGroup]) -> list[Collection]:
        """The collections with open rejects of which it read documents, as only a replay does not."""
        found = {group.collection for group in open_ if self.plan.kind is not BatchKind.REPLAY}
        return [collection for collection in pipeline.collections if collection.name in found]

    def reads_whole(self, collection: Collection) -> bool:
        """Whether what the batch did not find of a collection is not there.

        Not when the warehouse refused rows: which ones, it cannot say for sure.
        """
        return bool(self.plan.windows[collection.name].anew) and not self._refused(collection)

    def ends_missing(self, collection: Collection) -> bool:
        """Whether rows that the batch did not find are ended: it read the collection whole, to do so.

        Where deletes are not followed, only a refresh does, which somebody asked for.
        """
        return self._would_end(collection) and not self._refused(collection)

    def keeps_missing(self, collection: Collection) -> bool:
        """Whether it would have ended them, if the warehouse had not refused rows."""
        return self._would_end(collection) and self._refused(collection)

    def _would_end(self, collection: Collection) -> bool:
        wanted = collection.deletes != "none" or self.plan.kind is BatchKind.REFRESH
        return bool(self.plan.windows[collection.name].anew) and wanted

    def _refused(self, collection: Collection) -> bool:
        return any(any(found.refused.values()) for found in self.loaded if found.collection == collection.name)


@dataclass(frozen=True, slots=True)
class MigrationState:
    """One migration, as ``sluice migrate status`` shows it."""

    version: str  # its number; "view" for what is applied again when it changes
    name: str
    state: str  # pending | applied | half-applied | edited | missing; of a view: changed
    applied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TableState:
    """What readers see of one table at one batch.

    ``hashes``: bucket (:mod:`sluice.warehouse.buckets`) → sum of the documents' hashes modulo 2**64. Buckets without
    rows are left out.
    """

    table: str
    rows: int
    batch: int = 0
    hashes: dict[int, int] = field(default_factory=dict)


class Warehouse(Refreshing, Replayable, Quarantine, Protocol):
    """One analytics warehouse. Every method may be called again after dying at any point (I3)."""

    def migrate(self, pipeline: Pipeline | None) -> list[str]:
        """Apply what is missing: the product's migrations, then the pipeline's tables and views. Returns names.

        Without a pipeline: the product's migrations only. Raises MigrationError when history was edited, or when a
        table is not what the pipeline file says.
        """
        ...

    def compare(self, pipeline: Pipeline) -> Comparison:
        """How the pipeline's tables differ from its file. Raises MigrationError while a migration is to be applied."""
        ...

    def migration_states(self, pipeline: Pipeline | None = None) -> list[MigrationState]:
        """Every migration that is in the files or was applied, by version; then a pipeline's views for analysts."""
        ...

    def last_commit(self, pipeline: str) -> Commit | None:
        """The newest commit record; None before the first batch, and before the first ``migrate``."""
        ...

    def commits(self, pipeline: str, *, limit: int = 20) -> list[Commit]:
        """The newest commit records, newest first."""
        ...

    def commit_of(self, pipeline: str, plan: str) -> Commit | None:
        """The commit record of a plan; None when it is not published."""
        ...

    def load(
        self, plan: Plan, collection: Collection, manifests: Sequence[Manifest], rejects: Iterable[RejectRow] = ()
    ) -> Loaded:
        """Stage the landed parts of one collection, and count them against the manifests. Raises CountMismatch.

        ``rejects``: those of later turns. A row of an earlier one is dropped as a repeated key: what was read last
        decides.
        """
        ...

    def publish(self, pipeline: Pipeline, batch: Batch) -> Commit:
        """Make a batch visible, all tables or none (I2). Publishing the same plan twice returns the first commit.

        It is ``found_done`` then. Raises Fenced when another publisher of the pipeline took over, CountMismatch before
        anything is visible.
        """
        ...

    def verify(self, pipeline: Pipeline, commit: Commit) -> None:
        """Recount what readers see of a batch against its commit record. Raises CountMismatch."""
        ...

    def drop_staging(self, plan: str) -> int:
        """Drop the staging tables of one plan. Returns how many."""
        ...

    def staged_plans(self, pipeline: Pipeline) -> dict[str, datetime]:
        """The ids of the plans that have staging tables of the pipeline → when the newest of these was made."""
        ...

    def purge(self, pipeline: Pipeline, *, older_than: timedelta) -> int:
        """Delete what was ended longer ago than that: closed versions, marks of keys that are gone. Returns how many.

        The horizon has to be longer than any reader's query, and than any backfill takes from its cut to its publish:
        what is purged is neither read nor known to be newer (I4).
        """
        ...

    def drift(self, pipeline: str) -> list[DriftRow]:
        """What is known of the fields that no column declares, from published batches, last seen first."""
        ...

    def visible_state(self, pipeline: Pipeline, table: Table, batch: int) -> TableState:
        """Count and hash what readers saw of a collection's own table at a batch.

        A warehouse without versions keeps the newest batch's state alone: raises Superseded for an older one.
        """
        ...

    def visible_keys(self, pipeline: Pipeline, table: Table, batch: int, bucket: int) -> dict[str, int]:
        """Key → document hash of the rows of one bucket that readers saw at a batch. Raises as visible_state does."""
        ...

    def find_suspects(
        self, pipeline: Pipeline, scan: Plan, collection: Collection, commit: Commit
    ) -> tuple[Commit, int]:
        """Compare the keys that a plan staged (:mod:`sluice.key_scan`) with what readers saw at a commit.

        A warehouse without versions compares with what they see. Returns the commit, and the rows of the own table.
        What may differ is kept beside the staging, for :meth:`suspects`.
        """
        ...

    def suspects(
        self, pipeline: Pipeline, scan: Plan, collection: Collection, after: str | None, limit: int
    ) -> list[Suspect]:
        """The next keys that may differ, in their order; ``after`` None: from the first."""
        ...

    def server_version(self) -> str:
        """The server's name and version. The cheapest way to find out whether it answers."""
        ...

    def probe(self) -> str:
        """Try every right that a batch needs, on a table of its own; returns what was tried. Raises AccessDenied."""
        ...

    def close(self) -> None:
        """End the connection; the next call opens another where the server has sessions."""
        ...


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
