"""PostgreSQL's errors, as Redshift says them."""

from __future__ import annotations

import re
from typing import Final

from devstack.redshift.backend import BackendError
from devstack.redshift.errors import SqlError

_BYTES: Final = re.compile(r"redshift_bytes_(\d+)_(\d+)_\d+")
_VARCHAR: Final = "1043"


def as_redshift(error: SqlError, pid: int) -> SqlError:
    """The same error; where Redshift has a code or a sentence of its own, that one."""
    if not isinstance(error, BackendError):
        return error
    if found := _BYTES.fullmatch(error.fields.get("n", "")):
        type_ = "character varying" if found[1] == _VARCHAR else "character"
        return SqlError(f"value too long for type {type_}({found[2]})", "22001")
    match error.code:
        case "40001":
            detail = "Serializable isolation violation on table - 0, transactions forming the cycle are: 0, 0"
            return SqlError("1023", "XX000", f"{detail} (pid:{pid})")
        case "21000" if "MERGE" in error.message:
            return SqlError("Found multiple matches to update the same tuple.", "XX000")
        case "428C9":
            return SqlError("cannot set an identity column to a value", "0A000")
    return SqlError(error.message, error.code, error.detail)
