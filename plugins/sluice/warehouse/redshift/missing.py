"""A collection that was read whole ends what it did not find: rows that say "gone", beside those that were staged."""

from __future__ import annotations

from typing import Final

from sluice.columns import Kind
from sluice.spec import Collection
from sluice.statements import Sql, name
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.rejects import landed_rejects
from sluice.warehouse.redshift.tables import Place
from sluice.window import Plan

_PLAIN: Final = {Kind.KEY, Kind.OBJECTID, Kind.INT32, Kind.INT64}
"""Keys that have one text, in rejects as in the table."""


def end_missing(client: Client, plan: Plan, collection: Collection) -> int:
    """Stage them, in the publishing transaction. Returns how many."""
    own = collection.tables[0]
    place = Place(plan.pipeline, "", own.name)
    plain = collection.key.type.kind in _PLAIN
    return client.run(
        "insert_missing",
        staging=place.staging(plan.staging),
        storage=place.storage,
        key=name(own.key[0]),
        rejects=landed_rejects(plan.pipeline, plan.staging),
        rejected=Sql('"key"' if plain else "REGEXP_REPLACE(\"key\", '^(s|uuid):', '')"),
        collection=collection.name,
    )
