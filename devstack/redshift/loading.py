"""COPY and UNLOAD: the engine in a thread, its chunks in the client's own session, what it found beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from devstack.redshift.backend import BackendError
from devstack.redshift.copying import (
    Column,
    Copy,
    CopyStatement,
    Storage,
    Unload,
    parse_copy,
    parse_unload,
    target_columns,
)
from devstack.redshift.doing import together
from devstack.redshift.errors import SqlError
from devstack.redshift.lexer import lex
from devstack.redshift.loads import Done, keep
from devstack.redshift.reader import literal, quoted
from devstack.redshift.rewrite import rewrite
from devstack.redshift.wire import notice
from devstack.redshift.work import Load, Unloading

if TYPE_CHECKING:
    from devstack.redshift.session import Session

_IDENTITIES: Final = {"a": "always", "d": "by default", "": None}


async def load(session: Session, work: Load) -> str:
    """A COPY. What it could not load is kept also when it fails, and when its transaction is rolled back later."""
    statement = parse_copy(list(work.tokens))
    ((number,),) = await session.shared.system.query("SELECT nextval('standin.query_id')")
    session.last_copy = {"id": int(number or 0), "count": 0}
    async with together(session):
        copy = await _load(session, statement)
    session.last_copy["count"] = copy.report.rows
    for said in copy.report.notices:
        session.send(notice(said))
    return "COPY"


async def _load(session: Session, statement: CopyStatement) -> Copy:
    table = ".".join(quoted(part) for part in (statement.schema, statement.table) if part)
    await _lock(session, table, statement)
    oid, columns = await _columns(session, table, statement)
    copy = Copy(statement, columns, _storage(session).client(statement.credentials))
    done = Done(session.backend.pid, session.last_copy["id"], oid, statement, copy.report)
    names = ", ".join(quoted(column.name) for column in columns)
    try:
        await session.backend.copy_in(f"COPY {table} ({names}) FROM STDIN", _chunks(copy))
    except BaseException:
        await keep(session.shared.system, done, failed=True)
        raise
    await keep(session.shared.system, done, failed=False)
    if statement.options.stat_update == "ON":
        await session.query(f"ANALYZE {table}")
    return copy


async def _chunks(copy: Copy) -> AsyncIterator[bytes]:
    """The engine waits for S3 and works: not in the thread that all sessions share."""
    loop = asyncio.get_running_loop()
    chunks = copy.chunks()
    with ThreadPoolExecutor(1) as thread:
        while (chunk := await loop.run_in_executor(thread, next, chunks, None)) is not None:
            yield chunk


async def unload(session: Session, work: Unloading) -> str:
    """An UNLOAD: what the query sees in the client's transaction goes to S3."""
    statement = parse_unload(list(work.tokens))
    query = rewrite(statement.query, lex(statement.query))
    engine = Unload(statement, _storage(session).client(statement.credentials))
    names = await session.backend.columns(query)
    chunks = [chunk async for chunk in session.backend.copy_out(f"COPY ({query}) TO STDOUT")]
    session.send(notice(await asyncio.to_thread(engine.write, names, chunks)))
    return "UNLOAD"


def _storage(session: Session) -> Storage:
    if session.shared.storage is None:
        raise SqlError("the stand-in was started without --s3-endpoint", "XX000")
    return session.shared.storage


async def _lock(session: Session, table: str, statement: CopyStatement) -> None:
    try:
        await session.transaction.lock(table)
    except BackendError as error:
        if error.code in {"42P01", "3F000"}:
            raise SqlError(f"Cannot COPY into nonexistent table {statement.table}", "XX000") from error
        raise


async def _columns(session: Session, table: str, statement: CopyStatement) -> tuple[int, Sequence[Column]]:
    rows = await session.backend.query(_COLUMNS.format(table=literal(table)))
    every = [
        Column.of(name or "", type_ or "", not_null=required == "t", identity=_IDENTITIES[identity or ""])
        for _, name, type_, required, identity in rows
    ]
    return int(rows[0][0] or 0), target_columns(statement, every)


_COLUMNS: Final = """
SELECT attrelid, attname, format_type(atttypid, atttypmod), attnotnull, attidentity
FROM pg_attribute
WHERE attrelid = {table}::regclass AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
"""
