"""The buttons: which DAG each starts, and what its form asks. Pure.

The page has no way of its own to start anything: a button asks Airflow's API, as the visitor, for a run of a DAG, and
Airflow decides. What a visitor may not start is not shown either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from sluice.page.known import Dag
from sluice.spec import CONTINUOUS, Pipeline


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter of the run. ``kind``: moment, choice or switch."""

    name: str
    label: str
    kind: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """One button. ``paused``: the run would wait, for the DAG is paused."""

    name: str
    label: str
    dag: str
    says: str
    fields: tuple[Field, ...] = ()
    paused: bool = False


def actions(pipeline: Pipeline, dags: Mapping[str, Dag], allowed: Collection[str]) -> list[Action]:
    """The buttons of a pipeline for a visitor who may start runs of these DAGs."""
    return [
        Action(*button, paused=dags[button[2]].paused)
        for button in _buttons(pipeline)
        if button[2] in dags and button[2] in allowed
    ]


def dag_names(pipeline: Pipeline) -> list[str]:
    """Every DAG that a button of the pipeline starts, its own first."""
    return list(dict.fromkeys(button[2] for button in _buttons(pipeline)))


def _buttons(pipeline: Pipeline) -> Iterator[tuple[str, str, str, str, tuple[Field, ...]]]:
    own, collections = pipeline.name, tuple(collection.name for collection in pipeline.collections)
    span = (Field("from", "From (UTC)", "moment"), Field("to", "To (UTC)", "moment"))
    if pipeline.schedule != CONTINUOUS:
        yield "run", "Run now", own, RUN, ()
    yield "backfill", "Backfill", own, BACKFILL, span
    yield "refresh", "Refresh whole", own, REFRESH, (Field("full", "Collection", "choice", collections),)
    report = Field("dry_run", "Only report, publish nothing", "switch")
    yield "reconcile", "Reconcile", f"{own}.reconcile", RECONCILE, (report,)


RUN = "One batch: everything that changed since the last one."
BACKFILL = "Reads again what was modified in this span, both ends included, as one batch. Safe beside live batches."
REFRESH = "Reads all of one collection, and ends what is no longer there. Readers see no step in between."
RECONCILE = "Compares keys and dates with the source, and repairs what differs."
