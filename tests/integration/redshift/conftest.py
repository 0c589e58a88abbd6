"""The stand-in for Redshift, and sessions of the unmodified driver with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import redshift_connector
from redshift_connector.error import Error

from devstack.stack import Stack
from tests.contract.own_redshift import OwnRedshift


class Session:
    """One connection. Every statement commits by itself, unless ``autocommit`` is false."""

    def __init__(self, server: OwnRedshift, *, autocommit: bool = True, **options: Any) -> None:
        end = server.endpoint
        login = {"host": end.host, "port": end.port, "user": end.login, "password": end.password}
        self.driver = redshift_connector.connect(**{**login, "database": end.schema, "ssl": False, **options})
        self.driver.autocommit = autocommit

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        cursor = self.driver.cursor()
        cursor.execute(sql, values or None)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def value(self, sql: str) -> Any:
        ((found,),) = self.rows(sql)
        return found

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.rows(statement)

    def error(self, sql: str) -> dict[str, str]:
        """What the server answers instead of a result."""
        with pytest.raises(Error) as raised:
            self.rows(sql)
        found: dict[str, str] = raised.value.args[0]
        return found


Connect = Callable[..., Session]


def sessions(server: OwnRedshift) -> Iterator[Connect]:
    opened: list[Session] = []

    def connect(**options: Any) -> Session:
        opened.append(Session(server, **options))
        return opened[-1]

    yield connect
    for session in opened:
        with suppress(Error, OSError):
            session.driver.close()
        session.driver._usock.close()  # which close() leaves open when the server has closed it


@pytest.fixture(scope="session")
def standin(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedshift]:
    """In snapshot isolation."""
    with OwnRedshift(tmp_path_factory.mktemp("redshift"), stack.env()).running() as server:
        yield server


@pytest.fixture(scope="session")
def serializable(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedshift]:
    """In serializable isolation."""
    with OwnRedshift(tmp_path_factory.mktemp("serial"), stack.env(), isolation="serializable").running() as server:
        yield server


@pytest.fixture
def connect(standin: OwnRedshift) -> Iterator[Connect]:
    yield from sessions(standin)


@pytest.fixture
def connect_serializable(serializable: OwnRedshift) -> Iterator[Connect]:
    yield from sessions(serializable)


@pytest.fixture
def session(connect: Connect) -> Session:
    return connect()
