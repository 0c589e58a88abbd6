"""How a pipeline's tables differ from its file, and what is made of that, for every warehouse. Pure.

Three things: nothing, and the batch stops; a migration file, of what can be done while batches run and readers read;
or a refusal with its reason. A table that is not there yet is no difference: it is made from the pipeline file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sluice.errors import MigrationError


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference in words, and the statement that removes it; none where only a reload does.

    ``unsafe``: why that is not for a machine to write; empty where no value changes and nobody is disturbed.
    """

    what: str
    alter: str = ""
    unsafe: str = ""


DROP: Final = (
    "to drop it is to lose its values: keep it in the pipeline file, or write the DROP by hand; a column that was "
    "renamed is, by its values, another one"
)
RETYPE: Final = (
    "not every value that is there would be the same in the new type: if you know that they are, write the ALTER by "
    "hand; else drop the column by hand, and read the documents again into a new one"
)
KEY: Final = "publish finds rows by their key: give the collection a table of its own under a new pipeline name"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One pipeline: its tables that are not there yet, and how each of the others differs (table, difference)."""

    pipeline: str
    missing: tuple[str, ...]
    found: tuple[tuple[str, Difference], ...]


def refusal(comparison: Comparison, unalterable: str) -> MigrationError:
    """The error with which a batch stops. ``unalterable``: what the warehouse cannot alter."""
    found = [difference for _, difference in comparison.found]
    alters = "\n".join(f"       {difference.alter}" for difference in found if difference.alter)
    fix = (
        f"`sluice migrate new {comparison.pipeline}` writes the migration, where that is safe; or write "
        f"NNNN_alter_{comparison.pipeline.lower()}.sql with the header line `-- pipeline: {comparison.pipeline}` and, "
        f"if they are what you mean:\n{alters}"
    )
    if not all(difference.alter for difference in found):
        again = "rename the table in a migration, and run a batch from the beginning into the new one"
        fix += f"\n     {unalterable}: {again}"
    return MigrationError(
        f"the tables of {comparison.pipeline} are not what its pipeline file says", why=_listed(comparison), fix=fix
    )


def migration_name(pipeline: str, number: int) -> str:
    """The name of the file that ``sluice migrate new`` writes."""
    words = re.sub("_+", "_", pipeline.lower()).strip("_")
    return f"{number:04d}_alter_{words}.sql"


def migration_text(comparison: Comparison) -> str:
    """What it writes into it; nothing where there is nothing to alter. Raises MigrationError for what is unsafe."""
    unsafe = [(table, difference) for table, difference in comparison.found if difference.unsafe]
    if unsafe:
        raise MigrationError(
            f"no migration is written for {comparison.pipeline}: not all of it is safe",
            why=_listed(comparison),
            fix="\n     ".join(f"{table}: {found.what}: {found.unsafe}" for table, found in unsafe),
        )
    return "\n".join(_lines(comparison)) + "\n" if comparison.found else ""


def _lines(comparison: Comparison) -> Iterator[str]:
    yield f"-- pipeline: {comparison.pipeline}"
    yield "-- purpose: make its tables what its pipeline file says. Written by `sluice migrate new`; yours to read."
    yield from (f"--          new, made from the file before this runs: {table}" for table in comparison.missing)
    for table, difference in comparison.found:
        yield from ("", f"-- {table}: {difference.what}", difference.alter)


def _listed(comparison: Comparison) -> str:
    return "; ".join(f"{table}: {difference.what}" for table, difference in comparison.found)
