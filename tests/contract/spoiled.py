"""Connections that break, stall or lose answers at a chosen statement: what kills and networks do to a publisher."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sluice.errors import WarehouseUnavailable
from sluice.statements import Sql, Statement
from sluice.warehouse.clickhouse.client import Client

Hook = Callable[[str], None]

READS = {
    "commits",
    "drift",
    "commit_of_plan",
    "fence_holder",
    "count_others",
    "pipeline_storages",
    "unfinished_mutations",
    "count_unpublished",
    "count_unpublished_records",
    "count_rows",
    "count_replaced",
    "count_missing",
    "later_counts",
    "reject_groups",
    "count_news",
    "count_unnumbered",
    "find_collision",
    "count_written",
    "count_skipped",
    "find_double",
    "staging_tables",
    "table_exists",
    "renew_fence",
}
"""Statements that change nothing that a later one reads: to die after one of them is to die after the one before it.
(Signs of life are shown as time passes, so their number differs from run to run.)"""


class Crash(BaseException):
    """The process is gone: not an Exception, so that no code of the product can react to it."""


def hooked(client: Client, before: Hook, after: Hook) -> Client:
    """The same connection, calling ``before`` and ``after`` with the name of each statement."""

    class Hooked(Client):
        def _command(self, statement: Statement) -> None:
            before(statement.name)
            super()._command(statement)
            after(statement.name)

        def rows(self, name: str, /, **values: object) -> list[tuple[Any, ...]]:
            before(name)
            found = super().rows(name, **values)
            after(name)
            return found

        def insert(self, table: Sql, columns: Any, rows: Any) -> int:
            before("insert")
            done = super().insert(table, columns, rows)
            after("insert")
            return done

    return Hooked(client._driver, secret=client._secret)


def changing(seen: list[str]) -> Hook:
    """A hook that notes the statements that change something."""

    def note(name: str) -> None:
        if name not in READS:
            seen.append(name)

    return note


def crash_after(number: int) -> Callable[[Client], Client]:
    """Dies after so many changing statements, and sends nothing more."""
    seen: list[str] = []
    note = changing(seen)

    def die_if_due(name: str) -> None:
        if len(seen) >= number:
            raise Crash

    def after(name: str) -> None:
        note(name)
        die_if_due(name)

    return lambda client: hooked(client, die_if_due, after)


def crash_before(name: str) -> Callable[[Client], Client]:
    """Dies before a statement, and sends nothing more."""
    dead: list[str] = []

    def before(sent: str) -> None:
        if dead or sent == name:
            dead.append(sent)
            raise Crash

    return lambda client: hooked(client, before, do_nothing)


def lose_answer_to(name: str) -> Callable[[Client], Client]:
    """The statement takes effect, and its answer is lost on the way."""

    def after(sent: str) -> None:
        if sent == name:
            raise WarehouseUnavailable("the connection was closed")

    return lambda client: hooked(client, lambda _: None, after)


def stall_before(number: int, meanwhile: Callable[[], None]) -> Callable[[Client], Client]:
    """Before its so-many-th changing statement the process sleeps, while something else happens; then it goes on."""
    seen: list[str] = []
    note = changing(seen)

    def before(name: str) -> None:
        due = len(seen)
        note(name)
        if due < number <= len(seen):
            meanwhile()

    return lambda client: hooked(client, before, lambda _: None)


def do_nothing(_: str) -> None:
    """A hook without effect."""
