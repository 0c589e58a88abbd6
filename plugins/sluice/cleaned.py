"""What cleanup deleted of a landing, and when: kept beside it, so that whoever wants it again is told. Pure.

It is written before anything is deleted, so that it holds also of a cleanup that died.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from sluice.errors import Cleaned
from sluice.window import planned_at

NAME: Final = "_cleaned.json"
"""Beside the collections, none of which starts with an underscore."""

REMEMBERED: Final = 400
"""Cleanups, the newest of them: a year of nights."""


@dataclass(frozen=True, slots=True)
class Cleanings:
    """Each cleanup of a landing: when it was, and before when what it deleted was published. The oldest first."""

    done: tuple[tuple[datetime, datetime], ...] = ()

    def add(self, at: datetime, before: datetime) -> Cleanings:
        """With one more."""
        return Cleanings((*self.done, (at, before))[-REMEMBERED:])

    def of(self, plan: str) -> datetime | None:
        """When the landing of a plan was cleaned up, if it was."""
        return next((at for at, before in self.done if planned_at(plan) < before), None)

    def dumps(self) -> bytes:
        """The text of the object; the inverse of :meth:`loads`."""
        return json.dumps([[at.isoformat(), before.isoformat()] for at, before in self.done], indent=1).encode()

    @classmethod
    def loads(cls, text: bytes | None) -> Self:
        """None: there was no cleanup yet."""
        found: Sequence[Sequence[str]] = json.loads(text) if text else []
        return cls(tuple((datetime.fromisoformat(at), datetime.fromisoformat(before)) for at, before in found))


def cleaned(plan: str, at: datetime) -> Cleaned:
    """The error for whoever wants a plan's landing again."""
    return Cleaned(
        f"what plan {plan} landed is gone: it {_cleaned_up(at)}",
        why="what published batches landed is deleted when it is older than landing.retention in the pipeline file",
        fix="nothing is missing in the warehouse; to read documents again from MongoDB: `sluice run --from … --to …`, "
        "or `--full <collection>`",
    )


def raw_cleaned(uri: str, at: datetime | None) -> Cleaned:
    """The error for whoever wants the raw document of a reject. ``at``: None when cleanup knows nothing of it."""
    by_others = "it was deleted by others, as by a lifecycle rule of the bucket"
    return Cleaned(
        "the raw document is not on the landing any more",
        why=f"{uri}: {f'what its batch landed {_cleaned_up(at)}' if at else by_others}",
        fix="nothing has to be done for `sluice rejects replay`, which reads the document in MongoDB",
    )


def _cleaned_up(at: datetime) -> str:
    return f"was cleaned up on {at:%Y-%m-%d %H:%M} UTC"
