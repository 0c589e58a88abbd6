"""The buttons: which DAG each starts, and what its form asks. Pure.

The page has no way of its own to start anything: a button asks Airflow's API, as the visitor, for a run of a DAG, and
Airflow decides. What a visitor may not start is not shown either. What a form asks is what the DAG says it takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sluice.page.known import Dag, Param
from sluice.spec import CONTINUOUS, Pipeline


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter of the run. ``kind``: moment, choice, switch, number or text. ``value``: what it is at first.

    ``empty``: what the empty choice means, if it is to be sent.
    """

    name: str
    label: str
    says: str
    kind: str
    value: Any = None
    choices: tuple[str, ...] = ()
    required: bool = False
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """One button. ``paused``: the run would wait, for the DAG is paused."""

    name: str
    label: str
    dag: str
    says: str
    fields: tuple[Field, ...]
    paused: bool


def actions(pipeline: Pipeline, dags: Mapping[str, Dag], allowed: Collection[str]) -> list[Action]:
    """The buttons of a pipeline for a visitor who may start runs of these DAGs."""
    own = dags.get(pipeline.name)
    found = [*_own(pipeline, own), *_others(pipeline, dags)] if own else []
    return [action for action in found if action.dag in allowed]


def _own(pipeline: Pipeline, dag: Dag) -> Iterator[Action]:
    """The pipeline's own DAG is started in several ways, each with some of its parameters."""
    for name, label, says, wanted in WAYS:
        fields = [_asked(pipeline, param) for param in dag.params if param.name in wanted]
        if len(fields) == len(wanted) and (wanted or pipeline.schedule != CONTINUOUS):
            yield Action(name, label, dag.name, says, tuple(filter(None, fields)), dag.paused)


def _asked(pipeline: Pipeline, param: Param) -> Field | None:
    if param.name == "replay_rejects":  # it takes more than a form can ask; the empty text means all of them
        names = tuple(collection.name for collection in pipeline.collections)
        return Field(param.name, "Of collection", "", "choice", choices=names, empty="all of them")
    return field_of(param, required=True)


def _others(pipeline: Pipeline, dags: Mapping[str, Dag]) -> Iterator[Action]:
    """What else there is for the pipeline, such as its reconcile: DAGs that have its name in front of their own."""
    for dag in dags.values():
        prefix, _, name = dag.name.rpartition(".")
        if prefix == pipeline.name:
            fields = tuple(field for param in dag.params if (field := field_of(param)))
            yield Action(name, name.replace("_", " ").capitalize(), dag.name, dag.says, fields, dag.paused)


def field_of(param: Param, *, required: bool = False) -> Field | None:
    """What a form asks for a parameter; None for lists and objects, which keep their default."""
    types = param.types - {"null"}
    if not types <= {"string", "boolean", "integer", "number"}:
        return None
    kind = next((kind for kind, fits in _KINDS if fits(param, types)), "text")
    choices = tuple(str(choice) for choice in param.choices if choice is not None)
    needed = required or (kind != "switch" and "null" not in param.types)
    return Field(param.name, param.title, param.says, kind, param.default, choices, needed)


_KINDS = (
    ("choice", lambda param, _: bool(param.choices)),
    ("moment", lambda param, _: param.format == "date-time"),
    ("switch", lambda _, types: types == {"boolean"}),
    ("number", lambda _, types: bool(types & {"integer", "number"})),
)
WAYS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("run", "Run now", "One batch: everything that changed since the last one.", ()),
    (
        "backfill",
        "Backfill",
        "Reads again what was modified in this span, both ends included, as one batch. Safe beside live batches.",
        ("from", "to"),
    ),
    (
        "refresh",
        "Refresh whole",
        "Reads all of one collection, and ends what is no longer there. Readers see no step in between.",
        ("full",),
    ),
    (
        "replay",
        "Replay rejects",
        "Reads documents that are open rejects again, as they are in MongoDB now, and publishes what conforms.",
        ("replay_rejects",),
    ),
)
"""Name, label, what it does, and the parameters that it asks for."""
