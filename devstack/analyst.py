"""An analyst of the local warehouses, who knows nothing of Sluice."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import clickhouse_connect.dbapi
import redshift_connector
from redshift_connector.error import Error as RedshiftError
from rich.table import Table
from rich.text import Text

from devstack.errors import StackError

WAREHOUSES = {"clickhouse": "ClickHouse", "redshift": "a stand-in for Redshift"}


def ask(warehouse: str, env: Mapping[str, str], query: str) -> Table:
    """The answer to a query, to be shown. Raises StackError with what the warehouse said."""
    try:
        with closing(_connect(warehouse, env)) as connection, closing(connection.cursor()) as answer:
            answer.execute(query)
            table = Table(box=None, header_style="bold")
            for name, *_ in answer.description:
                table.add_column(Text(str(name)))
            for row in answer.fetchall():
                table.add_row(*(Text("NULL" if value is None else str(value)) for value in row))
            return table
    except (clickhouse_connect.dbapi.Error, RedshiftError) as error:
        raise StackError(_said(error)) from None


def _connect(warehouse: str, env: Mapping[str, str]) -> Any:
    """A DB-API connection."""
    host, port, user, password = (env[f"{warehouse.upper()}_{name}"] for name in ("HOST", "PORT", "USER", "PASSWORD"))
    if warehouse == "clickhouse":
        return clickhouse_connect.dbapi.connect(host=host, port=int(port), username=user, password=password)
    database = env["REDSHIFT_DATABASE"]
    return redshift_connector.connect(
        host=host, port=int(port), user=user, password=password, database=database, ssl=False
    )


def _said(error: Exception) -> str:
    first = error.args[0] if error.args else ""
    return str(first["M"] if isinstance(first, dict) and "M" in first else error)
