"""The columns that a COPY fills, described as Redshift's catalog describes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from devstack.redshift.copying.statement import CopyStatement
from devstack.redshift.errors import SqlError

_NAMES: Final = {
    "smallint": "int2",
    "integer": "int4",
    "bigint": "int8",
    "real": "float4",
    "double precision": "float8",
    "boolean": "bool",
    "character varying": "varchar",
    "character": "char",
    "text": "varchar",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "time with time zone": "timetz",
    "jsonb": "super",
    "bytea": "varbyte",
}
_TYPE: Final = re.compile(r"([a-z_ ]+?)(?:\(([\d, ]+)\))?((?: with(?:out)? time zone)?)")
TEXTS: Final = frozenset({"varchar", "char"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the target table.

    ``type`` is the name that STL_LOAD_ERRORS shows (int4, varchar, numeric …). ``size`` is the length in bytes of a
    varchar or char, the precision of a numeric, otherwise 0. ``identity`` is None, ``always`` or ``by default``.
    """

    name: str
    type: str
    size: int = 0
    scale: int = 0
    not_null: bool = False
    identity: str | None = None

    @classmethod
    def of(cls, name: str, type_: str, *, not_null: bool = False, identity: str | None = None) -> Self:
        """From PostgreSQL's ``format_type()``: ``character varying(64)``, ``numeric(18,2)``, ``super``."""
        found = _TYPE.fullmatch(type_)
        assert found, f"a type of PostgreSQL: {type_}"
        base, sizes = found[1] + found[3], [int(n) for n in (found[2] or "").split(",") if n]
        size, scale = ([*sizes, 0, 0] if base in {"character varying", "character", "numeric"} else [0, 0])[:2]
        return cls(name, _NAMES.get(base, base), size, scale, not_null, identity)

    @property
    def length(self) -> str:
        """As STL_LOAD_ERRORS shows it in ``col_length``."""
        if self.type == "numeric":
            return f"{self.size}, {self.scale}"
        return str(self.size) if self.size else ""


def target_columns(statement: CopyStatement, table: Sequence[Column]) -> list[Column]:
    """The columns that the data fills, in its order. Raises SqlError.

    Page *Column mapping options* (copy-parameters-column-mapping) and EXPLICIT_IDS in *Data conversion parameters*
    (copy-parameters-data-conversion): without a list all columns in their order, those with IDENTITY only with
    EXPLICIT_IDS; a list names an IDENTITY column if and only if EXPLICIT_IDS is given.
    """
    explicit = statement.options.explicit_ids
    if statement.columns is None:
        return [column for column in table if explicit or column.identity != "always"]
    named = _named(statement, statement.columns, table)
    _check_identity(explicit, named, table)
    return named


def _named(statement: CopyStatement, names: Sequence[str], table: Sequence[Column]) -> list[Column]:
    known = {column.name: column for column in table}
    for place, name in enumerate(names):
        if name not in known:
            raise SqlError(f'column "{name}" of relation "{statement.table}" does not exist', "42703")
        if name in names[:place]:
            raise SqlError(f'column "{name}" specified more than once', "42701")
    return [known[name] for name in names]


def _check_identity(explicit: bool, named: Sequence[Column], table: Sequence[Column]) -> None:  # noqa: FBT001  the option
    always = [column for column in table if column.identity == "always"]
    if not explicit and (wrong := [column for column in always if column in named]):
        raise SqlError(f'cannot set an identity column "{wrong[0].name}" to a value without EXPLICIT_IDS', "0A000")
    if explicit and always and not set(always) <= set(named):
        raise SqlError("EXPLICIT_IDS needs the identity column in the column list", "0A000")
