"""Airflow's own leftovers on the machine where a task runs: log files past their retention.

Airflow writes a file for each try of each task, and each day one for each DAG file, and deletes none. Deleted is only
what is named as Airflow names it, inside of its own folder of logs; no link is followed.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sluice.errors import ConfigError

_TASK: Final = r"dag_id=[^/]+/run_id=[^/]+/task_id=[^/]+/(map_index=\d+/)?attempt=\d+\.log(\.trigger\.\d+\.log)?"
_DAG_FILE: Final = r"dag_processor/\d{4}-\d{2}-\d{2}/[^/]+/.+\.log"
_CALLBACK: Final = r"executor_callbacks/[^/]+/[^/]+/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_FILE: Final = re.compile(rf"{_TASK}|{_DAG_FILE}|{_CALLBACK}", re.ASCII)
_FOLDER: Final = re.compile(
    r"(dag_id=[^/]+/run_id=|dag_processor/\d{4}-\d{2}-\d{2}|executor_callbacks/[^/]+/)[^/]*(/.*)?", re.ASCII
)
"""Of a run, or a day."""


@dataclass(slots=True)
class Logs:
    """Files that were found, and those of them that are gone now."""

    found: int = 0
    found_bytes: int = 0
    gone: int = 0
    gone_bytes: int = 0
    foreign: int = 0


def is_log(path: str) -> bool:
    """Whether Airflow names a log so; ``path`` is relative to its folder of logs."""
    return _FILE.fullmatch(path) is not None


def clean_logs(folder: Path, before: datetime, *, dry_run: bool) -> Logs:
    """Delete the logs that were last written before that, and the folders of runs and days that are empty then.

    Raises ConfigError for a folder that cannot be one of logs alone.
    """
    root = folder.resolve()
    if root in {Path(root.anchor), Path.home().resolve()}:
        raise ConfigError(f"{folder} is no folder of logs", fix="correct [logging] base_log_folder of Airflow")
    logs, folders, oldest = Logs(), dict[Path, float](), before.timestamp()
    for place, _, names in os.walk(root):
        folders[Path(place)] = Path(place).stat().st_mtime
        for file in (Path(place, name) for name in names):
            with suppress(FileNotFoundError):  # gone since it was listed
                _look(file, root, oldest, logs, dry_run=dry_run)
    if not dry_run:
        _drop_empty([place for place, changed in folders.items() if changed < oldest], root)
    return logs


def _look(file: Path, root: Path, oldest: float, logs: Logs, *, dry_run: bool) -> None:
    if file.is_symlink() or not is_log(file.relative_to(root).as_posix()):
        logs.foreign += 1
        return
    found = file.stat()
    logs.found, logs.found_bytes = logs.found + 1, logs.found_bytes + found.st_size
    if found.st_mtime >= oldest:
        return
    if not dry_run:
        file.unlink()
    logs.gone, logs.gone_bytes = logs.gone + 1, logs.gone_bytes + found.st_size


def _drop_empty(folders: list[Path], root: Path) -> None:
    """Those that were not changed lately, innermost first: a task that starts now makes its own."""
    for folder in reversed(folders):
        if _FOLDER.fullmatch(folder.relative_to(root).as_posix()):
            with suppress(OSError):  # it is not empty
                folder.rmdir()
