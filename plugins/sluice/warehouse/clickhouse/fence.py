"""The fence: one publisher (or migration runner) at a time, and nothing from a revived old one (I2, I3).

A lease with a token. Whoever holds the greatest (fence, owner) of a pipeline is the winner, and every statement that
changes something says in its WHERE that it is sent by the winner: to lose the fence is to have no effect any more. The
lease only decides when a holder is taken for dead.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sluice.errors import Fenced, SluiceError, WarehouseUnavailable
from sluice.warehouse.clickhouse.client import Client

log = logging.getLogger(__name__)

TAG = "sluice:publish:"


@dataclass(frozen=True, slots=True)
class Pace:
    """Waiting times, in seconds.

    ``lease``: a holder without a sign of life for so long, and without a running statement, is dead.
    ``patience``: how long a live holder is waited for. ``settle``: the pause between the last row and the commit
    record, on servers that may choose a table's parts before they read the batch. ``poll``: between two looks.
    ``claim``: from claiming the fence to looking who got it.
    """

    lease: float = 10.0
    patience: float = 900.0
    settle: float = 1.0
    poll: float = 0.25
    claim: float = 0.02


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a fence. ``silent``: seconds since the last sign of life; ``running``: its statements on the server."""

    fence: int = 0
    owner: str = ""
    released: bool = True
    silent: float = 0.0
    running: int = 0

    def alive(self, lease: float) -> bool:
        """Has it to be waited for?"""
        return not self.released and (self.running > 0 or self.silent < lease)


class Fence:
    """One attempt's claim on a pipeline.

    ``client`` is for what is sent while the fence is held: it marks the statements, so that a successor finds and ends
    them. Whoever only waits or asks is not marked, and not ended.
    """

    def __init__(self, client: Client, pipeline: str, pace: Pace) -> None:
        self.owner = secrets.token_hex(8)
        self._tag = f"{TAG}{pipeline}:"
        self.client, self._plain = client.tagged(f"{self._tag}{self.owner}"), client
        self._pipeline, self._pace = pipeline, pace
        self._shown = 0.0

    @property
    def guard(self) -> dict[str, object]:
        """The parameters of the guard that every changing statement carries."""
        return {"pipeline": self._pipeline, "owner": self.owner}

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the fence: wait for a live holder, take over from a dead one, and end what it left running."""
        self._take()
        try:
            self._end_others()
            yield
        finally:
            self._release()

    def is_taken(self) -> bool:
        """Whether somebody holds it who is alive."""
        return self._holder().alive(self._pace.lease)

    def renew(self) -> None:
        """Show a sign of life, when the last one was some time ago. Raises Fenced when another took over."""
        if time.monotonic() - self._shown > self._pace.lease / 4:
            self._plain.run("renew_fence", **self.guard, state="held")
            self._shown = time.monotonic()
            self.confirm()

    def confirm(self) -> None:
        """Raises Fenced when another took over."""
        if self._holder().owner != self.owner:
            raise Fenced(
                f"another publisher of {self._pipeline} took over",
                why="this one showed no sign of life for too long",
                fix="nothing: what this one still sends has no effect, and the other one goes on",
            )

    def wait(self, busy: Callable[[], bool], what: str) -> None:
        """Wait until it is no longer so, showing signs of life. Raises WarehouseUnavailable when patience ends."""
        end, told = time.monotonic() + self._pace.patience, False
        while busy():
            if not told:
                log.info("waiting: %s", what)
                told = True
            if time.monotonic() > end:
                raise WarehouseUnavailable(
                    f"{what}, after {self._pace.patience:.0f} s",
                    fix="see system.processes and system.mutations on the server; it is tried again",
                )
            time.sleep(self._pace.poll)

    def _take(self) -> None:
        self.wait(lambda: not self._claim(), f"another publisher of {self._pipeline} is still at work")

    def _claim(self) -> bool:
        holder = self._holder()
        if not holder.alive(self._pace.lease):
            self._plain.run("take_fence", **self.guard, seen=holder.fence)
            self._shown = time.monotonic()
            # One that claimed in the same moment may have won: better known now than later.
            time.sleep(self._pace.claim)
            holder = self._holder()
        return holder.owner == self.owner

    def _holder(self) -> Holder:
        rows = self._plain.rows("fence_holder", pipeline=self._pipeline, tag=self._tag)
        return Holder(*rows[0]) if rows else Holder()

    def _end_others(self) -> None:
        """Before this returns nothing sent under an older fence can still take effect: only now may n0 be read."""
        who = {"tag": self._tag, "mine": self.client.tag}
        if self._plain.number("count_others", **who):
            log.warning("ending the statements of an earlier publisher of %s", self._pipeline)
            self._plain.run("kill_others", **who)
            self.wait(lambda: self._others(who), f"an earlier statement of {self._pipeline} does not end")

    def _others(self, who: dict[str, str]) -> bool:
        self.renew()
        return self._plain.number("count_others", **who) > 0

    def _release(self) -> None:
        try:
            self._plain.run("renew_fence", **self.guard, state="released")
        except SluiceError as error:
            # The batch is decided already; without the release the next publisher waits for the lease.
            log.warning("the fence of %s was not released: %s", self._pipeline, error.what)
