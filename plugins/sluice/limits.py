"""What a warehouse can hold: the bounds that a column type alone does not say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """One warehouse's bounds. Timestamps are inclusive and in UTC; sizes are bytes, None is unlimited.

    ``max_text_bytes`` bounds every column that is stored as text, ``_extra`` included. A row's size is the sum of its
    texts and binaries, and eight bytes for every other column.
    """

    min_timestamp: datetime
    max_timestamp: datetime
    max_decimal_precision: int = 38
    max_text_bytes: int | None = None
    max_row_bytes: int | None = None
    nul_allowed: bool = True


# DateTime64(3) and Date32 both end here; a String holds any bytes.
CLICKHOUSE_LIMITS = Limits(
    min_timestamp=datetime(1900, 1, 1, tzinfo=UTC),
    max_timestamp=datetime(2299, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
)
