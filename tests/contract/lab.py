"""A warehouse to try things on: lands rows as real parts on a real S3, and reads what analysts see."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

import boto3
import clickhouse_connect
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from clickhouse_connect.driver import Client as Driver
from mypy_boto3_s3 import S3Client

from sluice.manifest import Manifest, Part
from sluice.settings import Endpoint
from sluice.spec import Collection, Pipeline, Table
from sluice.warehouse.base import Batch, Commit, Warehouse
from sluice.warehouse.clickhouse import ClickHouse, bucket_address
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.fence import Pace
from sluice.warehouse.clickhouse.landed import Access
from sluice.warehouse.quarantine import RejectRow
from sluice.window import BatchKind, Plan, Window
from tests.contract.specs import a_pipeline, a_rich_pipeline
from tests.contract.spoiled import crash_before
from tests.factories import NOON, a_cut, a_plan

BUCKET, REGION = os.environ.get("CLUSTER_BUCKET", "contract"), os.environ.get("CLUSTER_REGION", "us-east-1")
"""Said for a real cluster, which has no bucket of that name."""
FAST = Pace(patience=20.0, settle=0.0, poll=0.02)
"""The product's waiting times, shortened. Not the lease: signs of life cost statements (:meth:`Lab.expect_death`)."""

ARROW = {
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "decimal": pa.decimal128(18, 4),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("ms", "UTC"),
    "date": pa.date32(),
    "binary": pa.binary(),
}
"""How landing writes the logical types; every other is a string."""

CONTROL = ("batches", "fences", "rejects", "settled_rejects", "drift", "columns", "maintenance", "checks")
"""Tables that all pipelines share."""

Wrap = Callable[[Client], Client]

ONLY_CLICKHOUSE = pytest.mark.parametrize("shared_lab", ["clickhouse"], indirect=True)
"""For what only a warehouse with versions has: Redshift's transactions show one state, and keep no older one."""
ONLY_REDSHIFT = pytest.mark.parametrize("shared_lab", ["redshift"], indirect=True)
"""For COPY, and for what a transaction may not do."""

DAWDLE = "merge_tree_storage_snapshot_sleep_ms"
"""A setting that makes a reader wait between choosing the parts of one table and of the next: plain hammering hardly
ever meets the moment."""

CHECK = """
SELECT countIf(d.expected != t.found), count()
FROM (SELECT _id, toUInt32(title) AS expected FROM documents) AS d
FULL JOIN (SELECT document_id, count() AS found FROM tickets GROUP BY document_id) AS t ON d._id = t.document_id
"""
"""Documents whose title is not the number of their tickets, and tickets without their document: always 0."""


@dataclass(frozen=True)
class Doc:
    """One document as it is landed: a state of ``key``, with its children. ``gone``: the key is gone.

    A child has its values in order, or by their ordinals where it stands inside of another.

    ``turn``: the higher of two was read later.
    """

    key: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    children: Mapping[str, Sequence[str] | Mapping[tuple[int, ...], str]] = field(default_factory=dict)
    modified: int | None = 0
    gone: bool = False
    turn: int = 0

    @property
    def hash(self) -> int:
        content = repr((self.key, sorted(self.fields.items()), sorted(self.children.items()), self.modified))
        return 0 if self.gone else xxhash.xxh64_intdigest(content)


def document(key: str, title: str, *keywords: str, modified: int | None = 0) -> Doc:
    return Doc(key, {"title": title}, {"keywords": keywords}, modified)


def ticket(key: str, document_id: str, modified: int | None = 0) -> Doc:
    return Doc(key, {"document_id": document_id}, {}, modified)


def gone(key: str) -> Doc:
    return Doc(key, gone=True)


@dataclass(frozen=True)
class Servers:
    """Where the servers are. ``environment`` has the variables of the development stack."""

    environment: Mapping[str, str]

    @cached_property
    def s3(self) -> S3Client:
        return boto3.client(
            "s3",
            endpoint_url=self.environment["S3_ENDPOINT_URL"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )

    @cached_property
    def clickhouse(self) -> Endpoint:
        e = self.environment
        port, login, password = int(e["CLICKHOUSE_PORT"]), e["CLICKHOUSE_USER"], e["CLICKHOUSE_PASSWORD"]
        return Endpoint("warehouse", e["CLICKHOUSE_HOST"], port, login, password)

    @cached_property
    def bucket(self) -> str:
        landing = Endpoint("landing_s3", extra={"endpoint_url": self.environment["S3_ENDPOINT_URL"]})
        return bucket_address(landing, BUCKET)

    def plain(self) -> Servers:
        """Fit for another process."""
        return Servers(dict(self.environment))

    def reader(self, schema: str, *, slow: bool) -> Callable[[], tuple[int, int]]:
        """An analyst who asks for (what is wrong, documents); ``slow``: with a pause between the two tables."""
        analyst, settings = self.driver(), {"database": schema, **({DAWDLE: 250} if slow else {})}
        return lambda: tuple(analyst.query(CHECK, settings=settings).first_row)

    def driver(self) -> Driver:
        """An analyst's connection, which knows nothing of Sluice."""
        end = self.clickhouse
        assert end.host
        assert end.port
        return clickhouse_connect.get_client(
            host=end.host,
            port=end.port,
            username=end.login,
            password=end.password or "",
            autogenerate_session_id=False,
            tz_mode="aware",
        )


class Lab:
    """One pipeline with names of its own on the shared servers.

    Here on ClickHouse; :mod:`tests.contract.redshift` changes what is different there.
    """

    kind, suffix, format, other_format = "clickhouse", "parquet", "parquet", "csv"
    """Of landed parts: how their names end, what they are, and what the warehouse refuses."""
    differing: Mapping[str, Any] = {}
    """What analysts see of the rich pipeline's values that is not as it was landed: column → value."""
    purged = 4
    """What a purge deletes after one of two documents was replaced, with its keyword, and the other ended."""

    def __init__(self, servers: Servers, pipeline: Pipeline | None = None, pace: Pace = FAST) -> None:
        self.servers, self.pace = servers, pace
        self.pipeline = pipeline or a_pipeline(f"p{secrets.token_hex(4)}")
        self.warehouse: Warehouse = self.attempt()
        self.analyst = self.connect()

    @property
    def endpoint(self) -> Endpoint:
        """Of the warehouse."""
        return self.servers.clickhouse

    def attempt(self, wrap: Wrap = lambda client: client) -> ClickHouse:
        """Another process's connection to the warehouse; ``wrap`` may spoil it."""
        client = wrap(Client.connect(self.servers.clickhouse))
        return ClickHouse(client, Access(self.servers.bucket), self.pace)

    def dying(self, statement: str) -> Warehouse:
        """Another process's connection, which dies before it sends a statement."""
        self.expect_death()
        return self.attempt(crash_before(statement))

    def expect_death(self) -> None:
        """A publisher dies: the next one of this test takes it for dead at once, without waiting for its lease."""
        self.warehouse._pace = replace(self.pace, lease=0)  # type: ignore[attr-defined]

    def another(self, pipeline: Pipeline) -> Lab:
        """A second pipeline on the same servers."""
        return Lab(self.servers, pipeline, self.pace)

    def connect(self) -> Any:
        """An analyst's connection."""
        return self.servers.driver()

    # -- making batches

    def plan(self, cut: int = 0, *, kind: BatchKind = BatchKind.LIVE, whole: str = "") -> Plan:
        """``whole``: the collection of which the plan reads every document."""
        at = a_cut(time=NOON + timedelta(seconds=cut))
        names = [c.name for c in self.pipeline.collections]
        fields = {name: self.pipeline.collection(name).modified or "" for name in names}
        windows = {
            n: Window(None, at.time, bounded=False, field=fields[n], anew="a test" * (n == whole)) for n in names
        }
        id_ = f"{at.time:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        kind = BatchKind.REFRESH if whole else kind
        return a_plan(id=id_, pipeline=self.pipeline.name, cut=at, windows=windows, kind=kind)

    def land(self, plan: Plan, collection: Collection, docs: Iterable[Doc], *, range_: str = "r0") -> Manifest:
        """Write one range: a part for each table that has rows, as landing does."""
        docs = list(docs)
        folder = f"sluice/{plan.pipeline}/{collection.name}/{plan.id}/{range_}/{secrets.token_hex(4)}"
        parts = tuple(
            self._part(f"{folder}/{table.name}/part-00000.{self.suffix}", table, rows, plan)
            for table in collection.tables
            if (rows := _rows(table, collection, docs))
        )
        return Manifest(
            plan=plan.id,
            collection=collection.name,
            range=range_,
            spec_hash=plan.spec_hash,
            warehouse=self.kind,
            format=self.format,
            read=len(docs),
            read_bytes=100 * len(docs),
            rejected=0,
            parts=parts,
        )

    def stage(self, plan: Plan, *, rejects: Sequence[RejectRow] = (), **docs: Iterable[Doc]) -> Batch:
        """Land and load every collection; those that are not named are empty."""
        manifests = [self.land(plan, c, docs.get(c.name, ())) for c in self.pipeline.collections]
        rejected = [replace(m, rejected=sum(r.collection == m.collection for r in rejects)) for m in manifests]
        manifests = [replace(m, read=m.read + m.rejected) for m in rejected]
        return self.load(plan, manifests, rejects)

    def load(self, plan: Plan, manifests: Sequence[Manifest], rejects: Sequence[RejectRow] = ()) -> Batch:
        loaded = [
            self.warehouse.load(
                plan,
                c,
                [m for m in manifests if m.collection == c.name],
                [r for r in rejects if r.collection == c.name and r.turn],
            )
            for c in self.pipeline.collections
        ]
        return Batch(plan, manifests, loaded, rejects, NOON)

    def publish(
        self, cut: int = 0, *, kind: BatchKind = BatchKind.LIVE, whole: str = "", **docs: Iterable[Doc]
    ) -> Commit:
        """One whole batch."""
        return self.warehouse.publish(self.pipeline, self.stage(self.plan(cut, kind=kind, whole=whole), **docs))

    def encode(self, table: Table, rows: list[dict[str, Any]], plan: Plan) -> bytes:
        """A landed part."""
        return parquet(table, rows)

    def _part(self, key: str, table: Table, rows: list[dict[str, Any]], plan: Plan) -> Part:
        data = self.encode(table, rows, plan)
        self.servers.s3.put_object(Bucket=BUCKET, Key=key, Body=data)
        return Part(table.name, key, len(rows), len(data), hashlib.md5(data, usedforsecurity=False).hexdigest())

    # -- reading

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """An analyst's query."""
        return [tuple(row) for row in self.analyst.query(sql).result_rows]

    def command(self, sql: str) -> None:
        """Change something behind the warehouse's back."""
        self.analyst.command(sql)

    def lose(self, table: str, where: str) -> None:
        """Take rows out of storage."""
        change = f"DELETE WHERE {where} SETTINGS mutations_sync = 2"
        self.command(f"ALTER TABLE sluice_data.{self.pipeline.name}_{table} {change}")

    @property
    def key_tables(self) -> list[str]:
        """The names of key tables, without the pipeline's."""
        return [f"{collection.name}__keys" for collection in self.pipeline.collections if collection.surrogate_key]

    @property
    def rich(self) -> Pipeline:
        """A pipeline with every column type, and every way of storing a table here."""
        return a_rich_pipeline()

    def titles(self) -> dict[str, str]:
        """The visible documents: key → title. Fails when a key is visible twice."""
        return _unique(self.rows(f"SELECT _id, title FROM {self.pipeline.warehouse.schema}.documents"))

    def tickets(self) -> dict[str, str]:
        return _unique(self.rows(f"SELECT _id, document_id FROM {self.pipeline.warehouse.schema}.tickets"))

    def keywords(self) -> dict[str, list[str]]:
        table = f"{self.pipeline.warehouse.schema}.documents_keywords"
        sql = f"SELECT parent_id, value FROM {table} ORDER BY parent_id, ordinal"
        found: dict[str, list[str]] = {}
        for key, value in self.rows(sql):
            found.setdefault(key, []).append(value)
        return found

    def state(self) -> tuple[Any, ...]:
        """Everything an analyst can see."""
        return self.titles(), self.keywords(), self.tickets()

    def staging(self) -> list[str]:
        """The pipeline's staging tables."""
        return [name for name in self.all_staging() if name.startswith(f"{self.pipeline.name}_")]

    def all_staging(self) -> list[str]:
        return [name for (name,) in self.rows("SELECT name FROM system.tables WHERE database = 'sluice_staging'")]

    def reset(self) -> None:
        """Make it a pipeline that never published: faster than a new one."""
        self.warehouse._pace = self.pace  # type: ignore[attr-defined]
        for table in self.staging():
            self.analyst.command(f"DROP TABLE sluice_staging.{table} SYNC")
        mine, found = self.pipeline.name, "SELECT '{0}' FROM {0} WHERE {1} LIMIT 1"
        own = [f"sluice_data.{mine}_{table}" for table in [*(t.name for t in self.pipeline.tables), *self.key_tables]]
        shared = [f"sluice.{table}" for table in CONTROL]
        asked = [found.format(table, "1") for table in own] + [found.format(t, f"pipeline = '{mine}'") for t in shared]
        for (table,) in self.rows(" UNION ALL ".join(asked)):  # of most nothing: a mutation takes a while
            delete = f"ALTER TABLE {table} DELETE WHERE pipeline = '{mine}' SETTINGS mutations_sync = 2"
            self.analyst.command(f"TRUNCATE TABLE {table}" if table in own else delete)


def parquet(table: Table, rows: list[dict[str, Any]]) -> bytes:
    """A landed part: the table's columns, then what Sluice adds."""
    fields = [pa.field(c.name, ARROW.get(c.type.kind.value, pa.string())) for c in table.columns]
    fields += [pa.field("_extra", pa.string())] if table.extra else []
    fields += [pa.field("_hash", pa.uint64())]
    fields += [] if table.child else [pa.field("_gone", pa.bool_()), pa.field("_turn", pa.int16())]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, pa.schema(fields)), buffer, compression="zstd")
    return buffer.getvalue()


def _rows(table: Table, collection: Collection, docs: list[Doc]) -> list[dict[str, Any]]:
    if table.child is None:
        return [_own(collection, doc) for doc in docs]
    return [
        {**dict(zip(table.key, (doc.key, *place), strict=True)), "value": value, "_hash": doc.hash}
        for doc in docs
        for place, value in _placed(doc.children.get(table.child.name, ()))
    ]


def _placed(values: Sequence[str] | Mapping[tuple[int, ...], str]) -> Iterable[tuple[tuple[int, ...], str]]:
    return values.items() if isinstance(values, Mapping) else (((n,), value) for n, value in enumerate(values))


def _own(collection: Collection, doc: Doc) -> dict[str, Any]:
    modified = None if doc.gone or doc.modified is None else NOON + timedelta(seconds=doc.modified)
    row: dict[str, Any] = {
        collection.key.name: doc.key,
        **doc.fields,
        "_hash": doc.hash,
        "_gone": doc.gone,
        "_turn": doc.turn,
    }
    return row if collection.modified is None else {**row, collection.modified: modified}


def _unique(rows: list[tuple[str, str]]) -> dict[str, str]:
    found = dict(rows)
    assert len(found) == len(rows), "a key is visible twice"
    return found
