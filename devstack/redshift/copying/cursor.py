"""Reading a statement token by token."""

from __future__ import annotations

from collections.abc import Sequence

from devstack.redshift.errors import SqlError, near
from devstack.redshift.lexer import Token


class Cursor:
    """A place in a statement. What is not there as the caller needs it is a syntax error."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens, self._at = [token for token in tokens if token.text != ";"], 0

    def __bool__(self) -> bool:
        return self._at < len(self._tokens)

    @property
    def next(self) -> Token | None:
        """The token here, None at the end."""
        return self._tokens[self._at] if self else None

    @property
    def word(self) -> str:
        """The keyword here, in capitals; empty where there is none."""
        return self.next.text.upper() if self.next and self.next.kind == "word" else ""

    def wrong(self) -> SqlError:
        """The parser's complaint about what is here."""
        return near(self.next.text if self.next else "")

    def skip(self, *texts: str) -> bool:
        """Step over one of these keywords or symbols, if it is here."""
        here = self.next.text.upper() if self.next and self.next.kind in {"word", "symbol"} else None
        self._at += here in texts
        return here in texts

    def expect(self, text: str) -> None:
        """Step over this keyword or symbol."""
        if not self.skip(text):
            raise self.wrong()

    def take(self, *kinds: str) -> Token:
        """Step over a token of one of these kinds."""
        found = self.next
        if not found or found.kind not in kinds:
            raise self.wrong()
        self._at += 1
        return found

    def name(self) -> str:
        """An identifier."""
        return self.take("word", "quoted").value

    def string(self) -> str:
        r"""A literal. What is written '\N' means these two characters: it is COPY that knows them."""
        token = self.take("string")
        return r"\N" if token.text == r"'\N'" else token.value

    def number(self) -> int:
        """A whole number, quoted or not."""
        token = self.take("number", "string")
        if not token.value.isdigit():
            raise near(token.text)
        return int(token.value)
