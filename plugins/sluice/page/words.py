"""How the page writes durations, instants and numbers. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOTHING = "–"  # noqa: RUF001  a dash, as wide as a digit
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def duration(length: timedelta) -> str:
    """Two units at most: ``2 h 14 min``; below ten seconds with a decimal: ``4.2 s``."""
    seconds = max(length.total_seconds(), 0.0)
    if seconds < 10 and seconds % 1:
        return f"{seconds:.1f} s"
    rest = round(seconds)
    parts: list[str] = []
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(filter(None, parts[:2])) or "0 s"


def instant(moment: datetime | None) -> str:
    """A moment in UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if moment else NOTHING


def clock(moment: datetime | None) -> str:
    """A moment in UTC, without the year: what a narrow table has room for."""
    return f"{moment.astimezone(UTC):%d %b %H:%M:%S}" if moment else NOTHING


def span(low: datetime | None, high: datetime) -> str:
    """From one moment to another; the day is said once."""
    if low is None:
        return f"all until {clock(high)}"
    same_day = low.astimezone(UTC).date() == high.astimezone(UTC).date()
    return f"{clock(low)} – {clock(high)[-8:] if same_day else clock(high)}"  # noqa: RUF001  a dash between two ends


def sentence(text: str) -> str:
    """An error's text, which is written to follow a word, where it stands alone."""
    return text[:1].upper() + text[1:]


def number(count: float) -> str:
    """A count, its thousands apart."""
    return f"{count:,}"


def size(count: float) -> str:
    """Bytes, in the unit that leaves few digits."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"
