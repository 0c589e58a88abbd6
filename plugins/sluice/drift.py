"""Drift: the paths that documents have and no column declares, in bounded memory, and what is known of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from sluice.spec import Child, Collection, Pipeline
    from sluice.undeclared import Undeclared

MOST_PATHS: Final = 100
"""Of one range: field names that are data (dates, ids) would otherwise have no end."""
MOST_MORE: Final = 10_000
"""Beyond those, paths are only counted, up to so many."""
MOST_KNOWN: Final = 1_000
"""Of one collection, over all batches."""
LONGEST: Final = 200
"""Characters of a path or a sample; a longer one is cut."""


@dataclass(slots=True)
class Path:
    """One path: the BSON types of its values, how many there are, and one of them as Extended JSON."""

    types: set[str]
    times: int
    sample: str


@dataclass(slots=True)
class Drift:
    """The undeclared paths of one range, or of one batch and collection. ``more``: paths beyond :data:`MOST_PATHS`."""

    paths: dict[str, Path] = field(default_factory=dict)
    more: int = 0
    _beyond: set[str] = field(default_factory=set)

    def add(self, found: Iterable[Undeclared]) -> None:
        """Count what a piece of documents had."""
        for each in found:
            known = self._known(_cut(each.path))
            if known is not None:
                known.types |= each.types
                known.times += each.times
                known.sample = known.sample or _cut(each.sample)
        self.more = len(self._beyond)

    def merge(self, other: Drift) -> None:
        """Count what another range had. Its ``more`` may be the same paths: there are at least so many."""
        for path, seen in other.paths.items():
            known = self._known(path)
            if known is not None:
                known.types |= seen.types
                known.times += seen.times
                known.sample = known.sample or seen.sample
        self.more = max(self.more, other.more, len(self._beyond))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types only; empty where nothing was found. The inverse of :meth:`from_json`."""
        if not self.paths:
            return {}
        paths = {
            path: {"types": sorted(seen.types), "times": seen.times, "sample": seen.sample}
            for path, seen in self.paths.items()
        }
        return {"paths": paths, "more": self.more}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild from :meth:`to_json`."""
        found = data.get("paths", {}).items()
        paths = {path: Path(set(seen["types"]), seen["times"], seen["sample"]) for path, seen in found}
        return cls(paths, data.get("more", 0))

    def _known(self, path: str) -> Path | None:
        if path not in self.paths and len(self.paths) >= MOST_PATHS:
            if len(self._beyond) < MOST_MORE:
                self._beyond.add(path)
            return None
        return self.paths.setdefault(path, Path(set(), 0, ""))


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One row of ``sluice.drift``: what is known of a path, up to the ``batch`` in which it was last seen.

    ``types``: every BSON type seen, by name. ``documents``: the most documents (in a child: elements) that one batch
    found it in. At least so many have had it; reading a document again does not raise it.
    """

    collection: str
    path: str
    types: str
    documents: int
    sample: str
    first_batch: int
    batch: int


DRIFT_COLUMNS: Final = tuple(field.name for field in fields(DriftRow))


def drift_of(landed: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Drift]:
    """(collection, what its manifest says) of each range → the drift of each collection that has any."""
    total: dict[str, Drift] = {}
    for collection, data in landed:
        if data:
            total.setdefault(collection, Drift()).merge(Drift.from_json(data))
    return total


def drift_rows(batch: int, known: Iterable[DriftRow], found: Mapping[str, Drift]) -> list[DriftRow]:
    """A row for each path that a batch found, with what was ``known`` of it before.

    Of new paths only as many as :data:`MOST_KNOWN` leaves room for.
    """
    before = {(row.collection, row.path): row for row in known}
    rows = []
    for collection, drift in found.items():
        room = MOST_KNOWN - sum(of == collection for of, _ in before)
        for path, seen in drift.paths.items():
            old = before.get((collection, path))
            room -= old is None
            if old or room >= 0:
                rows.append(_row(batch, collection, path, seen, old))
    return rows


def is_undeclared(pipeline: Pipeline, row: DriftRow) -> bool:
    """Is it still so by the pipeline file, as it is now?"""
    collection = next((c for c in pipeline.collections if c.name == row.collection), None)
    if collection is None:
        return True
    declared = {path for table in collection.tables for path in _declared(table.child or collection, table.child)}
    inside = row.types == "object" and any(path.startswith(f"{row.path}.") for path in declared)
    return row.path not in declared and not inside


def _declared(of: Collection | Child, child: Child | None) -> Iterator[str]:
    """The paths of a table's columns and children, as :mod:`sluice.rows` labels what is undeclared beside them."""
    prefix = f"{child.name}." if child else ""
    paths = (*(column.path for column in of.columns), *(array.path for array in of.children))
    return (f"{prefix}{path}" for path in paths)


def _row(batch: int, collection: str, path: str, seen: Path, old: DriftRow | None) -> DriftRow:
    count = seen.times
    if old is None:
        return DriftRow(collection, path, ", ".join(sorted(seen.types)), count, seen.sample, batch, batch)
    types = ", ".join(sorted({*old.types.split(", "), *seen.types}))
    return DriftRow(collection, path, types, max(old.documents, count), old.sample, old.first_batch, batch)


def _cut(text: str) -> str:
    """At most so many characters, all of them UTF-8."""
    clean = text if text.isascii() else text.encode("utf-8", "replace").decode()
    return clean if len(clean) <= LONGEST else f"{clean[: LONGEST - 1]}…"
