"""ALTER statements: made for the differences of a table, and recognised where they have nothing left to do. Pure.

Redshift has no ``ADD COLUMN IF NOT EXISTS``. A pipeline's migration has to work on a new warehouse, whose tables are
made as the pipeline file is now, and again after a runner died; so whoever sends one of these looks first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_NAME: Final = r'"?(\w+)"?'
_ALTER: Final = re.compile(rf"\s*ALTER\s+TABLE\s+{_NAME}\.{_NAME}\s+(.*?)\s*;?\s*", re.IGNORECASE | re.DOTALL)
_GROUP: Final = re.compile(rf"\s*CREATE\s+GROUP\s+{_NAME}\s*;?\s*", re.IGNORECASE)
_OUTSIDE: Final = re.compile(
    r"\s*(VACUUM\b|ALTER\s+TABLE\s+\S+\s+(APPEND|ALTER)\b|CREATE\s+(DATABASE|EXTERNAL)\b)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Described:
    """One column as the server describes it. ``sortkey``: its place in the sort key, from 1; 0 when it is not in it."""

    type: str
    nullable: bool
    encoding: str
    distkey: bool
    sortkey: int

    def is_encoded(self, encoding: str) -> bool:
        """Whether it is compressed so; the server says ``none`` of what is ``raw`` in DDL."""
        return self.encoding.replace("none", "raw") == encoding.lower()


_NO_COLUMN: Final = Described("", nullable=True, encoding="", distkey=False, sortkey=0)

Columns = Mapping[str, Described]
"""The columns of one table, by their names in lower case."""


def needs_no_transaction(statement: str) -> bool:
    """Whether Redshift refuses the statement inside a transaction, or may."""
    return bool(_OUTSIDE.match(statement))


def altered(statement: str) -> tuple[str, str] | None:
    """The schema and the table that a statement alters; None for every other statement."""
    match = _ALTER.fullmatch(statement)
    return (match[1], match[2]) if match else None


def created_group(statement: str) -> str | None:
    """The group that a statement makes, of which there is no IF NOT EXISTS either; None for every other statement."""
    match = _GROUP.fullmatch(statement)
    return match[1].lower() if match else None


def is_done(statement: str, columns: Columns) -> bool:
    """Whether a table already is what an ALTER statement makes of it."""
    match = _ALTER.fullmatch(statement)
    for form, done in _FORMS if match else ():
        if match and (found := re.fullmatch(form, match[3], re.IGNORECASE | re.DOTALL)):
            return done(found.groups(), columns)
    return False


def sort_order(columns: Columns) -> list[str]:
    """The sort key of a table."""
    return sorted((c for c, d in columns.items() if d.sortkey), key=lambda c: abs(columns[c].sortkey))


def _now(found: Sequence[str], columns: Columns) -> Described:
    return columns.get(found[0].lower(), _NO_COLUMN)


def _added(found: Sequence[str], columns: Columns) -> bool:
    return found[0].lower() in columns


def _dropped(found: Sequence[str], columns: Columns) -> bool:
    return bool(columns) and found[0].lower() not in columns


def _typed(found: Sequence[str], columns: Columns) -> bool:
    return _now(found, columns).type == found[1].lower()


def _encoded(found: Sequence[str], columns: Columns) -> bool:
    return _now(found, columns).is_encoded(found[1])


def _distributed(found: Sequence[str], columns: Columns) -> bool:
    return _now(found, columns).distkey


def _sorted(found: Sequence[str], columns: Columns) -> bool:
    return sort_order(columns) == re.findall(r"\w+", found[0].lower())


_FORMS: Final = (
    (rf"ADD\s+(?:COLUMN\s+)?{_NAME}\s+(.*)", _added),
    (rf"DROP\s+(?:COLUMN\s+)?{_NAME}(?:\s+(?:CASCADE|RESTRICT))?", _dropped),
    (rf"ALTER\s+COLUMN\s+{_NAME}\s+TYPE\s+(.*)", _typed),
    (rf"ALTER\s+COLUMN\s+{_NAME}\s+ENCODE\s+(\w+)", _encoded),
    (rf"ALTER\s+DISTKEY\s+{_NAME}", _distributed),
    (r"ALTER\s+(?:COMPOUND\s+)?SORTKEY\s*\((.*)\)", _sorted),
)
