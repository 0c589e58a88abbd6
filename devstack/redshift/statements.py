"""What is to be done with a statement: handed on to PostgreSQL, or done by the front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from devstack.redshift.alters import alter_table
from devstack.redshift.errors import SqlError, near
from devstack.redshift.lexer import Token, lex
from devstack.redshift.materialized import create_materialized, refresh_materialized
from devstack.redshift.merge import remove_duplicates
from devstack.redshift.reader import Reader, literal, quoted
from devstack.redshift.refusals import refuse
from devstack.redshift.rewrite import rewrite, rewritten
from devstack.redshift.tables import create_table
from devstack.redshift.work import Load, Series, Unloading, Vacuum, Work

_SECRETS: Final = {"credentials", "access_key_id", "secret_access_key", "session_token", "password"}
_WRITES: Final = (("insert", "into"), ("delete", "from"), ("merge", "into"), ("update",), ("delete",))
_UNSNAPSHOT: Final = {"begin", "start", "commit", "end", "rollback", "abort", "set", "show", "reset", "lock", ""}


@dataclass(frozen=True, slots=True)
class Planned:
    """A statement that was understood.

    ``sql`` is the client's text, ``logged`` the same without keys and passwords. ``relayed`` is what PostgreSQL gets,
    unless the front does the ``work``. ``writes`` is the table that a relayed statement changes; ``snapshot`` whether
    the transaction's snapshot is taken when it comes.
    """

    sql: str
    logged: str = field(repr=False)
    relayed: str = ""
    writes: str = ""
    work: Work | None = None
    snapshot: bool = True

    @property
    def asks_last_copy(self) -> bool:
        """Whether it may call one of the functions about the session's last COPY."""
        return "pg_last_" in self.sql.lower()


def plan(sql: str) -> Planned:
    """Understand a statement. Raises SqlError."""
    tokens = lex(sql)
    while tokens and tokens[-1].text == ";":
        tokens.pop()
    if any(token.text == ";" for token in tokens):
        raise SqlError("cannot insert multiple commands into a prepared statement")
    logged = _masked(sql, tokens)
    reader = Reader(sql, tokens)
    if work := _work(reader):
        return Planned(sql, logged, work=work)
    refuse(tokens)
    snapshot = reader.peek() not in _UNSNAPSHOT
    if reader.peek() in {"begin", "start"}:
        return Planned(sql, logged, _begin(reader), snapshot=False)
    if reader.peek() == "analyze":
        return Planned(sql, logged, _analyze(reader, tokens))
    return Planned(
        sql, logged, rewrite(sql[: tokens[-1].end] if tokens else sql, tokens), _written(reader), snapshot=snapshot
    )


def _work(reader: Reader) -> Work | None:  # noqa: C901, PLR0911  a table of statements reads best as one
    match reader.peek(), reader.peek(1), reader.peek(2):
        case "copy", _, _:
            return Load(reader.tokens)
        case "unload", _, _:
            return Unloading(reader.tokens)
        case "vacuum", _, _:
            return _vacuum(reader)
        case "truncate", _, _:
            return _truncate(reader)
        case "alter", "table", _:
            return alter_table(reader)
        case "create", "view" | "or", _:
            return _late_bound(reader)
        case "comment", "on", "column":
            return _column_comment(reader)
        case "create", "materialized", "view":
            return create_materialized(reader)
        case "refresh", "materialized", "view":
            return refresh_materialized(reader)
        case "create", "table" | "temp" | "temporary" | "local", _:
            return create_table(reader)
        case "set", "session", "authorization":
            return _become(reader)
        case "merge", "into", _:
            return remove_duplicates(reader)
    return None


def _late_bound(reader: Reader) -> Series | None:
    """A late-bound view is bound at once here, and marked as one; None for any other view (page r_CREATE_VIEW)."""
    body, last = reader.tokens[:-4], reader.tokens[-4:]
    if [token.value for token in last] != ["with", "no", "schema", "binding"]:
        return None
    refuse(body)
    reader.expect("create")
    reader.take("or", "replace")
    reader.expect("view")
    mark = f"ALTER VIEW {reader.name()} SET (security_invoker = false)"
    return Series("CREATE VIEW", (rewritten(reader.sql, body), mark))


def _column_comment(reader: Reader) -> Series:
    """On the columns of a table or of a view that is bound at once (page r_COMMENT, usage notes)."""
    reader.expect("comment", "on", "column")
    *relation, column = reader.parts()
    check = f"SELECT standin.check_comment({literal('.'.join(map(quoted, relation)))}, {literal(column)})"
    return Series("COMMENT", (check, rewrite(reader.sql, reader.tokens)))


def _begin(reader: Reader) -> str:
    """Every isolation level means the database's own (page r_BEGIN)."""
    while word := reader.take_any("begin", "start", "work", "transaction", "isolation"):
        if word == "isolation":
            reader.expect("level")
            if not reader.take_any("serializable"):
                reader.expect(reader.take_any("read", "repeatable") and reader.peek())
        reader.take(",")
    mode = ""
    if reader.take("read"):
        mode = f" READ {reader.next('word').text}"
    reader.end()
    return f"BEGIN ISOLATION LEVEL REPEATABLE READ{mode}"


def _analyze(reader: Reader, tokens: Sequence[Token]) -> str:
    """PREDICATE COLUMNS and ALL COLUMNS say which statistics to collect; here they are always all (page r_ANALYZE)."""
    if reader.peek(1) == "compression":
        raise SqlError("the stand-in does not emulate ANALYZE COMPRESSION", "0A000")
    if len(tokens) > 2 and tokens[-1].value == "columns" and tokens[-2].value in {"predicate", "all"}:
        tokens = tokens[:-2]
    return rewrite(reader.sql[: tokens[-1].end], tokens)


def _truncate(reader: Reader) -> Series:
    """One table; commits the transaction that it runs in (page r_TRUNCATE)."""
    reader.expect("truncate")
    reader.take("table")
    series = Series("TRUNCATE TABLE", (f"TRUNCATE TABLE {reader.name()}",), commits=True)
    reader.end()
    return series


def _become(reader: Reader) -> Series:
    """The account is a superuser there, who may become anybody (page r_SET_SESSION_AUTHORIZATION)."""
    reader.expect("set", "session", "authorization")
    if reader.take("default"):
        reader.end()
        return Series("SET", ("RESET ROLE",))
    user = reader.name()
    reader.end()
    return Series("SET", (f"GRANT {user} TO CURRENT_USER", f"SET ROLE {user}"))


def _vacuum(reader: Reader) -> Vacuum:
    """Page r_VACUUM_command."""
    reader.expect("vacuum")
    mode = reader.take_any("full", "reindex", "recluster", "sort", "delete")
    if mode in {"sort", "delete"}:
        reader.expect("only")
    table = "" if reader.peek() in {"", "to", "boost"} else reader.name()
    percent = 95
    if reader.take("to"):
        percent = reader.number()
        reader.expect("percent")
        if not 0 <= percent <= 100:
            raise near(str(percent))
        if not table or mode in {"reindex", "recluster"}:
            raise SqlError("VACUUM TO threshold PERCENT needs a table, and not REINDEX or RECLUSTER", "0A000")
    if reader.take("boost") and (not table or mode == "reindex"):
        raise SqlError("VACUUM BOOST needs a table, and not REINDEX", "0A000")
    reader.end()
    if not table and mode in {"reindex", "recluster"}:
        raise SqlError(f"VACUUM {mode.upper()} needs a table")
    return Vacuum(table, mode or "full", percent)


def _written(reader: Reader) -> str:
    for words in _WRITES:
        if reader.take(*words):
            return reader.name()
    return ""


def _masked(sql: str, tokens: Sequence[Token]) -> str:
    """What follows these words is not shown, as Redshift does in its own logs."""
    for at in range(len(tokens) - 1, 0, -1):
        token, word = tokens[at], tokens[at - 1]
        if word.value == "as" and at > 1:
            word = tokens[at - 2]
        if token.kind == "string" and word.value in _SECRETS:
            sql = sql[: token.start] + literal("***") + sql[token.end :]
    return sql
