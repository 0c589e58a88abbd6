"""The reconcile of a pipeline as a DAG of its own: see :mod:`sluice.reconcile`. Imports Airflow, as its tasks do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Asset, AssetAlias, Param

from sluice import pipeline as spine
from sluice import reconcile
from sluice.airflow_events import Told, batches_alias
from sluice.airflow_tasks import Batches, RangeStep, Step, dag_beside, plan_of, push_plan
from sluice.pipeline_file import load_pipeline
from sluice.spec import Beside, Pipeline
from sluice.suspects import Comparison
from sluice.window import Plan

if TYPE_CHECKING:
    from airflow.sdk import Context

SCHEDULE = "0 3 * * *"
"""For pipelines whose deletes are found in no other way."""

DRY_RUN = Param(False, type="boolean", title="Dry run", description="Compare and report, and publish nothing.")  # noqa: FBT003


class PlanScan(Step):
    """Decide which ranges of keys are read; returns them, and pushes the plan as ``plan``."""

    def step(self, pipeline: Pipeline, systems: spine.Systems, context: Context) -> Any:
        """Raises ConfigError before the first batch."""
        return push_plan(context, reconcile.plan(pipeline, systems))


class LandKeys(RangeStep):
    """Land the keys of one range."""

    def step(self, pipeline: Pipeline, systems: spine.Systems, context: Context) -> Any:
        """Returns how many keys were read."""
        return reconcile.land(pipeline, systems, plan_of(context), self.range_of(context)).read


class Compare(Step):
    """Find what differs. Where anything does, an Asset event says so."""

    def step(self, pipeline: Pipeline, systems: spine.Systems, context: Context) -> Any:
        """Returns the comparisons; pushes the plan of the repair as ``repair``, None when there is none."""
        dry_run = bool(context["params"].get("dry_run"))
        found, made = reconcile.compare(pipeline, systems, plan_of(context), dry_run=dry_run)
        context["ti"].xcom_push(key="repair", value=made and made.to_json())
        comparisons = [comparison.to_json() for comparison in found]
        if any(comparison.differences for comparison in found):
            extra: dict[str, Any] = {"pipeline": pipeline.name, "comparisons": comparisons}
            context["outlet_events"][alias_of(pipeline)].add(differences_of(pipeline), extra=extra)
        return comparisons


class Repair(Batches):
    """Read what differs again, and publish it as one batch, told by the events of any batch."""

    def step(self, pipeline: Pipeline, systems: spine.Systems, context: Context) -> Any:
        """Returns the commit record; None when there was nothing to repair."""
        self.told, made = Told(pipeline), repair_of(context)
        found = [Comparison.from_json(data) for data in context["ti"].xcom_pull(task_ids="compare")]
        if made is None:
            return None
        commit = reconcile.repair(pipeline, systems, made, found)
        self.meter.published(commit)
        self.told.add(commit)
        self.told.send(context)
        return commit.to_json()


class CleanUpScan(Step):
    """Leave nothing of the keys that were read, and no staging of the repair."""

    def step(self, pipeline: Pipeline, systems: spine.Systems, context: Context) -> Any:
        """Does nothing for what was not planned."""
        if context["ti"].xcom_pull(task_ids="plan", key="plan"):
            reconcile.clean_up(systems, plan_of(context))
        if made := repair_of(context):
            spine.clean_up(systems, made)


def build_reconcile_dag(file: Path) -> DAG:
    """The reconcile of one pipeline file."""
    pipeline = load_pipeline(file)
    daily = any(collection.deletes == "reconcile" for collection in pipeline.collections)
    with dag_beside(
        pipeline,
        Beside.RECONCILE,
        SCHEDULE if daily else None,
        tag="reconcile",
        params={"dry_run": DRY_RUN},
        doc_md=PAGE.format(name=pipeline.name),
    ) as dag:
        common = {"pipeline_file": str(file)}
        plan = PlanScan(task_id="plan", **common)
        land = LandKeys.partial(task_id="land", map_index_template="{{ range_label }}", **common).expand(
            piece=plan.output
        )
        compare = Compare(task_id="compare", outlets=[alias_of(pipeline)], **common)
        clean_up = CleanUpScan(task_id="clean_up", **common).as_teardown()
        repair = Repair(task_id="repair", outlets=[batches_alias(pipeline)], **common)
        plan >> land >> compare >> repair >> clean_up
    return dag


def repair_of(context: Context) -> Plan | None:
    """The plan of the repair that ``compare`` made."""
    data = context["ti"].xcom_pull(task_ids="compare", key="repair")
    return Plan.from_json(data) if data else None


def differences_of(pipeline: Pipeline) -> Asset:
    """The Asset that has an event whenever a pipeline differed from its source."""
    return Asset(name=f"sluice.differences.{pipeline.name}", uri=f"sluice://differences/{pipeline.name}")


def alias_of(pipeline: Pipeline) -> AssetAlias:
    """Stands for it in the DAG: an alias has an event only where one is added."""
    return AssetAlias(f"sluice.differences.{pipeline.name}")


PAGE = """
Compares the keys and versions of the source with the warehouse, and repairs what differs through a normal batch, beside
the live ones. Found are documents that are **missing** in the warehouse, **extra** (deleted in the source), **stale**
(another version), and **torn** (their child rows are not theirs, or not all).

**Steps.** `plan` takes the ranges · `land` copies the keys, modified dates and array sizes of each to S3 · `compare`
has the warehouse find the keys that differ, and looks at those again with their documents · `repair` publishes them ·
`clean_up` deletes the keys from S3.

With *dry run* nothing is published. Where anything differed, the Asset `sluice.differences.{name}` has an event with
the counts, and the log of `compare` names some keys; a repair also sends the Asset events of any batch. What the next
batch of `{name}` brings anyway, and what was rejected, is no difference. With `deletes: none` extra documents are
counted as *kept*, and stay.

**Look.** `sluice reconcile {name} --dry-run`, `sluice verify {name}` (by content), `sluice status`.
"""
