"""Ask MongoDB for samples, and make a pipeline file of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sluice.config import grammar
from sluice.config.problems import Wrong
from sluice.errors import ConfigError
from sluice.infer.census import Census
from sluice.infer.guess import guess_collection
from sluice.infer.text import Heading, pipeline_text
from sluice.limits import limits_of
from sluice.mongo import Source
from sluice.pipeline_file import parse_pipeline
from sluice.spec import WarehouseKind
from sluice.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Goal:
    """What is asked for: the pipeline's name, where it reads, and the warehouse whose limits count."""

    pipeline: str
    conn_id: str
    database: str
    warehouse: WarehouseKind = WarehouseKind.CLICKHOUSE


OnRead = Callable[[str, int], None]
"""Called with the collection and how many more of its documents were looked at."""


def infer_pipeline(source: Source, heading: Heading, size: int, on_read: OnRead) -> str:
    """The text of a pipeline file for the collections in ``heading.sizes``, from ``size`` documents of each at most."""
    tables = {name.lower() for name in heading.sizes}
    guesses = []
    for name in heading.sizes:
        census = Census(limits_of(heading.warehouse))
        _look(source, name, size, census, on_read)
        guesses.append(guess_collection(name, census, tables, partial(_is_indexed, source, name)))
    text = pipeline_text(heading, guesses)
    parse_pipeline(text, Path(f"{heading.pipeline}.yml"))  # a file that does not load is never handed out
    return text


def heading_for(source: Source, asked: Sequence[str], goal: Goal) -> Heading:
    """What to look at: the collections that were asked for, or all. Raises ConfigError for one that is not there."""
    there = source.collections()
    for name in asked:
        if name not in there:
            raise ConfigError(f"there is no collection {name!r} in {goal.database}", fix=did_you_mean(name, there))
        if not _can_be_table(name):
            raise ConfigError(f"the collection {name!r} cannot be a table", fix="rename it in MongoDB, or leave it out")
    names = list(dict.fromkeys(asked)) or there
    usable = [name for name in names if _can_be_table(name)]
    if not usable:
        raise ConfigError(
            f"there is nothing to look at in {goal.database}",
            why=f"no name can be a table's: {', '.join(names)}" if names else "it has no collections",
            fix="check the connection and the database",
        )
    sizes = {name: source.estimate(name) for name in usable}
    skipped = [name for name in names if name not in sizes]
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    return Heading(goal.pipeline, goal.conn_id, goal.database, day, sizes, skipped, goal.warehouse)


def _look(source: Source, name: str, size: int, census: Census, on_read: OnRead) -> None:
    with closing(source.sample(name, size)) as batches:
        for raw in batches:
            on_read(name, census.add(raw))


def _is_indexed(source: Source, collection: str, field: str) -> bool:
    return source.index_on(collection, field) is not None


def _can_be_table(name: str) -> bool:
    try:
        grammar.collection(name)
    except Wrong:
        return False
    return not re.search("__", f"_{name}")
