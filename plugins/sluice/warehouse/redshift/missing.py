"""A collection that was read whole ends what it did not find: rows that say "gone", beside those that were staged."""

from __future__ import annotations

from sluice.spec import Collection
from sluice.statements import name
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.quarantine import rejected_key
from sluice.warehouse.redshift.rejects import landed_rejects
from sluice.warehouse.redshift.tables import Place
from sluice.window import Plan


def end_missing(client: Client, plan: Plan, collection: Collection) -> int:
    """Stage them, in the publishing transaction. Returns how many."""
    own = collection.tables[0]
    place = Place(plan.pipeline, "", own.name)
    return client.run(
        "insert_missing",
        staging=place.staging(plan.staging),
        storage=place.storage,
        key=name(own.key[0]),
        rejects=landed_rejects(plan.pipeline, plan.staging),
        rejected=rejected_key(collection),
        collection=collection.name,
    )
