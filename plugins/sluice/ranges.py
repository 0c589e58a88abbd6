"""The ranges of a window: filters and index bounds that together cover each document exactly once.

Pure. BSON values are canonical Extended JSON, as :class:`sluice.window.Range` carries them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

from sluice.window import EPOCH, Cut, Plan, Range, Window, milliseconds

MAX_RANGES = 64
"""More mapped tasks than this cost the scheduler more than they save."""

UNDATED = "undated"
IDS = "ids-"

_NOT_DATES = (
    "double string object binData undefined objectId bool regex dbPointer javascript symbol javascriptWithScope "
    "int timestamp long decimal minKey maxKey"
).split()
"""Every BSON type but date, null and array. A list of types uses an index; ``$not: {$type: date}`` scans everything."""


def id_ranges(collection: str, boundaries: Sequence[str], query: str = "{}") -> tuple[Range, ...]:
    """Ranges of ``_id`` between boundaries in index order, both ends open. Repeated boundaries count once.

    They become index bounds rather than a filter on ``_id``: a filter compares only values of its own type, and would
    lose documents where ``_id``s are of several types.
    """
    cuts = [None, *dict.fromkeys(boundaries), None]
    return tuple(
        Range(collection, f"{IDS}{number:03d}", query, low, high, _id_label(low, high))
        for number, (low, high) in enumerate(pairwise(cuts))
    )


def is_by_id(piece: Range) -> bool:
    """Whether a range is read in the order of ``_id``, so that reading may go on from any batch."""
    return piece.name.startswith(IDS)


def dated_ranges(
    collection: str, field: str, window: Window, boundaries: Sequence[int] = (), *, arrays: bool = True
) -> tuple[Range, ...]:
    """Ranges of the modified date within a window that has a ``low``, split after each boundary (milliseconds).

    ``arrays``: the field may hold arrays, whose dates could fall into several ranges; they are left to ``undated``.
    """
    assert window.low is not None
    edges = [milliseconds(window.low), *boundaries, milliseconds(window.high) if window.bounded else None]
    return tuple(
        Range(collection, f"modified-{number:03d}", _dated(field, *span, arrays=arrays), label=_date_label(*span))
        for number, span in enumerate(pairwise(edges))
    )


def listed_range(collection: str, plan: Plan, number: int, keys: int) -> Range:
    """A list of keys; its name tells it from lists of the same plan that were made for another cut."""
    name = f"keys-{_turn(plan)}-{number:03d}"
    return Range(collection, name, label=f"{keys:,} keys", keys=keys, turn=plan.turn)


def later_range(piece: Range, plan: Plan) -> Range:
    """A range of a whole collection, under a name of the plan's turn."""
    return replace(piece, name=f"{piece.name}-{_turn(plan)}" if plan.turn else piece.name, turn=plan.turn)


def _turn(plan: Plan) -> str:
    return f"{plan.turn:03d}-{plan.cut.cluster:016x}"


def horizon(cut: Cut) -> int | None:
    """Where no clock can be: a date beyond it is a mistake, and would keep its document out of every bounded window.

    None at a snapshot, where windows have no upper bound.
    """
    return None if cut.snapshot else milliseconds(cut.time + timedelta(days=1))


def undated_range(collection: str, field: str, *, arrays: bool = True, beyond: int | None = None) -> Range:
    """The documents whose modified field is missing or not a date: they tell nothing about when they changed.

    Nor does a date after ``beyond``, the :func:`horizon`.
    """
    kinds: list[dict[str, Any]] = [{field: None}, {field: {"$type": _NOT_DATES}}, {field: []}]
    future = [] if beyond is None else [{field: {"$gt": _date(beyond)}}]
    query = {"$or": kinds + future + (_arrays(field) if arrays else [])}
    return Range(collection, UNDATED, json.dumps(query), label=f"no date in {field}")


def until_query(field: str, window: Window, beyond: int | None = None) -> str:
    """Everything of a whole collection but what is dated after the window, and not ``beyond``."""
    later = {"$gt": _date(milliseconds(window.high))} | ({} if beyond is None else {"$lte": _date(beyond)})
    return json.dumps({field: {"$not": later}})


def _dated(field: str, low: int | None, high: int | None, *, arrays: bool) -> str:
    bounds = {"$gt": _date(low)} | ({} if high is None else {"$lte": _date(high)})
    return json.dumps({field: bounds} | ({"$nor": _arrays(field)} if arrays else {}))


def _arrays(field: str) -> list[dict[str, Any]]:
    """The field is an array, or stands inside one."""
    names = field.split(".")
    return [{".".join(names[:depth]): {"$type": "array"}} for depth in range(1, len(names) + 1)]


def _date(moment: int | None) -> dict[str, Any]:
    return {"$date": {"$numberLong": str(moment)}}


def _date_label(low: int | None, high: int | None) -> str:
    after = f"changed after {_clock(low)}"
    return after if high is None else f"{after} to {_clock(high)}"


def _clock(moment: int | None) -> str:
    try:
        return f"{EPOCH + timedelta(milliseconds=moment or 0):%Y-%m-%d %H:%M:%S}"
    except OverflowError:  # a date that Python cannot show
        return str(moment)


def _id_label(low: str | None, high: str | None) -> str:
    if low is None and high is None:
        return "all"
    return f"{_short(low)} … {_short(high)}".strip()


def _short(value: str | None) -> str:
    """The bare value of a one-valued Extended JSON text, cut to what fits a label."""
    if value is None:
        return ""
    bare = json.loads(value)
    while isinstance(bare, dict) and len(bare) == 1:
        bare = next(iter(bare.values()))
    text = bare if isinstance(bare, str) else json.dumps(bare)
    return text if len(text) <= LABEL else f"{text[: LABEL - 1]}…"


LABEL = 24
