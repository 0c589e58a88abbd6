"""What a replay asks of a warehouse, beside what every batch asks of it (:class:`sluice.warehouse.base.Warehouse`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sluice.history import ColumnsRow
from sluice.spec import Collection, Pipeline
from sluice.window import Run


@dataclass(frozen=True, slots=True)
class Extras:
    """Rows that a replay is about: all of them, those of them with ``_extra``, and the bytes of those."""

    rows: int
    kept: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Page:
    """One of so many parts of a table's rows, about alike."""

    number: int
    pages: int


class Replayable(Protocol):
    """The part of a warehouse that knows what its rows were made of."""

    def columns(self, pipeline: str) -> list[ColumnsRow]:
        """Under which columns the rows of each collection were written, from which published batch on."""
        ...

    def extras_size(self, pipeline: Pipeline, collection: Collection, base: int, runs: Sequence[Run]) -> Extras:
        """How much there is of the rows of these runs, as readers saw them at the batch ``base``."""
        ...

    def extras(
        self, pipeline: Pipeline, collection: Collection, base: int, runs: Sequence[Run], page: Page
    ) -> list[tuple[Any, str]]:
        """Key and ``_extra`` of one page of those of these rows that have it."""
        ...
