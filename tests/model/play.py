"""Play a sequence: do its operations to the real servers, and compare after each that may have published something."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sluice import pipeline as spine
from sluice.errors import SluiceError, SourceUnavailable
from sluice.warehouse.base import Loaded
from sluice.window import Cut, Plan
from tests.acceptance import oracle
from tests.model.arena import Arena
from tests.model.death import Died
from tests.model.operations import Batch, Death, Drop, Operation, Purge, Rename, Span, Step, Sweep
from tests.model.promises import Ends, Promises, Reading

PLAN, LAND, FOLLOW, LOAD, PUBLISH = range(5)
MOST_SHOWN = 4000


class Broken(AssertionError):
    """The warehouse does not hold what it has to."""


def failed(arena: Arena, operations: list[Operation]) -> str | None:
    """What went wrong, and how it came to it; None when nothing did."""
    play = Play(arena)
    try:
        play.play(operations)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a sequence is made smaller and shown
        return "\n".join([*play.transcript, f"{type(error).__name__}: {error}"[:MOST_SHOWN]])
    return None


@dataclass
class Run:
    """One batch on its way. ``done``: how many steps are. ``planned``, and ``plan``: what became of it.

    ``swept``: its staging is gone; ``disturbed``: the server may have lost the snapshot of its cut.
    """

    ends: Ends | None
    done: int = PLAN
    swept: bool = False
    disturbed: bool = False
    planned: Plan | None = None
    plan: Plan | None = None
    loaded: list[Loaded] = field(default_factory=list)


class Play:
    """One sequence. ``transcript``: what was done, and what came of it."""

    def __init__(self, arena: Arena) -> None:
        self._arena, self._promises = arena, Promises(arena.pipeline)
        self._runs: dict[str, Run] = {}
        self._readings: dict[tuple[str, int], Reading] = {}
        self.transcript: list[str] = []

    def play(self, operations: list[Operation]) -> None:
        """Do all of it, one whole batch more, and leave nothing behind. Raises Broken."""
        self._arena.reset()
        for operation in [*operations, Batch()]:
            self.transcript.append(f"{self._arena.source.clock.now:%H:%M:%S} {operation}")
            self._do(operation)
        self._arena.sweep()
        if left := self._arena.leftovers():
            raise Broken(f"left behind: {left}")
        if self._promises.streamed and (different := self._arena.audited()):
            raise Broken(f"the audit finds {different}")

    def _do(self, operation: Operation) -> None:
        match operation:
            case Step():
                self._step(operation)
            case Batch():
                self._batch(operation)
            case Sweep():
                self._arena.sweep()
                for run in self._runs.values():
                    run.swept = True
            case Purge():
                self._runs.clear()  # the horizon has to be longer than any run takes
                self._arena.purge()
                self._compare()
            case _:
                self._arena.source.do(operation)
                if isinstance(operation, Drop | Rename):
                    self._lose_snapshots()

    def _lose_snapshots(self) -> None:
        """The server shows no snapshot from before it: what was planned and not landed has to be planned anew.

        By date, and of a span, it would go on without one, as its log says; that promises less than this model knows.
        """
        by_date = self._pipeline.capture.mode == "modified"
        self._runs = {name: r for name, r in self._runs.items() if r.done > LAND or not (by_date or r.ends)}
        for run in self._runs.values():
            run.disturbed = True
        if by_date:
            self._arena.forget_plans()

    def _step(self, step: Step) -> None:
        run = self._runs.get(step.run)
        again = run is not None and step.again is not None and run.done - 1 - step.again > PLAN
        if run is None or (run.done > PUBLISH and not again):
            run = self._runs[step.run] = Run(self._ends(step.span))
        if again:
            run.done -= 1 + (step.again or 0)
        numbers = range(run.done, min(run.done + step.count, PUBLISH + 1))
        self._survives(step.death, run, lambda: self._advance(run, numbers))
        if PUBLISH in numbers:
            self._look(run.ends)

    def _advance(self, run: Run, numbers: range) -> None:
        for number in numbers:
            (self._plan, self._land, self._follow, self._load, self._publish)[number](run)
            run.done = number + 1

    def _batch(self, batch: Batch) -> None:
        run = Run(self._ends(batch.span))
        self._survives(batch.death, run, lambda: spine.run(self._pipeline, self._systems, run.ends))
        self._look(run.ends)

    def _survives(self, death: Death | None, run: Run, work: Callable[[], object]) -> None:
        """Do a piece of work, to its end or to its death."""
        try:
            with self._arena.reaper.waiting(death):
                work()
        except Died:
            self._say("died")
            self._arena.revive()
        except SourceUnavailable as error:
            if not run.disturbed:
                raise
            self._say(f"refused: {error.what}")
            self._runs = {name: other for name, other in self._runs.items() if other is not run}
        except SluiceError as error:
            if not run.swept:
                raise
            self._say(f"refused: {error.what}")
            run.done, run.swept = LOAD, False

    def _plan(self, run: Run) -> None:
        run.disturbed = False
        run.planned = run.plan = _sent(spine.plan(self._pipeline, self._systems, run.ends))
        if not run.plan.follow:
            self._reading(run.plan.id, run.plan.cut, run.ends)

    def _reading(self, plan: str, cut: Cut, ends: Ends | None) -> Reading:
        """What a batch has to read, decided before anything else happens to the source."""
        which, source = (plan, cut.cluster), self._arena.source
        if which not in self._readings:
            self._readings[which] = self._promises.plan(plan, cut, source.at(cut), ends, source.late)
        return self._readings[which]

    def _land(self, run: Run) -> None:
        assert run.planned
        for piece in run.planned.ranges:
            spine.land(self._pipeline, self._systems, run.planned, piece)

    def _follow(self, run: Run) -> None:
        assert run.planned
        run.plan = _sent(spine.follow(self._pipeline, self._systems, run.planned))
        self._reading(run.plan.id, run.plan.cut, run.ends)

    def _load(self, run: Run) -> None:
        assert run.plan
        run.loaded = [spine.load(self._systems, run.plan, c) for c in self._pipeline.collections]
        run.swept = False

    def _publish(self, run: Run) -> None:
        assert run.plan
        before = self._arena.commits()
        commit = spine.publish(self._pipeline, self._systems, run.plan, run.loaded)
        if commit not in before:
            spine.verify(self._pipeline, self._systems, commit)

    def _look(self, ends: Ends | None) -> None:
        """Compare, with what was published if it was."""
        for commit in self._arena.commits():
            if commit.plan not in self._promises.published:
                reading = self._reading(commit.plan, commit.cut, ends)
                self._promises.publish(reading)
                self._say(f"batch {commit.batch} of cut {commit.cut.cluster >> 32:x}:{commit.cut.cluster & 0xFFFF:x}")
                if broken := list(self._promises.broken(reading)):
                    raise Broken(f"not published as promised: {broken}")
        self._compare()

    def _compare(self) -> None:
        if differences := list(_differences(self._promises.expected(), self._arena.tables())):
            raise Broken("\n".join(differences))
        if hidden := self._promises.open_rejects() - self._arena.open_rejects():
            raise Broken(f"rejected when last read, and not open: {sorted(hidden)}")

    def _ends(self, span: Span | None) -> Ends | None:
        clock = self._arena.source.clock
        return (clock.behind(span[0]), clock.behind(span[1])) if span else None

    def _say(self, what: str) -> None:
        self.transcript[-1] += f" → {what}"

    @property
    def _pipeline(self) -> Any:
        return self._arena.pipeline

    @property
    def _systems(self) -> spine.Systems:
        return self._arena.systems


def _sent(plan: Plan) -> Plan:
    """As it comes to the next task."""
    return Plan.from_json(json.loads(json.dumps(plan.to_json())))


def _differences(expected: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    for table, wanted in expected.items():
        for key in sorted(wanted.keys() | found[table].keys()):
            have = sorted(found[table].get(key, []), key=lambda row: row.get("ordinal", 0))
            if not _same(wanted.get(key, []), have):
                yield f"{table} {key}: expected {wanted.get(key)}, found {have}"


def _same(expected: list[dict[str, Any]], found: list[dict[str, Any]]) -> bool:
    if len(expected) != len(found):
        return False
    pairs = zip(expected, found, strict=True)
    return all(oracle.same(value, row.get(name)) for wanted, row in pairs for name, value in wanted.items())
