"""What was landed: the parts of one range with rows, bytes and checksums, and how their keys are named.

A manifest is written after its last part. A range without one was not landed.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from sluice.errors import ConfigError

if TYPE_CHECKING:
    from sluice.window import Range

FORMAT_VERSION = 3


@dataclass(frozen=True, slots=True)
class Part:
    """One compressed object on S3. ``md5`` is of the object's bytes, in hex."""

    table: str
    key: str
    rows: int
    bytes: int
    md5: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One range, landed. ``read = rows of the collection's own table + rejected`` (I1).

    Of a list of keys ``asked = read + gone``. ``marked`` of those that are gone became rows that say so, beside those
    that were read: not a key that its column cannot hold, and none where the pipeline file keeps what is deleted.

    ``warehouse`` is the kind that it was landed for; another one has other limits, and other types in the same format.
    ``coerced`` counts each use of a tolerant ``on_error``: ``{"title": {"truncate": 3}}``.
    ``columns``: the hash of what decided the values (:func:`sluice.hashes.columns_hash`).
    ``drift``: what its documents had that no column declares (:class:`sluice.drift.Drift`, as JSON).
    ``rejects_key`` is the object with the raw rejects, None when there were none. ``turn``: as the range's.
    ``late``: some of it was read later than the plan's cut, whose snapshot was lost.
    """

    plan: str
    collection: str
    range: str
    spec_hash: str
    warehouse: str
    format: str
    read: int
    read_bytes: int
    rejected: int
    parts: tuple[Part, ...]
    rejects_key: str | None = None
    coerced: dict[str, dict[str, int]] = field(default_factory=dict)
    columns: str = ""
    drift: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    asked: int = 0
    gone: int = 0
    marked: int = 0
    late: bool = False
    turn: int = 0

    def rows(self, table: str) -> int:
        """Rows landed for one table."""
        return sum(part.rows for part in self.parts if part.table == table)

    @property
    def bytes(self) -> int:
        """Compressed bytes of all parts."""
        return sum(part.bytes for part in self.parts)

    def dumps(self) -> builtins.bytes:
        """The text of ``manifest.json``."""
        return json.dumps({"version": FORMAT_VERSION, **asdict(self)}, indent=1).encode()

    @classmethod
    def loads(cls, text: builtins.bytes) -> Self:
        """Read ``manifest.json``. Raises ValueError for another format version."""
        data: dict[str, Any] = json.loads(text)
        if data.pop("version") != FORMAT_VERSION:
            raise ValueError("this manifest was written by another version of Sluice")
        return cls(**{**data, "parts": tuple(Part(**part) for part in data["parts"])})


MANIFEST = "manifest.json"
KEYS = "keys.bson.gz"


def plan_prefix(root: str, pipeline: str, collection: str, plan: str) -> str:
    """Everything that one plan landed of one collection."""
    return "/".join(p for p in (root.strip("/"), pipeline, collection, plan) if p) + "/"


def range_prefix(root: str, pipeline: str, piece: Range, plan: str) -> str:
    """Everything that was landed of one range: a folder per try, and the manifest of the try that was finished."""
    return f"{plan_prefix(root, pipeline, piece.collection, plan)}{piece.name}/"


def part_key(folder: str, table: str, number: int, ending: str) -> str:
    """The key of a table's n-th part, in the folder of one try."""
    return f"{folder}{table}/part-{number:05d}.{ending}"


def refuse_others(manifests: Iterable[Manifest], warehouse: str, formats: Sequence[str]) -> None:
    """Raise ConfigError for what was landed for another warehouse, or in a format that this one does not load."""
    for manifest in manifests:
        if manifest.warehouse != warehouse or manifest.format not in formats:
            raise ConfigError(
                f"the landing of {manifest.collection} is {manifest.format} for {manifest.warehouse}, "
                f"this is {warehouse}, which loads its own {' or '.join(formats)}",
                why=f"plan {manifest.plan} was landed when the pipeline file said so",
                fix="make a new plan: `sluice run`, or clear the whole run in Airflow; it lands for this warehouse",
            )
