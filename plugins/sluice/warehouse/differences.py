"""How a storage table differs from the pipeline file, and the error that says so, for every warehouse. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sluice.errors import MigrationError


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference in words, and the statement that removes it; none where only a reload does."""

    what: str
    alter: str = ""


def refusal(pipeline: str, found: Sequence[tuple[str, Difference]], unalterable: str) -> MigrationError:
    """The error that lists (table, difference) and says what to put into a migration.

    ``unalterable``: what the warehouse cannot alter, said where a difference has no statement.
    """
    alters = "\n".join(f"       {difference.alter}" for _, difference in found if difference.alter)
    fix = (
        f"write a migration NNNN_alter_{pipeline}.sql with the header line `-- pipeline: {pipeline}` and, "
        f"if they are what you mean:\n{alters}"
    )
    if not all(difference.alter for _, difference in found):
        again = "rename the table in a migration, and run a batch from the beginning into the new one"
        fix += f"\n     {unalterable}: {again}"
    return MigrationError(
        f"the tables of {pipeline} are not what its pipeline file says",
        why="; ".join(f"{table}: {difference.what}" for table, difference in found),
        fix=fix,
    )
