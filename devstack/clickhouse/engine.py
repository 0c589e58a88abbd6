"""The engine of one data folder, what runs on it, and the sessions of its clients."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import chdb

from devstack.clickhouse.call import Call
from devstack.clickhouse.failure import QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING, Failure
from devstack.clickhouse.handle import Handle
from devstack.clickhouse.rights import Rights
from devstack.clickhouse.sessions import Sessions


class Engine:
    """Opens the folder on creation; only one process can. Requests may come from any thread."""

    def __init__(self, path: Path, config: Path | None = None) -> None:
        # The engine reads its own address like a URL, but the folder's part of it literally.
        self._root = chdb.connect(f"{path}?config-file={quote(str(config))}" if config else str(path))
        self._path = path
        self._sessions = Sessions(path)
        self.rights = Rights(path)
        self._running: set[str] = set()
        self._changed = threading.Condition()
        self._stopping = False
        self.version, self.timezone = self._facts()

    def _facts(self) -> tuple[str, str]:
        version, timezone = self._root.query("SELECT version(), timezone()", "TSV").bytes().decode().split()
        return version, timezone

    @contextmanager
    def handle(self, call: Call) -> Iterator[Handle]:
        """A handle set up for one request: its session's, or a fresh one, so that nothing leaks into other requests."""
        with self._running_as(call.query_id), self._handle(call) as handle:
            yield handle

    @contextmanager
    def _handle(self, call: Call) -> Iterator[Handle]:
        if ask := call.session:
            with self._sessions.lease(call, ask) as handle:
                yield handle
        else:
            with closing(Handle(self._path)) as handle:
                handle.configure(call.database, call.settings)
                yield handle

    @contextmanager
    def _running_as(self, query_id: str) -> Iterator[None]:
        with self._changed:
            if self._stopping:
                raise ConnectionError("the server stops")
            if query_id in self._running:
                raise Failure.refusal(
                    QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING, f"Query with id = {query_id} is already running."
                )
            self._running.add(query_id)
        try:
            yield
        finally:
            with self._changed:
                self._running.discard(query_id)
                self._changed.notify_all()

    def stop(self, patience: float) -> None:
        """Cancel what runs, give it ``patience`` seconds to tell its clients, and close the folder if it did."""
        with self._changed:
            self._stopping = True
        self._root.query("KILL QUERY WHERE 1 ASYNC", "TSV")
        with self._changed:
            ended = self._changed.wait_for(lambda: not self._running, patience)
        if ended:
            self._sessions.close()
            self._root.close()
