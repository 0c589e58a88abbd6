"""Commit records: rows of ``sluice.batches`` → :class:`Commit` and back, and what a new one says. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sluice import __version__
from sluice.drift import Drift, drift_of
from sluice.manifest import Manifest
from sluice.positions import Position, positions_after
from sluice.spec import Pipeline
from sluice.warehouse.base import Batch, Commit, TableCounts
from sluice.window import BatchKind, Cut, Plan, Window


def read_commit(row: Sequence[Any]) -> Commit:
    """A row of the statements ``commits`` and ``commit_of_plan``."""
    pipeline, batch, plan, kind, cut, cluster, snapshot, positions, counts, spec_hash, started, committed, code = row
    return Commit(
        pipeline,
        batch,
        plan,
        kind,
        Cut(cut, cluster, snapshot),
        {name: Position.from_json(found) for name, found in json.loads(positions).items()},
        json.loads(counts),
        spec_hash,
        started,
        committed,
        code,
    )


def commit_values(commit: Commit) -> dict[str, object]:
    """The parameters of ``insert_commit``, without the guard's."""
    return {
        "batch": commit.batch,
        "plan": commit.plan,
        "kind": commit.kind,
        "cut": commit.cut.time,
        "cluster": commit.cut.cluster,
        "snapshot": commit.cut.snapshot,
        "positions": json.dumps({name: found.to_json() for name, found in commit.positions.items()}, sort_keys=True),
        "counts": json.dumps(commit.counts, sort_keys=True),
        "spec_hash": commit.spec_hash,
        "code_version": commit.code_version,
        "started_at": commit.started_at,
    }


def new_commit(pipeline: Pipeline, batch: Batch, last: Commit | None, tables: Mapping[str, TableCounts]) -> Commit:
    """The record that publishing a batch writes; its number follows the last one's."""
    plan = batch.plan
    return Commit(
        pipeline.name,
        last.batch + 1 if last else 1,
        plan.id,
        plan.kind.value,
        plan.cut,
        positions_after(plan, last.positions if last else {}),
        _counts(pipeline, batch, tables),
        plan.spec_hash,
        batch.started_at,
        code_version=__version__,
    )


def known_later(plan: Plan, later: Iterable[Sequence[Any]]) -> set[str]:
    """The collections of which batches of later cuts know all that this one says: it yields to them there (I4).

    ``later``: rows of the statement ``later_counts``. A whole load knows every key, also that one is gone which nobody
    heard of. A live batch has read whatever changed up to this cut, also what became again what it was, of which no row
    tells: of the collections in its counts. It also has the positions of those that its pipeline file did not name. A
    replay is of no cut: it yields key by key, to what was written since it was planned.
    """
    known: set[str] = set()
    for kind, positions, counts in () if plan.kind is BatchKind.REPLAY else later:
        read = json.loads(counts)
        known |= {name for name, found in read.items() if "ended" in found}
        if kind == BatchKind.LIVE:
            known |= _covered(plan, json.loads(positions)) & read.keys()
    return known


def _covered(plan: Plan, positions: dict[str, Any]) -> set[str]:
    reached = {name: Position.from_json(positions[name]) for name in plan.windows if name in positions}
    return {name for name, position in reached.items() if position.covers(plan.kind, plan.windows[name])}


def tell_ended(commit: Commit, ended: Mapping[str, int]) -> None:
    """Put into a record how many rows each collection ended because it was read whole and they were not found."""
    for collection, rows in ended.items():
        commit.counts[collection]["ended"] = rows


def tell_news(commit: Commit, news: Iterable[Sequence[Any]]) -> None:
    """Put into a record what the batch put into quarantine, by reason, and what it settled there, by outcome.

    ``news``: rows of the statement ``count_news``.
    """
    for collection, what, why, rejects in news:
        commit.counts[collection].setdefault("quarantine", {}).setdefault(what, {})[why] = rejects


def _counts(pipeline: Pipeline, batch: Batch, tables: Mapping[str, TableCounts]) -> dict[str, dict[str, Any]]:
    return {
        collection.name: {
            **_landed([m for m in batch.manifests if m.collection == collection.name]),
            **_anew(batch.plan.windows[collection.name]),
            "tables": {table.name: asdict(tables[table.name]) for table in collection.tables},
        }
        for collection in pipeline.collections
    }


def _anew(window: Window) -> dict[str, str]:
    return {"anew": window.anew} if window.anew else {}


def _landed(manifests: Sequence[Manifest]) -> dict[str, Any]:
    own = [m.rows(m.collection) for m in manifests]
    return {
        "read": sum(m.read for m in manifests),
        "rejected": sum(m.rejected for m in manifests),
        "landed": sum(own),
        "asked": sum(m.asked for m in manifests),
        "gone": sum(m.gone for m in manifests),
        "bytes": sum(m.bytes for m in manifests),
        "coerced": _coerced(manifests),
        **_drift(drift_of((m.collection, m.drift) for m in manifests)),
    }


def _drift(found: Mapping[str, Drift]) -> dict[str, Any]:
    """How many undeclared paths a collection had; nothing where there were none."""
    counts = [{"paths": len(drift.paths), "more": drift.more} for drift in found.values()]
    return {"drift": counts[0]} if counts else {}


def _coerced(manifests: Sequence[Manifest]) -> dict[str, dict[str, int]]:
    total: dict[str, Counter[str]] = {}
    for manifest in manifests:
        for column, uses in manifest.coerced.items():
            total.setdefault(column, Counter()).update(uses)
    return {column: dict(uses) for column, uses in total.items()}
