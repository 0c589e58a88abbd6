"""A census in words: the comments of an inferred pipeline file. Counts and bounds, and no text of a document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from sluice.columns import ColumnType, Kind, OnError
from sluice.infer.census import CANDIDATES, Seen, Span
from sluice.infer.guess import ChildGuess, Guess, roomy

_TENTH = Decimal("0.1")


def of_column(guess: Guess, rows: int) -> str:
    """``string 98.2 %, null 1.8 %, longest 212 bytes``; shares are of ``rows``."""
    return "; ".join(_statements(guess.seen, guess.type, guess.on_error, rows))


def of_child(guess: ChildGuess, rows: int) -> str:
    """``array 100 %, 0 to 12 elements, each: string 100 %, longest 30 bytes``."""
    said, seen = [], guess.seen
    for _ in range(guess.depth):
        said.append(f"{_types(seen, rows)}, {_span(seen.lengths)} elements")
        seen, rows = seen.elements or guess.elements, seen.elements.types.total() if seen.elements else 0
    if guess.type:
        said.append("; ".join(_statements(seen, guess.type, guess.on_error, rows)))
    return ", each: ".join(said)


def share(part: int, whole: int) -> str:
    """``98.2 %``. Never rounded to all or to nothing."""
    if part in {0, whole}:
        return "100 %" if part else "0 %"
    percent = (Decimal(100 * part) / whole).quantize(_TENTH, ROUND_DOWN)
    return f"{percent} %" if percent else "<0.1 %"


def _statements(seen: Seen, chosen: ColumnType, on_error: OnError, rows: int) -> Iterator[str]:
    yield ", ".join([_types(seen, rows), *_bounds(seen)])
    if chosen.kind is Kind.JSON and (better := _rather(seen)):
        yield better
    if beyond := seen.all_beyond():
        yield f"{beyond:,} larger than the warehouse holds: rejected{_unless_cut(chosen)}"
    if on_error is OnError.REPLACE:
        yield f"{seen.all_garbled():,} not UTF-8, which U+FFFD replaces"


def _unless_cut(chosen: ColumnType) -> str:
    return ", but for `on_error: truncate`" if chosen.kind in {Kind.STRING, Kind.TEXT} else ""


def _types(seen: Seen, rows: int) -> str:
    counts = [(name, count) for name, count in seen.types.most_common() if name != "null"]
    counts += [("null", seen.types["null"]), ("missing", rows - seen.types.total())]
    return ", ".join(f"{name} {share(count, rows)}" for name, count in counts if count)


def _bounds(seen: Seen) -> Iterator[str]:
    if "string" in seen.types:
        yield f"longest {seen.longest:,} bytes"
    if seen.integers.low is not None:
        yield _span(seen.integers)
    if "decimal" in seen.types and seen.whole + seen.places:
        yield f"digits {seen.whole} before and {seen.places} after the point"
    if seen.dates.low is not None:
        yield f"{_day(seen.dates.low)} to {_day(seen.dates.high)}"
    if seen.lengths.low is not None:
        yield f"{_span(seen.lengths)} elements"


def _rather(seen: Seen) -> str:
    """What most of the values fit into, and how many do not."""
    values = sum(seen.types[name] for name in CANDIDATES)
    kinds = {kind for name in seen.present for kind in CANDIDATES.get(name, ())}
    misfits = {kind: count for kind, count in seen.misfits.items() if kind in kinds}
    kind = min(misfits, key=lambda kind: misfits[kind], default=Kind.JSON)
    if kind is Kind.JSON or misfits[kind] * 2 > values or (kind is Kind.DECIMAL and misfits[kind]):
        return ""
    return f"{roomy(kind, seen)} would reject {misfits[kind]:,}"


def _span(span: Span) -> str:
    return f"{span.low:,} to {span.high:,}" if span.low != span.high else f"{span.low:,}"


def _day(moment: datetime) -> str:
    return f"{moment.year:04}-{moment:%m-%d}"
