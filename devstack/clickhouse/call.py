"""What one HTTP request asks for: its parameters and headers, without its body."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self
from urllib.parse import parse_qsl

from devstack.clickhouse.codings import accepted
from devstack.clickhouse.failure import INVALID_SESSION_TIMEOUT, NOT_IMPLEMENTED, Failure

# Parameters of the protocol; every other one that is not a query parameter is a setting for the engine.
_PROTOCOL = frozenset(
    "query database default_format query_id user password quota_key role session_id session_timeout session_check"
    " wait_end_of_query buffer_size compress decompress client_protocol_version stacktrace readonly"
    " enable_http_compression http_zlib_compression_level cancel_http_readonly_queries_on_client_close"
    " send_progress_in_http_headers http_headers_progress_interval_ms".split()
)
_UNSUPPORTED = ("compress", "decompress", "role")
_PARAMETER = "param_"
_EXTERNAL = ("_format", "_structure", "_types")
_MAX_SESSION_TIMEOUT = 3600


class Account(NamedTuple):
    """Who asks."""

    user: str
    password: str


class SessionAsk(NamedTuple):
    """Which session a request wants: ``timeout`` in seconds, ``check``: only if it exists."""

    id: str
    timeout: int
    check: bool


class ExternalTable(NamedTuple):
    """Rows that a request brings along for its statement: ``columns`` as in CREATE TABLE, ``rows`` in ``format``."""

    name: str
    columns: str
    format: str
    rows: bytes


@dataclass(frozen=True)
class Call:
    """One request. ``options`` are its URL parameters and form fields, ``files`` the files of its form.

    Names of ``headers`` are in lower case.
    """

    options: Mapping[str, str]
    headers: Mapping[str, str]
    read_only: bool
    fallback_id: str
    files: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, query: str, headers: Mapping[str, str], *, read_only: bool) -> Self:
        """A request's parameters and headers. ``read_only``: it may change nothing, whatever its statement says."""
        return cls(dict(parse_qsl(query, keep_blank_values=True)), headers, read_only, str(uuid.uuid4()))

    def with_form(self, fields: Mapping[str, str], files: Mapping[str, bytes]) -> Self:
        """The same request with what came in the form of its body."""
        return replace(self, options={**self.options, **fields}, files=files)

    def check(self) -> None:
        """Raises Failure for what this server does not offer, so that it is not silently left out."""
        if name := next((name for name in _UNSUPPORTED if self.options.get(name, "0") not in {"", "0"}), None):
            raise Failure.refusal(NOT_IMPLEMENTED, f"The parameter {name} is not supported here.")

    @property
    def query_id(self) -> str:
        """The client's name for this request, or one made for it."""
        return self.options.get("query_id") or self.fallback_id

    @property
    def sql(self) -> bytes:
        """The part of the statement in the parameters; the body follows it after a line end, as in ClickHouse."""
        query = self.options.get("query", "")
        return f"{query}\n".encode(errors="surrogateescape") if query else b""

    @property
    def database(self) -> str:
        """The current database of the statement; empty for the default one."""
        return self.options.get("database") or self.headers.get("x-clickhouse-database", "")

    @property
    def format(self) -> str:
        """The format of the result unless the statement names one."""
        named = self.options.get("default_format") or self.headers.get("x-clickhouse-format")
        return named or "TabSeparated"

    @property
    def reads_only(self) -> bool:
        """A GET never changes anything, and neither does a request with the setting ``readonly``."""
        return self.read_only or self.options.get("readonly", "0") != "0"

    @property
    def tables(self) -> list[ExternalTable]:
        """The external tables of the request."""
        return [self._table(name, rows) for name, rows in self.files.items()]

    def _table(self, name: str, rows: bytes) -> ExternalTable:
        columns = self.options.get(f"{name}_structure")
        if not columns:
            types = self.options.get(f"{name}_types", "").split(",")
            columns = ", ".join(f"_{number} {kind}" for number, kind in enumerate(types, 1))
        return ExternalTable(name, columns, self.options.get(f"{name}_format", "TabSeparated"), rows)

    @property
    def settings(self) -> dict[str, str]:
        """Settings for the engine, by name."""
        described = {name + end for name in self.files for end in _EXTERNAL}
        return {
            name: value
            for name, value in self.options.items()
            if name not in _PROTOCOL and name not in described and not name.startswith(_PARAMETER)
        }

    @property
    def parameters(self) -> dict[str, str]:
        """Values of ``{name:Type}`` placeholders, escaped as the client sent them: the engine unescapes them too."""
        found = self.options.items()
        return {name.removeprefix(_PARAMETER): value for name, value in found if name.startswith(_PARAMETER)}

    @property
    def waits(self) -> bool:
        """The whole result is made before the first byte is sent, so that every error still has a status."""
        return self.options.get("wait_end_of_query") == "1"

    @property
    def encoding(self) -> str | None:
        """How to compress the answer."""
        asked = self.options.get("enable_http_compression") == "1"
        return accepted(self.headers.get("accept-encoding", "")) if asked else None

    @property
    def session(self) -> SessionAsk | None:
        """The session that it belongs to, if any. Raises Failure for a timeout that is none."""
        if not (name := self.options.get("session_id")):
            return None
        text = self.options.get("session_timeout", "60")
        if not text.isdecimal() or int(text) > _MAX_SESSION_TIMEOUT:
            raise Failure.refusal(INVALID_SESSION_TIMEOUT, f"Invalid session timeout: '{text}'.")
        return SessionAsk(name, int(text), self.options.get("session_check") == "1")

    @property
    def account(self) -> Account:
        """Who asks: by headers, by basic authentication, or in the URL, as ClickHouse looks for it."""
        if "x-clickhouse-user" in self.headers or "x-clickhouse-key" in self.headers:
            return Account(self.headers.get("x-clickhouse-user", ""), self.headers.get("x-clickhouse-key", ""))
        if encoded := self.headers.get("authorization", ""):
            return _basic(encoded)
        return Account(self.options.get("user", ""), self.options.get("password", ""))


def _basic(header: str) -> Account:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return Account("", "")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return Account("", "")
    return Account(user, password)
