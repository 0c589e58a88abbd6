"""Try the rights that a batch needs, before the first one: `sluice check`."""

from __future__ import annotations

import secrets

from sluice.statements import Sql, name
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.tables import ANALYSTS, STAGING


def probe(client: Client) -> str:
    """Create, fill, alter, read and drop a table of its own. Returns what was tried; raises AccessDenied."""
    table = name(STAGING, f"probe__{secrets.token_hex(4)}")
    client.run("create_database", database=name(STAGING))
    client.run("create_kept", kept=table, type=Sql("String"))
    try:
        client.insert(table, ("key", "hash"), [("probe", 0)])
        client.run("alter_probe", table=table)
        client.number("count_rows", table=table)
        client.number("count_others", tag="probe", mine="")
        _grant(client, table)
    finally:
        client.run("drop_tables", tables=table)
    return "create database, table and role, insert, alter, select, grant, drop; read the list of running statements"


def _grant(client: Client, table: Sql) -> None:
    """What lets analysts read."""
    role = name(ANALYSTS)
    client.run("create_role", role=role)
    client.run("grant_view", view=table, role=role)
    client.run("revoke_view", view=table, role=role)
