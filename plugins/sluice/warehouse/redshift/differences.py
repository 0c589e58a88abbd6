"""What a storage table has against what the pipeline file asks for → the ALTER statements, or a refusal. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from sluice.spec import Collection, Table
from sluice.statements import Sql, name, names
from sluice.warehouse.differences import DROP, KEY, RETYPE, Difference
from sluice.warehouse.redshift.alters import Columns, sort_order
from sluice.warehouse.redshift.tables import Stored, distribution, sorting, stored

UNALTERABLE: Final = "Redshift alters no type but the length of a text, and adds no key"

_TEXT: Final = re.compile(r"character varying\((\d+)\)")


def differences(collection: Collection, table: Table, storage: Sql, found: Columns) -> list[Difference]:
    """Everything in which a storage table differs from the pipeline file."""
    changes = [*_columns(stored(collection, table), found, set(table.key)), *_shape(collection, table, found)]
    return [
        replace(change, alter=f"ALTER TABLE {storage.text} {change.alter};") if change.alter else change
        for change in changes
    ]


def _columns(wanted: Sequence[Stored], found: Columns, key: set[str]) -> Iterator[Difference]:
    for column in wanted:
        if column.name.lower() in found:
            yield from _column(column, found, key)
        elif column.required:  # it cannot be added to rows that there are
            yield Difference(f"column {column.name} is missing", unsafe=KEY)
        else:
            yield Difference(f"column {column.name} is missing", f"ADD COLUMN {column.definition}")
    for extra in sorted(found.keys() - {column.name.lower() for column in wanted}):
        yield Difference(f"column {extra} is not in the pipeline file", f"DROP COLUMN {name(extra).text}", DROP)


def _column(column: Stored, found: Columns, key: set[str]) -> Iterator[Difference]:
    now, alter = found[column.name.lower()], f"ALTER COLUMN {name(column.name).text}"
    if now.type != column.type:
        what = f"column {column.name} is {now.type}, the pipeline file says {column.type}"
        lengths = [_TEXT.fullmatch(kind) for kind in (now.type, column.type)]
        texts = [int(length[1]) for length in lengths if length]
        wider = len(texts) == 2 and texts[0] < texts[1]
        unsafe = KEY if column.name in key else "" if wider else f"{UNALTERABLE}: {RETYPE}"
        yield Difference(what, f"{alter} TYPE {column.type}" if len(texts) == 2 else "", unsafe)
    if column.encoding and not now.is_encoded(column.encoding):
        what = f"column {column.name} is encoded {now.encoding}, the pipeline file says {column.encoding}"
        yield Difference(what, f"{alter} ENCODE {column.encoding.upper()}")


def _shape(collection: Collection, table: Table, found: Columns) -> Iterator[Difference]:
    key, order = distribution(collection, table), sorting(collection, table)
    now = next((column for column, described in found.items() if described.distkey), "no column")
    if now != key.lower():
        what = f"it is distributed by {now}, the pipeline file says {key}"
        yield Difference(what, f"ALTER DISTKEY {name(key).text}")
    if (sorted_by := sort_order(found)) != [column.lower() for column in order]:
        what = f"it is sorted by ({', '.join(sorted_by)}), the pipeline file says ({', '.join(order)})"
        yield Difference(what, f"ALTER COMPOUND SORTKEY ({names(order).text})")
