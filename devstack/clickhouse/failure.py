"""What a client is told when a request cannot be answered: ClickHouse's code, its text, and their HTTP status."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Self

SYNTAX_ERROR = 62
NOT_IMPLEMENTED = 48
READONLY = 164
QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING = 216
CANNOT_DECOMPRESS = 271
SESSION_NOT_FOUND = 372
SESSION_IS_LOCKED = 373
INVALID_SESSION_TIMEOUT = 374
HTTP_LENGTH_REQUIRED = 381
AUTHENTICATION_FAILED = 516
STD_EXCEPTION = 1001

_NAMES = {value: name for name, value in globals().items() if isinstance(value, int) and name.isupper()}

# The pairs of the server's own exceptionCodeToHTTPStatus; every other code is an internal error, also there.
_STATUS = {
    HTTPStatus.UNAUTHORIZED: {194},
    HTTPStatus.FORBIDDEN: {192, 193, 497, 512, 516},
    HTTPStatus.BAD_REQUEST: {
        *(6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123),
        *(167, 168, 223, 321, 376, 427, 441, 675, 676),
    },
    HTTPStatus.NOT_FOUND: {46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511},
    HTTPStatus.REQUEST_TIMEOUT: {159},
    HTTPStatus.LENGTH_REQUIRED: {381},
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: {229},
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: {779},
    HTTPStatus.NOT_IMPLEMENTED: {48},
    HTTPStatus.SERVICE_UNAVAILABLE: {76, 209, 439},
}
_STATUS_OF = {code: status for status, codes in _STATUS.items() for code in codes}
_ENGINE_TEXT = re.compile(r"Code: (\d+)\. .*", re.DOTALL)


class Failure(Exception):
    """A ClickHouse exception: ``code`` is its number, the text is what the server would have sent."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code

    @classmethod
    def of(cls, error: Exception) -> Self:
        """The engine says ``[something: ]Code: N. DB::Exception: …``; anything else is a fault of this server."""
        if isinstance(error, cls):
            return error
        if told := _ENGINE_TEXT.search(str(error)):
            return cls(int(told[1]), told[0].rstrip())
        return cls.refusal(STD_EXCEPTION, f"{type(error).__name__}: {error}")

    @classmethod
    def refusal(cls, code: int, reason: str) -> Self:
        """What this server, not the engine, refuses."""
        return cls(code, f"Code: {code}. DB::Exception: {reason} ({_NAMES[code]})")

    @property
    def status(self) -> HTTPStatus:
        """What the server would have answered with."""
        return _STATUS_OF.get(self.code, HTTPStatus.INTERNAL_SERVER_ERROR)

    def told(self, version: str) -> str:
        """The text as the body of an answer ends it."""
        text = str(self)
        return text if "(version " in text else f"{text} (version {version} (official build))"
