"""SQL text → tokens, as Redshift reads it.

A lexer rather than regular expressions over statements: what looks like a keyword may stand in a literal, a comment or
a quoted name. Pages: *Names and identifiers* (r_names), *Literals* (r_numeric_literals201, r_Character_types),
*UNLOAD* (r_UNLOAD: backslashes and dollar quotes in literals).
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from devstack.redshift.errors import SqlError

Kind = Literal["word", "quoted", "string", "number", "symbol", "parameter"]


class Token(NamedTuple):
    """A piece of ``sql[start:end]``, which is ``text``.

    ``value``: a name folded to lower case, a literal without its quotes and escapes, a parameter's number, otherwise
    the text. Quoted names are folded too: Redshift keeps their case only with enable_case_sensitive_identifier.
    """

    kind: Kind
    text: str
    value: str
    start: int
    end: int


_TOKEN: Final = re.compile(
    r"""
      (?P<blank>\s+|--[^\n]*)
    | (?P<comment>/\*)
    | (?P<foreign>[eEbBxXnN]'|[uU]&['"])
    | (?P<string>'(?:[^'\\]|''|\\.)*')
    | (?P<quoted>"(?:[^"]|"")+")
    | (?P<word>[A-Za-z_#\u0080-\U0010ffff][\w$#]*)
    | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<parameter>\$\d+)
    | (?P<dollar>\$(?P<tag>[A-Za-z_]*)\$.*?\$(?P=tag)\$)
    | (?P<symbol>::|\|\||<>|!=|<=|>=|[^'"$])
    """,
    re.DOTALL | re.VERBOSE,
)
_COMMENT_EDGE: Final = re.compile(r"/\*|\*/")
_ESCAPE: Final = re.compile(r"''|\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)", re.DOTALL)
_CONTROL: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def lex(sql: str) -> list[Token]:
    """The tokens of a text, without blanks and comments. Raises SqlError where a literal or comment does not end."""
    tokens: list[Token] = []
    at, match = 0, _TOKEN.match
    while at < len(sql):
        found = match(sql, at)
        kind = found.lastgroup if found else None
        if not found or kind == "foreign":
            raise _unreadable(sql, at)
        if kind == "comment":
            at = _end_of_comment(sql, at)
            continue
        if kind != "blank":
            tokens.append(_token(kind or "", found.group(), at, found.end()))
        at = found.end()
    return tokens


def _token(kind: str, text: str, start: int, end: int) -> Token:
    match kind:
        case "word" | "number" | "symbol":
            return Token(kind, text, text.lower() if kind == "word" else text, start, end)
        case "quoted":
            return Token("quoted", text, text[1:-1].replace('""', '"').lower(), start, end)
        case "parameter":
            return Token("parameter", text, text[1:], start, end)
        case "string":
            return Token("string", text, _unescaped(text[1:-1]), start, end)
        case _:
            edge = text.index("$", 1) + 1
            return Token("string", text, text[edge:-edge], start, end)


def _unescaped(body: str) -> str:
    """Redshift descends from PostgreSQL 8.0, where a backslash escapes in every literal."""
    return _ESCAPE.sub(_meant, body) if "\\" in body or "''" in body else body


def _meant(escape: re.Match[str]) -> str:
    code = escape.group(1)
    if code is None:
        return "'"
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    return chr(int(code, 8) & 0xFF) if code[0] in "01234567" else _CONTROL.get(code, code)


def _end_of_comment(sql: str, start: int) -> int:
    """Comments nest."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(sql, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    raise SqlError("unterminated /* comment")


def _unreadable(sql: str, at: int) -> SqlError:
    match sql[at]:
        case "'":
            return SqlError("unterminated quoted string")
        case '"':
            empty = sql.startswith('""', at)
            return SqlError("zero-length delimited identifier" if empty else "unterminated quoted identifier")
        case "$":
            return SqlError("unterminated dollar-quoted string")
        case letter:
            # PostgreSQL knows E'', B'', X'', N'' and U&''; the Redshift guide none of them.
            return SqlError(f'syntax error at or near "{letter}"', detail="Redshift has no literals with a prefix")
