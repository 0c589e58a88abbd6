"""Try the rights that a batch needs, before the first one: `sluice check`."""

from __future__ import annotations

import gzip
import secrets
from contextlib import closing

from sluice.errors import SluiceError
from sluice.spec import CopyOptions
from sluice.statements import Sql, name, names
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.copy_options import CSV, copy_options
from sluice.warehouse.redshift.landed import Access
from sluice.warehouse.redshift.load_errors import load_errors
from sluice.warehouse.redshift.schema import exists
from sluice.warehouse.redshift.tables import ANALYSTS, CONTROL, DATA, STAGING


def probe(client: Client, access: Access) -> str:
    """Create, fill, alter, read and drop a table of its own. Returns what was tried; raises AccessDenied."""
    with client.transaction():
        for schema in (CONTROL, DATA, STAGING):
            if not exists(client, schema):
                client.run("create_schema", schema=name(schema))
    table = name(STAGING, f"probe__{secrets.token_hex(4)}")
    client.run("create_probe", table=table)
    try:
        client.run("insert_probe", table=table)
        _copy(client.masking(*access.secrets), access, table)
        client.run("alter_probe", table=table)
        client.number("count_rows", table=table)
        client.run("delete_probe", table=table)
        _grant(client, table)
    finally:
        client.run("drop_tables", tables=table)
    load_errors(client, copy=0)
    return (
        "create schema and table, insert, COPY from the landing, alter, select, delete, drop; grant; read load errors; "
        f"isolation: {_isolation(client)}"
    )


def _grant(client: Client, table: Sql) -> None:
    """What lets analysts read. Only a superuser may make the group."""
    if not client.number("group_exists", group=ANALYSTS):
        client.run("create_group", group=name(ANALYSTS))
    client.run("grant_view", view=table, role=name(ANALYSTS))


def _copy(client: Client, access: Access, table: Sql) -> None:
    """One row, from an object of its own: whatever authorizes COPY, it must be able to read the bucket."""
    body = gzip.compress(b"probe\n")
    with closing(client), access.temporary(f"{table.text.rpartition('.')[2].strip(chr(34))}.csv.gz", body) as part:
        client.run(
            "copy_parts",
            staging=table,
            columns=names(["key"]),
            manifest=part,
            authorization=access.authorization,
            options=copy_options(CSV, "probe", CopyOptions(), access.region),
        )


def _isolation(client: Client) -> str:
    try:
        return str(client.row("isolation")[0]).lower()
    except SluiceError:
        return "not shown to this user"
