"""The vacuum of a pipeline as a DAG of its own: see :mod:`sluice.vacuum`. Imports Airflow, as its tasks do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param

from sluice import vacuum
from sluice.airflow_tasks import Step, dag_beside
from sluice.pipeline_file import load_pipeline
from sluice.spec import Beside, Pipeline, WarehouseKind
from sluice.vacuum_jobs import MODES

if TYPE_CHECKING:
    from airflow.sdk import Context

_NO_MODE = (
    "The mode of each table's VACUUM. Empty: as much as there is a reason for. With a table also without a reason."
)
_PERCENT = "Tables of which at least so many percent are sorted and live are left alone; not for REINDEX and RECLUSTER."
_BOOST = "More of the cluster's resources, for the table named; a publish waits for as long as it takes."


class Vacuum(Step):
    """Vacuum the tables of one pipeline."""

    def work(self, pipeline: Pipeline, context: Context) -> Any:
        """Returns what was done, a line each. Of the landing only loads that are under way are asked."""
        order = vacuum.spare_loads(pipeline, self.resolve, vacuum.order_of(pipeline, context["params"]))
        entries = vacuum.vacuum(pipeline, self.resolve, order)
        return [f"{entry.target}: {entry.did}, because {entry.reason}" for entry in entries]


def vacuum_params(pipeline: Pipeline) -> dict[str, Param]:
    """What a person may choose in the trigger form."""
    names = [table.name for table in pipeline.tables]
    found = {
        "dry_run": Param(False, type="boolean", title="Dry run", description="Say what would be done, and do nothing."),  # noqa: FBT003
        "table": Param(None, type=["null", "string"], enum=[None, *names], title="Only this table"),
        "minutes": Param(None, type=["null", "number"], minimum=0, title="Minutes that it may take"),
    }
    if pipeline.warehouse.kind is not WarehouseKind.REDSHIFT:
        return found
    modes = [str(mode) for mode in MODES]
    return found | {
        "mode": Param(None, type=["null", "string"], enum=[None, *modes], title="VACUUM", description=_NO_MODE),
        "to_percent": Param(95, type="integer", minimum=0, maximum=100, title="TO … PERCENT", description=_PERCENT),
        "boost": Param(False, type="boolean", title="BOOST", description=_BOOST),  # noqa: FBT003
    }


def build_vacuum_dag(file: Path) -> DAG:
    """The vacuum of one pipeline file."""
    pipeline = load_pipeline(file)
    with dag_beside(
        pipeline,
        Beside.VACUUM,
        pipeline.maintenance.vacuum.schedule,
        tag="maintenance",
        params=vacuum_params(pipeline),
        doc_md=(REDSHIFT_PAGE if pipeline.warehouse.kind is WarehouseKind.REDSHIFT else CLICKHOUSE_PAGE).format(
            name=pipeline.name, budget=pipeline.maintenance.vacuum.budget, keep=pipeline.maintenance.vacuum.keep
        ),
    ) as dag:
        Vacuum(task_id="vacuum", pipeline_file=str(file))
    return dag


_COMMON = """
Without a reason nothing is done; nothing that readers see changes. Most gain comes first, one job at a time. No job
starts while the pipeline is published to, nor after {budget} (`maintenance.vacuum.budget` in the pipeline file, or
*minutes* here). It may be killed at any moment: the next run goes on.

**Look.** The log says what was done, why, and what that saved; so does the table `sluice.maintenance`. *Dry run*, or
`sluice vacuum {name} --dry-run`, says what would be done.
"""

CLICKHOUSE_PAGE = (
    """
Gives back what the tables of `{name}` no longer need, as ClickHouse reports it, partition by partition: row versions
that were **ended** longer ago than {keep} (`maintenance.vacuum.keep`), when they are more than 5 %; **patch parts**;
**parts** that the server's own merges have left, above 30. A **mutation** that fails and keeps others waiting is given
up; a table with mutations that are not done is left alone until they are.
"""
    + _COMMON
)

REDSHIFT_PAGE = (
    """
VACUUM and ANALYZE for the tables of `{name}`, as `svv_table_info` reports them: rows that are deleted and still there,
or unsorted where scans gain by sorting, more than 5 % of a table; statistics that are off by more than 10 %. Marks of
keys that are gone longer than {keep} (`maintenance.vacuum.keep`) are deleted. Redshift does much of it by itself: often
there is no reason.

**Trigger** with *VACUUM* to choose the mode; with a table too it is done without another reason. *BOOST* needs a table.
"""
    + _COMMON
)
