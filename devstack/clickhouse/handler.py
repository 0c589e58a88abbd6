"""ClickHouse's HTTP interface: one request in, one answer out."""

from __future__ import annotations

import json
import secrets
import string
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from typing import BinaryIO, NamedTuple, cast
from urllib.parse import urlsplit

from devstack.clickhouse.body import Body, boundary_of, form, has_length
from devstack.clickhouse.call import Account, Call
from devstack.clickhouse.codings import encoder
from devstack.clickhouse.engine import Engine
from devstack.clickhouse.failure import AUTHENTICATION_FAILED, READONLY, SYNTAX_ERROR, Failure
from devstack.clickhouse.handle import Handle, Result
from devstack.clickhouse.rights import gives_rights
from devstack.clickhouse.statements import Insert, asked, format_of, insert_of

_ALIVE = frozenset({"/ping", "/replicas_status"})
_HEAD = 256 << 10  # ClickHouse's max_query_size: where an INSERT's data starts is looked for no further
_TEXT = "text/plain; charset=UTF-8"


class Answer(NamedTuple):
    """An answer that is sent as a whole."""

    status: HTTPStatus
    headers: Mapping[str, str]
    data: bytes


class Server(ThreadingHTTPServer):
    """A thread for each connection. ``account`` is the only one that is let in."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], engine: Engine, account: Account) -> None:
        super().__init__(address, Handler)
        self.engine = engine
        self.account = account

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is nothing to report."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Handler(BaseHTTPRequestHandler):
    """Reads a request, runs it on the engine, writes the answer. Errors go out with ClickHouse's code and status."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "ClickHouse-over-chdb", ""
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def log_message(self, *_: object) -> None:
        """Nothing: a statement may hold what belongs in no log."""

    def do_GET(self) -> None:
        """Answer a request that may only read."""
        url = urlsplit(self.path)
        if url.path in _ALIVE or (url.path == "/" and not url.query):
            self._send(HTTPStatus.OK, {"Content-Type": _TEXT}, b"Ok.\n")
        else:
            self._serve(url.path, Call.of(url.query, self._heard(), read_only=True))

    def do_POST(self) -> None:
        """Answer any request."""
        url = urlsplit(self.path)
        self._serve(url.path, Call.of(url.query, self._heard(), read_only=False))

    def _heard(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _serve(self, path: str, call: Call) -> None:
        self._begun = False
        body = Body.of(cast("BinaryIO", self.rfile), call.headers)
        try:
            if path == "/":
                self._answer(call, body)
            else:
                body.drain()
                self._send(HTTPStatus.NOT_FOUND, {"Content-Type": _TEXT}, f"There is no handle {path}\n".encode())
        except ConnectionError:
            self.close_connection = True
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is waiting for an answer
            self._refuse(call, Failure.of(error), body)

    def _answer(self, call: Call, body: Body) -> None:
        if not call.read_only:
            has_length(call.headers)
        self._authenticate(call.account)
        if boundary := boundary_of(call.headers):
            call = call.with_form(*form(body.whole(), boundary))
            body = Body(iter(()))
        call.check()
        body.prepend(call.sql)
        with self.server.engine.handle(call) as handle, handle.tables(call.tables):
            insert = insert_of(body.head(_HEAD))
            # Values may use the parameters, and only the engine's own parser of statements fills those in.
            answer = (
                self._insert(call, handle, insert, body)
                if insert and not call.parameters
                else self._execute(call, handle, body.whole())
            )
        # Not before: whoever has the answer may use the session and the query id again.
        if answer:
            self._send(*answer)
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _authenticate(self, account: Account) -> None:
        pairs = zip(account, self.server.account, strict=True)
        same = [compare_digest(given.encode(errors="replace"), known.encode()) for given, known in pairs]
        if not all(same):
            reason = "Authentication failed: password is incorrect, or there is no user with such name."
            raise Failure.refusal(AUTHENTICATION_FAILED, f"{account.user}: {reason}")

    def _insert(self, call: Call, handle: Handle, insert: Insert, body: Body) -> Answer:
        self._check_write(call)
        body.skip(insert.data_at)
        return self._whole(call, handle.insert(asked(insert.statement, call.query_id), insert.format, body))

    def _execute(self, call: Call, handle: Handle, text: bytes) -> Answer | None:
        """None when the answer has been sent meanwhile, but for its end."""
        if not text.strip():
            raise Failure.refusal(SYNTAX_ERROR, "Syntax error: Empty query.")
        reads = handle.reads(text)
        if not reads:
            self._check_write(call)
        if gives_rights(text):
            self.server.engine.rights.note(handle, text)
            return self._whole(call, Result(b"", {}))
        kind, sql = format_of(text) or call.format, asked(text, call.query_id)
        if blocks := handle.stream(sql, kind, call.parameters) if reads and not call.waits else None:
            with closing(blocks):
                self._flow(call, blocks, kind)
            return None
        result = handle.run(sql, kind, call.parameters)
        return self._whole(call, result, kind if reads or result.data else None)

    @staticmethod
    def _check_write(call: Call) -> None:
        if call.reads_only:
            reason = "Cannot execute query in readonly mode: the method GET and the setting readonly imply it."
            raise Failure.refusal(READONLY, reason)

    def _whole(self, call: Call, result: Result, kind: str | None = None) -> Answer:
        headers = {**self._headers(call, kind), "X-ClickHouse-Summary": json.dumps(result.summary)}
        data = result.data
        if data and call.encoding:
            packer = encoder(call.encoding)
            data = packer.compress(data) + packer.flush()
            headers["Content-Encoding"] = call.encoding
        return Answer(HTTPStatus.OK, headers, data)

    def _flow(self, call: Call, blocks: Iterator[bytes], kind: str) -> None:
        """Send a result while it is made. An error after the first block goes into the body, marked by a random tag."""
        first = next(blocks, b"")  # an error before it still has a status of its own
        tag = "".join(secrets.choice(string.ascii_lowercase) for _ in range(16))
        headers = {"Transfer-Encoding": "chunked", "X-ClickHouse-Exception-Tag": tag}
        if call.encoding:
            headers["Content-Encoding"] = call.encoding
        self._begin(HTTPStatus.OK, {**self._headers(call, kind), **headers})
        packer = encoder(call.encoding)
        try:
            for block in chain([first], blocks):
                self._chunk(packer.compress(block))
            self._chunk(packer.flush())
        except Failure as failure:
            self._chunk(packer.compress(_frame(failure.told(self.server.engine.version), tag)) + packer.flush())
            # Without the last chunk: no reader can take this for a whole result.
            raise ConnectionAbortedError("the result ended in an error") from failure

    def _refuse(self, call: Call, failure: Failure, body: Body) -> None:
        if self._begun:
            self.close_connection = True
            return
        try:
            body.drain()
        except ConnectionError:
            self.close_connection = True
        headers = {**self._headers(call, None), "X-ClickHouse-Exception-Code": str(failure.code), "Content-Type": _TEXT}
        self._send(failure.status, headers, f"{failure.told(self.server.engine.version)}\n".encode(errors="replace"))

    def _headers(self, call: Call, kind: str | None) -> dict[str, str]:
        headers = {
            "X-ClickHouse-Query-Id": call.query_id,
            "X-ClickHouse-Server-Display-Name": "chdb",
            "X-ClickHouse-Timezone": call.settings.get("session_timezone") or self.server.engine.timezone,
            "Content-Type": "application/octet-stream",
        }
        return {**headers, "X-ClickHouse-Format": kind} if kind else headers

    def _begin(self, status: HTTPStatus, headers: Mapping[str, str]) -> None:
        self._begun = True
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, status: HTTPStatus, headers: Mapping[str, str], data: bytes) -> None:
        self._begin(status, {**headers, "Content-Length": str(len(data))})
        self.wfile.write(data)

    def _chunk(self, data: bytes) -> None:
        if data:  # an empty one would end the body
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            self.wfile.flush()


def _frame(text: str, tag: str) -> bytes:
    """ClickHouse's form of an error in the middle of a result; the length counts the line end after the text."""
    size = len(text.encode()) + 1
    return f"\r\n__exception__\r\n{tag}\r\n{text}\n{size} {tag}\r\n__exception__\r\n".encode()
