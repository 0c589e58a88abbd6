"""Read pipeline files: YAML in, :class:`sluice.spec.Pipeline` out, or everything that is wrong, with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from sluice.config import build, messages, rules, yaml_text
from sluice.config.problems import Found, Loc, PipelineFileError, Problem, dotted
from sluice.config.shape import PipelineSection
from sluice.errors import ConfigError
from sluice.spec import Pipeline

__all__ = ["PipelineFileError", "load_pipeline", "load_pipelines", "parse_pipeline"]


def load_pipeline(path: Path) -> Pipeline:
    """Read one file. Raises ConfigError with all that is wrong in it."""
    return parse_pipeline(_read(path), path)


def load_pipelines(folder: Path) -> list[Pipeline]:
    """Read every ``*.yml`` of a folder, by name. Raises ConfigError with all that is wrong in and between the files."""
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}", fix="give the folder that holds the pipeline files")
    pipelines: list[Pipeline] = []
    found: list[Found] = []
    for path in sorted(folder.glob("*.yml")):
        try:
            pipelines.append(load_pipeline(path))
        except PipelineFileError as error:
            found += error.found
    found += _clashes(pipelines)
    if found:
        raise PipelineFileError(found)
    return pipelines


def parse_pipeline(text: str, file: Path) -> Pipeline:
    """Read the text of one file; ``file`` is for messages. Raises ConfigError with all that is wrong in it."""
    source = yaml_text.read(text)
    problems = list(source.problems)
    section = None
    if source.value is not None or not problems:
        try:
            section = PipelineSection.model_validate(source.value)
        except ValidationError as error:
            problems += _news(problems, messages.problems(error))
        problems += _news(problems, rules.problems(source.value))
    if problems or section is None:
        raise PipelineFileError([_found(file, source, problem) for problem in problems])
    return build.pipeline(section, file)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"there is no pipeline file {path}", fix="see what is in dags/pipelines") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        found = Found(path, line, 1, "", "is not UTF-8: save the file in that encoding")
        raise PipelineFileError([found]) from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}", why=str(error.strerror), fix="correct its path or rights") from None


def _found(file: Path, source: yaml_text.Text, problem: Problem) -> Found:
    return Found(file, *source.place(problem), dotted(problem.loc), problem.text)


def _news(known: list[Problem], more: Iterable[Problem]) -> list[Problem]:
    """What an earlier step has not complained of, at the same place or around it."""
    places = {problem.loc for problem in known}
    return [problem for problem in more if not any(problem.loc[:n] in places for n in range(len(problem.loc) + 1))]


def _clashes(pipelines: list[Pipeline]) -> Iterator[Found]:
    """Names that two files give to different things."""
    first: dict[tuple[str, ...], Path] = {}
    for pipeline in pipelines:
        for loc, what, identity in _names(pipeline):
            other = first.setdefault(identity, _file(pipeline))
            if other != _file(pipeline):
                problem = Problem(loc, f"{what} is also that of {other}: give one of them another name")
                yield _found(_file(pipeline), yaml_text.read(_read(_file(pipeline))), problem)


def _names(pipeline: Pipeline) -> Iterator[tuple[Loc, str, tuple[str, ...]]]:
    """Where a name stands, what it names, and what no other file may name: DAGs, tables, their storage."""
    yield ("pipeline",), f"the name {pipeline.name}", ("pipeline", pipeline.name)
    warehouse = pipeline.warehouse
    for table in pipeline.tables:
        around = (*table.within, table.child) if table.child else ()
        loc: Loc = ("collections", table.collection, *(part for child in around for part in ("children", child.path)))
        stored = f"{pipeline.name}_{table.name}"
        seen = f"{warehouse.schema}.{table.name}"
        yield loc, f"the table {seen}", ("table", warehouse.conn_id, seen)
        yield loc, f"the storage {stored}", ("storage", warehouse.conn_id, stored)


def _file(pipeline: Pipeline) -> Path:
    return pipeline.file or Path("(text)")
