"""Those who read the warehouses: what they see of a table, and what Sluice left behind."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Protocol

import clickhouse_connect

from sluice.settings import from_environment
from sluice.warehouse.redshift.connection import connector


class Analyst(Protocol):
    """A connection of somebody who knows nothing of Sluice."""

    def rows(self, schema: str, table: str) -> list[dict[str, Any]]:
        """Everything in a table, instants with their zone."""
        ...

    def relations(self, schema: str) -> list[str]:
        """The tables and views in a schema."""
        ...

    def staging(self, pipeline: str) -> list[str]:
        """The staging tables of a pipeline."""
        ...

    def damage(self, sql: str) -> None:
        """Change what is stored behind the warehouse's back."""
        ...

    def lose(self, table: str, where: str) -> None:
        """Take rows out of storage."""
        ...

    def close(self) -> None: ...


class OnClickHouse:
    """An analyst of ClickHouse."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._client = clickhouse_connect.get_client(
            host=env["CLICKHOUSE_HOST"],
            port=int(env["CLICKHOUSE_PORT"]),
            username=env["CLICKHOUSE_USER"],
            password=env["CLICKHOUSE_PASSWORD"],
        )

    def rows(self, schema: str, table: str) -> list[dict[str, Any]]:
        result = self._client.query(f"SELECT * FROM `{schema}`.`{table}`")
        return [{name: _zoned(value) for name, value in row.items()} for row in result.named_results()]

    def relations(self, schema: str) -> list[str]:
        sql = "SELECT name FROM system.tables WHERE database = {schema:String}"
        return [str(row[0]) for row in self._client.query(sql, parameters={"schema": schema}).result_rows]

    def staging(self, pipeline: str) -> list[str]:
        return [name for name in self.relations("sluice_staging") if name.startswith(pipeline)]

    def damage(self, sql: str) -> None:
        self._client.command(sql, settings={"mutations_sync": 2})

    def lose(self, table: str, where: str) -> None:
        self.damage(f"ALTER TABLE sluice_data.{table} DELETE WHERE {where}")

    def close(self) -> None:
        self._client.close()


class OnRedshift:
    """An analyst of Redshift."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._connect = connector(from_environment("redshift", env))

    def rows(self, schema: str, table: str) -> list[dict[str, Any]]:
        found = self._ask(f'SELECT * FROM "{schema}"."{table}"')
        return [dict(zip(found.names, row, strict=True)) for row in found]

    def relations(self, schema: str) -> list[str]:
        tables = f"SELECT tablename FROM pg_tables WHERE schemaname = '{schema}'"
        views = f"SELECT viewname FROM pg_views WHERE schemaname = '{schema}'"
        return [str(row[0]) for row in self._ask(f"{tables} UNION ALL {views}")]

    def staging(self, pipeline: str) -> list[str]:
        return [name for name in self.relations("sluice_staging") if name.startswith(pipeline.lower())]

    def damage(self, sql: str) -> None:
        with closing(self._connect()) as session:
            session.autocommit = True
            session.cursor().execute(sql)

    def lose(self, table: str, where: str) -> None:
        self.damage(f"DELETE FROM sluice_data.{table} WHERE {where}")

    def close(self) -> None:
        pass

    def _ask(self, sql: str) -> _Answer:
        """In a session of its own: tests kill the server in between."""
        with closing(self._connect()) as session:
            cursor = session.cursor()
            cursor.execute(sql)
            return _Answer([column[0] for column in cursor.description], cursor.fetchall())


class _Answer(list[Any]):
    """Rows, and the names of their columns."""

    def __init__(self, names: list[Any], rows: Any) -> None:
        super().__init__(rows)
        self.names = [name.decode() if isinstance(name, bytes) else name for name in names]


def _zoned(value: Any) -> Any:
    """The driver gives instants of a UTC column without their zone."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value
