"""What is aggregated for analysts, and refreshed after a publish."""

from __future__ import annotations

from typing import Protocol

from sluice.spec import Pipeline


class Refreshing(Protocol):
    """What a publish asks of a warehouse when the batch is visible."""

    def aggregates(self, pipeline: Pipeline) -> list[str]:
        """The names of what is aggregated of a pipeline's published rows, and has to be refreshed."""
        ...

    def refresh(self, aggregate: str) -> None:
        """Make it again, of the newest batch; readers see what it was until then."""
        ...
