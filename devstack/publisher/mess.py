"""What real data has that a schema does not expect, in adjustable shares, and a ledger of what was made.

A messy document never has tickets, and a messy ticket keeps its true ``document_id``: whatever becomes of a messy
entity on its way to a warehouse, every ticket that arrives finds its document there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from devstack.errors import StackError
from devstack.publisher.entities import Entity, messy_id
from devstack.publisher.kinds import ID_FORMS, MAKERS, with_invalid_utf8

KINDS = (*MAKERS, "id")
_WEIGHTS = {"big": 0.014, "invalid_utf8": 0.0}


@dataclass(frozen=True, slots=True)
class Mess:
    """One entry of the ledger: what was done to which entity. ``kind`` is ``healed`` when an edit put it right."""

    collection: str
    key: Any
    kind: str
    field: str


class Spoiler:
    """Makes a share of the entities messy, by a chance of its own.

    ``first`` is where the numbers in mixed-type ``_id``s start, so that two spoilers never make the same one.
    """

    def __init__(self, shard: str, shares: Mapping[str, float], first: int) -> None:
        self.rng = Random(f"{shard}/mess")
        self.ledger: list[Mess] = []
        self._kinds, self._weights = list(shares), list(shares.values())
        self._total = sum(self._weights)
        self._first, self._ids_made = first, 0

    def strikes(self) -> bool:
        """Whether the next entity is to be messy."""
        return self._total > 0 and self.rng.random() < self._total

    def spoil(self, collection: str, entity: Entity) -> Any:
        """Make an entity messy in one way and note it; the result is what to store (raw BSON for ``invalid_utf8``)."""
        entity["_id"] = messy_id(entity["_id"])
        kind = self.rng.choices(self._kinds, self._weights)[0]
        field = self._spoil(kind, collection, entity)
        self.ledger.append(Mess(collection, entity["_id"], kind, field))
        return with_invalid_utf8(entity) if kind == "invalid_utf8" else entity

    def _spoil(self, kind: str, collection: str, entity: Entity) -> str:
        if kind != "id":
            return MAKERS[kind](self.rng, collection, entity)
        turn, form = divmod(self._ids_made, len(ID_FORMS))
        self._ids_made += 1
        entity["_id"] = ID_FORMS[form](self._first + turn, entity["_id"], self.rng)
        return "_id"


def shares(mess: float, exact: Mapping[str, float] | None = None) -> dict[str, float]:
    """Kind → share of all entities: those in ``exact`` as given, the others divide ``mess`` among themselves.

    Big documents are then a thousandth of the mess, and text that is not UTF-8, which most clients cannot read back,
    is made only when asked for. Raises StackError for an unknown kind or a sum above 1.
    """
    exact = dict(exact or {})
    if unknown := sorted(set(exact) - set(KINDS)):
        raise StackError(f"There is no kind of mess called {', '.join(unknown)}; there are {', '.join(KINDS)}.")
    rest = {kind: _WEIGHTS.get(kind, 1.0) for kind in KINDS if kind not in exact}
    whole = sum(rest.values()) or 1.0
    found = {**exact, **{kind: mess * weight / whole for kind, weight in rest.items()}}
    if min(found.values(), default=0) < 0 or sum(found.values()) > 1:
        raise StackError("The shares of mess must be positive and add up to 1 at most.")
    return {kind: share for kind, share in found.items() if share}
