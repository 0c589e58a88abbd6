"""What the front does itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from devstack.redshift.lexer import Token


@dataclass(frozen=True, slots=True)
class Series:
    """Statements for PostgreSQL that take effect together; the client is told ``tag``.

    ``alone`` is what must not stand in a transaction block, if it must not. ``commits``: the transaction that it is in.
    ``locks``: the table that is locked before, as for any write.
    """

    tag: str
    statements: tuple[str, ...]
    alone: str = ""
    commits: bool = False
    locks: str = ""


@dataclass(frozen=True, slots=True)
class Vacuum:
    """Sort, and give back room, where less than ``percent`` is sorted or live. No ``table``: all of them."""

    table: str
    mode: str
    percent: int

    @property
    def alone(self) -> str:
        """What must not stand in a transaction block."""
        return "VACUUM"


@dataclass(frozen=True, slots=True)
class Load:
    """A COPY."""

    tokens: Sequence[Token]
    alone = ""


@dataclass(frozen=True, slots=True)
class Unloading:
    """An UNLOAD."""

    tokens: Sequence[Token]
    alone = ""


Work = Series | Vacuum | Load | Unloading
