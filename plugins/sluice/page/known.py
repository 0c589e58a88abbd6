"""What the page knows: of the warehouse, of Airflow's runs, and of what a visitor may see and do. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from sluice.drift import DriftRow
from sluice.warehouse.base import Commit, MigrationState
from sluice.warehouse.data_checks import CheckResult
from sluice.warehouse.maintenance import Entry
from sluice.warehouse.quarantine import RejectGroup, RejectRow

STREAM = "stream"
"""The task that publishes one batch after the other."""
_WORST = ("failed", "upstream_failed", "running", "up_for_retry", "queued", "scheduled", "success", "skipped")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a warehouse said of a pipeline: everything newest first, but drift, migrations and the groups of rejects.

    ``groups`` are of all open rejects, ``rejects`` some of the newest.
    """

    commits: list[Commit]
    groups: list[RejectGroup]
    rejects: list[RejectRow]
    migrations: list[MigrationState]
    maintenance: list[Entry]
    drift: list[DriftRow]
    checks: list[CheckResult]


@dataclass(frozen=True, slots=True)
class Step:
    """One task of a run; a mapped one from its first piece's begin to its last one's end."""

    name: str
    state: str
    begun: datetime
    ended: datetime | None

    @classmethod
    def of(cls, name: str, pieces: Sequence[tuple[str, datetime, datetime | None]]) -> Self:
        """From the state, begin and end of each piece. The step is in the state that asks most for attention."""
        states = [state for state, _, _ in pieces]
        state = next((each for each in _WORST if each in states), states[0])
        ends = [ended for _, _, ended in pieces]
        return cls(name, state, min(begun for _, begun, _ in pieces), None if None in ends else max(filter(None, ends)))

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return (self.ended - self.begun).total_seconds() if self.ended else None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a DAG. ``batch``: what it published; None for nothing, or nothing yet."""

    dag: str
    run: str
    state: str
    kind: str
    begun: datetime | None
    ended: datetime | None
    steps: tuple[Step, ...] = ()
    batch: int | None = None

    @property
    def failed_step(self) -> Step | None:
        """The step whose log says why the run failed."""
        return next((step for step in self.steps if step.state == "failed"), None)

    def streamed(self, at: datetime) -> bool:
        """Whether its task ``stream``, which publishes many batches, was at work then."""
        return any(s.name == STREAM and s.begun <= at and (s.ended is None or at <= s.ended) for s in self.steps)

    @property
    def took(self) -> timedelta | None:
        """How long it ran."""
        return self.ended - self.begun if self.ended and self.begun else None


@dataclass(frozen=True, slots=True)
class Param:
    """What a run of a DAG may be told, as the DAG declares it: JSON schema, or the part of it that a form needs."""

    name: str
    title: str
    says: str
    types: frozenset[str]
    default: Any = None
    choices: tuple[Any, ...] = ()
    format: str = ""

    @classmethod
    def of(cls, name: str, schema: Mapping[str, Any], default: Any, says: str | None) -> Self:
        """From what Airflow keeps of a Param."""
        types = schema.get("type", "string")
        return cls(
            name,
            schema.get("title", name),
            says or "",
            frozenset([types] if isinstance(types, str) else types),
            default,
            tuple(schema.get("enum", ())),
            schema.get("format", ""),
        )


@dataclass(frozen=True, slots=True)
class Dag:
    """A DAG that Airflow has, its newest runs first. ``says``: what it does, in a sentence."""

    name: str
    paused: bool
    runs: tuple[Run, ...] = ()
    params: tuple[Param, ...] = ()
    says: str = ""


def first_sentence(text: str | None) -> str:
    """What a DAG's documentation begins with."""
    paragraph = " ".join((text or "").replace("`", "").strip().partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".") + "." if paragraph else ""


@dataclass(frozen=True, slots=True)
class Rights:
    """``runs``: see them. ``logs``: see what the logs of tasks show too, such as the keys of rejected documents.

    ``start``: the DAGs of which the visitor may start runs.
    """

    runs: bool = False
    logs: bool = False
    start: frozenset[str] = frozenset()
