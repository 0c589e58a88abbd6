"""What may stand where in a pipeline file. The JSON Schema for editors is made of these models.

Each section is checked by itself here; :mod:`sluice.config.rules` checks one against the other.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    StrictBool,
    StrictInt,
    WithJsonSchema,
)

from sluice.columns import ColumnType, Kind, OnError
from sluice.config import grammar
from sluice.config.check_shape import CheckSection
from sluice.config.expressions import INDEX_TYPES, skip_index
from sluice.config.problems import Wrong
from sluice.config.redshift import ENCODINGS, encoding, one_character, rows_refused
from sluice.config.section import Section
from sluice.spec import CONTINUOUS, MOST_LEVELS, LandingFormat, UnknownFields, WarehouseKind
from sluice.suggest import shown


def _text(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$"})


def _column_type(value: object) -> ColumnType:
    if not isinstance(value, str):
        raise Wrong(f"takes a type, found {shown(value)}", "write one such as string(255), int64 or timestamp")
    return ColumnType.parse(value)


def _short(value: Any) -> Any:
    """``title: string(64)`` is short for ``title: {type: string(64)}``."""
    if isinstance(value, str):
        return {"type": value}
    if not isinstance(value, dict):
        raise Wrong(f"takes a type or a mapping, found {shown(value)}", "write string(255), or {type: string(255)}")
    return value


def _on_error(value: Any) -> Any:
    return "null" if value is None else value  # YAML reads a bare null as nothing


def _positive(number: int) -> int:
    if number < 1:
        raise Wrong(f"{number} would read nothing", "write a whole number from 1, or leave the line out for no limit")
    return number


def _share_or_count(limit: float) -> float:
    if not 0 <= limit < math.inf or (limit >= 1 and not limit.is_integer()):
        raise Wrong(f"{limit} is neither a share nor a count", "write a share, 0.01, or a whole number of documents")
    return limit


def _an_hour(keep: timedelta) -> timedelta:
    if keep < timedelta(hours=1):
        raise Wrong(
            "a query or a batch that is under way may still need what was ended in the last hour", "write 1h or more"
        )
    return keep


def _now_and_then(schedule: str) -> str:
    if schedule == CONTINUOUS:
        raise Wrong("a vacuum that never ends is none", "write when it starts, as 30 1 * * *, or null")
    return schedule


Description = Annotated[str, AfterValidator(grammar.description)]
_DESCRIBED = "for those who read it: the comment on it in the warehouse, and in the data dictionary"
_REFERENCES = "collection whose _id it holds; <name>_key is the number of that id"
_KINDS = [str(kind) for kind in Kind if kind not in {Kind.STRING, Kind.DECIMAL}]
_TYPE_SCHEMA = {
    "anyOf": [
        {"enum": _KINDS},
        {"type": "string", "pattern": r"^string\( *[0-9]+ *\)$"},
        {"type": "string", "pattern": r"^decimal\( *[0-9]+ *, *[0-9]+ *\)$"},
    ],
    "examples": ["string(255)", "decimal(18,2)"],
}

Name = Annotated[str, AfterValidator(grammar.identifier), _text(grammar.NAME)]
CollectionName = Annotated[str, AfterValidator(grammar.collection)]
Path = Annotated[str, AfterValidator(grammar.path)]
ConnId = Annotated[str, AfterValidator(grammar.conn_id)]
Duration = Annotated[timedelta, PlainValidator(grammar.duration), _text(grammar.DURATION)]
Retention = Annotated[timedelta, PlainValidator(grammar.retention), _text(grammar.DURATION)]
Type = Annotated[ColumnType, PlainValidator(_column_type), WithJsonSchema(_TYPE_SCHEMA)]
IndexType = Annotated[str, AfterValidator(skip_index), _text(rf"({'|'.join(INDEX_TYPES)})(\(.*\))?")]
Encoding = Annotated[str, AfterValidator(encoding), WithJsonSchema({"enum": list(ENCODINGS)})]
Limit = Annotated[
    float, Field(strict=True), AfterValidator(_share_or_count), WithJsonSchema({"type": "number", "minimum": 0})
]
Positive = Annotated[StrictInt, AfterValidator(_positive), WithJsonSchema({"type": "integer", "minimum": 1})]
ReadPreference = Literal["primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest"]
Action = Annotated[
    OnError, BeforeValidator(_on_error), WithJsonSchema({"enum": [None, *(str(action) for action in OnError)]})
]


class SourceSection(Section):
    """Where documents are read from."""

    conn_id: ConnId = Field(description="Airflow connection of the MongoDB")
    database: Annotated[str, AfterValidator(grammar.database)] = Field(description="MongoDB database")
    max_documents_per_second: Positive | None = Field(
        default=None, description="that one landing task reads; default: as fast as it can"
    )
    read_preference: ReadPreference | None = Field(
        default=None, description="members of the replica set to read from; default: as the connection says"
    )
    max_time_ms: Positive | None = Field(default=None, description="that the server may take for one range")


class LandingSection(Section):
    """Where parts are landed on S3."""

    conn_id: ConnId = Field(description="Airflow connection of the S3 account")
    bucket: Annotated[str, AfterValidator(grammar.bucket), _text(grammar.BUCKET)] = Field(description="an S3 bucket")
    prefix: Annotated[str, AfterValidator(grammar.prefix)] = Field(default="sluice", description="start of every key")
    format: LandingFormat | None = Field(
        default=None, description="of landed parts; default: parquet on ClickHouse, csv on Redshift"
    )
    retention: Retention = Field(
        default="30d", validate_default=True, description="how long the parts of a published batch stay, as 30d"
    )


class WarehouseSection(Section):
    """Where tables are published."""

    kind: WarehouseKind = Field(description="clickhouse or redshift")
    conn_id: ConnId = Field(description="Airflow connection of the warehouse")
    schema_: Annotated[str, AfterValidator(grammar.schema), _text(grammar.NAME)] = Field(
        alias="schema", description="the database (ClickHouse) or schema (Redshift) that analysts read"
    )
    named_collection: Name | None = Field(
        default=None,
        description="ClickHouse named collection with access to the landing; default: the server's own access",
    )


class CaptureSection(Section):
    """How changes are found."""

    mode: Literal["modified", "change_stream"] = Field(
        default="modified", description="modified: by date; change_stream: what MongoDB says that changed"
    )
    overlap: Duration = Field(
        default="2m", validate_default=True, description="how much of the last window is read again"
    )
    lag: Duration = Field(
        default="5s", validate_default=True, description="how far a batch stays behind the clock, as 5s"
    )


class RejectsSection(Section):
    """How many documents may be rejected before a batch stops."""

    limit: Limit = Field(default=0.01, description="a share of the documents read (below 1), or a count")
    retention: Retention = Field(
        default="90d",
        validate_default=True,
        description="how long a settled reject, its raw document, and results of checks are kept",
    )


def _short_limit(value: Any) -> Any:
    """``freshness: 15m`` is short for ``freshness: {limit: 15m}``."""
    return {"limit": value} if isinstance(value, str) else value


class FreshnessSection(Section):
    """How old what analysts see may become before it is told."""

    limit: Duration = Field(description="now minus the cut of the last batch, as 15m")
    notify: Annotated[str, AfterValidator(grammar.dotted_name)] | None = Field(
        default=None, description="a notifier of Airflow's, as airflow.providers.smtp.notifications.smtp.SmtpNotifier"
    )
    with_: dict[str, Any] = Field(default={}, alias="with", description="what the notifier takes; no secrets")


Freshness = Annotated[FreshnessSection, BeforeValidator(_short_limit, json_schema_input_type=FreshnessSection | str)]


NowAndThen = Annotated[str, AfterValidator(_now_and_then), AfterValidator(grammar.schedule)]


class VacuumSection(Section):
    """The DAG <pipeline>.vacuum."""

    schedule: NowAndThen | None = Field(
        default="30 1 * * *", description="cron in UTC, a preset, or null: only by hand"
    )
    budget: Duration = Field(default="1h", validate_default=True, description="that a run may take")
    keep: Annotated[Duration, AfterValidator(_an_hour)] = Field(
        default="2d",
        validate_default=True,
        description="how long ended versions of rows, and marks of keys that are gone, are kept",
    )


class CleanupSection(Section):
    """The DAG <pipeline>.cleanup."""

    schedule: NowAndThen | None = Field(
        default="30 2 * * *", description="cron in UTC, a preset, or null: only by hand"
    )
    logs: Retention = Field(
        default="30d", validate_default=True, description="how long Airflow's log files of the pipeline's DAGs are kept"
    )


class MaintenanceSection(Section):
    """What the maintenance DAGs do of themselves."""

    vacuum: VacuumSection = Field(default_factory=VacuumSection)
    cleanup: CleanupSection = Field(default_factory=CleanupSection)


class OwnLimitSection(Section):
    """How many documents of one collection may be rejected before a batch stops."""

    limit: Limit = Field(description="a share of its documents that were read (below 1), or a count")


class ColumnSection(Section):
    """One column."""

    type: Type = Field(description="key, string(n), text, int32, int64, float64, decimal(p,s), bool, timestamp …")
    on_error: Action = Field(default=OnError.REJECT, description="what becomes of a value that the type cannot hold")
    name: Name | None = Field(default=None, description="target name; default: the path with _ for dots")
    references: str | None = Field(default=None, description=_REFERENCES)
    description: Description = Field(default="", description=_DESCRIBED)


Column = Annotated[ColumnSection, BeforeValidator(_short, json_schema_input_type=ColumnSection | str)]


_LEVELS = WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST_LEVELS})


def _levels(depth: int) -> int:
    if not 1 <= depth <= MOST_LEVELS:
        raise Wrong(f"{depth} is no number of arrays inside each other", f"write 1 to {MOST_LEVELS}")
    return depth


class ChildSection(Section):
    """An array that becomes a table of its own: of values (type) or of documents (columns, children)."""

    type: Type | None = Field(default=None, description="the type of each value; the column is named value")
    on_error: Action = Field(default=OnError.REJECT, description="what becomes of a value that the type cannot hold")
    columns: dict[Path, Column] | None = Field(
        default=None, description="the fields of each document, by path within it"
    )
    children: dict[Path, Child] = Field(default={}, description="the arrays in each document: the tables they become")
    depth: Annotated[StrictInt, AfterValidator(_levels), _LEVELS] = Field(
        default=1, description="how many arrays stand directly inside each other: 2 for an array of arrays"
    )
    name: Name | None = Field(
        default=None,
        description="the table is <collection>_<name>; default: the path with _ for dots, after the outer child's name",
    )
    references: str | None = Field(default=None, description=_REFERENCES)
    description: Description = Field(default="", description=_DESCRIBED)


Child = Annotated[ChildSection, BeforeValidator(_short, json_schema_input_type=ChildSection | str)]


class ClickHouseSection(Section):
    """How the collection's own table is stored on ClickHouse. Columns are target names."""

    order_by: list[str] = Field(default=[], description="columns, the key among them; default: the key")
    partition_by: str | None = Field(default=None, description="an expression over columns, as toYYYYMM(created_at)")
    skip_indexes: dict[str, IndexType] = Field(default={}, description="column: minmax, set(100), bloom_filter(0.01) …")
    low_cardinality: list[str] = Field(default=[], description="text columns with few different values")


class CopyOptionsSection(Section):
    """What COPY lets through, counted, instead of stopping the load."""

    acceptanydate: StrictBool = Field(default=False, description="NULL for a date that cannot be read")
    acceptinvchars: Annotated[str, AfterValidator(one_character)] | None = Field(
        default=None, description="the ASCII character that replaces what is not UTF-8"
    )
    truncatecolumns: StrictBool = Field(default=False, description="cut texts that are longer than their column")
    maxerror: Annotated[StrictInt, AfterValidator(rows_refused)] = Field(
        default=0, description="rows that may be refused before the load stops, 0 to 100000; 0 and 1: none"
    )


class RedshiftSection(Section):
    """How the collection's own table is stored and loaded on Redshift. Columns are target names."""

    distkey: str | None = Field(default=None, description="column; default: the key")
    sortkey: list[str] = Field(default=[], description="columns; default: the modified date")
    encode: dict[str, Encoding] = Field(default={}, description="column: zstd, az64 …; default: Redshift decides")
    copy_options: CopyOptionsSection = Field(default_factory=CopyOptionsSection)


class CollectionSection(Section):
    """One collection and the tables it becomes."""

    modified: Path | None = Field(
        default=None, description="date that every write moves; without it all is read every time"
    )
    deletes: Annotated[str, AfterValidator(grammar.deletes), _text(grammar.DELETES)] = Field(
        default="none",
        description="none, reconcile, stream (of capture.mode change_stream), or soft:<field> that is set in them",
    )
    columns: dict[Path, Column] = Field(default={}, description="path in the document: type; without _id it is a key")
    children: dict[Path, Child] = Field(default={}, description="path of an array: the table it becomes")
    unknown_fields: UnknownFields = Field(default=UnknownFields.KEEP, description="fields that no column declares")
    transform: Annotated[str, AfterValidator(grammar.transform)] | None = Field(
        default=None, description="module:function, from record batch to record batch"
    )
    surrogate_key: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="add _key, a number for each _id, and parent_key to the children"
    )
    checks: list[CheckSection] = Field(
        default=[], description="what must hold of the tables before anyone sees a batch"
    )
    rejects: OwnLimitSection | None = Field(
        default=None, description="a limit of its own, beside the pipeline's, which is of all collections together"
    )
    clickhouse: ClickHouseSection = Field(default_factory=ClickHouseSection)
    redshift: RedshiftSection = Field(default_factory=RedshiftSection)
    description: Description = Field(default="", description=_DESCRIBED)


class PipelineSection(Section):
    """A Sluice pipeline: collections that are published together. Reference: docs/pipeline-file.md."""

    pipeline: Name = Field(description="the pipeline's name, and its DAG's")
    schedule: Annotated[str, AfterValidator(grammar.schedule)] | None = Field(
        default=None,
        description='cron ("*/5 * * * *", UTC), a preset such as @hourly, @continuous, or null: only by hand',
    )
    source: SourceSection
    landing: LandingSection
    warehouse: WarehouseSection
    capture: CaptureSection = Field(default_factory=CaptureSection)
    rejects: RejectsSection = Field(default_factory=RejectsSection)
    freshness: Freshness | None = Field(default=None, description="how old a batch may become before it is told, 15m")
    maintenance: MaintenanceSection = Field(default_factory=MaintenanceSection)
    collections: Annotated[dict[CollectionName, CollectionSection], Field(min_length=1)] = Field(
        description="MongoDB collection: its tables"
    )
