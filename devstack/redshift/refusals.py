"""What PostgreSQL would do and Redshift refuses: the product must not lean on it here.

Page: *Unsupported PostgreSQL features* (c_unsupported-postgresql-features) and the syntax pages of each statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from devstack.redshift.errors import SqlError, near
from devstack.redshift.lexer import Token

_ANYWHERE: Final = {
    ("on", "conflict"): near("conflict"),
    ("returning",): near("returning"),
    ("distinct", "on", "("): SqlError("SELECT DISTINCT ON is not supported", "0A000"),
    ("for", "update"): SqlError("SELECT FOR UPDATE is not supported", "0A000"),
    ("for", "share"): SqlError("SELECT FOR SHARE is not supported", "0A000"),
    ("filter", "(", "where"): near("("),
    ("lateral",): near("lateral"),
    ("tablesample",): near("tablesample"),
    ("unlogged",): near("unlogged"),
    ("inherits", "("): near("inherits"),
    ("as", "(", "insert"): near("insert"),
    ("as", "(", "update"): near("update"),
    ("as", "(", "delete"): near("delete"),
}
_TYPES: Final = {"jsonb", "json", "serial", "bigserial", "smallserial", "bytea", "uuid", "xml", "inet", "money"}
_STATEMENTS: Final = {
    ("create", "index"),
    ("create", "unique", "index"),
    ("create", "trigger"),
    ("create", "rule"),
    ("create", "sequence"),
    ("create", "domain"),
    ("create", "type"),
    ("create", "extension"),
    ("create", "tablespace"),
    ("create", "event"),
    ("savepoint",),
    ("release",),
    ("rollback", "to"),
    ("do",),
    ("listen",),
    ("notify",),
    ("cluster",),
    ("reindex",),
    ("checkpoint",),
    ("create", "external"),
    ("create", "procedure"),
    ("create", "function"),
    ("call",),
}
_NOT_EMULATED: Final = {"external", "procedure", "function", "call"}
_COLUMN_WORDS: Final = {"as", "::"}


def refuse(tokens: Sequence[Token]) -> None:
    """Raises SqlError for what Redshift does not do, and for what it does and the stand-in does not."""
    words = [token.value if token.kind == "word" else token.text for token in tokens]
    for size in (1, 2, 3):
        if tuple(words[:size]) in _STATEMENTS:
            raise _refused(words[:size])
        for n in range(len(words) - size + 1):
            if error := _ANYWHERE.get(tuple(words[n : n + size])):
                raise SqlError(error.message, error.code)
    for before, word in pairwise(words):
        if before in _COLUMN_WORDS and word in _TYPES:
            raise SqlError(f'type "{word}" does not exist', "42704")
    if words[:2] in (["delete", "from"], ["delete", ""]):
        _refuse_alias(words)


def _refused(words: Sequence[str]) -> SqlError:
    said = " ".join(words).upper()
    if words[-1] in _NOT_EMULATED:
        return SqlError(f"the stand-in does not emulate {said}", "0A000")
    return SqlError(f'SQL command "{said}" not supported on Redshift', "0A000")


def _refuse_alias(words: Sequence[str]) -> None:
    """``DELETE FROM t AS a``: the target of a DELETE has no alias (page r_DELETE)."""
    at = 3
    while words[at : at + 1] == ["."]:
        at += 2
    if words[at : at + 1] not in ([], [";"], ["using"], ["where"]):
        raise near(words[at])
