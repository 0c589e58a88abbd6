"""MERGE. Page r_MERGE."""

from __future__ import annotations

from devstack.redshift.errors import SqlError
from devstack.redshift.reader import Reader, quoted
from devstack.redshift.rewrite import rewritten
from devstack.redshift.work import Series

_BRANCHES = [["matched", "then"], ["not", "matched"]]


def remove_duplicates(reader: Reader) -> Series | None:
    """MERGE … REMOVE DUPLICATES, or None for the other form, which PostgreSQL knows. Raises SqlError.

    The target has no alias, the source is a table, and there is exactly one branch of each kind, in this order.
    """
    reader.expect("merge", "into")
    target = reader.name()
    reader.expect("using")
    if reader.peek() == "(":
        raise SqlError("the source of MERGE must be a table", "0A000")
    source = reader.name()
    reader.take("as")
    alias = source.rpartition(".")[2] if reader.peek() == "on" else quoted(reader.identifier())
    reader.expect("on")
    condition = list(reader.tokens[reader.at :])
    if source == target:
        raise SqlError("the source and the target of MERGE cannot be the same table", "0A000")
    if [token.value for token in condition[-2:]] == ["remove", "duplicates"]:
        where = rewritten(reader.sql, condition[:-2])
        delete = f"DELETE FROM {target} USING {source} AS {alias} WHERE {where}"
        return Series("MERGE", (delete, f"INSERT INTO {target} SELECT DISTINCT * FROM {source}"), locks=target)
    words = [token.value for token in condition]
    if [words[n + 1 : n + 3] for n, word in enumerate(words) if word == "when"] != _BRANCHES:
        raise SqlError("MERGE needs exactly one WHEN MATCHED THEN and one WHEN NOT MATCHED THEN", "42601")
    reader.at = 0
    return None
