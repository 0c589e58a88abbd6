"""The connection to a Redshift cluster: sends statements from ``sql/redshift``, and turns its errors into ours."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Final, Self

from redshift_connector.core import Connection as Driver
from redshift_connector.cursor import Cursor
from redshift_connector.error import Error

from sluice.errors import WarehouseUnavailable
from sluice.settings import Endpoint
from sluice.statements import Sql, Statement, bind, positional
from sluice.warehouse.redshift.connection import Connector, connector
from sluice.warehouse.redshift.failures import BROKEN, is_lost, mask, translate
from sluice.warehouse.redshift.tables import CONTROL

LONGEST_IDLE: Final = 600.0
"""Seconds of silence after which a session is replaced: clusters end such, and a batch lands for hours."""
ROWS_AN_INSERT: Final = 1000
"""A statement takes 32,767 values."""


class Client:
    """One session, with one statement or one transaction at a time: not to be shared between threads.

    Outside :meth:`transaction` each statement commits by itself. A session that was lost is replaced before the next
    statement, except inside a transaction, which is lost with it.
    """

    def __init__(self, connect: Connector, secrets: tuple[str, ...] = ()) -> None:
        self._connect, self._secrets = connect, secrets
        self._driver: Driver | None = None
        self._in_transaction = False
        self._used = 0.0

    @classmethod
    def connect(cls, endpoint: Endpoint) -> Self:
        """Connect and log in. Raises ConfigError, AccessDenied, WarehouseUnavailable."""
        client = cls(connector(endpoint), tuple(filter(None, [endpoint.password])))
        client._session()
        return client

    def another(self) -> Self:
        """A second session of the same login, opened when it is first used."""
        return type(self)(self._connect, self._secrets)

    def masking(self, *secrets: str) -> Self:
        """A second session whose errors hide these texts too: keys that stand in a COPY."""
        return type(self)(self._connect, (*self._secrets, *filter(None, secrets)))

    def run(self, name: str, /, **values: object) -> int:
        """Send a statement that returns no rows. Returns how many it changed, -1 when the server does not say."""
        return self._send(bind(f"redshift/{name}", **values)).rowcount

    def execute(self, name: str, text: str) -> None:
        """Send the text of a migration's statement."""
        self._send(Statement(name, text, {}))

    def rows(self, name: str, /, **values: object) -> list[tuple[Any, ...]]:
        """Send a query; its rows."""
        statement = bind(f"redshift/{name}", **values)
        cursor = self._send(statement)
        with self._translated(statement.name):
            return [tuple(row) for row in cursor.fetchall()]

    def row(self, name: str, /, **values: object) -> tuple[Any, ...]:
        """The only row of a query."""
        (row,) = self.rows(name, **values)
        return row

    def number(self, name: str, /, **values: object) -> int:
        """The only value of a query."""
        (value,) = self.row(name, **values)
        return int(value)

    def has_table(self, table: str) -> bool:
        """Whether the control schema has a table."""
        return self.number("table_exists", schema=CONTROL, table=table) > 0

    def insert(self, name: str, types: Sequence[str], rows: Iterable[Sequence[object]], /, **values: object) -> int:
        """Send an INSERT whose slot ``$rows`` takes many rows at a time, with columns of these types.

        Returns how many rows there were.
        """
        total, source = 0, iter(rows)
        one = f"({', '.join(f'CAST(%s AS {type_})' for type_ in types)})"
        while chunk := list(islice(source, ROWS_AN_INSERT)):
            statement = bind(f"redshift/{name}", **values, rows=Sql(", ".join([one] * len(chunk))))
            self._send(statement, [value for row in chunk for value in row])
            total += len(chunk)
        return total

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none. It is committed when the block ends, and rolled back when it raises.

        When the answer to COMMIT is lost it may or may not have been done: WarehouseUnavailable, and the caller looks.
        """
        assert not self._in_transaction, "transactions do not nest"
        driver = self._session()
        # The driver opens the transaction with the first statement.
        driver.autocommit, self._in_transaction = False, True
        try:
            yield
            with self._translated("commit"):
                # The driver also answers a commit after an error, which the server turned into a rollback, with
                # success: nothing but a block that raised nothing may come here.
                self._session().commit()
        except BaseException:
            self._roll_back()
            raise
        finally:
            driver.autocommit, self._in_transaction = True, False

    def reconnect(self) -> None:
        """Leave the session; the next statement opens another."""
        driver, self._driver = self._driver, None
        if driver is not None:
            with suppress(Error, *BROKEN):
                driver.close()

    close = reconnect

    def _roll_back(self) -> None:
        if self._driver is None:
            return
        try:
            self._driver.rollback()
        except (Error, *BROKEN):
            self.reconnect()  # the server rolls back what a lost session leaves

    def _send(self, statement: Statement, more: Sequence[object] = ()) -> Cursor:
        text, values = positional(statement)
        values = [*values, *more]
        with self._translated(statement.name):
            cursor = self._session().cursor()
            return cursor.execute(text, values or None)

    def _session(self) -> Driver:
        if not self._in_transaction and time.monotonic() - self._used > LONGEST_IDLE:
            self.reconnect()
        self._used = time.monotonic()
        if self._driver is None:
            if self._in_transaction:
                raise WarehouseUnavailable(
                    "the transaction is gone: its connection was lost", fix="it is tried again from its beginning"
                )
            with self._translated(f"connecting to {self._connect.address}"):
                self._driver = self._connect()
            self._driver.autocommit = True
        return self._driver

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except (Error, *BROKEN) as error:
            if is_lost(error):
                self.reconnect()
            # `from None`: the driver's error may show the statement, with keys in it (I9).
            raise translate(what, error, lambda text: mask(text, self._secrets)) from None
        except BaseException:
            # A statement that was interrupted leaves its answer on the wire for the next one to read.
            self.reconnect()
            raise
