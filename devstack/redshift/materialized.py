"""Materialized views. Pages: materialized-view-create-sql-command, materialized-view-refresh-sql-command."""

from __future__ import annotations

from devstack.redshift.errors import SqlError
from devstack.redshift.reader import Reader, literal
from devstack.redshift.refusals import refuse
from devstack.redshift.rewrite import rewritten
from devstack.redshift.tables import Attributes, table_attributes
from devstack.redshift.work import Series


def create_materialized(reader: Reader) -> Series:
    """Over tables and other materialized views, not over views; how it is stored and refreshed changes no row."""
    reader.expect("create", "materialized", "view")
    name = reader.name()
    table_attributes(reader, Attributes())
    if reader.take("auto", "refresh") and not reader.take_any("yes", "no"):
        raise reader.unexpected()
    reader.expect("as")
    query = reader.tokens[reader.at :]
    refuse(query)
    create = f"CREATE MATERIALIZED VIEW {name} AS {rewritten(reader.sql, query)}"
    return Series("CREATE MATERIALIZED VIEW", (create, f"SELECT standin.check_materialized({literal(name)})"))


def refresh_materialized(reader: Reader) -> Series:
    """All of it is made again; here never by what changed alone."""
    reader.expect("refresh", "materialized", "view")
    name = reader.name()
    if reader.take("cascade"):
        raise SqlError("the stand-in does not emulate REFRESH MATERIALIZED VIEW … CASCADE", "0A000")
    reader.take("restrict")
    reader.end()
    return Series("REFRESH", (f"REFRESH MATERIALIZED VIEW {name}",))
