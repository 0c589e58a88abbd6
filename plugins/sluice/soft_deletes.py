"""``deletes: soft:<field>``: a document that is there, and says of itself that it is deleted. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bson import Decimal128

SOFT = "soft:"


def soft_deleted(deletes: str) -> Callable[[dict[str, Any]], bool] | None:
    """What tells whether a document is deleted; None for other ways to find deletes.

    As MongoDB's own conditions have it: a field that is missing, null, false or 0 says no, anything else says yes (a
    date, true, 1, "no", an empty text, an array).
    """
    if not deletes.startswith(SOFT):
        return None
    names = deletes.removeprefix(SOFT).split(".")

    def deleted(document: Any) -> bool:
        for name in names:
            document = document.get(name) if isinstance(document, dict) else None
        return _is_true(document)

    return deleted


def _is_true(value: Any) -> bool:
    if isinstance(value, Decimal128):
        value = value.to_decimal()
        return bool(value.is_nan() or value != 0)
    return value is not None and (value != 0 if isinstance(value, (bool, int, float)) else True)
