"""Which pipeline is meant on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sluice.errors import ConfigError

if TYPE_CHECKING:
    from sluice.spec import Pipeline

FOLDER = Path(__file__).parents[2] / "dags" / "pipelines"

Name = Annotated[str, typer.Argument(metavar="PIPELINE", help="A name in dags/pipelines, or the path of a file.")]
OptionalName = Annotated[
    str | None, typer.Argument(metavar="[PIPELINE]", help="Default: every file in dags/pipelines.", show_default=False)
]


def find_pipelines(name: str | None) -> list[Pipeline]:
    """The pipeline of that name or path; of all files in the folder without one."""
    from sluice.pipeline_file import load_pipelines

    if name:
        return [find_pipeline(name)]
    found = load_pipelines(FOLDER)
    if not found:
        raise ConfigError(f"no pipeline file in {FOLDER}", fix="write one: docs/pipeline-file.md")
    return found


def find_pipeline(name: str) -> Pipeline:
    """The pipeline of that name or path. Raises ConfigError."""
    from sluice.pipeline_file import load_pipeline

    as_path = Path(name)
    if as_path.suffix in {".yml", ".yaml"}:
        return load_pipeline(as_path)
    known = {found.stem: found for found in sorted(FOLDER.glob("*.yml"))}
    if name not in known:
        raise ConfigError(
            f"there is no pipeline {name!r}",
            why=f"known: {', '.join(known) or 'none'} (in {FOLDER})",
            fix="name one of them, or give the path of a .yml file",
        )
    return load_pipeline(known[name])
