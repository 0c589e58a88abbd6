"""What every mapping of a pipeline file is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping with known keys."""

    # built once, within the pipeline's: half the time of importing these modules
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
