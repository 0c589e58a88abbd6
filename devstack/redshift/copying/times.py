"""Dates and times.

Pages: *DATEFORMAT and TIMEFORMAT strings* (r_DATEFORMAT_and_TIMEFORMAT_strings), *Using automatic recognition with
DATEFORMAT and TIMEFORMAT* (automatic-recognition), ACCEPTANYDATE in *Data conversion parameters*.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from devstack.redshift.copying.figures import BLANKS, Convert
from devstack.redshift.copying.report import RowError
from devstack.redshift.copying.statement import CopyOptions
from devstack.redshift.errors import SqlError

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  Redshift's timestamp has no zone
_SECONDS: Final = {"epochsecs": 1, "epochmillisecs": 1000}
_MONTHS: Final = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_OFFSET: Final = r"(?P<z>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?"
_TOKENS: Final = {
    "YYYY": r"(?P<Y>[0-9]{4})",
    "YY": r"(?P<y>[0-9]{2})",
    "MON": r"(?P<b>[A-Za-z]{3})[a-z]*",
    "MM": r"(?P<m>[0-9]{1,2})",
    "DD": r"(?P<d>[0-9]{1,2})",
    "HH24": r"(?P<H>[0-9]{1,2})",
    "HH12": r"(?P<I>[0-9]{1,2})",
    "HH": r"(?P<H>[0-9]{1,2})",
    "MI": r"(?P<M>[0-9]{2})",
    "SS": r"(?P<S>[0-9]{2})(?:\.(?P<f>[0-9]+))?",
    "AM": r"(?P<p>[AaPp][Mm])",
    "PM": r"(?P<p>[AaPp][Mm])",
    "OF": _OFFSET,
}
_TOKEN: Final = re.compile("|".join(sorted(_TOKENS, key=len, reverse=True)), re.IGNORECASE)
_DEFAULT_DATE, _DEFAULT_TIME = "YYYY-MM-DD", "YYYY-MM-DD HH:MI:SS"
_AUTO_DATES: Final = ("YYYY-MM-DD", "YYYYMMDD", "YYYY/MM/DD", "MM/DD/YYYY", "MM-DD-YYYY", "DD-MON-YYYY", "YYYY-MON-DD")
_WORDED: Final = ("MON DD, YYYY", "MON DD YYYY", "DD MON YYYY")
_AUTO: Final = (*_AUTO_DATES, *_WORDED)
_CLOCK: Final = (
    r"(?:[T ]\s*(?P<H>[0-9]{1,2}):(?P<M>[0-9]{2})(?::(?P<S>[0-9]{2})(?:[.,](?P<f>[0-9]+))?)?(?: ?(?P<p>[AaPp][Mm]))?)?"
)

# What may be sent on as it stands: valid for PostgreSQL, and the same there. Both `re` and RE2 read it.
_DAYS: Final = "(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31"
PLAIN_DATE: Final = rf"(?:[1-9][0-9]{{3}}-(?:{_DAYS}))"
_PLAIN_OFFSET: Final = "(?:Z|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)?"
_PLAIN_CLOCK: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"


def plain_time(options: CopyOptions, *, zoned: bool) -> str | None:
    """The pattern of timestamps that need no work; None where the format is another."""
    if options.time_format not in {None, "auto"}:
        return None
    separator = "[ T]" if options.time_format else " "
    return f"{PLAIN_DATE}{separator}{_PLAIN_CLOCK}{_PLAIN_OFFSET if zoned else ''}"


def plain_date(options: CopyOptions) -> str | None:
    """As ``plain_time``."""
    return PLAIN_DATE if options.date_format in {None, "auto", _DEFAULT_DATE} else None


def day(options: CopyOptions) -> Convert:
    """A DATE."""
    format_ = options.date_format or _DEFAULT_DATE
    # What a timestamp has besides its day is passed over.
    patterns = [_pattern(f, _CLOCK + r"\s*" + _OFFSET) for f in (_AUTO if format_ == "auto" else (format_,))]

    def parse(text: str) -> str:
        if options.date_format is None and len(text) < 10:
            raise RowError(1205, "Invalid Date Format - length must be 10 or more")
        found = _first(patterns, text)
        if not found:
            raise RowError(1205, f"Invalid Date Format [{format_}]" if format_ != "auto" else "Invalid Date Format")
        moment = _moment(found)
        if not moment:
            raise RowError(1205, "Invalid Date - the day does not exist")
        return moment.date().isoformat()

    return _tolerant(parse, options)


def moment(options: CopyOptions, *, zoned: bool) -> Convert:
    """A TIMESTAMP or TIMESTAMPTZ. An offset counts only for the latter, which is in UTC without one."""
    format_ = options.time_format or _DEFAULT_TIME
    shown = "YYYY-MM-DD HH24:MI:SS" if format_ in {_DEFAULT_TIME, "auto"} else format_
    verbatim = re.compile(plain_time(options, zoned=zoned) or "(?!)")
    patterns = list(_time_patterns(format_, zoned=zoned))

    def parse(text: str) -> str:
        if verbatim.fullmatch(text):
            return text
        found = _epoch(text, _SECONDS[format_]) if format_ in _SECONDS else _read(patterns, text)
        if found is None:
            raise RowError(1206, f"Invalid timestamp format or value [{shown}]")
        instant, offset = found
        return instant.isoformat(" ") + (offset if zoned else "")

    return _tolerant(parse, options)


def clock(value: str) -> str | None:
    """A TIME or TIMETZ."""
    text = value.strip(BLANKS)
    if text and not re.fullmatch(rf"{_PLAIN_CLOCK}{_OFFSET}", text):
        raise RowError(1206, "Invalid timestamp format or value [HH24:MI:SS]")
    return text or None


def _time_patterns(format_: str, *, zoned: bool) -> Iterator[re.Pattern[str]]:
    if format_ == "auto":
        yield from (_pattern(day, _CLOCK + r"\s*" + _OFFSET) for day in _AUTO)
    elif format_ == _DEFAULT_TIME:
        # A date alone is midnight; the zone may stand behind either.
        yield _pattern(_DEFAULT_DATE, _CLOCK.replace("[T ]", " ") + _OFFSET)
    elif format_ not in _SECONDS:
        yield _pattern(format_, _OFFSET if zoned and "OF" not in format_.upper() else "")


def _pattern(format_: str, more: str = "") -> re.Pattern[str]:
    pieces, at = [], 0
    for token in _TOKEN.finditer(format_):
        pieces += [re.escape(format_[at : token.start()]), _TOKENS[token.group().upper()]]
        at = token.end()
    try:
        return re.compile("".join(pieces) + re.escape(format_[at:]) + more)
    except re.error as error:
        raise SqlError(f"Invalid format string: {format_}", "22007") from error


def _first(patterns: list[re.Pattern[str]], text: str) -> re.Match[str] | None:
    return next((found for pattern in patterns if (found := pattern.fullmatch(text))), None)


def _read(patterns: list[re.Pattern[str]], text: str) -> tuple[datetime, str] | None:
    found = _first(patterns, text)
    instant = _moment(found) if found else None
    offset = (found and found.groupdict().get("z")) or "Z"
    return (instant, "+00" if offset in "Zz" else offset) if instant else None


def _moment(found: re.Match[str]) -> datetime | None:
    part = {name: text for name, text in found.groupdict().items() if text}
    try:
        return datetime(  # noqa: DTZ001  as _EPOCH
            _year(part),
            _MONTHS.index(part["b"].lower()) + 1 if "b" in part else int(part["m"]),
            int(part["d"]),
            _hour(part),
            int(part.get("M", 0)),
            int(part.get("S", 0)),
            int(part.get("f", "")[:6].ljust(6, "0")),
        )
    except (ValueError, KeyError):
        return None


def _year(part: dict[str, str]) -> int:
    if "Y" in part:
        return int(part["Y"])
    short = int(part["y"])
    return short + (1900 if short >= 70 else 2000)


def _hour(part: dict[str, str]) -> int:
    half = part.get("p", "").upper()
    hour = int(part.get("I", part.get("H", "0")))
    if not half:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if half == "PM" else 0)


def _epoch(text: str, unit: int) -> tuple[datetime, str] | None:
    if not re.fullmatch(r"-?[0-9]{1,18}(?:\.[0-9]{1,9})?", text):
        return None
    whole, _, part = text.partition(".")
    micros = int(whole) * 1_000_000 // unit if not part else round(float(text) * 1_000_000 / unit)
    try:
        return _EPOCH + timedelta(microseconds=micros), "+00"
    except OverflowError:
        return None


def _tolerant(parse: Callable[[str], str], options: CopyOptions) -> Convert:
    def convert(value: str) -> str | None:
        text = value.strip(BLANKS)
        if not text:
            return None
        try:
            return parse(text)
        except RowError:
            if options.accept_any_date:
                return None
            raise

    return convert
