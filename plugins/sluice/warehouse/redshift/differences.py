"""What a storage table has against what the pipeline file asks for → the ALTER statements, or a refusal. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from sluice.spec import Collection, Table
from sluice.statements import Sql, name, names
from sluice.warehouse.differences import Difference
from sluice.warehouse.redshift.alters import Columns, sort_order
from sluice.warehouse.redshift.tables import Stored, distribution, sorting, stored

UNALTERABLE: Final = "Redshift alters no type but the length of a text, and adds no key"

_TEXT: Final = re.compile(r"character varying\(\d+\)")


def differences(collection: Collection, table: Table, storage: Sql, found: Columns) -> list[Difference]:
    """Everything in which a storage table differs from the pipeline file."""
    changes = [*_columns(stored(collection, table), found), *_shape(collection, table, found)]
    return [Difference(what, f"ALTER TABLE {storage.text} {alter};" if alter else "") for what, alter in changes]


def _columns(wanted: Sequence[Stored], found: Columns) -> Iterator[tuple[str, str]]:
    for column in wanted:
        if column.name.lower() not in found:
            # A column that takes no null cannot be added to rows that there are.
            yield f"column {column.name} is missing", "" if column.required else f"ADD COLUMN {column.definition}"
        else:
            yield from _column(column, found)
    for extra in sorted(found.keys() - {column.name.lower() for column in wanted}):
        yield f"column {extra} is not in the pipeline file", f"DROP COLUMN {name(extra).text}"


def _column(column: Stored, found: Columns) -> Iterator[tuple[str, str]]:
    now, alter = found[column.name.lower()], f"ALTER COLUMN {name(column.name).text}"
    if now.type != column.type:
        texts = _TEXT.fullmatch(now.type) and _TEXT.fullmatch(column.type)
        what = f"column {column.name} is {now.type}, the pipeline file says {column.type}"
        yield what, f"{alter} TYPE {column.type}" if texts else ""
    if column.encoding and not now.is_encoded(column.encoding):
        what = f"column {column.name} is encoded {now.encoding}, the pipeline file says {column.encoding}"
        yield what, f"{alter} ENCODE {column.encoding.upper()}"


def _shape(collection: Collection, table: Table, found: Columns) -> Iterator[tuple[str, str]]:
    key, order = distribution(collection, table), sorting(collection, table)
    now = next((column for column, described in found.items() if described.distkey), "no column")
    if now != key.lower():
        yield f"it is distributed by {now}, the pipeline file says {key}", f"ALTER DISTKEY {name(key).text}"
    if (sorted_by := sort_order(found)) != [column.lower() for column in order]:
        what = f"it is sorted by ({', '.join(sorted_by)}), the pipeline file says ({', '.join(order)})"
        yield what, f"ALTER COMPOUND SORTKEY ({names(order).text})"
