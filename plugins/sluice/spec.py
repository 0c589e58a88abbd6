"""A pipeline file, as frozen data: DESIGN section 4."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from sluice.columns import ColumnType, Kind, OnError


class WarehouseKind(StrEnum):
    """Which warehouse a pipeline publishes to."""

    CLICKHOUSE = "clickhouse"
    REDSHIFT = "redshift"


class LandingFormat(StrEnum):
    """What landed parts are: Parquet with zstd, or CSV with gzip, which only Redshift loads."""

    PARQUET = "parquet"
    CSV = "csv"


class UnknownFields(StrEnum):
    """What happens to a field that no column declares."""

    KEEP = "keep"
    IGNORE = "ignore"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Column:
    """One target column. ``path`` is where its value stands in the document, dotted; ``name`` its name in the table.

    ``references``: the collection of which it holds an id. That collection has numeric keys. ``description``: for those
    who read the table.
    """

    name: str
    path: str
    type: ColumnType
    on_error: OnError = OnError.REJECT
    references: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Child:
    """An array that becomes a table of its own, ``<collection>_<name>``.

    An array of plain values has exactly one column, of path ``""`` and name ``value``; an array of documents has one
    column per declared field, and perhaps children of its own, with paths relative to the element. ``depth``: so many
    arrays stand directly inside each other; the elements are those of the innermost.
    """

    name: str
    path: str
    columns: tuple[Column, ...]
    of_documents: bool
    depth: int = 1
    children: tuple[Child, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class ClickHouseOptions:
    """How a collection's master table is stored on ClickHouse. Columns are target names."""

    order_by: tuple[str, ...] = ()
    partition_by: str | None = None
    skip_indexes: tuple[tuple[str, str], ...] = ()  # (column, index type such as "set(100)")
    low_cardinality: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """The tolerant options of COPY: what they let through is counted. ``maxerror`` 0: the first bad row stops the load.

    ``acceptinvchars`` is the character that replaces what is not UTF-8; None refuses such values.
    """

    acceptanydate: bool = False
    acceptinvchars: str | None = None
    truncatecolumns: bool = False
    maxerror: int = 0


@dataclass(frozen=True, slots=True)
class RedshiftOptions:
    """How a collection's master table is stored and loaded on Redshift. Columns are target names."""

    distkey: str | None = None
    sortkey: tuple[str, ...] = ()
    encode: tuple[tuple[str, str], ...] = ()  # (column, encoding such as "zstd")
    copy_options: CopyOptions = CopyOptions()


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection and the tables it becomes. ``columns`` holds exactly one column of path ``_id``: the key."""

    name: str
    modified: str | None  # path of the modified date; None: every batch reads the whole collection
    columns: tuple[Column, ...]
    children: tuple[Child, ...] = ()
    deletes: str = "none"
    unknown_fields: UnknownFields = UnknownFields.KEEP
    transform: str | None = None  # "module:function", RecordBatch -> RecordBatch
    surrogate_key: bool = False  # each id has a number, in the collection's key table
    rejects: Rejects | None = None  # beside the pipeline's own limit
    clickhouse: ClickHouseOptions = ClickHouseOptions()
    redshift: RedshiftOptions = RedshiftOptions()
    description: str = ""

    @property
    def key(self) -> Column:
        """The column made from ``_id``."""
        return next(c for c in self.columns if c.path == "_id")

    @property
    def tables(self) -> tuple[Table, ...]:
        """The collection's own table first, then one a child, each before its own children."""
        return _tables(self)


@dataclass(frozen=True, slots=True)
class NumericKey:
    """A column that Sluice adds: the number that the ids of ``collection`` have, for the id in the column ``of``.

    It is NULL exactly where ``of`` is. A number is given to an id once, whether its document or a reference to it comes
    first, and never changes.
    """

    name: str
    of: str
    collection: str


@dataclass(frozen=True, slots=True)
class Table:
    """One target table: its visible columns in order, then what Sluice adds.

    A collection's own table has ``key = (its _id column,)``; a child's has ``key = (parent_id, ordinal)``, with another
    ordinal for each array around that: ``(parent_id, ordinal_1, ordinal)``. ``within``: the children around a child.
    With ``extra`` the last visible column is ``_extra``: the undeclared fields as lossless JSON.
    Landed parts carry two more columns: ``_hash`` (uint64, of the raw document: the same document always has the
    same hash) on every table; on the collection's own ``_gone`` (bool: "this key is gone") and ``_turn`` (int16: of two
    rows of a key the one of the higher turn was read later, and wins).
    """

    name: str
    collection: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    extra: bool
    child: Child | None = None
    numeric: tuple[NumericKey, ...] = ()
    within: tuple[Child, ...] = ()
    description: str = ""

    @property
    def readable(self) -> tuple[str, ...]:
        """What analysts see: each declared column, followed by its numeric keys, then ``_extra``."""
        found: list[str] = []
        for column in self.columns:
            found += [column.name, *(key.name for key in self.numeric if key.of == column.name)]
        return (*found, *((EXTRA,) if self.extra else ()))


@dataclass(frozen=True, slots=True)
class Care:
    """What a source that has other work to do is spared. It changes nothing in what is read.

    ``max_documents_per_second`` is of each reader: a landing task, or the command line. ``read_preference``: of the
    members of a replica set; None as the connection says. ``max_time_ms``: what the server may take for one range.
    """

    max_documents_per_second: int | None = None
    read_preference: str | None = None
    max_time_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where documents are read from."""

    conn_id: str
    database: str
    care: Care = Care()


@dataclass(frozen=True, slots=True)
class Landing:
    """Where parts are landed, and as what. ``retention``: how long those of a published batch stay at least."""

    conn_id: str
    bucket: str
    prefix: str = "sluice"
    format: LandingFormat = LandingFormat.PARQUET
    retention: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Warehouse:
    """Where tables are published. ``schema`` is the database (ClickHouse) or schema (Redshift) that analysts read.

    ``named_collection``: a ClickHouse named collection with access to the landing. Without it the server's own
    credentials (role, or an endpoint in its configuration) are used. Never keys in SQL text (I9).
    """

    kind: WarehouseKind
    conn_id: str
    schema: str
    named_collection: str | None = None


MODIFIED, CHANGE_STREAM = "modified", "change_stream"
CONTINUOUS = "@continuous"
"""The schedule of a DAG whose run publishes small batches one after the other; the next run follows at once."""


@dataclass(frozen=True, slots=True)
class Capture:
    """How changes are found: by change stream, or by modified date, re-reading ``overlap``, staying ``lag`` behind."""

    mode: str = MODIFIED
    overlap: timedelta = timedelta(minutes=2)
    lag: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Rejects:
    """How many rejects a batch may have: a share of the documents read (below 1) or a count (1 and above).

    ``retention``: how long a reject is listed at least, and its raw document kept.
    """

    limit: float = 0.01
    retention: timedelta = timedelta(days=90)

    def allowed(self, read: int) -> int:
        """The number of rejects that a batch of ``read`` documents may have.

        A share is taken of at least 10,000 documents: otherwise one bad document would stop every small batch (I7).
        """
        return int(self.limit * max(read, 10_000)) if self.limit < 1 else int(self.limit)


class CheckKind(StrEnum):
    """What a check of rows looks for. Each is a key in a pipeline file."""

    NOT_NULL = "not_null"
    UNIQUE = "unique"
    ACCEPTED_VALUES = "accepted_values"
    RELATIONSHIP = "relationship"
    ROW_COUNT_CHANGE = "row_count_change"
    FRESHNESS = "freshness"
    SQL = "sql"


class Severity(StrEnum):
    """What becomes of a batch that fails a check: it stops before anyone sees it, or is published with a warning."""

    STOP = "stop"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class DataCheck:
    """What must hold of a table with a batch in it. Columns are target names.

    ``values``: those that are accepted, as text. ``to``: the collection whose keys the column holds. ``share``: of the
    rows, by which their number may change. ``file``: of the check's own SQL, which selects the rows that fail.
    """

    table: str
    kind: CheckKind
    columns: tuple[str, ...] = ()
    severity: Severity = Severity.STOP
    values: tuple[str, ...] = ()
    to: str = ""
    share: float = 0.0
    within: timedelta = timedelta(0)
    file: Path | None = None

    @property
    def name(self) -> str:
        """Its name in a pipeline: ``documents.not_null(title)``."""
        of = self.file.stem if self.file else ", ".join(self.columns)
        return f"{self.table}.{self.kind}{f'({of})' if of else ''}"


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old what analysts see may become, and how it is told then: a notifier of Airflow's, with what it takes."""

    limit: timedelta
    notify: str | None = None
    options: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Vacuum:
    """When the warehouse's tables are vacuumed, how long a run may take, how long ended versions are kept."""

    schedule: str | None = "30 1 * * *"
    budget: timedelta = timedelta(hours=1)
    keep: timedelta = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Cleanup:
    """When what nobody needs any more is deleted. ``logs``: how long Airflow's stay; of the rest each section says."""

    schedule: str | None = "30 2 * * *"
    logs: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Maintenance:
    """What the maintenance DAGs do of themselves."""

    vacuum: Vacuum = Vacuum()
    cleanup: Cleanup = Cleanup()


class Beside(StrEnum):
    """A pipeline's DAGs besides its own, which has its name: that, a dot, and this."""

    CLEANUP = "cleanup"
    RECONCILE = "reconcile"
    VACUUM = "vacuum"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One pipeline file: the collections that are published together."""

    name: str
    source: Source
    landing: Landing
    warehouse: Warehouse
    collections: tuple[Collection, ...]
    schedule: str | None = None
    capture: Capture = Capture()
    rejects: Rejects = Rejects()
    freshness: Freshness | None = None
    maintenance: Maintenance = Maintenance()
    checks: tuple[DataCheck, ...] = ()
    file: Path | None = None

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table of the pipeline, a collection's own before its children."""
        return tuple(table for collection in self.collections for table in collection.tables)

    def table(self, name: str) -> Table:
        """The table of that name."""
        return next(table for table in self.tables if table.name == name)

    def collection(self, name: str) -> Collection:
        """The collection of that name. Raises KeyError."""
        return next(c for c in self.collections if c.name == name)

    def ids_of(self, collection: Collection) -> tuple[tuple[Table, str], ...]:
        """Every column whose ids have a number of this collection, with its table; none without numeric keys.

        But for the ``parent_id`` of children, which are the ids of their own collection's table again.
        """
        return tuple(
            (table, key.of)
            for table in self.tables
            for key in table.numeric
            if key.collection == collection.name and not (table.child and key.of == PARENT)
        )


PARENT = "parent_id"
ORDINAL = "ordinal"
EXTRA = "_extra"
NUMBER = "_key"
PARENT_NUMBER = "parent_key"
MOST_LEVELS = 99
"""Arrays around a value. MongoDB documents a limit of 100 levels of nesting; the document itself is one."""
RESERVED = frozenset({"_from", "_to", "_read", "_hash", "_gone", "_turn", EXTRA, NUMBER})
"""Column names that Sluice adds; a child table also has PARENT and its :func:`ordinals`."""


def ordinals(levels: int) -> tuple[str, ...]:
    """The columns that say where an element stands, when so many arrays stand around it: the outermost first.

    The innermost is always ``ordinal``. So the key of the row around an element is the beginning of its own key.
    """
    return (*(f"{ORDINAL}_{level}" for level in range(1, levels)), ORDINAL)


def reference_number(column: str) -> str:
    """The name of the column with the numbers of a column that references a collection."""
    return f"{column}_key"


def _tables(collection: Collection) -> tuple[Table, ...]:
    key = collection.key.name
    numeric = (*_own_number(collection, NUMBER, key), *_references(collection.columns))
    own = Table(
        collection.name,
        collection.name,
        collection.columns,
        (key,),
        _keeps(collection),
        numeric=numeric,
        description=collection.description,
    )
    return (own, *_child_tables(collection, collection.children, ()))


def _child_tables(collection: Collection, children: tuple[Child, ...], within: tuple[Child, ...]) -> Iterator[Table]:
    for child in children:
        yield _child_table(collection, child, within)
        yield from _child_tables(collection, child.children, (*within, child))


def _child_table(collection: Collection, child: Child, within: tuple[Child, ...]) -> Table:
    places = ordinals(sum(around.depth for around in (*within, child)))
    reference = Column(PARENT, "_id", collection.key.type)
    return Table(
        f"{collection.name}_{child.name}",
        collection.name,
        (reference, *(Column(place, "", ColumnType(Kind.INT32)) for place in places), *child.columns),
        (PARENT, *places),
        _keeps(collection) and child.of_documents,
        child,
        (*_own_number(collection, PARENT_NUMBER, PARENT), *_references(child.columns)),
        within,
        child.description,
    )


def _keeps(collection: Collection) -> bool:
    return collection.unknown_fields is UnknownFields.KEEP


def _own_number(collection: Collection, name: str, of: str) -> tuple[NumericKey, ...]:
    return (NumericKey(name, of, collection.name),) if collection.surrogate_key else ()


def _references(columns: tuple[Column, ...]) -> tuple[NumericKey, ...]:
    return tuple(NumericKey(reference_number(c.name), c.name, c.references) for c in columns if c.references)
