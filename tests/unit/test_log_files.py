"""Airflow's log files past their retention go, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sluice.errors import ConfigError
from sluice.log_files import LogFolder, Logs, Names, clean_logs
from tests.factories import NOON

DAGS = "dags-folder/sub"
RUN = "dag_id=publishing/run_id=manual__2026-09-01T00:00:00+00:00_x"
LOGS = (
    f"{RUN}/task_id=plan/attempt=1.log",
    f"{RUN}/task_id=group.land/map_index=12/attempt=3.log",
    f"{RUN}/task_id=plan/attempt=1.log.trigger.7.log",
    "dag_id=publishing.reconcile/run_id=a/task_id=plan/attempt=1.log",
    f"dag_processor/2026-09-01/{DAGS}/pipelines.py.log",
    f"dag_processor/2026-09-01/{DAGS}/maintenance.py.log",
    "executor_callbacks/publishing/manual__1/01234567-89ab-cdef-0123-456789abcdef",
)
OTHERS = (
    "scheduler.log",
    "dag_processor/latest/dags-folder/pipelines.py.log",
    "dag_processor/2026-09-01/dags-folder/pipelines.py.log",
    "dag_processor/2026-09-01/other/sub/pipelines.py.log",
    f"dag_processor/2026-09-01/{DAGS}/export.py.log",
    f"dag_processor/2026-09-01/{DAGS}/deeper/pipelines.py.log",
    "dag_id=publishing.export/run_id=a/task_id=plan/attempt=1.log",
    "executor_callbacks/publishing.export/manual__1/01234567-89ab-cdef-0123-456789abcdef",
    "dag_id=publishing/notes.txt",
    f"{RUN}/task_id=plan/attempt=1.log.gz",
    f"{RUN}/task_id=plan/deeper/attempt=1.log",
    "own/attempt=1.log",
    "executor_callbacks/publishing/manual__1/notes.txt",
    "dag_id=publishing2/run_id=a/task_id=plan/attempt=1.log",
    "dag_id=my.publishing/run_id=a/task_id=plan/attempt=1.log",
    "dag_id=other/run_id=a/task_id=plan/attempt=1.log",
    "executor_callbacks/other/manual__1/01234567-89ab-cdef-0123-456789abcdef",
)


def write(root: Path, *paths: str, days: int) -> None:
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("12345")
    at = (NOON - timedelta(days=days)).timestamp()
    for path in [*root.rglob("*"), root]:
        os.utime(path, (at, at))


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def clean(root: Path, before: datetime = NOON - timedelta(days=30), *, dry_run: bool = False) -> Logs:
    return clean_logs(LogFolder(root, DAGS), "publishing", before, dry_run=dry_run)


def names(paths: Iterable[Path], root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in paths}


@pytest.mark.parametrize("path", LOGS)
def test_a_log_is_told_by_its_name(path: str) -> None:
    assert Names.of("publishing", DAGS).file.fullmatch(path)


@pytest.mark.parametrize("path", OTHERS)
def test_other_files_are_not_airflows(path: str) -> None:
    assert not Names.of("publishing", DAGS).file.fullmatch(path)


def test_old_logs_go_with_the_folders_of_their_runs_and_others_stay(tmp_path: Path) -> None:
    write(tmp_path, *LOGS, days=31)
    write(tmp_path, "dag_id=publishing.cleanup/run_id=a/task_id=plan/attempt=1.log", days=31)

    assert clean(tmp_path) == Logs(8, 40, 8, 40, 0)

    assert files(tmp_path) == set()
    left = {f"dag_id=publishing{end}" for end in ("", ".cleanup", ".reconcile")} | {
        "dag_processor",
        "executor_callbacks",
    }
    assert names(tmp_path.rglob("*"), tmp_path) == left | {"executor_callbacks/publishing"}
    assert clean(tmp_path) == Logs()


def test_young_logs_and_what_airflow_did_not_write_stay(tmp_path: Path) -> None:
    write(tmp_path, *LOGS, *OTHERS, days=29)
    write(tmp_path, "dag_id=publishing.cleanup/run_id=a/task_id=plan/attempt=1.log", *OTHERS, days=31)
    for path in LOGS:
        os.utime(tmp_path / path, (NOON.timestamp(),) * 2)

    assert clean(tmp_path).gone == 1
    assert files(tmp_path) == {*LOGS, *OTHERS}


def test_a_dry_run_counts_and_deletes_nothing(tmp_path: Path) -> None:
    write(tmp_path, *LOGS, days=31)

    assert clean(tmp_path, NOON, dry_run=True) == Logs(7, 35, 7, 35, 0)
    assert files(tmp_path) == set(LOGS)


def test_no_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    outside, logs = tmp_path / "outside", tmp_path / "logs"
    write(outside, *LOGS, days=31)
    (logs / RUN / "task_id=a").mkdir(parents=True)
    (logs / RUN / "task_id=a" / "attempt=1.log").symlink_to(outside / LOGS[0])
    (logs / "dag_id=linked").symlink_to(outside / "dag_id=publishing")

    assert clean(logs, NOON + timedelta(days=999)).gone == 0
    assert files(outside) == set(LOGS)


def test_a_folder_in_which_a_task_starts_stays(tmp_path: Path) -> None:
    write(tmp_path, *LOGS, days=31)
    starting = tmp_path / "dag_id=publishing" / "run_id=new" / "task_id=plan"
    starting.mkdir(parents=True)

    clean(tmp_path)

    assert starting.is_dir()


@pytest.mark.parametrize("folder", [Path("/"), Path.home()])
def test_a_folder_that_cannot_be_one_of_logs_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="base_log_folder"):
        clean(folder, dry_run=True)


def test_a_folder_that_is_not_there_has_no_logs(tmp_path: Path) -> None:
    assert clean(tmp_path / "none") == Logs()
