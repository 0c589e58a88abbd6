"""What a warehouse can hold: the bounds that a column type alone does not say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sluice.spec import WarehouseKind


@dataclass(frozen=True, slots=True)
class Limits:
    """One warehouse's bounds. Timestamps are inclusive and in UTC; sizes are bytes, None is unlimited.

    ``max_text_bytes`` bounds every text, also one inside of JSON; ``max_json_bytes`` what is stored as JSON, ``_extra``
    included. A row's size is what its texts and binaries take in a line of CSV (quotes doubled, binaries in hex), and
    eight bytes for every other column.
    """

    min_timestamp: datetime
    max_timestamp: datetime
    max_decimal_precision: int = 38
    max_text_bytes: int | None = None
    max_key_bytes: int | None = None
    max_binary_bytes: int | None = None
    max_json_bytes: int | None = None
    max_row_bytes: int | None = None
    nul_allowed: bool = True


# DateTime64(3) and Date32 both end here; a String holds any bytes.
CLICKHOUSE_LIMITS: Final = Limits(
    min_timestamp=datetime(1900, 1, 1, tzinfo=UTC),
    max_timestamp=datetime(2299, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
)

REDSHIFT_LIMITS: Final = Limits(
    # It holds 4713 BC to 294276 AD; these are the years that every client can read, and that have four digits in CSV.
    min_timestamp=datetime(1, 1, 1, tzinfo=UTC),
    max_timestamp=datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
    max_text_bytes=65_535,
    max_key_bytes=1_024,  # as wide as its columns: they are compared, joined and sorted by
    max_binary_bytes=65_535 // 2,  # stored as hexadecimal text
    max_json_bytes=16_000_000,
    # COPY takes lines of 4 MB. The rest is for what stands beside texts, at most 1,600 columns.
    max_row_bytes=3_900_000,
    nul_allowed=False,  # COPY takes it for the end of the line
)

_OF: Final = {WarehouseKind.CLICKHOUSE: CLICKHOUSE_LIMITS, WarehouseKind.REDSHIFT: REDSHIFT_LIMITS}


def limits_of(warehouse: WarehouseKind) -> Limits:
    """The bounds of a warehouse."""
    return _OF[warehouse]
