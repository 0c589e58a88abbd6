"""The statements that the front does itself, in the client's session and transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from devstack.redshift import wire
from devstack.redshift.errors import SqlError
from devstack.redshift.reader import literal
from devstack.redshift.work import Load, Series, Unloading, Vacuum, Work

if TYPE_CHECKING:
    from devstack.redshift.session import Session


async def do(session: Session, work: Work) -> str:
    """Do it; the tag of CommandComplete. Raises SqlError."""
    match work:
        case Series():
            return await _series(session, work)
        case Vacuum():
            return await _vacuum(session, work)
        case Load():
            from devstack.redshift.loading import load

            return await load(session, work)
        case Unloading():
            from devstack.redshift.loading import unload

            return await unload(session, work)


@asynccontextmanager
async def together(session: Session) -> AsyncIterator[None]:
    """What is inside takes effect as a whole: in the client's transaction, or in one of its own."""
    own = session.backend.status == wire.IDLE
    if own:
        await session.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
    try:
        yield
        session.transaction.take_snapshot()
        await session.transaction.order()
    except BaseException:
        if own:
            await session.query("ROLLBACK")
        raise
    if own:
        await session.query("COMMIT")


async def _series(session: Session, work: Series) -> str:
    inside = session.backend.status != wire.IDLE
    async with together(session):
        if work.locks:
            await session.transaction.lock(work.locks)
        for statement in work.statements:
            await session.query(statement)
    if inside and work.commits:
        await session.query("COMMIT")
    return work.tag


async def _vacuum(session: Session, work: Vacuum) -> str:
    if session.shared.vacuum.locked():
        raise SqlError("VACUUM is running", "XX000", "only one VACUUM command can run on a cluster at any given time")
    async with session.shared.vacuum:
        call = f"SELECT standin.to_vacuum({literal(work.table)}, {literal(work.mode)}, {work.percent})"
        for (table,) in await session.backend.query(call):
            await session.query(f"VACUUM {table}")
    return "VACUUM"
