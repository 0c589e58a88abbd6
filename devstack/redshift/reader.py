"""Reading a statement token by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from devstack.redshift.errors import SqlError, near
from devstack.redshift.lexer import Token, lex

LONGEST_NAME: Final = 63


class Reader:
    """The tokens of a statement, and how far it has been read."""

    def __init__(self, sql: str, tokens: Sequence[Token]) -> None:
        self.sql, self.tokens, self.at = sql, tokens, 0

    @classmethod
    def of(cls, sql: str) -> Reader:
        """Of a text."""
        return cls(sql, lex(sql))

    def peek(self, ahead: int = 0) -> str:
        """A token that is still to be read: a word in lower case, anything else as it stands; empty at the end."""
        at = self.at + ahead
        if at >= len(self.tokens):
            return ""
        token = self.tokens[at]
        return token.value if token.kind == "word" else token.text

    @property
    def done(self) -> bool:
        """Whether all is read."""
        return self.at >= len(self.tokens)

    @property
    def rest(self) -> str:
        """The text that is still to be read."""
        return "" if self.done else self.sql[self.tokens[self.at].start :]

    def take(self, *words: str) -> bool:
        """Read these words if they are what comes."""
        found = all(self.peek(n) == word for n, word in enumerate(words))
        self.at += len(words) if found else 0
        return found

    def take_any(self, *words: str) -> str:
        """Read one of these words if it is what comes; empty if not."""
        return next((word for word in words if self.take(word)), "")

    def expect(self, *words: str) -> None:
        """Read these words. Raises SqlError when something else comes."""
        for word in words:
            if not self.take(word):
                raise self.unexpected()

    def end(self) -> None:
        """Raises SqlError when something is left."""
        if not self.done:
            raise self.unexpected()

    def unexpected(self) -> SqlError:
        """The complaint about what comes."""
        return near("" if self.done else self.tokens[self.at].text)

    def next(self, *kinds: str) -> Token:
        """Read one token of these kinds. Raises SqlError."""
        if self.done or (kinds and self.tokens[self.at].kind not in kinds):
            raise self.unexpected()
        self.at += 1
        return self.tokens[self.at - 1]

    def string(self) -> str:
        """Read a literal; its value."""
        return self.next("string").value

    def number(self) -> int:
        """Read a whole number, which may be negative."""
        sign = -1 if self.take("-") else 1
        text = self.next("number").text
        if not text.isdigit():
            raise near(text)
        return sign * int(text)

    def identifier(self) -> str:
        """Read a name; its value."""
        return fitting(self.next("word", "quoted").value)

    def name(self) -> str:
        """Read a name, with its schema if it has one; quoted, so that two texts of one name are the same."""
        return ".".join(map(quoted, self.parts()))

    def parts(self) -> list[str]:
        """Read names with dots between them; their values."""
        parts = [self.identifier()]
        while self.take("."):
            parts.append(self.identifier())
        return parts

    def group(self) -> list[Token]:
        """Read what stands in parentheses, without them."""
        self.expect("(")
        start, depth = self.at, 1
        while depth:
            depth += {"(": 1, ")": -1}.get(self.next().text, 0)
        return list(self.tokens[start : self.at - 1])

    def identifiers(self) -> list[str]:
        """Read names in parentheses."""
        return [Reader(self.sql, item).identifier() for item in split(self.group())]


def split(tokens: Sequence[Token]) -> list[list[Token]]:
    """What stands between the commas outside parentheses."""
    items, depth = [list[Token]()], 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == "," and not depth:
            items.append([])
        else:
            items[-1].append(token)
    return items


def quoted(name: str) -> str:
    """A name as it may stand anywhere."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A literal of this value."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def fitting(name: str) -> str:
    """The name, if PostgreSQL can hold it: it would cut it silently, and two names would be one."""
    size = len(name.encode())
    if size > LONGEST_NAME:
        raise SqlError(
            f'identifier "{name}" is too long for the stand-in', "42622", f"{size} bytes; it holds {LONGEST_NAME}"
        )
    return name
