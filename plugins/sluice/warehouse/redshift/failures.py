"""Which error of ours an error of the driver's is. Pure.

The driver raises one class for almost everything: what happened stands in the fields that the server sent, ``C`` (the
SQLSTATE) and ``M`` (the message; for Redshift's own conflicts a bare number), and ``D`` (the detail).
"""

from __future__ import annotations

import ssl
import struct
from collections.abc import Callable, Iterable
from typing import Final

from redshift_connector.error import InterfaceError, OperationalError

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

BROKEN: Final = (OSError, struct.error, EOFError)
"""What the driver lets through when a connection ends in the middle of a message."""


class CopyFailed(Terminal):
    """COPY met a row that it cannot load; the cluster's table of load errors says which one."""


class Conflict(WarehouseUnavailable):
    """Another transaction was in the way; this one was rolled back, and may be tried again at once."""


_CONFLICTS: Final = {
    "40001": "another transaction changed the same rows",
    "40P01": "two transactions waited for each other",
    "55P03": "a lock was not granted",
}
_CONFLICT_NUMBERS: Final = {
    "1018": "a table was dropped or replaced meanwhile",
    "1023": "the transactions cannot be put into an order",
}
_ONE_VACUUM: Final = "VACUUM is running"
_UNAVAILABLE: Final = {
    "08": "the connection failed",
    "53": "the server is short of space, memory or connections",
    "57": "the server stopped the statement, or is shutting down",
}
_REFUSED: Final = {"42501", "0LP01"}
_MISSING: Final = {"42P01", "3F000", "42703"}
_NO_DATABASE: Final = "3D000"
_LOST: Final = ("57P01", "57P02", "57P03")

_S3_REFUSED: Final = ("AccessDenied", "Access Denied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken")
_S3_ROLE: Final = ("not authorized to assume", "UnauthorizedException", "Not authorized to get credentials")
_NOT_THERE: Final = "Mandatory url is not present in manifest"
_S3_MISSING: Final = (
    _NOT_THERE,
    "NoSuchKey",
    "does not exist",
    "Problem reading manifest file",
    "NoSuchBucket",
    "Error:404",
)
_S3: Final = (
    _NOT_THERE,
    "S3ServiceException",
    "S3CurlException",
    "S3 Query Exception",
    "Problem reading manifest",
    "S3 path",
)


def fields(error: BaseException) -> dict[str, str]:
    """What the server said, by the letters of the protocol; empty when the error is the driver's own."""
    first = error.args[0] if error.args else None
    return {str(k): str(v) for k, v in first.items()} if isinstance(first, dict) else {}


def is_lost(error: BaseException) -> bool:
    """Whether the session cannot be used again."""
    found = fields(error)
    if not found:
        return isinstance(error, (InterfaceError, OperationalError, *BROKEN))
    return found.get("C", "").startswith("08") or found.get("C") in _LOST


def translate(what: str, error: BaseException, mask: Callable[[str], str]) -> SluiceError:
    """The error of ours. ``mask`` hides secrets; ``what`` is the name of the statement's file."""
    found = fields(error)
    if not found:
        return _drivers_own(what, error, mask(_unsaid(error)))
    code, message = found.get("C", ""), found.get("M", "")
    why = mask(" ".join(filter(None, (message, found.get("D"), found.get("H")))))
    if reason := _CONFLICTS.get(code) or _CONFLICT_NUMBERS.get(message.strip()):
        return Conflict(f"Redshift rolled back: {what}", why=f"{reason}: {why}", fix="it is tried again")
    if _ONE_VACUUM in why:
        return Conflict(
            f"Redshift did not do: {what}", why=why, fix="it is tried again when the other VACUUM has ended"
        )
    if reason := _UNAVAILABLE.get(code[:2]):
        return _unavailable(what, f"{reason}: {why}")
    return (
        _to_be_changed(what, why, code)
        or _load_error(what, why)
        or Terminal(f"Redshift failed: {what}", why=f"{why} ({code})")
    )


def mask(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _to_be_changed(what: str, why: str, code: str) -> SluiceError | None:
    """What a person has to grant, to name or to migrate."""
    if code in _REFUSED or code.startswith("28"):
        return AccessDenied(
            f"Redshift refused: {what}",
            why=why,
            fix="check the connection's login and password, and the user's grants (docs/runbook.md, rights)",
        )
    if code == _NO_DATABASE:
        return ConfigError(f"Redshift refused: {what}", why=why, fix="name a database that exists as its schema")
    if code in _MISSING:
        return MigrationError(
            f"a table or column is missing for: {what}",
            why=why,
            fix="run `sluice migrate up`; staging tables: load again",
        )
    return None


def _load_error(what: str, why: str) -> SluiceError | None:
    """COPY's errors all have one code; the sentence says whose they are."""
    if "stl_load_errors" in why or "sys_load_error_detail" in why:
        return CopyFailed(f"Redshift could not load: {what}", why=why)
    if any(sign in why for sign in (*_S3_ROLE, *(_S3_REFUSED if _is_s3(why) else ()))):
        return AccessDenied(
            f"Redshift may not read the landing: {what}",
            why=why,
            fix="give the role in the warehouse connection's extra, `iam_role`, the right to read the bucket",
        )
    if not _is_s3(why):
        return None
    if any(sign in why for sign in _S3_MISSING):
        return CountMismatch(
            "a landed part is missing", why=why, fix="run the batch again: a new plan lands its documents again"
        )
    return LandingUnavailable(f"Redshift could not read the landing: {what}", why=why, fix="it is tried again")


def _is_s3(why: str) -> bool:
    return any(sign in why for sign in _S3)


def _unavailable(what: str, why: str) -> WarehouseUnavailable:
    return WarehouseUnavailable(
        f"Redshift did not do: {what}",
        why=why,
        fix="it is tried again; if it stays, look at the cluster and at the connection's host and port",
    )


def _drivers_own(what: str, error: BaseException, why: str) -> SluiceError:
    if "Server refuses SSL" in why or any(isinstance(arg, ssl.SSLCertVerificationError) for arg in error.args):
        return ConfigError(
            f"the connection to Redshift is not secure: {what}",
            why=why,
            fix="name the cluster's CA file as `sslrootcert` in the connection's extra, or set its `ssl` to false",
        )
    return _unavailable(what, why) if is_lost(error) else Terminal(f"Redshift's driver failed: {what}", why=why)


def _unsaid(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(arg) for arg in error.args)}".strip()
