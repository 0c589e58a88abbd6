"""Sessions: handles that are kept between requests, with their temporary tables, for one request at a time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from devstack.clickhouse.call import Call, SessionAsk
from devstack.clickhouse.failure import SESSION_IS_LOCKED, SESSION_NOT_FOUND, Failure
from devstack.clickhouse.handle import Handle, name_of, text_of


class Session:
    """A handle on which a request's database and settings hold for that request only.

    They are taken back when the next request comes with others: most clients send the same ones with every request.
    """

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self.timeout = 0
        self.used = time.monotonic()
        self.lock = threading.Lock()
        self._applied: dict[str, str] = {}
        self._before: dict[str, str] = {}
        self._database = self._home = ""

    def configure(self, call: Call) -> None:
        """Make the request's database and settings those of the handle. Raises Failure when it refuses them."""
        try:
            self._use(call.database)
            self._set(call.settings)
        except Failure:
            self._reset()
            raise

    def _use(self, database: str) -> None:
        if database == self._database:
            return
        if not self._database:
            self._home = json.loads(self.handle.run("SELECT currentDatabase()", "JSONCompactEachRow").data)[0]
        self.handle.configure(database or self._home, {})
        self._database = database

    def _set(self, wanted: Mapping[str, str]) -> None:
        changed = {name: value for name, value in wanted.items() if self._applied.get(name) != value}
        stale = {name: self._before.get(name, "DEFAULT") for name in self._applied.keys() - wanted.keys()}
        self._remember(changed.keys() - self._before.keys())
        self._apply(stale)
        self.handle.configure("", changed)
        self._applied = dict(wanted)

    def _remember(self, names: set[str]) -> None:
        if not names:
            return
        listed = ", ".join(text_of(name) for name in names)
        query = f"SELECT name, value, changed FROM system.settings WHERE name IN ({listed})"  # noqa: S608 - quoted above
        for name, value, changed in map(json.loads, self.handle.run(query, "JSONCompactEachRow").data.splitlines()):
            self._before[name] = text_of(value) if changed else "DEFAULT"

    def _apply(self, settings: Mapping[str, str]) -> None:
        for name, value in settings.items():
            self.handle.run(f"SET {name_of(name)} = {value}")
            self._before.pop(name, None)

    def _reset(self) -> None:
        for name, value in list(self._before.items()):
            with suppress(Failure):
                self._apply({name: value})
        self._applied.clear()


class Sessions:
    """All sessions of one engine, by the ids that clients chose."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._of: dict[str, Session] = {}
        self._guard = threading.Lock()

    @contextmanager
    def lease(self, call: Call, ask: SessionAsk) -> Iterator[Handle]:
        """The session's handle, set up for one request. Raises Failure when another request is using it."""
        session = self._taken(ask)
        try:
            session.configure(call)
            yield session.handle
        finally:
            session.used = time.monotonic()
            session.lock.release()

    def _taken(self, ask: SessionAsk) -> Session:
        with self._guard:
            self._forget_idle()
            session = self._of.get(ask.id)
            if not session:
                if ask.check:
                    raise Failure.refusal(SESSION_NOT_FOUND, f"Session {ask.id} not found.")
                session = self._of[ask.id] = Session(Handle(self._path))
            if not session.lock.acquire(blocking=False):
                raise Failure.refusal(SESSION_IS_LOCKED, f"Session {ask.id} is locked by a concurrent client.")
            session.timeout = ask.timeout
            return session

    def _forget_idle(self) -> None:
        # Every client of clickhouse-connect makes a session and none ends it: only time does.
        now = time.monotonic()
        for name, session in list(self._of.items()):
            if now - session.used > session.timeout and session.lock.acquire(blocking=False):
                self._of.pop(name).handle.close()

    def close(self) -> None:
        """End all sessions; none is in use."""
        with self._guard:
            for session in self._of.values():
                session.handle.close()
            self._of.clear()
