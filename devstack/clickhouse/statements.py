"""What the server must see in a statement's text: where an INSERT's data starts, a result's format, whom a KILL means.

Everything else is left to the engine's own parser. Offsets are bytes, because data that follows a statement is bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple
from urllib.parse import quote

_TOKEN = re.compile(
    rb"""
    '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.)*" | `(?:[^`\\]|\\.)*`      # strings and quoted names
    | --[^\n]* | \#[!\ ][^\n]* | /\*.*?\*/                            # comments
    | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$                                 # here documents
    | (?P<word>(?<![.\w])[A-Za-z_]\w*(?!\w)) | (?P<mark>[();])
    """,
    re.DOTALL | re.VERBOSE,
)
# What may stand between a format's name and the first byte of the data: blanks, then one line end.
_BEFORE_DATA = re.compile(rb"[ \t\f]*(?:\r?\n)?")
_ASKED_AS = "/* query_id={} */"
_ASKED_ID = rb"decodeURLComponent(extract(query, '/\\* query_id=([^ ]*) \\*/'))"


class Insert(NamedTuple):
    """An INSERT that brings its data along: ``statement`` goes up to the format, the data starts ``data_at``."""

    statement: bytes
    format: str
    data_at: int


class _Word(NamedTuple):
    text: bytes
    depth: int
    start: int
    end: int


def insert_of(text: bytes) -> Insert | None:
    """The INSERT at the head of ``text`` (which may end in its data), or None for any other statement."""
    words = (word for word in _words(text) if not word.depth)
    first = next(words, None)
    if not first or first.text != b"INSERT":
        return None
    for word in words:
        match word.text:
            case b"SELECT" | b"WITH" | b"FROM" | b"WATCH":
                return None
            case b"VALUES":
                return Insert(text[: word.start], "Values", word.end)
            case b"FORMAT" if name := next(words, None):
                data_at = _BEFORE_DATA.match(text, name.end)
                assert data_at  # it matches the empty string
                return Insert(text[: word.start], text[name.start : name.end].decode(), data_at.end())
    return None


def format_of(text: bytes) -> str | None:
    """The output format that a statement names in its last clause, if it does."""
    words = [word for word in _words(text) if not word.depth]
    found = None
    for i, word in enumerate(words[:-1]):
        after = words[i + 2].text if i + 2 < len(words) else b";"
        if word.text == b"FORMAT" and after in {b";", b"SETTINGS"}:
            found = text[words[i + 1].start : words[i + 1].end].decode()
    return found


def asked(text: bytes, query_id: str) -> bytes:
    """The statement for the engine, which gives it an id of its own: the client's goes along in a comment.

    It stands after the statement, to keep the positions in syntax errors true, but never after data.
    """
    mark = _ASKED_AS.format(quote(query_id, safe="")).encode()
    return b"%b %b" % (mark, text) if insert_of(text) else b"%b\n%b" % (_aimed(text), mark)


def _aimed(text: bytes) -> bytes:
    """A ``KILL QUERY`` means the ids that clients gave, so its ``query_id`` becomes the one in the comment."""
    if [word.text for word in islice(_words(text), 2)] != [b"KILL", b"QUERY"]:
        return text
    parts, end = [], 0
    for word in _words(text):
        if word.text == b"QUERY_ID":
            parts += [text[end : word.start], _ASKED_ID]
            end = word.end
    return b"".join([*parts, text[end:]])


def words_of(text: bytes) -> Iterator[bytes]:
    """The bare words of a statement in upper case."""
    return (word.text for word in _words(text) if word.text not in {b"(", b")", b";"})


def _words(text: bytes) -> Iterator[_Word]:
    """Bare words in upper case, and ``;``, with the number of parentheses open around them."""
    depth = 0
    for token in _TOKEN.finditer(text):
        if word := token["word"]:
            yield _Word(word.upper(), depth, token.start(), token.end())
        elif mark := token["mark"]:
            depth += {b"(": 1, b")": -1}.get(mark, 0)
            if mark == b";":
                yield _Word(mark, depth, token.start(), token.end())
