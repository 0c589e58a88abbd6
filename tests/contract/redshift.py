"""The same laboratory on Redshift."""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import redshift_connector

from sluice import spec
from sluice.arrow import arrow_schema
from sluice.encoding import Encoding
from sluice.settings import Endpoint
from sluice.spec import LandingFormat, Pipeline, Table, WarehouseKind
from sluice.warehouse.redshift import Redshift
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.connection import connector
from sluice.warehouse.redshift.copy_options import null_marker
from sluice.warehouse.redshift.landed import Access
from sluice.warehouse.redshift.publish import Pace
from sluice.window import Plan
from tests.contract.lab import BUCKET, REGION, Lab, Servers
from tests.contract.specs import a_pipeline, a_rich_pipeline
from tests.contract.spoiled import Crash

AT_ONCE = Pace(tries=5, pause=0.02)
CHECK = """
SELECT COUNT(CASE WHEN COALESCE(d.expected, 0) <> COALESCE(t.found, 0) THEN 1 END), COUNT(*)
FROM (SELECT _id, CAST(title AS INTEGER) AS expected FROM {schema}.documents) AS d
FULL JOIN (SELECT document_id, COUNT(*) AS found FROM {schema}.tickets GROUP BY document_id) AS t
    ON d._id = t.document_id
"""


@dataclass(frozen=True)
class RedshiftServers(Servers):
    """S3 and a Redshift that reads it. ``opened`` are the sessions, to be closed at the end."""

    redshift: Endpoint
    opened: list[Any] = field(default_factory=list)

    @property
    def landing(self) -> Endpoint:
        e = self.environment
        keys = e["AWS_ACCESS_KEY_ID"], e["AWS_SECRET_ACCESS_KEY"]
        return Endpoint(
            "landing_s3", None, None, *keys, extra={"endpoint_url": e["S3_ENDPOINT_URL"], "region_name": REGION}
        )

    def session(self) -> redshift_connector.Connection:
        made = connector(self.redshift)()
        self.opened.append(made)
        return made

    def plain(self) -> RedshiftServers:
        return RedshiftServers(dict(self.environment), self.redshift)

    def reader(self, schema: str, *, slow: bool) -> Callable[[], tuple[int, int]]:
        """Fast in one statement, slow in one transaction: each sees one state."""
        cursor = self.session().cursor()

        def ask() -> tuple[int, int]:
            cursor.execute(f"SELECT _id, title FROM {schema}.documents")
            expected = {key: int(title) for key, title in cursor.fetchall()}
            time.sleep(0.25)
            cursor.execute(f"SELECT document_id, COUNT(*) FROM {schema}.tickets GROUP BY document_id")
            found = dict(cursor.fetchall())
            cursor.connection.rollback()
            return len(expected.items() ^ found.items()), len(expected)

        def ask_at_once() -> tuple[int, int]:
            cursor.execute(CHECK.format(schema=schema))
            ((wrong, size),) = cursor.fetchall()
            cursor.connection.rollback()
            return wrong, size

        return ask if slow else ask_at_once

    @property
    def access(self) -> Access:
        return Access.of(self.redshift, self.landing, spec.Landing("landing_s3", BUCKET))

    def client(self) -> Client:
        """The product's connection."""
        made = Client.connect(self.redshift)
        self.opened.append(made)
        return made

    def close(self) -> None:
        for opened in self.opened:
            opened.close()


class RedshiftLab(Lab):
    """One pipeline with names of its own on a stand-in."""

    kind, suffix, format, other_format = "redshift", "csv.gz", "csv", "avro"
    differing: Mapping[str, Any] = {"c12": b"text".hex()}
    purged = 1
    servers: RedshiftServers

    def __init__(self, servers: RedshiftServers, pipeline: Pipeline | None = None) -> None:
        super().__init__(servers, pipeline or a_redshift_pipeline())

    @property
    def endpoint(self) -> Endpoint:
        return self.servers.redshift

    def attempt(self, wrap: Callable[[Client], Client] = lambda client: client) -> Redshift:  # type: ignore[override]
        client = wrap(self.servers.client())
        self.servers.opened.append(client)
        return Redshift(client, self.servers.access, AT_ONCE)

    def dying(self, statement: str) -> Redshift:
        def before(sent: str) -> None:
            if sent == statement:
                raise Crash

        return self.attempt(lambda client: hooked(client, before, lambda _: None))

    def another(self, pipeline: Pipeline) -> RedshiftLab:
        return RedshiftLab(self.servers, pipeline)

    def connect(self) -> Any:
        session = self.servers.session()
        session.autocommit = True
        return session

    def encode(self, table: Table, rows: list[dict[str, Any]], plan: Plan) -> bytes:
        sink = io.BytesIO()
        encoder = Encoding(WarehouseKind.REDSHIFT, LandingFormat.CSV, null_marker(plan.id)).encoder(table, sink)
        encoder.write_table(pa.Table.from_pylist(rows, arrow_schema(table)))
        encoder.close()
        return sink.getvalue()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        cursor = self.analyst.cursor()
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()]

    def command(self, sql: str) -> None:
        self.analyst.cursor().execute(sql)

    def lose(self, table: str, where: str) -> None:
        self.command(f"DELETE FROM sluice_data.{self.pipeline.name}_{table} WHERE {where}")

    @property
    def rich(self) -> Pipeline:
        (documents,) = a_rich_pipeline().collections
        options = spec.RedshiftOptions("c3", ("updated_at", "c1"))
        return a_redshift_pipeline(collections=(replace(documents, redshift=options),))

    def all_staging(self) -> list[str]:
        return [name for (name,) in self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'sluice_staging'")]

    def reset(self) -> None:
        for table in [*(table.name for table in self.pipeline.tables), *self.key_tables]:
            self.lose(table, "TRUE")
        for staging in self.staging():
            self.command(f"DROP TABLE sluice_staging.{staging}")
        controls = ("batches", "rejects", "settled_rejects", "gone", "drift", "columns", "maintenance", "checks")
        for control in controls:
            self.command(f"DELETE FROM sluice.{control} WHERE pipeline = '{self.pipeline.name}'")


def hooked(client: Client, before: Callable[[str], None], after: Callable[[str], None]) -> Client:
    """The same connection, calling ``before`` and ``after`` with the name of each statement."""

    class Hooked(Client):
        def _send(self, statement: Any, more: Any = ()) -> Any:
            before(statement.name)
            found = super()._send(statement, more)
            after(statement.name)
            return found

    return Hooked(client._connect, client._secrets)


def a_redshift_pipeline(**overrides: Any) -> Pipeline:
    """The pipeline of the contract tests, for Redshift."""
    own = f"p{secrets.token_hex(4)}"
    warehouse = spec.Warehouse(spec.WarehouseKind.REDSHIFT, "warehouse", schema=f"{own}_read")
    return a_pipeline(own, **{"warehouse": warehouse, **overrides})
