"""How Sluice talks to MongoDB: the client's settings, and what its errors mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from pymongo import MongoClient
from pymongo.errors import (
    ConnectionFailure,
    CursorNotFound,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
)

from sluice.errors import AccessDenied, ConfigError, SluiceError, SourceUnavailable
from sluice.settings import Endpoint

DEFAULTS: dict[str, Any] = {
    "appname": "sluice",
    "connectTimeoutMS": 10_000,
    "serverSelectionTimeoutMS": 10_000,
    "socketTimeoutMS": 600_000,  # a hung connection ends; the first batch of an unindexed query may take minutes
    "retryReads": True,
}
"""Used unless the connection says otherwise."""

WRONG_LOGIN: Final = "check login, password and authSource of the connection"
DENIED: Final = {
    18: WRONG_LOGIN,
    8000: WRONG_LOGIN,  # Atlas
    13: "grant the login the role `read` on the source database",
}
"""Error → what to do."""
SNAPSHOT_TOO_OLD, SNAPSHOT_UNAVAILABLE = 239, 246
ENDED: Final = {175, 237, 11601}
"""The errors of a plan that was killed, of a cursor that was, of an operation that was interrupted."""


def connect(endpoint: Endpoint) -> MongoClient[dict[str, Any]]:
    """A client that connects when it is first asked. Raises ConfigError for a connection that makes no sense."""
    uri, options = _address(endpoint)
    given = {name.lower() for name, _ in parse_qsl(urlsplit(uri).query)} | {name.lower() for name in options}
    missing = {name: value for name, value in DEFAULTS.items() if name.lower() not in given}
    try:
        return MongoClient(uri, **missing, **options)
    except (PyMongoError, TypeError, ValueError) as error:
        # Not the error's own text: for a wrongly written URI it quotes pieces of the password (I9).
        raise ConfigError(
            f"the connection {endpoint.conn_id!r} is not a MongoDB connection",
            why=f"pymongo refuses it ({type(error).__name__})",
            fix="check host, port and options; in a URI the login and the password must be percent-encoded",
        ) from None


def _address(endpoint: Endpoint) -> tuple[str, dict[str, Any]]:
    if endpoint.uri:
        return endpoint.uri, {}
    options = {name: value for name, value in endpoint.extra.items() if name not in {"srv", "uri"}}
    if endpoint.login:
        options |= {"username": endpoint.login, "password": endpoint.password}
    host = endpoint.host or "localhost"
    if endpoint.extra.get("srv"):
        return f"mongodb+srv://{host}/", options
    return f"mongodb://{host}:{endpoint.port or 27017}/", options


def is_snapshot_lost(error: OperationFailure) -> bool:
    """The server no longer has the state at the cut."""
    return error.code in {SNAPSHOT_TOO_OLD, SNAPSHOT_UNAVAILABLE}


@contextmanager
def mongo_errors(what: str) -> Iterator[None]:
    """Turn pymongo's errors into the package's, which say whether to retry and what to do."""
    try:
        yield
    except OperationFailure as error:
        raise _refused(what, error) from error
    except ConnectionFailure as error:
        raise _unavailable(what, error) from error
    except PyMongoError as error:
        fix = "check the MongoDB connection, and the names in the pipeline file"
        raise ConfigError(f"could not {what}", why=str(error), fix=fix) from error


def _refused(what: str, error: OperationFailure) -> SluiceError:
    message = str((error.details or {}).get("errmsg") or error).split(", full error", 1)[0]
    why = f"MongoDB error {error.code}: {message}"
    if is_snapshot_lost(error):
        return SourceUnavailable(
            f"could not {what} at the batch's cut",
            why=why,
            fix="run the batch again from its plan, which makes a new cut; if batches take longer than the server "
            "keeps history, raise its parameter minSnapshotHistoryWindowInSeconds (300 by default)",
        )
    if fix := DENIED.get(error.code or 0):
        return AccessDenied(f"could not {what}", why=why, fix=fix)
    if isinstance(error, ExecutionTimeout):
        return SourceUnavailable(
            f"could not {what}: MongoDB needed more time than it may take",
            why=why,
            fix="it is tried again; if it fails again, raise source.max_time_ms in the pipeline file, or find out what "
            "keeps the server busy (db.currentOp())",
        )
    if error.code in ENDED:
        return SourceUnavailable(
            f"could not {what}: MongoDB was told to end it",
            why=why,
            fix="it is tried again; a collection was dropped or renamed meanwhile, or somebody killed the operation",
        )
    if isinstance(error, CursorNotFound) or error.has_error_label("RetryableError"):
        return _unavailable(what, error)
    return ConfigError(f"could not {what}", why=why, fix="check the collection and its options in the pipeline file")


def _unavailable(what: str, error: PyMongoError) -> SourceUnavailable:
    # Server selection repeats the whole topology after its first clause.
    why = str(error).split(", Timeout:", 1)[0] if isinstance(error, ConnectionFailure) else type(error).__name__
    return SourceUnavailable(f"could not {what}: MongoDB did not answer", why=why, fix="check that the server is up")
