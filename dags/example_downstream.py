"""An example of a DAG of those who read: it runs after each batch of the publishing pipeline. Paused until you say so.

Copy it, and put your own task in the place of ``tell``. What it may rely on: each batch is one Asset event for each
master table, sent when the batch is visible and the views for analysts are refreshed; at least once, so that a batch
may be told again.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, task

from sluice.airflow_events import asset_of
from sluice.errors import ConfigError
from sluice.pipeline_file import load_pipeline
from sluice.spec import Pipeline

log = logging.getLogger(__name__)

PAGE = """
An example: runs after each batch of the pipeline **{pipeline}**, and says in its log what the batch brought. It waits
for the Asset events of {tables}, which the task `publish` sends together: for all of them, so that there is one run for
a batch. When several batches were published before it ran, one run gets the events of all of them.

The batch and its cut stand in each event, and the column `batch` of an aggregated view says of which batch that is.
"""


def build(pipeline: Pipeline) -> DAG:
    """The DAG that waits for a pipeline's master tables."""
    tables = [asset_of(pipeline, table) for table in pipeline.tables]
    with DAG(
        dag_id=f"example_after_{pipeline.name}",
        schedule=tables,
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
        is_paused_upon_creation=True,
        tags=["example", "sluice"],
        doc_md=PAGE.format(pipeline=pipeline.name, tables=", ".join(f"`{table.name}`" for table in tables)),
    ) as made:
        tell()
    return made


@task
def tell(triggering_asset_events: Mapping[Any, Collection[Any]] | None = None) -> dict[str, int]:
    """Say what the batches since the last run brought. Returns each table's newest batch."""
    newest: dict[str, int] = {}
    for asset, events in (triggering_asset_events or {}).items():
        for event in events:
            batch, cut, rows = event.extra["batch"], event.extra["cut"], event.extra["counts"]["published"]
            log.info("%s: batch %d, true to %s, brought %s rows", asset.name, batch, cut, f"{rows:,}")
            newest[asset.name] = max(batch, newest.get(asset.name, 0))
    return newest


with suppress(ConfigError):  # the file may be gone, or pipelines.py shows what is wrong with it
    dag = build(load_pipeline(Path(__file__).parent / "pipelines" / "publishing.yml"))
