"""The connection to a ClickHouse server: sends statements from ``sql/clickhouse``, and turns its errors into ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final, Self

import clickhouse_connect
from clickhouse_connect.driver.client import Client as Driver
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from sluice.errors import (
    AccessDenied,
    ConfigError,
    CountMismatch,
    LandingUnavailable,
    MigrationError,
    SluiceError,
    Terminal,
    WarehouseUnavailable,
)
from sluice.settings import Endpoint
from sluice.statements import Sql, Statement, bind
from sluice.warehouse.clickhouse.tables import CONTROL

SETTINGS: Final[dict[str, Any]] = {
    "async_insert": 0,  # on by default in new servers; an answered INSERT has to be readable by the next statement
    "insert_deduplicate": 0,  # the same row twice is two rows: a renewal of the fence is not a repeated block
    "mutations_sync": 2,
    "lightweight_deletes_sync": 2,
    "throw_on_max_partitions_per_insert_block": 0,  # a first load by month of a date may well span a hundred months
}

SILENCE: Final = 3600
"""Seconds that one statement may take: closing versions of a large table rewrites a column of it."""

ROWS_AN_INSERT: Final = 10_000


class Client:
    """Sends one statement at a time. ``tag`` marks its statements in the server's process list."""

    def __init__(self, driver: Driver, *, secret: str = "", tag: str = "") -> None:
        self._driver, self._secret, self.tag = driver, secret, tag

    @classmethod
    def connect(cls, endpoint: Endpoint) -> Self:
        """Connect and log in. Raises ConfigError, AccessDenied, WarehouseUnavailable.

        Read of the connection's extra: ``secure``, and ``timeout`` (seconds without an answer; SILENCE unless said).
        """
        if not endpoint.host:
            raise ConfigError(
                f"the connection {endpoint.conn_id!r} names no host",
                fix="set host, port, login and password of the ClickHouse server's HTTP interface",
            )
        silence = endpoint.timeout or SILENCE
        secure = str(endpoint.extra.get("secure", "")).lower() in {"1", "true", "yes"}
        with _translated(f"connecting to {endpoint.host}", endpoint.password or ""):
            driver = clickhouse_connect.get_client(
                host=endpoint.host,
                port=endpoint.port or (8443 if secure else 8123),
                username=endpoint.login or "default",
                password=endpoint.password or "",
                secure=secure,
                settings=SETTINGS,
                connect_timeout=min(10, silence),
                send_receive_timeout=silence,
                autogenerate_session_id=False,  # no state between statements, so that the client may be shared
                tz_mode="aware",
                client_name="sluice",
            )
        return cls(driver, secret=endpoint.password or "")

    @property
    def version(self) -> tuple[int, int]:
        """The server's, as it said when the connection was made."""
        major, minor, *_ = str(self._driver.server_version).split(".")
        return int(major), int(minor)

    def close(self) -> None:
        """Give up the connections."""
        self._driver.close()

    def tagged(self, tag: str) -> Self:
        """The same connection, marking its statements."""
        return type(self)(self._driver, secret=self._secret, tag=tag)

    def run(self, name: str, /, **values: object) -> None:
        """Send a statement that returns no rows."""
        self._command(bind(f"clickhouse/{name}", **values))

    def execute(self, name: str, text: str) -> None:
        """Send the text of a migration's statement."""
        self._command(Statement(name, text, {}))

    def rows(self, name: str, /, **values: object) -> list[tuple[Any, ...]]:
        """Send a query; its rows."""
        statement = bind(f"clickhouse/{name}", **values)
        with _translated(statement.name, self._secret):
            result = self._driver.query(statement.text, statement.parameters, settings=self._settings)
        return [tuple(row) for row in result.result_rows]

    def row(self, name: str, /, **values: object) -> tuple[Any, ...]:
        """The only row of a query. Raises WarehouseUnavailable for an answer that was cut off before it."""
        for row in self.rows(name, **values):
            return row
        raise WarehouseUnavailable(
            f"ClickHouse did not answer: {name}",
            why="the statement was ended before its row, as when another publisher takes over",
            fix="it is tried again",
        )

    def number(self, name: str, /, **values: object) -> int:
        """The only value of a query."""
        (value,) = self.row(name, **values)
        return int(value)

    def has_table(self, table: str) -> bool:
        """Whether the control schema has a table."""
        return self.number("table_exists", database=CONTROL, table=table) > 0

    def insert(self, table: Sql, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> int:
        """Insert rows, a bounded number at a time. Returns how many."""
        total, source = 0, iter(rows)
        while chunk := list(islice(source, ROWS_AN_INSERT)):
            with _translated(f"insert into {table.text}", self._secret):
                self._driver.insert(table.text, chunk, column_names=columns, settings=self._settings)
            total += len(chunk)
        return total

    def _command(self, statement: Statement) -> None:
        with _translated(statement.name, self._secret):
            self._driver.command(statement.text, statement.parameters, settings=self._settings)

    @property
    def _settings(self) -> dict[str, Any]:
        return {"log_comment": self.tag} if self.tag else {}


NO_ANSWER: Final = -1
UNAVAILABLE: Final = {
    NO_ANSWER: "no answer",
    159: "the statement took too long",
    160: "the statement would take too long",
    202: "too many statements are running",
    203: "no free connection",
    209: "the server's socket timed out",
    210: "the server's network failed",
    225: "the server has no ZooKeeper",
    236: "the statement was aborted",
    241: "the server is short of memory",
    242: "the table is read-only at the moment",
    243: "the server's disk is full",
    252: "the table has too many parts; merges have to catch up",
    319: "the outcome of the insert is unknown",
    341: "a mutation did not finish",
    394: "the statement was cancelled, as when another publisher takes over",
    999: "the server lost ZooKeeper",
}
REFUSED: Final = {164, 192, 193, 194, 195, 291, 497, 516}
MISSING: Final = {60, 81}
S3_ERROR: Final = 499
_REFUSED_BY_S3: Final = ("403", "code: 400", "Access Denied", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNot")


@contextmanager
def _translated(what: str, secret: str) -> Iterator[None]:
    try:
        yield
    except ClickHouseError as error:
        code = getattr(error, "code", None) or (NO_ANSWER if isinstance(error, OperationalError) else 0)
        # `from None`: the driver's error may show an address with a login in it (I9).
        raise translate(what, code, _readable(str(error), secret)) from None


def translate(what: str, code: int, why: str) -> SluiceError:
    """The error of ours for an error code of the server's."""
    if code in UNAVAILABLE:
        return WarehouseUnavailable(
            f"ClickHouse did not do: {what}",
            why=f"{UNAVAILABLE[code]}: {why}",
            fix="it is tried again; if it stays, look at the server and at the connection's host and port",
        )
    if code in REFUSED:
        return AccessDenied(
            f"ClickHouse refused: {what}",
            why=why,
            fix="check the connection's login and password, and the user's grants (docs/runbook.md, rights)",
        )
    if code in MISSING:
        return MigrationError(
            f"a table is missing for: {what}", why=why, fix="run `sluice migrate up`; staging tables: load again"
        )
    return _landing_error(what, why) if code == S3_ERROR else Terminal(f"ClickHouse failed: {what}", why=why)


def _landing_error(what: str, why: str) -> SluiceError:
    """The engine reads the landing itself; its S3 errors all have one code."""
    if "404" in why or "NoSuchKey" in why or "does not exist" in why:
        return CountMismatch(
            "a landed part is missing", why=why, fix="run the batch again: a new plan lands its documents again"
        )
    if any(sign in why for sign in _REFUSED_BY_S3):
        return AccessDenied(
            f"ClickHouse may not read the landing: {what}",
            why=why,
            fix="give the server access to the bucket: <s3> in its configuration, a role, or a named collection",
        )
    return LandingUnavailable(f"ClickHouse could not read the landing: {what}", why=why, fix="it is tried again")


def _readable(text: str, secret: str) -> str:
    """The server's own sentence, without what the driver wraps around it, and without the password."""
    _, _, sentence = text.rpartition("DB::Exception: ")
    sentence = sentence.partition(" (version ")[0].strip()
    return sentence.replace(secret, "***") if secret else sentence
