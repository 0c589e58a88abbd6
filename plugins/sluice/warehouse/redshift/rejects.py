"""Rejects on their way to ``sluice.rejects``: staged first, so that the publishing transaction stays short."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from sluice.spec import Collection
from sluice.statements import Sql
from sluice.warehouse.base import RejectRow
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.tables import Place

_COLUMNS: Final = {
    "collection": "VARCHAR(256)",
    "key": "VARCHAR(1024)",
    "column": "VARCHAR(512)",
    "reason": "VARCHAR(256)",
    "detail": "VARCHAR(65535)",
    "raw_uri": "VARCHAR(2048)",
    "position": "BIGINT",
    "hash": "BIGINT",
}


_SIGN: Final = 2**63
"""The bit of a hash that is its sign where it is stored."""


def stage_rejects(client: Client, staged: Sql, rejects: Iterable[RejectRow]) -> int:
    """Put rejects into a staging table of their own, from nothing. Returns how many. Inside a transaction."""
    client.run("drop_tables", tables=staged)
    client.run("create_staged_rejects", staged=staged)
    signed = (replace(reject, hash=reject.hash - 2 * (reject.hash & _SIGN)) for reject in rejects)
    rows = (tuple(getattr(reject, column) for column in _COLUMNS) for reject in signed)
    return client.insert("insert_staged_rejects", tuple(_COLUMNS.values()), rows, staged=staged)


def landed_rejects(pipeline: str, plan: str) -> Sql:
    """The rejects that landing wrote beside the parts. No table of a pipeline starts with ``_``."""
    return Place(pipeline, "", "_rejects").staging(plan)


def refused_rows(pipeline: str, collection: Collection, plan: str) -> Sql:
    """The lines of a collection's parts that COPY refused; there only when there were any."""
    return Place(pipeline, "", collection.name).staging(plan, "refused")
