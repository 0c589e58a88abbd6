"""BSON → columns: a batch of raw documents in, Arrow record batches plus rejects out. DESIGN section 5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Reject:
    """A document that could not be conformed: kept raw, with the first reason."""

    key: str
    column: str
    reason: str  # a short code: wrong_type, too_long, out_of_range, nul_character, invalid_utf8, unknown_field, …
    detail: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Conformed:
    """``read = rows of the collection's own table + len(rejects)`` (I1).

    ``tables``: table name → record batch whose columns are the table's, in order, then ``_extra`` where the table has
    it, then ``_hash`` and, on the collection's own table, ``_gone``. ``coerced``: column → action → uses.
    """

    read: int
    tables: dict[str, pa.RecordBatch]
    rejects: list[Reject]
    coerced: dict[str, dict[str, int]]
