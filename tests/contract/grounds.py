"""A server of one's own of each kind, on which migrations are tried: history is one a server, and these rewrite it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar
from xml.sax.saxutils import escape

from sluice.spec import Pipeline
from sluice.statements import ROOT
from sluice.warehouse.clickhouse import ClickHouse
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.landed import Access
from sluice.warehouse.migrations import Migration, read_migrations
from sluice.warehouse.redshift import Redshift
from sluice.warehouse.redshift.tables import Place
from tests.contract.lab import FAST, Lab, Servers
from tests.contract.own_redshift import OwnRedshift, require_stand_in
from tests.contract.redshift import RedshiftLab, RedshiftServers, a_redshift_pipeline
from tests.contract.redshift import hooked as hooked_redshift
from tests.contract.specs import a_pipeline, a_rich_pipeline
from tests.contract.spoiled import Hook, do_nothing, hooked

SHORT = replace(FAST, lease=0.5)
"""Runners of migrations die here, and the next one waits for their lease."""


class Ground:
    """One server. Statements are of its own dialect."""

    kind: ClassVar[str]
    risky: ClassVar[str]
    """A statement of which nothing tells whether it took effect, and that may not be sent twice."""
    added: ClassVar[str]
    """What ALTER says of a text column that is there already, or not."""
    types: ClassVar[tuple[str, str]]
    """A column of the logical types int32 and int64."""

    @property
    def product(self) -> tuple[Migration, ...]:
        return read_migrations(self.kind)

    @property
    def schema_file(self) -> Path:
        return ROOT / "migrations" / self.kind / "schema.sql"

    def empty(self) -> None:
        """Make it a server on which nothing was ever migrated."""
        raise NotImplementedError

    def warehouse(self, *extra: Migration, before: Hook = do_nothing, after: Hook = do_nothing) -> Any:
        """The product, with more migrations, and hooks around each statement."""
        raise NotImplementedError

    def create(self, table: str, *, again: bool = False) -> str:
        """A statement that makes a table; ``again``: that may be sent twice."""
        raise NotImplementedError

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        raise NotImplementedError

    def command(self, sql: str) -> None:
        raise NotImplementedError

    def tables(self, schema: str = "sluice") -> set[str]:
        raise NotImplementedError

    def comments(self, pipeline: Pipeline, table: str) -> dict[str, str]:
        """What is said of a view, under the name "", and of its columns; where something is."""
        raise NotImplementedError

    def lab(self, pipeline: Pipeline | None = None) -> Lab:
        """A pipeline; unless said one with every column type, and every way of storing."""
        raise NotImplementedError

    def pipeline(self, name: str, **overrides: Any) -> Pipeline:
        return a_pipeline(name, **overrides)

    def keep_one_row(self, storage: str) -> None:
        """A document with the key a and the title one, as an older batch left it."""
        raise NotImplementedError

    def forget(self, migration: Migration) -> None:
        """Take a migration out of the history again."""
        raise NotImplementedError


@dataclass(frozen=True)
class ClickHouseGround(Ground):
    """A ClickHouse."""

    servers: Servers
    kind: ClassVar = "clickhouse"
    risky: ClassVar = "CREATE TABLE sluice.risky (a Int8) ENGINE = Memory"
    added: ClassVar = "ADD COLUMN IF NOT EXISTS title Nullable(String)"
    types: ClassVar = ("Nullable(Int32)", "Nullable(Int64)")

    def empty(self) -> None:
        driver = self.servers.driver()
        for (database,) in driver.query("SHOW DATABASES").result_rows:
            if database not in {"default", "system", "information_schema", "INFORMATION_SCHEMA"}:
                driver.command(f"DROP DATABASE `{database}` SYNC")

    def warehouse(self, *extra: Migration, before: Hook = do_nothing, after: Hook = do_nothing) -> Any:
        client = hooked(Client.connect(self.servers.clickhouse), before, after)
        return ClickHouse(client, Access(self.servers.bucket), SHORT, (*self.product, *extra))

    def create(self, table: str, *, again: bool = False) -> str:
        return f"CREATE TABLE {'IF NOT EXISTS ' if again else ''}sluice.{table} (a Int8) ENGINE = Memory"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.servers.driver().query(sql).result_rows]

    def command(self, sql: str) -> None:
        self.servers.driver().command(sql)

    def tables(self, schema: str = "sluice") -> set[str]:
        return {name for (name,) in self.rows(f"SELECT name FROM system.tables WHERE database = '{schema}'")}

    def comments(self, pipeline: Pipeline, table: str) -> dict[str, str]:
        of = f"WHERE database = '{pipeline.warehouse.schema}' AND"
        rows = self.rows(f"SELECT '', comment FROM system.tables {of} name = '{table}'")
        rows += self.rows(f"SELECT name, comment FROM system.columns {of} table = '{table}'")
        return {name: said for name, said in rows if said}

    def lab(self, pipeline: Pipeline | None = None) -> Lab:
        return Lab(self.servers, pipeline or a_rich_pipeline())

    def keep_one_row(self, storage: str) -> None:
        self.command(f"INSERT INTO {storage} (_id, title, _from, _to) VALUES ('a', 'one', 0, 1)")

    def forget(self, migration: Migration) -> None:
        where = f"version = {migration.version} SETTINGS mutations_sync = 2"
        self.command(f"ALTER TABLE sluice.migrations DELETE WHERE {where}")


@dataclass(frozen=True)
class RedshiftGround(Ground):
    """A Redshift."""

    servers: RedshiftServers
    session: Any
    kind: ClassVar = "redshift"
    risky: ClassVar = "VACUUM sluice.batches"
    added: ClassVar = 'ADD COLUMN "title" character varying(64)'
    types: ClassVar = ("integer", "bigint")

    def empty(self) -> None:
        mine = "nspname NOT LIKE 'pg_%' AND nspname NOT IN ('information_schema', 'public', 'standin')"
        for (schema,) in self.rows(f"SELECT nspname FROM pg_namespace WHERE {mine}"):
            self.command(f'DROP SCHEMA "{schema}" CASCADE')

    def warehouse(self, *extra: Migration, before: Hook = do_nothing, after: Hook = do_nothing) -> Any:
        client = hooked_redshift(self.servers.client(), before, after)
        self.servers.opened.append(client)
        return Redshift(client, self.servers.access, files=(*self.product, *extra))

    def create(self, table: str, *, again: bool = False) -> str:
        return f"CREATE TABLE {'IF NOT EXISTS ' if again else ''}sluice.{table} (a SMALLINT)"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        cursor = self.session.cursor()
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()]

    def command(self, sql: str) -> None:
        self.session.cursor().execute(sql)

    def tables(self, schema: str = "sluice") -> set[str]:
        kinds = "c.relkind IN ('r', 'v')"
        joined = "pg_class AS c INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        rows = self.rows(f"SELECT c.relname FROM {joined} WHERE n.nspname = '{schema}' AND {kinds}")
        return {name for (name,) in rows}

    def comments(self, pipeline: Pipeline, table: str) -> dict[str, str]:
        at = Place(pipeline.name, pipeline.warehouse.schema, table)
        view, storage = f"'{at.published.text}'::regclass", f"'{at.storage.text}'::regclass"
        rows = self.rows(
            f"SELECT '', description FROM pg_description WHERE objoid = {view} AND objsubid = 0 UNION ALL "
            "SELECT a.attname, d.description FROM pg_description AS d INNER JOIN pg_attribute AS a "
            f"ON a.attrelid = d.objoid AND a.attnum = d.objsubid AND a.attnum > 0 WHERE d.objoid = {storage}"
        )
        return dict(rows)

    def lab(self, pipeline: Pipeline | None = None) -> Lab:
        base = RedshiftLab(self.servers)
        return RedshiftLab(self.servers, pipeline or base.rich)

    def pipeline(self, name: str, **overrides: Any) -> Pipeline:
        made = a_redshift_pipeline(**overrides)
        schema = made.warehouse if "warehouse" in overrides else replace(made.warehouse, schema=f"{name}_read")
        return replace(made, name=name, warehouse=schema)

    def keep_one_row(self, storage: str) -> None:
        self.command(f"INSERT INTO {storage} (_id, title, _hash, _from) VALUES ('a', 'one', 1, 0)")

    def forget(self, migration: Migration) -> None:
        self.command(f"DELETE FROM sluice.migrations WHERE version = {migration.version}")


@contextmanager
def a_clickhouse(servers: Servers, folder: Path) -> Iterator[Ground]:
    """A ClickHouse of one's own."""
    folder.mkdir()
    (folder / "password").write_text("of this test")
    e = servers.environment
    access = {"access_key_id": e["AWS_ACCESS_KEY_ID"], "secret_access_key": e["AWS_SECRET_ACCESS_KEY"]}
    words_of_s3 = {"endpoint": f"{e['S3_ENDPOINT_URL']}/", **access}
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in words_of_s3.items())
    (folder / "s3.xml").write_text(f"<clickhouse><s3><landing>{inner}</landing></s3></clickhouse>")
    options = {
        "--config": folder / "s3.xml",
        "--path": folder / "data",
        "--port": 0,
        "--password-file": folder / "password",
        "--ready-file": folder / "port",
    }
    words = [str(word) for pair in options.items() for word in pair]
    with subprocess.Popen(
        [sys.executable, "-m", "devstack.clickhouse", "--user", "sluice", *words], cwd=ROOT
    ) as process:
        deadline = time.monotonic() + 60
        while not (folder / "port").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        here = {"CLICKHOUSE_HOST": "127.0.0.1", "CLICKHOUSE_PORT": (folder / "port").read_text().strip()}
        login = {"CLICKHOUSE_USER": "sluice", "CLICKHOUSE_PASSWORD": "of this test"}
        try:
            yield ClickHouseGround(Servers({**e, **here, **login}))
        finally:
            process.terminate()


@contextmanager
def a_redshift(servers: Servers, folder: Path) -> Iterator[Ground]:
    """A Redshift of one's own."""
    require_stand_in()
    with (
        OwnRedshift(folder, servers.environment).running() as own,
        closing(RedshiftServers(servers.environment, own.endpoint)) as both,
    ):
        session = both.session()
        session.autocommit = True
        yield RedshiftGround(both, session)
