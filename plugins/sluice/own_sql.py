"""A check's own SQL: a file beside the pipeline file, with the tables of the pipeline as placeholders.

``$documents``
    the rows of that table as readers would see them with the batch
``$documents__new``
    those of them that the batch brings
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from sluice.errors import ConfigError
from sluice.spec import DataCheck, Pipeline, Table
from sluice.suggest import did_you_mean, shown

_TABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_NEW = "__new"

Rows = Callable[[Table], str]


def own_sql(check: DataCheck, pipeline: Pipeline, seen: Rows, brought: Rows) -> str:
    """The text of a check, with a query for each placeholder. Raises ConfigError."""
    assert check.file, "a check of this kind has a file"
    text = _read(check, check.file).strip().removesuffix(";").rstrip()
    if ";" in text:
        raise _wrong(check, "it holds a semicolon, and is to be one query", "leave it out")
    tables = {table.name: table for table in pipeline.tables}

    def rows(match: re.Match[str]) -> str:
        word = match[1]
        table = tables.get(word.removesuffix(_NEW))
        if table is None:
            fix = f"{did_you_mean(word, tables)}; {', '.join(f'${name}' for name in tables)} and each with {_NEW}"
            raise _wrong(check, f"there is no table for {shown(match[0])}", fix)
        return f"({(brought if word.endswith(_NEW) else seen)(table)})"

    # A line of its own: what comes after would else belong to a comment in its last line.
    return f"{_TABLE.sub(rows, text)}\n"


def _read(check: DataCheck, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(check, str(error), f"write a query into {file}, which selects the rows that fail") from None


def _wrong(check: DataCheck, why: str, fix: str) -> ConfigError:
    return ConfigError(f"the file of the check {check.name} cannot be used", why=f"{check.file}: {why}", fix=fix)
