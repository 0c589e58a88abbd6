"""The pieces of SQL that choose the rows of a replay, and give them today's hashes, for every warehouse. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sluice.spec import EXTRA, Table
from sluice.statements import Sql, name
from sluice.window import Run


def written(runs: Sequence[Run]) -> Sql:
    """Was a row written by a batch of these runs?"""
    return Sql(f"({' OR '.join(f'_from BETWEEN {run.first} AND {run.last}' for run in runs)})")


def rehashed(runs: Sequence[Run], mixed: Callable[[int], str]) -> Sql:
    """A row's hash by today's columns. ``mixed``: the expression that mixes ``_hash`` with a mark."""
    cases = " ".join(f"WHEN _from BETWEEN {run.first} AND {run.last} THEN {mixed(run.mark)}" for run in runs)
    return Sql(f"CASE {cases} END")


def moved_values(table: Table, declared: Sequence[str]) -> Sql:
    """The columns of a row of the master that was landed anew as ``moved``.

    What was moved, else what was there: a row of a later run already has what an earlier one lacks.
    """
    return Sql(", ".join(_value(table, column) for column in declared))


def _value(table: Table, column: str) -> str:
    quoted = name(column).text
    if column == EXTRA:
        return f"moved.{quoted}"
    return f"master.{quoted}" if column in table.key else f"COALESCE(moved.{quoted}, master.{quoted})"
