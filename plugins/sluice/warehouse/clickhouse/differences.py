"""What a storage table has against what the pipeline file asks for → the ALTER statements, or a refusal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sluice.spec import Collection, Table
from sluice.statements import Sql, name
from sluice.warehouse.clickhouse.tables import Stored, index_definition, indexes, order, partition, stored
from sluice.warehouse.differences import Difference

UNALTERABLE: Final = "an order or a partition cannot be altered"


@dataclass(frozen=True, slots=True)
class Found:
    """A storage table as the server describes it.

    ``columns``: (name, type, expression from which it is computed); ``indexes``: (column, type).
    """

    columns: tuple[tuple[str, str, str], ...]
    order: str
    partition: str
    indexes: tuple[tuple[str, str], ...]


def differences(collection: Collection, table: Table, storage: Sql, found: Found) -> list[Difference]:
    """Everything in which a storage table differs from the pipeline file."""
    wanted = stored(collection, table)
    changes = [*_columns(wanted, found.columns), *_indexes(indexes(collection, table), found.indexes)]
    altered = [Difference(what, f"ALTER TABLE {storage.text} {alter};") for what, alter in changes]
    return [*altered, *_shape(collection, table, found)]


def _columns(wanted: Sequence[Stored], found: Sequence[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    types = {column: kind for column, kind, _ in found}
    computed = {column: expression for column, _, expression in found}
    for before, column in zip((None, *wanted), wanted, strict=False):
        if column.name not in types:
            after = f"AFTER {name(before.name).text}" if before else "FIRST"
            yield f"column {column.name} is missing", f"ADD COLUMN IF NOT EXISTS {column.definition} {after}"
        elif types[column.name] != column.type:
            what = f"column {column.name} is {types[column.name]}, the pipeline file says {column.type}"
            yield what, f"MODIFY COLUMN {column.definition}"
        elif _plain(computed[column.name]) != _plain(column.computed):
            what = f"column {column.name} is computed as {computed[column.name]!r}, not as {column.computed!r}"
            yield what, f"MODIFY COLUMN {column.definition}, MATERIALIZE COLUMN {name(column.name).text}"
    for extra in types.keys() - {column.name for column in wanted}:
        yield f"column {extra} is not in the pipeline file", f"DROP COLUMN IF EXISTS {name(extra).text}"


def _indexes(wanted: Sequence[tuple[str, str]], found: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for column, kind in sorted(set(found) - set(wanted)):
        yield f"skip index {kind} on {column} is not in the pipeline file", f"DROP INDEX IF EXISTS {_index(column)}"
    for column, kind in sorted(set(wanted) - set(found)):
        yield f"skip index {kind} on {column} is missing", f"ADD {index_definition(column, kind)}"


def _index(column: str) -> str:
    return name(f"ix_{column}").text


def _shape(collection: Collection, table: Table, found: Found) -> Iterator[Difference]:
    wanted_order = ", ".join(order(collection, table))
    if _plain(found.order) != _plain(wanted_order):
        yield Difference(f"it is ordered by ({found.order}), the pipeline file says ({wanted_order})")
    wanted_partition = partition(collection, table)
    if _plain(found.partition or "tuple()") != _plain(wanted_partition):
        now = found.partition or "tuple()"
        yield Difference(f"it is partitioned by {now}, the pipeline file says {wanted_partition}")


def _plain(text: str) -> str:
    return text.replace("`", "").replace('"', "").replace(" ", "")
