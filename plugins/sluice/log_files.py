"""Airflow's own leftovers on the machine where a task runs: log files past their retention.

Airflow writes a file for each try of each task, and each day one for each DAG file that it parses, and deletes none.
Deleted is only what is named so, inside of its own folder of logs: of tasks those of a pipeline's own DAGs, of DAG
files those of the product. No link is followed.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from sluice.errors import ConfigError
from sluice.spec import Beside

DAG_FILES: Final = ("example_downstream", "maintenance", "pipelines", "reconcile")
"""Without their ``.py``: all in one folder."""

_TRY: Final = r"task_id=[^/]+/(map_index=\d+/)?attempt=\d+\.log(\.trigger\.\d+\.log)?"
_CALLBACK: Final = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DAY: Final = r"dag_processor/\d{4}-\d{2}-\d{2}"


@dataclass(frozen=True, slots=True)
class LogFolder:
    """Airflow's folder of logs. ``dags``: the bundle, and in it the folder, of the product's DAG files."""

    root: Path
    dags: str


@dataclass(frozen=True, slots=True)
class Names:
    """How Airflow names, within its folder of logs, the files of a pipeline's DAGs and of a day; and their folders."""

    file: re.Pattern[str]
    folder: re.Pattern[str]

    @classmethod
    def of(cls, pipeline: str, dags: str) -> Self:
        """Its DAGs are the pipeline's name, or that and a word that the product has."""
        dag = rf"{re.escape(pipeline)}(\.({'|'.join(Beside)}))?"
        run, called = rf"dag_id={dag}/run_id=[^/]+", rf"executor_callbacks/{dag}/[^/]+"
        parsed = rf"{_DAY}/{re.escape(dags)}/({'|'.join(DAG_FILES)})\.py\.log"
        files = rf"{run}/{_TRY}|{called}/{_CALLBACK}|{parsed}"
        return cls(re.compile(files, re.ASCII), re.compile(rf"({run}|{called}|{_DAY})(/.*)?", re.ASCII))


@dataclass(slots=True)
class Logs:
    """Files that were found, and those of them that are gone now."""

    found: int = 0
    found_bytes: int = 0
    gone: int = 0
    gone_bytes: int = 0
    foreign: int = 0


def clean_logs(folder: LogFolder, pipeline: str, before: datetime, *, dry_run: bool) -> Logs:
    """Delete the logs that were last written before that, and the folders of runs and days that are empty then.

    Raises ConfigError for a folder that cannot be one of logs alone.
    """
    root = folder.root.resolve()
    if root in {Path(root.anchor), Path.home().resolve()}:
        raise ConfigError(f"{folder.root} is no folder of logs", fix="correct [logging] base_log_folder of Airflow")
    names, logs, folders, oldest = Names.of(pipeline, folder.dags), Logs(), dict[Path, float](), before.timestamp()
    for place, _, found in os.walk(root):
        folders[Path(place)] = Path(place).stat().st_mtime
        for file in (Path(place, each) for each in found):
            if file.is_symlink() or not names.file.fullmatch(file.relative_to(root).as_posix()):
                logs.foreign += 1
                continue
            with suppress(FileNotFoundError):  # gone since it was listed
                _look(file, oldest, logs, dry_run=dry_run)
    if not dry_run:
        _drop_empty(
            [
                p
                for p, changed in folders.items()
                if changed < oldest and names.folder.fullmatch(p.relative_to(root).as_posix())
            ]
        )
    return logs


def _look(file: Path, oldest: float, logs: Logs, *, dry_run: bool) -> None:
    found = file.stat()
    logs.found, logs.found_bytes = logs.found + 1, logs.found_bytes + found.st_size
    if found.st_mtime >= oldest:
        return
    if not dry_run:
        file.unlink()
    logs.gone, logs.gone_bytes = logs.gone + 1, logs.gone_bytes + found.st_size


def _drop_empty(folders: list[Path]) -> None:
    """Innermost first. They were not changed lately: a task that starts now makes its own."""
    for folder in reversed(folders):
        with suppress(OSError):  # it is not empty
            folder.rmdir()
