"""A process that dies at a durable write, without a process: what is sent after its death does not arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.faults import die_at
from tests.model.operations import Death


class Died(BaseException):
    """The process is gone: not an Exception, so that no code of the product can react to it."""


class Reaper:
    """Counts durable writes, as :class:`tests.faults.die_at.Counter` does, and ends the work at a chosen one."""

    def __init__(self) -> None:
        self._left, self._after, self._dead = 0, False, False

    @contextmanager
    def waiting(self, death: Death | None) -> Iterator[None]:
        """For a piece of work. It raises Died when it comes to that write."""
        self._left, self._after, self._dead = (death.write, death.after, False) if death else (0, False, False)
        try:
            yield
        finally:
            self._left, self._dead = 0, False

    def around(self, name: str, send: Callable[[], Any]) -> Any:
        """Send one write, or die."""
        if self._dead:
            raise Died
        self._left -= 1
        mine = self._left == 0
        self._dead = mine
        if mine and not self._after:
            raise Died
        answer = send()
        if mine:
            raise Died
        return answer


@contextmanager
def reaping() -> Iterator[Reaper]:
    """A reaper at the drivers, as long as this lasts."""
    from botocore.client import BaseClient
    from clickhouse_connect.driver.httpclient import HttpClient
    from redshift_connector.core import Connection

    places: list[tuple[Any, str]] = [(BaseClient, "_make_api_call"), (Connection, "execute")]
    places += [(HttpClient, method) for method in ("command", "data_insert", "raw_insert")]
    kept = [(owner, name, getattr(owner, name)) for owner, name in places]
    reaper: Any = Reaper()
    die_at.watch_s3(reaper)
    die_at.watch_clickhouse(reaper)
    die_at.watch_redshift(reaper)
    try:
        yield reaper
    finally:
        for owner, name, method in kept:
            setattr(owner, name, method)
