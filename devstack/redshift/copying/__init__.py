"""COPY and UNLOAD of the stand-in: S3 objects → what PostgreSQL's COPY reads, and back, by Redshift's rules.

Knows no protocol, no session and no PostgreSQL connection. For a COPY the front does::

    statement = parse_copy(lex(sql))  # SqlError: grammar, options that contradict
    columns = target_columns(statement, table_columns)  # SqlError: a column is not there, identity
    copy = Copy(statement, columns, Storage(endpoint, key, secret).client(statement.credentials))
    for chunk in copy.chunks():  # SqlError: the load failed, nothing may stay
        send(chunk)  # COPY table (columns) FROM STDIN, PostgreSQL's text format

``chunks`` blocks (S3, conversion): call it in a thread. While it runs and afterwards, also after it has raised,
``copy.report`` has the rows for STL_LOAD_ERRORS, STL_REPLACEMENTS and STL_LOAD_COMMITS, the count of rows, and the
notices for the client. With NOLOAD there are no chunks.

For an UNLOAD::

    unload = Unload(parse_unload(lex(sql)), client)
    notice = unload.write(names, chunks)  # of COPY (query) TO STDOUT, PostgreSQL's text format

``convert`` (value by value) is the truth of a COPY; ``fast`` does blocks in which nothing is odd, with the same result.
"""

from devstack.redshift.copying.columns import Column, target_columns
from devstack.redshift.copying.grammar import parse_copy, parse_unload
from devstack.redshift.copying.load import Copy
from devstack.redshift.copying.report import LoadError, Replacement, Report
from devstack.redshift.copying.sources import Storage
from devstack.redshift.copying.statement import CopyOptions, CopyStatement, Credentials, UnloadStatement
from devstack.redshift.copying.unload import Unload

__all__ = [
    "Column",
    "Copy",
    "CopyOptions",
    "CopyStatement",
    "Credentials",
    "LoadError",
    "Replacement",
    "Report",
    "Storage",
    "Unload",
    "UnloadStatement",
    "parse_copy",
    "parse_unload",
    "target_columns",
]
