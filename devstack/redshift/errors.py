"""What a client is answered instead of a result."""

from __future__ import annotations


class SqlError(Exception):
    """A statement failed. The fields are those of the protocol's ErrorResponse.

    ``code`` is the SQLSTATE. Redshift gives most of its own errors the code XX000 and tells them apart by message.
    """

    def __init__(self, message: str, code: str = "42601", detail: str = "") -> None:
        super().__init__(message)
        self.message, self.code, self.detail = message, code, detail


def near(text: str) -> SqlError:
    """The parser's complaint about a token; the empty text is the end of the statement."""
    return SqlError(f'syntax error at or near "{text}"' if text else "syntax error at end of input")
