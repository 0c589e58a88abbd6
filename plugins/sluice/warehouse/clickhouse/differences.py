"""What a storage table has against what the pipeline file asks for → the ALTER statements, or a refusal. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sluice.spec import Collection, Table
from sluice.statements import Sql, name
from sluice.warehouse.clickhouse.tables import Stored, index_definition, indexes, order, partition, stored
from sluice.warehouse.differences import DROP, KEY, RETYPE, Difference

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
    fixed = {*order(collection, table), *re.findall(r"\w+", found.order), *re.findall(r"\w+", found.partition)}
    changes = [*_columns(wanted, found.columns, fixed), *_indexes(indexes(collection, table), found.indexes)]
    altered = [replace(change, alter=f"ALTER TABLE {storage.text} {change.alter};") for change in changes]
    return [*altered, *_shape(collection, table, found)]


def _columns(wanted: Sequence[Stored], found: Sequence[tuple[str, str, str]], fixed: set[str]) -> Iterator[Difference]:
    """``fixed``: what the order or the partition consists of, of which no column may be altered."""
    types = {column: kind for column, kind, _ in found}
    computed = {column: expression for column, _, expression in found}
    for before, column in zip((None, *wanted), wanted, strict=False):
        unsafe = KEY if column.name in fixed else ""
        if column.name not in types:
            after = f"AFTER {name(before.name).text}" if before else "FIRST"
            alter = f"ADD COLUMN IF NOT EXISTS {column.definition} {after}"
            yield Difference(f"column {column.name} is missing", alter, unsafe)
        elif types[column.name] != column.type:
            what = f"column {column.name} is {types[column.name]}, the pipeline file says {column.type}"
            unsafe = unsafe or ("" if is_wider(types[column.name], column.type) else RETYPE)
            yield Difference(what, f"MODIFY COLUMN {column.definition}", unsafe)
        elif _plain(computed[column.name]) != _plain(column.computed):
            what = f"column {column.name} is computed as {computed[column.name]!r}, not as {column.computed!r}"
            yield Difference(what, f"MODIFY COLUMN {column.definition}, MATERIALIZE COLUMN {name(column.name).text}")
    for extra in types.keys() - {column.name for column in wanted}:
        alter = f"DROP COLUMN IF EXISTS {name(extra).text}"
        yield Difference(f"column {extra} is not in the pipeline file", alter, DROP)


def is_wider(now: str, wanted: str) -> bool:
    """Whether every value of one type is the same value in another."""
    (kind, *args), (wider, *room) = _parsed(now), _parsed(wanted)
    if kind == wider == "Decimal":
        (precision, scale), (more, places) = map(int, args), map(int, room)
        return places >= scale and more - places >= precision - scale
    same = (kind, args) == (wider, room)
    nullable = "Nullable" in wanted or "Nullable" not in now
    return nullable and (same or (kind, wider) in {("Int32", "Int64"), ("Int32", "Float64")})


def _parsed(text: str) -> list[str]:
    """The type inside of what says only how it is stored, or that there may be none, and its arguments."""
    return re.findall(r"[\w']+", re.sub(r"LowCardinality|Nullable", "", text))


def _indexes(wanted: Sequence[tuple[str, str]], found: Sequence[tuple[str, str]]) -> Iterator[Difference]:
    for column, kind in sorted(set(found) - set(wanted)):
        what = f"skip index {kind} on {column} is not in the pipeline file"
        yield Difference(what, f"DROP INDEX IF EXISTS {_index(column)}")
    for column, kind in sorted(set(wanted) - set(found)):
        yield Difference(f"skip index {kind} on {column} is missing", f"ADD {index_definition(column, kind)}")


def _index(column: str) -> str:
    return name(f"ix_{column}").text


def _shape(collection: Collection, table: Table, found: Found) -> Iterator[Difference]:
    wanted_order = ", ".join(order(collection, table))
    if _plain(found.order) != _plain(wanted_order):
        what = f"it is ordered by ({found.order}), the pipeline file says ({wanted_order})"
        yield Difference(what, unsafe=UNALTERABLE)
    wanted_partition = partition(collection, table)
    if _plain(found.partition or "tuple()") != _plain(wanted_partition):
        now = found.partition or "tuple()"
        what = f"it is partitioned by {now}, the pipeline file says {wanted_partition}"
        yield Difference(what, unsafe=UNALTERABLE)


def _plain(text: str) -> str:
    return text.replace("`", "").replace('"', "").replace(" ", "")
