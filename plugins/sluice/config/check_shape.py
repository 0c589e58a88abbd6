"""What may stand in ``checks``. :mod:`sluice.config.check_rules` looks for the columns and tables that they name."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StrictInt, StrictStr

from sluice.config import grammar
from sluice.config.problems import Wrong
from sluice.config.section import Section
from sluice.spec import Severity


def _columns(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _share(share: float) -> float:
    if not 0 <= share < math.inf:
        raise Wrong(f"{share} is no share of the rows", "write one such as 0.2")
    return share


Columns = Annotated[list[str], Field(min_length=1), BeforeValidator(_columns, json_schema_input_type=str | list[str])]
Duration = Annotated[timedelta, PlainValidator(grammar.duration, json_schema_input_type=str)]


class AcceptedValuesSection(Section):
    """A column has no other values than these; NULL is none."""

    column: str = Field(description="a text or a whole number")
    values: Annotated[list[StrictInt | StrictStr], Field(min_length=1)] = Field(description="all of them")


class RelationshipSection(Section):
    """A column holds keys of a collection that are there; NULL is none."""

    column: str = Field(description="of the same type as the key")
    to: str = Field(description="the collection")


class NewestSection(Section):
    """The newest value of a column is not long before the cut."""

    column: str = Field(description="a timestamp")
    within: Duration = Field(description="how long at most, as 2d")


class CheckSection(Section):
    """What must hold of a table with the batch in it: one of the kinds. Columns are target names."""

    not_null: Columns | None = Field(default=None, description="columns, none of which is NULL in a row of the batch")
    unique: Columns | None = Field(default=None, description="columns that no two rows have alike")
    accepted_values: AcceptedValuesSection | None = None
    relationship: RelationshipSection | None = None
    row_count_change: Annotated[float, AfterValidator(_share)] | None = Field(
        default=None, description="the share of its rows by which the table may grow or shrink in one batch"
    )
    freshness: NewestSection | None = None
    sql: Annotated[str, AfterValidator(grammar.identifier)] | None = Field(
        default=None, description="checks/<name>.sql beside the pipeline file: it selects the rows that fail"
    )
    table: str | None = Field(default=None, description="a child's table; default: the collection's own")
    severity: Severity = Field(
        default=Severity.STOP, description="stop: the batch is not published; warn: it is, and the check is told"
    )
