"""The keys of all that a batch writes to its landing: the grammar of :mod:`sluice.landing`, read backwards. Pure.

A key that is not of it was written by something else, and is nobody's to delete.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sluice.manifest import KEYS, MANIFEST

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_TURN: Final = r"\d{3}-[0-9a-f]{16}"
_PLAN: Final = r"\d{8}T\d{6}-[0-9a-f]{6}"
_RANGE: Final = rf"(?:(?:ids-\d{{3,}}|modified-\d{{3,}}|undated)(?:-{_TURN})?|keys-{_TURN}-\d{{3,}}|extra-\d{{4,}})"
_STREAMED: Final = rf"[0-9a-f]{{8}}/(?:rejects\.bson\.gz|{_NAME}/part-\d{{5,}}\.(?:parquet|csv\.gz))"
_WHOLE: Final = rf"{re.escape(MANIFEST)}|{re.escape(KEYS)}"
_KEY: Final = re.compile(
    rf"(?P<collection>{_NAME})/(?P<plan>{_PLAN})/"
    rf"(?:copy-{_NAME}\.json|{_RANGE}/(?:{_WHOLE}|(?P<streamed>{_STREAMED})))",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class LandedKey:
    """What a key says. ``streamed``: it is uploaded in several requests: a part, or rejects."""

    collection: str
    plan: str
    streamed: bool


def read_key(key: str, root: str) -> LandedKey | None:
    """The key of a landed object; None for any other. ``root``: what the pipeline's keys start with, and a slash."""
    if not key.startswith(root):
        return None
    match = _KEY.fullmatch(key, len(root))
    return LandedKey(match["collection"], match["plan"], match["streamed"] is not None) if match else None
