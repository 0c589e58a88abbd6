"""What a vacuum does, in which order, and why: decided by what the warehouse reports. Pure.

Without a reason nothing is done. A reason is a share of a table, and what is gained is counted in rows that readers no
longer pass over, so that the jobs can be put into an order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sluice.warehouse.maintenance import UNKNOWN, Size

SMALL: Final = 1000
"""Rows of a table: of fewer nothing is gained, they are read in one block."""
ENDED: Final = 5.0
"""Percent of row versions that may be ended: below it parts would be written again for little."""
STALE: Final = 10.0
"""Percent by which statistics may be off: below it ANALYZE itself skips a table."""
MANY_PARTS: Final = 30
"""Parts of one partition that are left to the server's own merges."""
GRANULE: Final = 8192
"""Rows that a part more costs a reader, at most."""
LARGEST_PART: Final = 10 << 30
"""Bytes. ``create_storage`` says why no part may be larger."""
PERCENT: Final = 95
"""That of a table have to be sorted, and live: as VACUUM itself has it."""
ASKED: Final = "asked for"
GONE: Final = "sluice.gone"


class Action(StrEnum):
    """What can be done to a table. The modes of Redshift's VACUUM are named as in its statement."""

    FULL = "FULL"
    SORT = "SORT ONLY"
    DELETE = "DELETE ONLY"
    REINDEX = "REINDEX"
    RECLUSTER = "RECLUSTER"
    ANALYZE = "ANALYZE"
    PURGE = "PURGE"
    KILL_MUTATION = "KILL MUTATION"
    APPLY_PATCHES = "APPLY PATCHES"
    MERGE = "OPTIMIZE"


MODES: Final = (Action.FULL, Action.SORT, Action.DELETE, Action.REINDEX, Action.RECLUSTER)
"""Of Redshift's VACUUM."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is asked for; by default whatever there is a reason for.

    ``table``: only this one, as ``schema.table``. ``mode``, ``percent`` and ``boost`` are of Redshift's VACUUM. With a
    table and a mode it is done without another reason.
    """

    table: str = ""
    mode: Action | None = None
    percent: int = PERCENT
    boost: bool = False

    @property
    def allowed(self) -> float:
        """The share of a table that may be dead, or unsorted, in percent."""
        return 100.0 - self.percent

    def means(self, table: str) -> bool:
        """Whether it is about a table."""
        return not self.table or table == self.table


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to do at a time.

    ``gain``: in rows. ``piece``: the id of a partition or of a mutation. ``dead``: rows that there have to be less of.
    """

    action: Action
    target: str
    reason: str
    gain: float
    before: Size = UNKNOWN
    piece: str = ""
    dead: int = 0


# --- Redshift


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A row of ``svv_table_info``. ``unsorted`` and ``sort_benefit``, in percent, are None where nothing is known."""

    table: str
    rows: int
    visible: int
    unsorted: float | None
    sort_benefit: float | None
    stats_off: float
    bytes: int

    @property
    def dead(self) -> int:
        """Rows that are deleted and still there."""
        return max(self.rows - self.visible, 0)

    @property
    def size(self) -> Size:
        """How much there is."""
        return Size(self.rows, self.bytes)


def redshift_jobs(tables: Iterable[TableInfo], old_marks: int, wanted: Wanted) -> list[Job]:
    """In their order. ``old_marks``: of keys that are gone, older than they are kept."""
    # Statistics are of what a vacuum left: those of a table follow its own vacuum.
    by_table = [[*_vacuums(found, wanted), *_analyses(found)] for found in tables if wanted.means(found.table)]
    ordered = sorted(filter(None, by_table), key=lambda jobs: max(job.gain for job in jobs), reverse=True)
    marks = _marks(old_marks) if wanted.means(GONE) and wanted.mode is None else []
    return [*marks, *(job for jobs in ordered for job in jobs)]


def _marks(old: int) -> list[Job]:
    reason = f"{old:,} marks of keys that are gone are older than they are kept"
    return [Job(Action.PURGE, GONE, reason, old, Size(rows=old), dead=old)] if old >= SMALL else []


def _vacuums(found: TableInfo, wanted: Wanted) -> Iterator[Job]:
    if wanted.table and wanted.mode:
        yield Job(wanted.mode, found.table, ASKED, found.rows, found.size, dead=_freed(found, wanted.mode))
        return
    dead, unsorted = _dead(found, wanted), _unsorted(found, wanted)
    mode = _mode(wanted, dead=bool(dead), unsorted=bool(unsorted))
    if mode is not None:
        reasons = filter(None, (dead * (mode is not Action.SORT), unsorted * (mode is not Action.DELETE)))
        gain, freed = _gain(found, mode), _freed(found, mode)
        yield Job(mode, found.table, "; ".join(reasons), gain, found.size, dead=freed)


def _gain(found: TableInfo, mode: Action) -> float:
    benefit = found.sort_benefit if found.sort_benefit is not None else found.unsorted or 0.0
    return _freed(found, mode) + (0.0 if mode is Action.DELETE else found.rows * benefit / 100)


def _freed(found: TableInfo, mode: Action) -> int:
    """Rows that are gone afterwards; of the other modes nobody promises it."""
    return found.dead if mode in {Action.FULL, Action.DELETE, Action.REINDEX} else 0


def _mode(wanted: Wanted, *, dead: bool, unsorted: bool) -> Action | None:
    """The mode that a person chose, where it helps; else the one that does no more than there is a reason for."""
    if wanted.mode:
        helps = {Action.FULL: dead or unsorted, Action.DELETE: dead}.get(wanted.mode, unsorted)
        return wanted.mode if helps else None
    if dead:
        return Action.FULL if unsorted else Action.DELETE
    return Action.SORT if unsorted else None


def _dead(found: TableInfo, wanted: Wanted) -> str:
    share = 100.0 * found.dead / found.rows if found.rows else 0.0
    worth = found.dead >= SMALL and share > wanted.allowed
    return f"{share:.0f} % of {found.rows:,} rows are deleted and still there" if worth else ""


def _unsorted(found: TableInfo, wanted: Wanted) -> str:
    """Only where scans gain by it too, as far as that is known: it is by the queries that the warehouse has seen."""
    unsorted, gained = found.unsorted or 0.0, found.sort_benefit
    if found.rows < SMALL or unsorted <= wanted.allowed or (gained is not None and gained <= wanted.allowed):
        return ""
    return f"{unsorted:.0f} % are unsorted" + ("" if gained is None else f", and scans gain up to {gained:.0f} %")


def _analyses(found: TableInfo) -> Iterator[Job]:
    if found.stats_off > STALE and found.rows >= SMALL:
        reason = f"the planner's statistics are off by {found.stats_off:.0f} %"
        # A plan is rarely as wrong as its statistics: a tenth of what dead rows would count.
        yield Job(Action.ANALYZE, found.table, reason, found.rows * found.stats_off / 1000, found.size)


def threshold(job: Job, wanted: Wanted) -> str:
    """What follows the table's name in VACUUM: REINDEX and RECLUSTER take no percentage, and REINDEX no BOOST."""
    percent = "" if job.action in {Action.REINDEX, Action.RECLUSTER} else f" TO {wanted.percent} PERCENT"
    return percent + (" BOOST" if wanted.boost and job.action is not Action.REINDEX else "")


# --- ClickHouse


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition. ``patches``: that its parts still need; ``ended``: rows, longer ago than they are kept."""

    table: str
    id: str
    parts: int
    patches: int
    rows: int
    bytes: int
    ended: int = 0

    @property
    def size(self) -> Size:
        """How much there is."""
        return Size(self.rows, self.bytes, self.parts)


@dataclass(frozen=True, slots=True)
class Backlog:
    """The mutations of a table that are not done. ``failing``: the id of one that fails, for which the others wait."""

    table: str
    unfinished: int
    failing: str = ""
    failure: str = ""


def clickhouse_jobs(partitions: Iterable[Partition], backlogs: Sequence[Backlog], wanted: Wanted) -> list[Job]:
    """In their order; first what blocks everything else. A table with a backlog gets no more to do."""
    busy = {backlog.table for backlog in backlogs}
    meant = [found for found in partitions if wanted.means(found.table) and found.table not in busy]
    ended = Counter[str]()
    for found in meant:
        ended[found.table] += found.ended
    jobs = [job for found in meant for job in _partition_jobs(found, worth=ended[found.table] >= SMALL)]
    stuck = [_kill(backlog) for backlog in backlogs if backlog.failing and wanted.means(backlog.table)]
    return [*stuck, *sorted(jobs, key=lambda job: job.gain, reverse=True)]


def waiting(backlogs: Iterable[Backlog]) -> list[str]:
    """What is left alone until the server has caught up, for people."""
    return [f"{b.table}: {b.unfinished} mutations are not done yet" for b in backlogs if not b.failing]


def _kill(backlog: Backlog) -> Job:
    reason = f"a mutation fails again and again, {backlog.unfinished - 1} wait behind it: {backlog.failure}"
    return Job(Action.KILL_MUTATION, backlog.table, reason, 0.0, Size(objects=backlog.unfinished), backlog.failing)


def _partition_jobs(found: Partition, *, worth: bool) -> Iterator[Job]:
    """``worth``: enough is ended in the table, be it a little in each of many partitions."""
    share = 100.0 * found.ended / found.rows if found.rows else 0.0
    if found.patches:
        reason = f"{found.patches} patch parts are applied again by every read"
        # The worst that can be: scans take several times as long.
        yield Job(Action.APPLY_PATCHES, found.table, reason, 2.0 * found.rows, found.size, found.id)
    if worth and share > ENDED:
        reason = f"{share:.0f} % of {found.rows:,} row versions were ended longer ago than they are kept"
        yield Job(Action.PURGE, found.table, reason, found.ended, found.size, found.id, found.ended)
    if found.parts > MANY_PARTS and found.bytes <= LARGEST_PART:
        reason = f"{found.parts} parts, which the server's own merges have left"
        yield Job(Action.MERGE, found.table, reason, GRANULE * (found.parts - 1.0), found.size, found.id)
