"""What the page asks a warehouse: a few short queries, through the Warehouse protocol."""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from sluice.errors import SluiceError
from sluice.page.known import Contents
from sluice.pipeline import connect_warehouse
from sluice.settings import Endpoint, Resolver
from sluice.spec import Pipeline
from sluice.warehouse.maintenance import connect_journal

if TYPE_CHECKING:
    from sluice.warehouse.data_checks import Checking

log = logging.getLogger(__name__)

BATCHES = 200
"""Batches that are looked back at."""
REJECTS = 200
"""Rejects among which there are samples of each reason."""
ENTRIES = 50
"""Things that maintenance did."""
CHECKS = 200
"""Results of checks."""
TIMEOUT = 10
"""Seconds without an answer after which a connection is given up."""


def look(pipeline: Pipeline, resolve: Resolver) -> Contents | SluiceError:
    """What the pipeline's warehouse says, or why it says nothing: no error of one pipeline blanks the others."""
    try:
        return read(pipeline, resolve)
    except SluiceError as error:
        return error
    except Exception as error:
        log.exception("the page could not read the warehouse of %s", pipeline.name)
        return SluiceError(
            f"reading the warehouse failed: {type(error).__name__}", fix="the log of Airflow's API server says where"
        )


def silence(pipeline: Pipeline, seconds: float) -> SluiceError:
    """The error for a warehouse that takes longer than a visitor waits."""
    warehouse = pipeline.warehouse
    return SluiceError(
        f"the warehouse ({warehouse.kind.value}, connection {warehouse.conn_id}) did not answer in {seconds:.0f} s",
        why="it does not run, is not reached from Airflow's API server, or is very busy",
        fix="the page asks again by itself. If it stays: look at the server, and at the connection's host and port",
    )


def read(pipeline: Pipeline, resolve: Resolver) -> Contents:
    """Ask the pipeline's warehouse. Raises SluiceError."""

    def hurried(conn_id: str) -> Endpoint:
        return _hurried(resolve(conn_id))

    with (
        closing(connect_warehouse(pipeline, hurried)) as warehouse,
        closing(connect_journal(pipeline, hurried)) as journal,
    ):
        return Contents(
            warehouse.commits(pipeline.name, limit=BATCHES),
            warehouse.reject_groups(pipeline.name),
            warehouse.rejects(pipeline.name, limit=REJECTS),
            warehouse.migration_states(pipeline),
            journal.entries(pipeline.name, limit=ENTRIES),
            warehouse.drift(pipeline.name),
            cast("Checking", warehouse).check_results(pipeline.name, limit=CHECKS),
        )


def _hurried(endpoint: Endpoint) -> Endpoint:
    """A task may wait an hour for a statement, a visitor may not."""
    return replace(endpoint, extra={**endpoint.extra, "timeout": TIMEOUT})
