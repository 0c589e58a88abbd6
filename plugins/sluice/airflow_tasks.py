"""The spine as Airflow tasks. Of the package, only the modules ``airflow_*`` import Airflow.

Operators, not ``@task`` functions: only an operator has ``on_kill``, and when a task is marked failed Airflow 3 runs
nothing else: no exception is raised and no ``finally`` runs. Raising from ``on_kill`` unwinds the step, which aborts
its uploads. A SIGKILL unwinds nothing; the next try, or ``clean_up``, does the same work then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import (
    DAG,
    BaseOperator,
    CronDataIntervalTimetable,
    ExceptionRetryPolicy,
    Param,
    TriggerRule,
)
from airflow.sdk import RetryAction as Action
from airflow.sdk import RetryRule as Rule
from airflow.sdk.exceptions import AirflowSkipException

from sluice import airflow_lineage as lineage
from sluice import pipeline as spine
from sluice.airflow_events import Told, asset_of, batches_alias, event_of, rejects_alias, rejects_asset, rejects_of
from sluice.airflow_freshness import deadline_of
from sluice.airflow_metrics import Meter, metered
from sluice.errors import ConfigError
from sluice.pipeline_file import load_pipeline
from sluice.plans import Reread
from sluice.settings import Endpoint, Resolver, missing
from sluice.spec import CONTINUOUS, Beside, Collection, Pipeline
from sluice.warehouse.base import Commit, Loaded
from sluice.warehouse.quarantine import Which
from sluice.window import BatchKind, Plan, Range

if TYPE_CHECKING:
    from airflow.sdk import Context

RETRIES: dict[str, Any] = {
    "retries": 4,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=5),
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            Rule(
                "sluice.errors.Terminal", Action.FAIL, reason="the same step would fail again: see the error's advice"
            ),
            Rule("sluice.errors.Retryable", Action.RETRY),
        ]
    ),
}
"""Retry what may pass by itself, stop at once for what a person has to change."""

SPAN_PARAMS = {
    name: Param(None, type=["null", "string"], format="date-time", title=title, description=text)
    for name, title, text in (
        ("from", "Re-read from", "With both ends set the run is a backfill of this span of the modified field."),
        ("to", "Re-read to", "Empty: a normal run, which goes on from the last commit record."),
    )
}


REJECTS_PARAM = Param(
    None,
    type=["null", "object", "string"],
    title="Replay rejects",
    description="The run reads the documents of open rejects again, and publishes what conforms now: {} for all of "
    'them, or those of one collection, column, reason, batch or key: {"collection": "…", "reason": "…"}, or the name '
    "of a collection alone.",
    properties={
        "batch": {"type": "integer"},
        **{name: {"type": "string"} for name in ("collection", "column", "reason", "key")},
    },
    additionalProperties=False,
)

FAILED_RUNS = 20
"""In a row, before a DAG without pauses between its runs is paused: where only a person can help, it would not end."""

STREAM_SECONDS = Param(
    3600, type="integer", minimum=0, title="Stream for", description="Seconds for which the task stream goes on."
)


def params_of(pipeline: Pipeline) -> dict[str, Param]:
    """What a run may be told to read again, and how long it streams."""
    seconds = {"seconds": STREAM_SECONDS} if pipeline.schedule == CONTINUOUS else {}
    names = [collection.name for collection in pipeline.collections]
    text = "The run reads all of this collection, and ends what is no longer there; readers see no step in between."
    full = Param(None, type=["null", "string"], enum=[None, *names], title="Refresh whole", description=text)
    return {**SPAN_PARAMS, "full": full, "replay_rejects": REJECTS_PARAM, **seconds}


class Killed(BaseException):
    """The task was marked failed while it ran. Not an Exception, so that no step takes it for an error of its own."""


class Step(BaseOperator):
    """One step of the spine for one pipeline file. ``meter`` and ``resolve`` are there while it is executed."""

    ui_color = "#e8f4f8"
    meter: Meter
    resolve: Resolver

    def __init__(self, *, pipeline_file: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pipeline_file = pipeline_file

    def execute(self, context: Context) -> Any:
        """Do the work, and measure it."""
        pipeline = load_pipeline(Path(self.pipeline_file))
        with metered(pipeline.name, self._name_of(pipeline), self.about()) as self.meter:
            self.resolve = cache(airflow_connection)
            return self.work(pipeline, context)

    def work(self, pipeline: Pipeline, context: Context) -> Any:
        """Connect, and do the step."""
        with spine.connect(pipeline, self.resolve) as systems:
            return self.step(pipeline, systems, context)

    def step(self, pipeline: Pipeline, systems: spine.Systems, context: Context) -> Any:
        """What this step does."""
        raise NotImplementedError

    def about(self) -> str | None:
        """The collection that the step is about; None: all of them."""
        return None

    def on_kill(self) -> None:
        """Unwind: see the module's docstring."""
        raise Killed(self.task_id)

    def _name_of(self, pipeline: Pipeline) -> str:
        """The task, after the DAG where it is not the pipeline's own: ``reconcile.land``."""
        return f"{self.dag_id}.{self.task_id}".removeprefix(f"{pipeline.name}.")


class Migrate(Step):
    """Apply what the warehouse's schema lacks."""

    def step(self, pipeline: Pipeline, systems: spine.Systems, context: Context) -> Any:
        """Returns the names of what was applied."""
        return spine.migrate(pipeline, systems)


class MakePlan(Step):
    """Decide what the batch reads; returns the ranges, over which ``land`` is mapped."""

    def step(self, pipeline: Pipeline, systems: spine.Systems, context: Context) -> Any:
        """Pushes the plan as ``plan`` too: Airflow maps only over a returned list. Skips what would replay nothing."""
        made = spine.plan(pipeline, systems, reread_of(context))
        if made.kind is BatchKind.REJECTS and not made.ranges:
            raise AirflowSkipException("no open reject that is meant can be read again")
        return push_plan(context, made)


class RangeStep(Step):
    """A step that is mapped over the ranges of a plan."""

    def __init__(self, *, piece: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.piece = piece

    def about(self) -> str | None:
        """That of the range."""
        return str(self.piece["collection"])

    def range_of(self, context: Context) -> Range:
        """The range of this task, which is named by it from now on."""
        piece = Range(**self.piece)
        context["range_label"] = f"{piece.collection} {piece.label or piece.name}"  # type: ignore[typeddict-unknown-key]
        return piece


class Land(RangeStep):
    """Land one range."""

    def step(self, pipeline: Pipeline, systems: spine.Systems, context: Context) -> Any:
        """Returns the counts of the range."""
        read: list[int] = []
        manifest = spine.land(pipeline, systems, plan_of(context), self.range_of(context), read.append)
        self.meter.landed(manifest, sum(read))
        self.manifest = manifest
        return {"read": manifest.read, "rejected": manifest.rejected, "bytes": manifest.bytes}

    def get_openlineage_facets_on_complete(self, _: Any) -> Any:
        """For Airflow's OpenLineage provider."""
        return lineage.of_landing(load_pipeline(Path(self.pipeline_file)), self.manifest, self.resolve)


class Follow(Step):
    """Bring what was landed to one cut."""

    def step(self, pipeline: Pipeline, systems: spine.Systems, context: Context) -> Any:
        """Pushes the plan that the next steps go by. Skipped with a plan that was."""
        if not context["ti"].xcom_pull(task_ids="plan", key="plan"):
            raise AirflowSkipException("nothing was planned")
        followed = spine.follow(pipeline, systems, plan_of(context))
        context["ti"].xcom_push(key="plan", value=followed.to_json())


class Load(Step):
    """Stage one collection."""

    def __init__(self, *, collection: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.collection = collection

    def about(self) -> str | None:
        """The one that it stages."""
        return self.collection

    def step(self, pipeline: Pipeline, systems: spine.Systems, context: Context) -> Any:
        """Returns what was staged, for ``publish``."""
        context["collection_label"] = self.collection  # type: ignore[typeddict-unknown-key]
        loaded = spine.load(systems, followed_plan(context), pipeline.collection(self.collection))
        self.meter.loaded(loaded)
        return loaded.to_json()


class Publish(Step):
    """Make the batch visible, and tell it as one Asset event per master table."""

    template_fields: Sequence[str] = ("loaded",)

    def __init__(self, *, loaded: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loaded = loaded

    def step(self, pipeline: Pipeline, systems: spine.Systems, context: Context) -> Any:
        """Returns the commit record."""
        # A slice is one request; iterating asks for one more than there are, and logs an error about it.
        loaded = [Loaded.from_json(data) for data in self.loaded[:]]
        commit = spine.publish(pipeline, systems, followed_plan(context), loaded)
        self.meter.published(commit)
        self.told = {table.name: event_of(commit, table) for table in pipeline.tables}
        for table in pipeline.tables:
            context["outlet_events"][asset_of(pipeline, table)].extra = self.told[table.name]
        if rejects := rejects_of(commit):
            context["outlet_events"][rejects_alias(pipeline)].add(rejects_asset(pipeline), extra=rejects)
        return commit.to_json()

    def get_openlineage_facets_on_complete(self, _: Any) -> Any:
        """For Airflow's OpenLineage provider."""
        return lineage.of_publish(load_pipeline(Path(self.pipeline_file)), self.told, self.resolve)


class Batches(Step):
    """A step that makes batches by itself, some or none, and notes each in ``told``."""

    told: Told

    def get_openlineage_facets_on_complete(self, _: Any) -> Any:
        """For Airflow's OpenLineage provider."""
        return lineage.of_batches(self.told.pipeline, self.told.tables(), self.resolve)


class Verify(Step):
    """Recount what readers see of the batch."""

    def step(self, pipeline: Pipeline, systems: spine.Systems, context: Context) -> Any:
        """Raises CountMismatch."""
        spine.verify(pipeline, systems, Commit.from_json(context["ti"].xcom_pull(task_ids="publish")))


class CleanUp(Step):
    """Leave no unfinished upload and no staging table behind, whatever became of the batch."""

    def step(self, pipeline: Pipeline, systems: spine.Systems, context: Context) -> Any:
        """Does nothing when there was no plan."""
        if context["ti"].xcom_pull(task_ids="plan", key="plan"):
            spine.clean_up(systems, plan_of(context))


class Refuse(BaseOperator):
    """Stands for a pipeline that cannot be run."""

    def __init__(self, *, message: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.message = message

    def execute(self, context: Context) -> None:
        """Say why."""
        raise ConfigError(self.message)


def build_dag(file: Path) -> DAG:
    """The DAG of one pipeline file."""
    pipeline = load_pipeline(file)
    with DAG(
        dag_id=pipeline.name,
        schedule=schedule_of(pipeline),
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
        catchup=False,  # a run goes on from the last commit record, so missed runs have nothing of their own to do
        max_active_runs=1,
        max_consecutive_failed_dag_runs=FAILED_RUNS if pipeline.schedule == CONTINUOUS else None,
        default_args={"owner": "sluice", **RETRIES},
        params=params_of(pipeline),
        deadline=deadline_of(pipeline, file),
        tags=["sluice", pipeline.warehouse.kind.value],
        doc_md=operators_page(pipeline),
    ) as dag:
        common = {"pipeline_file": str(file)}
        plan = MakePlan(task_id="plan", **common)
        land = Land.partial(task_id="land", map_index_template="{{ range_label }}", **common).expand(piece=plan.output)
        load = Load.partial(task_id="load", map_index_template="{{ collection_label }}", **common).expand(
            collection=[collection.name for collection in pipeline.collections]
        )
        assets = [asset_of(pipeline, table) for table in pipeline.tables]
        outlets = [*assets, rejects_alias(pipeline)]
        publish = Publish(task_id="publish", loaded=load.output, outlets=outlets, **common)
        clean_up = CleanUp(task_id="clean_up", **common).as_teardown()
        # Nothing may have changed: then there is nothing to land, and the position moves on all the same.
        follow = Follow(task_id="follow", trigger_rule=TriggerRule.NONE_FAILED, **common)
        Migrate(task_id="migrate", **common) >> plan
        verify = Verify(task_id="verify", **common)
        land >> follow >> load >> publish >> verify >> clean_up
        if pipeline.schedule == CONTINUOUS:
            from sluice.airflow_stream import StreamBatches

            verify >> StreamBatches(task_id="stream", outlets=[batches_alias(pipeline)], **common)
    return dag


def schedule_of(pipeline: Pipeline) -> Any:
    """When the DAG runs: Airflow knows one preset by itself, every other has an interval, for backfills."""
    if pipeline.schedule in {None, CONTINUOUS}:
        return pipeline.schedule
    return CronDataIntervalTimetable(pipeline.schedule, timezone="UTC")


def dag_beside(pipeline: Pipeline, what: Beside, schedule: str | None, *, tag: str, **kwargs: Any) -> DAG:
    """The DAG ``<pipeline>.<what>``, without tasks: what else a pipeline needs, on a schedule of its own."""
    return DAG(
        dag_id=f"{pipeline.name}.{what}",
        schedule=schedule and CronDataIntervalTimetable(schedule, timezone="UTC"),
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": "sluice", **RETRIES},
        tags=["sluice", tag, pipeline.warehouse.kind.value],
        **kwargs,
    )


def broken_dag(file: Path, error: ConfigError) -> DAG:
    """A DAG that says what is wrong with a pipeline file, so that one bad file does not take the others down."""
    with DAG(
        dag_id=f"{file.stem}.{Beside.BROKEN}", schedule=None, tags=["sluice", "broken"], doc_md=f"```\n{error}\n```"
    ) as dag:
        Refuse(task_id="broken_pipeline_file", message=str(error))
    return dag


def airflow_connection(conn_id: str) -> Endpoint:
    """Resolve an Airflow connection inside a task."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        found = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise missing(conn_id) from None
    return Endpoint.from_json(conn_id, found.as_json())


def reread_of(context: Context) -> Reread | None:
    """What the run re-reads: the interval of a backfill run; the ends, the collection or the rejects of a manual one.

    None for a live run.
    """
    if context["dag_run"].run_type == "backfill":
        run = context["dag_run"]
        assert run.data_interval_start is not None  # the timetable gives every backfill run an interval
        assert run.data_interval_end is not None
        return run.data_interval_start, run.data_interval_end
    params = context["params"]
    start, end, full, rejects = (params.get(name) for name in ("from", "to", "full", "replay_rejects"))
    if rejects is not None:
        if {start, end, full} != {None}:
            raise ConfigError("rejects are read again, or a span, or a collection", fix="set one of them")
        return Which(rejects) if isinstance(rejects, str) else Which.from_json(rejects)
    if start is None and end is None:
        return full
    if full is not None:
        raise ConfigError("both a span and a collection are set to be re-read", fix="set `from` and `to`, or `full`")
    if start is None or end is None:
        raise ConfigError("only one end of the span to re-read is set", fix="set both `from` and `to`, or neither")
    return datetime.fromisoformat(start).astimezone(UTC), datetime.fromisoformat(end).astimezone(UTC)


def push_plan(context: Context, made: Plan) -> Any:
    """Keep a plan for the steps that follow; returns its ranges, for Airflow to map over."""
    data = made.to_json()
    context["ti"].xcom_push(key="plan", value=data)
    return data["ranges"]


def plan_of(context: Context) -> Plan:
    """The plan that the ``plan`` task of this run made."""
    return Plan.from_json(context["ti"].xcom_pull(task_ids="plan", key="plan"))


def followed_plan(context: Context) -> Plan:
    """The plan as ``follow`` left it; the one that was made, where there is no such step."""
    followed = context["ti"].xcom_pull(task_ids="follow", key="plan")
    return Plan.from_json(followed) if followed else plan_of(context)


def operators_page(pipeline: Pipeline) -> str:
    """The DAG's documentation in Airflow's UI, for whoever is on call."""
    rows = "\n".join(_row(pipeline, collection) for collection in pipeline.collections)
    return OPERATORS_PAGE.format(
        name=pipeline.name,
        source=f"{pipeline.source.database} (connection `{pipeline.source.conn_id}`)",
        landing=f"s3://{pipeline.landing.bucket}/{pipeline.landing.prefix} (connection `{pipeline.landing.conn_id}`)",
        warehouse=f"{pipeline.warehouse.kind.value} (connection `{pipeline.warehouse.conn_id}`)",
        rows=rows,
        stream=STREAMS if pipeline.schedule == CONTINUOUS else "",
    )


def _row(pipeline: Pipeline, collection: Collection) -> str:
    tables = ", ".join(f"`{pipeline.warehouse.schema}.{table.name}`" for table in collection.tables)
    field = f"`{collection.modified}`" if collection.modified else "none: every batch reads the whole collection"
    return f"| `{collection.name}` | {tables} | {field} |"


STREAMS = """
**It streams.** `stream` then publishes small batches for `seconds`, an hour, and the next run follows at once. A run
that you trigger waits for that; `sluice run` does not. Mark `stream` failed to end it now. After 20 failed runs in a
row Airflow pauses the DAG. Without a cron schedule there is no `airflow backfill`: *Trigger* with `from` and `to`.
"""

OPERATORS_PAGE = """
Moves the collections below from MongoDB into the warehouse; all tables become visible together, or none does.

| | |
|---|---|
| source | {source} |
| landing | {landing} |
| warehouse | {warehouse} |

| collection | tables | modified date |
|---|---|---|
{rows}

**Steps.** `migrate` brings the schema up to date · `plan` decides what is read · `land` copies each range to S3 ·
`follow` brings what was landed to one cut · `load` stages each collection and counts it ·
`publish` makes the batch visible · `verify` recounts it · `clean_up` leaves no upload and no staging table behind.
{stream}
**Re-read a span.** `airflow backfill create --dag-id {name} --from-date … --to-date …` makes one batch for each
interval of the schedule; *Trigger* with `from` and `to` makes one batch for the whole span. Both are safe beside live
runs: a row is only ever replaced by a state that was read later.

**Load a collection again.** *Trigger* with `full` reads all of one collection, and ends what is no longer there.

**Replay rejects.** *Trigger* with `replay_rejects` (`{{}}` for all that are open) reads their documents as they are
now, and publishes what conforms. Whenever something new is rejected, the Asset `sluice.rejects.{name}` has an event.

**When a run fails.** Nothing of it is visible, and the next run goes on from the last published batch: usually there is
nothing to do. The task's log ends with *why* and *do*. Run the failed tasks again with *Clear*: `land` does not read
what it already landed; after a failed `publish`, clear `load` with it.

**Look.** `sluice status`, `sluice rejects list`, `sluice checks list`, `sluice verify {name}`.
"""
