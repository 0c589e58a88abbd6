"""Rejects on their way to ``sluice.rejects``: staged first, so that the publishing transaction stays short."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from sluice.spec import Collection
from sluice.statements import Sql
from sluice.texts import ESCAPED_NUL
from sluice.warehouse.quarantine import RejectRow
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.tables import Place

_LONGEST: Final = {"collection": 256, "key": 1024, "column": 512, "reason": 256, "detail": 65_535, "raw_uri": 2048}
"""Bytes of the texts."""
_COLUMNS: Final = {column: f"VARCHAR({n})" for column, n in _LONGEST.items()} | {
    "position": "BIGINT",
    "hash": "BIGINT",
    "turn": "SMALLINT",
}

_SIGN: Final = 2**63
"""The bit of a hash that is its sign where it is stored."""


def stage_rejects(client: Client, staged: Sql, rejects: Iterable[RejectRow]) -> int:
    """Put rejects into a staging table of their own, from nothing. Returns how many. Inside a transaction."""
    client.run("drop_tables", tables=staged)
    client.run("create_staged_rejects", staged=staged)
    signed = (replace(reject, hash=reject.hash - 2 * (reject.hash & _SIGN)) for reject in rejects)
    rows = (tuple(_storable(column, getattr(reject, column)) for column in _COLUMNS) for reject in signed)
    return client.insert("insert_staged_rejects", tuple(_COLUMNS.values()), rows, staged=staged)


def _storable(column: str, value: str | int) -> str | int:
    """What the column holds of it: what a document was rejected for may not stop the batch (I7)."""
    if not isinstance(value, str):
        return value
    return value.replace("\0", ESCAPED_NUL).encode()[: _LONGEST[column]].decode(errors="ignore")


def landed_rejects(pipeline: str, plan: str) -> Sql:
    """The rejects that landing wrote beside the parts. No table of a pipeline starts with ``_``."""
    return Place(pipeline, "", "_rejects").staging(plan)


def asked_rejects(pipeline: str, plan: str) -> Sql:
    """The keys of rejected documents that were asked for again."""
    return Place(pipeline, "", "_asked").staging(plan)


def rejected_later(pipeline: str, collection: Collection, plan: str) -> Sql:
    """The rejects of a collection from later turns; there only while it is loaded."""
    return Place(pipeline, "", collection.name).staging(plan, "later")


def refused_rows(pipeline: str, collection: Collection, plan: str) -> Sql:
    """The lines of a collection's parts that COPY refused; there only when there were any."""
    return Place(pipeline, "", collection.name).staging(plan, "refused")
