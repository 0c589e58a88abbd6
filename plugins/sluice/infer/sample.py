"""Ask MongoDB for samples, and make a pipeline file of them."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sluice.config import grammar
from sluice.config.problems import Wrong
from sluice.errors import ConfigError
from sluice.infer.census import Census
from sluice.infer.guess import CollectionGuess, guess_collection
from sluice.infer.text import Heading, pipeline_text
from sluice.limits import CLICKHOUSE_LIMITS
from sluice.mongo import Source
from sluice.pipeline_file import parse_pipeline
from sluice.suggest import did_you_mean

OnRead = Callable[[str, int], None]
"""Called with the collection and how many more of its documents were looked at."""


def infer_pipeline(source: Source, heading: Heading, size: int, on_read: OnRead) -> str:
    """The text of a pipeline file for the collections in ``heading.sizes``, from ``size`` documents of each at most."""
    tables = {name.lower() for name in heading.sizes}
    guesses = [_collection(source, name, size, tables, on_read) for name in heading.sizes]
    text = pipeline_text(heading, guesses)
    parse_pipeline(text, Path(f"{heading.pipeline}.yml"))  # a file that does not load is never handed out
    return text


def heading_for(source: Source, asked: Sequence[str], *, pipeline: str, conn_id: str, database: str) -> Heading:
    """What to look at: the collections that were asked for, or all. Raises ConfigError for one that is not there."""
    there = source.collections()
    for name in asked:
        if name not in there:
            raise ConfigError(f"there is no collection {name!r} in {database}", fix=did_you_mean(name, there))
        if not _can_be_table(name):
            raise ConfigError(f"the collection {name!r} cannot be a table", fix="rename it in MongoDB, or leave it out")
    names = list(dict.fromkeys(asked)) or there
    usable = [name for name in names if _can_be_table(name)]
    if not usable:
        raise ConfigError(f"there is nothing to look at in {database}", fix="check the connection and the database")
    sizes = {name: source.estimate(name) for name in usable}
    skipped = [name for name in names if name not in sizes]
    return Heading(pipeline, conn_id, database, f"{datetime.now(UTC):%Y-%m-%d}", sizes, skipped)


def write_new(path: Path, text: str) -> None:
    """Write a file that must not exist yet: whole or not at all. Raises ConfigError."""
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.link(file.name, path)
        path.chmod(0o644)
    except FileExistsError:
        raise exists(path) from None
    except OSError as error:
        raise ConfigError(f"cannot write {path}", why=str(error.strerror), fix="give another --out") from None


def exists(path: Path) -> ConfigError:
    """The error for a file that would be overwritten."""
    return ConfigError(f"{path} is there already", fix="nothing is overwritten: give another --out, or move it away")


def _collection(source: Source, name: str, size: int, tables: set[str], on_read: OnRead) -> CollectionGuess:
    census = Census(CLICKHOUSE_LIMITS)
    with closing(source.sample(name, size)) as batches:
        for raw in batches:
            on_read(name, census.add(raw))
    return guess_collection(name, census, tables, partial(_is_indexed, source, name))


def _is_indexed(source: Source, collection: str, field: str) -> bool:
    return source.index_on(collection, field) is not None


def _can_be_table(name: str) -> bool:
    try:
        grammar.collection(name)
    except Wrong:
        return False
    return not re.search("__", f"_{name}")
