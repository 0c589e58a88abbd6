"""What the checks of a pipeline file found, for whoever shows it: command line and page."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, cast

from sluice.pipeline import connect_warehouse

if TYPE_CHECKING:
    from sluice.settings import Resolver
    from sluice.spec import Pipeline
    from sluice.warehouse.base import Commit
    from sluice.warehouse.data_checks import Checking, CheckResult


def check_results(pipeline: Pipeline, resolve: Resolver, *, failed: bool = False, limit: int = 50) -> list[CheckResult]:
    """The newest results, newest first; those of batches that were stopped have no ``batch``."""
    with closing(connect_warehouse(pipeline, resolve)) as warehouse:
        return cast("Checking", warehouse).check_results(pipeline.name, failed=failed, limit=limit)


def now_failing(results: list[CheckResult], last: Commit | None) -> list[CheckResult]:
    """What failed in the last batch, and in batches that were stopped since."""
    return [
        result
        for result in results
        if result.failing and (last is None or result.plan == last.plan or result.cut > last.cut.time)
    ]
