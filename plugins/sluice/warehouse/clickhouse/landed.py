"""Where the engine finds landed parts: the arguments of its s3 table function. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sluice.errors import ConfigError
from sluice.settings import Endpoint
from sluice.statements import name

KEYS_A_STATEMENT: Final = 100

_PLAIN: Final = re.compile(r"[A-Za-z0-9/_.=-]+")


@dataclass(frozen=True, slots=True)
class Access:
    """How the engine reaches the landing: by the bucket's address, or by a named collection that has it."""

    address: str = ""
    collection: str | None = None

    def sources(self, keys: Sequence[str]) -> Iterator[dict[str, object]]:
        """The slots of ``stage_parts`` (or ``stage_parts_by_collection``) for some keys at a time."""
        for first in range(0, len(keys), KEYS_A_STATEMENT):
            pattern = exactly(keys[first : first + KEYS_A_STATEMENT])
            if self.collection:
                yield {"collection": name(self.collection), "filename": pattern}
            else:
                yield {"url": f"{self._address()}/{pattern}"}

    def statement(self, stem: str) -> str:
        """The file of a statement, in this access's form."""
        return f"{stem}_by_collection" if self.collection else stem

    def _address(self) -> str:
        if not self.address:
            raise ConfigError(
                "the warehouse does not know where the landing is",
                fix="connect it with the bucket's address, or name a named collection in the pipeline file",
            )
        return self.address.rstrip("/")


def bucket_address(landing: Endpoint, bucket: str) -> str:
    """The address of a bucket, as the engine sees it: ``extra.warehouse_endpoint_url`` where that differs from ours."""
    endpoint = landing.extra.get("warehouse_endpoint_url") or landing.extra.get("endpoint_url")
    if endpoint:
        return f"{str(endpoint).rstrip('/')}/{bucket}"
    region = landing.extra.get("region_name")
    host = f"s3.{region}.amazonaws.com" if region else "s3.amazonaws.com"
    return f"https://{bucket}.{host}"


def exactly(keys: Sequence[str]) -> str:
    """The pattern that names these keys and no other. Raises ConfigError for a key that would be taken for a pattern.

    The part that all share is written once: a statement names up to a hundred keys.
    """
    for key in keys:
        if not _PLAIN.fullmatch(key):
            raise ConfigError(
                f"the landed object {key!r} cannot be named in ClickHouse's s3()",
                why="other characters than letters, digits and / _ . = - are taken for a pattern, or refused",
                fix="change landing.prefix, or the names of the pipeline and its collections",
            )
    if len(keys) == 1:
        return keys[0]
    shared = _shared_folder(keys)
    return f"{shared}{{{','.join(key[len(shared) :] for key in keys)}}}"


def _shared_folder(keys: Sequence[str]) -> str:
    low, high = min(keys), max(keys)
    same = next((n for n, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    return low[: low.rfind("/", 0, same) + 1]
