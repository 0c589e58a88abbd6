"""What Redshift says differently, in PostgreSQL's words: functions, keywords, names. Token by token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from devstack.redshift.column_types import LONGEST_VARCHAR
from devstack.redshift.errors import SqlError
from devstack.redshift.lexer import Token
from devstack.redshift.reader import LONGEST_NAME, fitting, quoted

_DATE_PARTS: Final = {"dateadd", "datediff", "date_add", "date_diff", "date_part", "date_trunc"}
_RENAMED: Final = {"nvl": "coalesce", "sysdate": "sysdate()", "date_add": "dateadd", "date_diff": "datediff"}
_OWN_SETTINGS: Final = {
    "analyze_threshold_percent",
    "enable_case_sensitive_identifier",
    "enable_case_sensitive_super_attribute",
    "enable_result_cache_for_session",
    "enable_vacuum_boost",
    "error_on_nondeterministic_update",
    "json_serialization_enable",
    "query_group",
    "wlm_query_slot_count",
}
_SHARED_SETTINGS: Final = {"search_path", "statement_timeout", "timezone", "datestyle", "extra_float_digits"}
_SETTING_NOISE: Final = {"session", "local"}


class Edit(NamedTuple):
    """``text`` in place of the tokens from ``first`` to ``last``."""

    first: Token
    last: Token
    text: str


def rewrite(sql: str, tokens: Sequence[Token]) -> str:
    """The statement for PostgreSQL. Raises SqlError for what cannot be said there."""
    return apply(sql, list(edits(tokens)))


def rewritten(sql: str, tokens: Sequence[Token]) -> str:
    """A piece of a statement for PostgreSQL: what these tokens of ``sql`` cover."""
    if not tokens:
        return ""
    start, end = tokens[0].start, tokens[-1].end
    return apply(sql, list(edits(tokens)), start, end)


def apply(sql: str, changes: Sequence[Edit], start: int = 0, end: int | None = None) -> str:
    """The text with the edits made."""
    pieces, at = list[str](), start
    for first, last, text in changes:
        pieces += [sql[at : first.start], text]
        at = last.end
    return "".join(pieces) + sql[at : len(sql) if end is None else end]


def edits(tokens: Sequence[Token]) -> Iterator[Edit]:
    """Every change, from left to right."""
    yield from _command(tokens)
    for n, token in enumerate(tokens):
        if token.kind == "quoted":
            if token.text != token.text.lower() or len(token.text) > LONGEST_NAME:
                yield Edit(token, token, quoted(fitting(token.value)))
        elif token.kind == "word":
            yield from _word(tokens, n)


def _command(tokens: Sequence[Token]) -> Iterator[Edit]:
    """What depends on the statement's first words."""
    words = [token.value for token in tokens[:3]]
    match words:
        case ["set" | "reset" | "show", *_]:
            yield from _setting(tokens)
        case ["delete", second, *_] if second != "from":
            yield Edit(tokens[0], tokens[0], "DELETE FROM")


def _setting(tokens: Sequence[Token]) -> Iterator[Edit]:
    named = [t for t in tokens[1:] if t.value not in _SETTING_NOISE][:1]
    for token in named:
        if token.value in _OWN_SETTINGS:
            yield Edit(token, token, f"redshift.{token.value}")
        elif token.value not in _SHARED_SETTINGS and tokens[0].value == "set":
            raise SqlError(f'unrecognized configuration parameter "{token.value}"', "42704")


def _word(tokens: Sequence[Token], n: int) -> Iterator[Edit]:
    token = tokens[n]
    before = tokens[n - 1].text if n else ""
    after = tokens[n + 1].text if n + 1 < len(tokens) else ""
    part = tokens[n - 2].value if n > 1 and before == "(" else ""
    if token.value.startswith("#"):
        yield Edit(token, token, quoted(fitting(token.value)))
    elif before == ".":
        fitting(token.value)
    elif token.value == "max" and before == "(" and after == ")" and part in {"varchar", "varying", "nvarchar"}:
        yield Edit(token, token, str(LONGEST_VARCHAR))
    elif part in _DATE_PARTS and after == ",":
        yield Edit(token, token, f"'{token.value}'")
    elif token.value in _RENAMED and (after == "(") == (token.value != "sysdate"):
        yield Edit(token, token, _RENAMED[token.value])
    elif token.value == "minus" and after.lower() in {"select", "(", "all"} and n:
        yield Edit(token, token, "EXCEPT")
    else:
        fitting(token.value)
