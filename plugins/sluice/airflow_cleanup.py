"""The cleanup of a pipeline as a DAG of its own: see :mod:`sluice.cleanup`. Imports Airflow, as its tasks do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param

from sluice.airflow_tasks import Step, dag_beside
from sluice.pipeline_file import load_pipeline
from sluice.spec import Beside, Pipeline

if TYPE_CHECKING:
    from airflow.sdk import Context

DRY_RUN = Param(
    True,  # noqa: FBT003
    type="boolean",
    title="Dry run",
    description="Say what would be deleted, and delete nothing. Only of runs by hand: scheduled ones delete.",
)


class Cleanup(Step):
    """Delete what nobody needs any more."""

    def work(self, pipeline: Pipeline, context: Context) -> Any:
        """Returns what was done, a line each. MongoDB is not asked."""
        from airflow.sdk.configuration import conf

        from sluice import cleanup
        from sluice.log_files import LogFolder

        # `airflow dags test` gives a task no bundle; it takes the one that is there by default.
        bundle = getattr(getattr(context["ti"], "bundle_instance", None), "name", "dags-folder")
        dags = Path(self.dag.relative_fileloc or "").parent
        logs = LogFolder(Path(conf.get("logging", "base_log_folder")), (bundle / dags).as_posix())
        with cleanup.connect(pipeline, self.resolve, logs) as tools:
            entries = cleanup.run(pipeline, tools, dry_run=dry_run_of(context))
        return [f"{entry.action}: {entry.did}" for entry in entries]


def dry_run_of(context: Context) -> bool | None:
    """What the form says of a run by hand; None for the schedule's, of which the first only looks."""
    return bool(context["params"]["dry_run"]) if context["dag_run"].run_type == "manual" else None


def build_cleanup_dag(file: Path) -> DAG:
    """The cleanup of one pipeline file."""
    pipeline = load_pipeline(file)
    with dag_beside(
        pipeline,
        Beside.CLEANUP,
        pipeline.maintenance.cleanup.schedule,
        tag="maintenance",
        params={"dry_run": DRY_RUN},
        doc_md=PAGE.format(
            name=pipeline.name, landing=f"s3://{pipeline.landing.bucket}/{pipeline.landing.prefix}/{pipeline.name}/"
        ),
    ) as dag:
        Cleanup(task_id="cleanup", pipeline_file=str(file))
    return dag


PAGE = """
Deletes what the batches of `{name}` left behind and nobody needs any more, and counts it.

| what | when |
|---|---|
| landed parts under `{landing}` | their batch was published longer ago than `landing.retention` |
| settled rejects, and their raw documents | settled longer ago than `rejects.retention`; dropped ones keep their mark |
| results of checks | found longer ago than `rejects.retention`; those of the newest batch stay |
| rows of `sluice.drift` that a newer one replaces | at once; ClickHouse only |
| unfinished uploads, staging tables | made more than two days ago, and no load goes on with them |
| rows that a dead batch wrote | the next batch would undo them too; ClickHouse only |
| Airflow's logs of this pipeline's DAGs, of parsing Sluice's files | not written since `maintenance.cleanup.logs` |

**Never deleted:** what the newest batch landed, what was landed and not published, loads under way, raw
documents of open rejects, and every object whose key is not exactly one that Sluice writes for this pipeline.

**Look first.** *Trigger* is a dry run, unless you say otherwise; the first run of the schedule is one too. All that was
done is in the log and in the table `sluice.maintenance`. From a shell: `sluice cleanup {name} --dry-run`.

**When it fails.** What could be deleted is; the next run does the rest. A batch is never kept from running.
"""
