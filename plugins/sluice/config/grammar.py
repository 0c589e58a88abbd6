"""The small languages inside a pipeline file: names, paths, durations, schedules. Each function raises Wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from sluice.config.problems import Wrong
from sluice.spec import CONTINUOUS
from sluice.suggest import did_you_mean, shown

NAME: Final = "[A-Za-z_][A-Za-z0-9_]{0,62}"
DURATION: Final = r"(?=[0-9])([0-9]{1,5}d)?([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?"
DELETES: Final = r"none|reconcile|stream|soft:.+"
BUCKET: Final = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"

PRESETS: Final = ("@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly", CONTINUOUS)
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_DAYS = "sun mon tue wed thu fri sat".split()
_CRON = (
    ("minute", range(60), ()),
    ("hour", range(24), ()),
    ("day of the month", range(1, 32), ()),
    ("month", range(1, 13), _MONTHS),
    ("day of the week", range(8), _DAYS),
)

# The databases of the servers and of Sluice itself: publishing into them would mix tables that must stay apart.
_LONGEST_DESCRIPTION = 1000
_TAKEN_SCHEMAS: Final = {"sluice", "sluice_data", "sluice_staging", "system", "information_schema"}


def _matching(pattern: str, what: str, fix: str) -> Callable[[str], str]:
    """A check that a text is of the pattern, as a whole."""
    compiled = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise Wrong(f"{shown(text)} is not {what}", fix)
        return text

    return check


identifier = _matching(NAME, "a name for the warehouse", "use letters, digits and _, at most 63, no digit first")
collection = _matching(NAME, "a name for a table, which a collection's must be", "rename it in MongoDB")
database = _matching(r'[^/\\. "$*<>:|?\x00]{1,63}', "the name of a MongoDB database", "use letters, digits, - and _")
conn_id = _matching(
    r"[A-Za-z0-9_.-]{1,200}",
    "the id of a connection",
    "name an Airflow connection (or AIRFLOW_CONN_<ID>); addresses and passwords stay there",
)
prefix = _matching(r"([\w.-]+(/[\w.-]+)*)?", "a prefix of S3 keys", "use letters, digits, . _ - and inner /")
transform = _matching(
    rf"{NAME}(\.{NAME})*:{NAME}", "the address of a function", "write module:function, as reports.clean:documents"
)
dotted_name = _matching(rf"{NAME}(\.{NAME})+", "the name of a class", "write its module and its name, with dots")


def schema(text: str) -> str:
    """The database that analysts read."""
    if identifier(text).lower() in _TAKEN_SCHEMAS:
        raise Wrong(f"{text!r} belongs to Sluice or to the server", "name a schema of its own, such as the pipeline's")
    return text


def bucket(text: str) -> str:
    """S3's rules for the name of a bucket."""
    if not re.fullmatch(BUCKET, text) or ".." in text or re.fullmatch(r"[0-9]+(\.[0-9]+){3}", text):
        raise Wrong(f"{shown(text)} is not the name of a bucket", "use 3 to 63 lower-case letters, digits, . and -")
    return text


def path(text: str) -> str:
    """Where a field stands in a document: names, with dots between them."""
    if len(text) > 500 or "\0" in text or any(not part or part.startswith("$") for part in text.split(".")):
        raise Wrong(f"{shown(text)} is not the path of a field", "write field or outer.inner, without $")
    return text


def description(text: str) -> str:
    """What is said of a table or a column: one paragraph, on one line."""
    said = " ".join(text.split())
    if "\0" in said or len(said.encode()) > _LONGEST_DESCRIPTION:
        raise Wrong(f"{shown(said)} is no description", f"write at most {_LONGEST_DESCRIPTION} bytes of text")
    return said


def default_name(field_path: str) -> str:
    """The target name of a path that has none of its own."""
    return field_path.replace(".", "_")


def plain_name(field_path: str) -> str:
    """A name that can stand in the warehouse for any path: at most 60 letters, digits and single _."""
    plain = re.sub(r"[\W_]+", "_", field_path, flags=re.ASCII).strip("_").lower()
    return f"field_{plain}"[:60].strip("_") if not plain or plain[0].isdigit() else plain[:60].strip("_")


def duration(text: object) -> timedelta:
    """``1h30m`` and the like."""
    match = re.fullmatch(DURATION, text) if isinstance(text, str) else None
    if not match:
        raise Wrong(f"{shown(text)} is not a duration", "write 5s, 2m or 1h30m")
    days, hours, minutes, seconds = (int(group[:-1]) if group else 0 for group in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def retention(text: object) -> timedelta:
    """A duration of a day at least: what a run needs that somebody clears again is not cleaned up under it."""
    found = duration(text)
    if found < timedelta(days=1):
        raise Wrong(f"{shown(text)} is too short to keep something for", "write 1d or more, such as 30d")
    return found


def schedule(text: str) -> str:
    """A cron expression or one of Airflow's presets."""
    if text.startswith("@"):
        if text not in PRESETS:
            raise Wrong(f"{shown(text)} is not a schedule", did_you_mean(text, (*PRESETS, "null")))
        return text
    fields = text.split()
    if len(fields) != len(_CRON):
        fix = 'write five cron fields, "*/5 * * * *", a preset such as @hourly, or null'
        raise Wrong(f"{shown(text)} is not a schedule", fix)
    for given, (name, numbers, words) in zip(fields, _CRON, strict=True):
        if not all(_cron_item(item, numbers, words) for item in given.split(",")):
            fix = f"write * or {numbers[0]} to {numbers[-1]}, a range 1-5, a step */5 or a list 1,2"
            raise Wrong(f"{shown(given)} cannot be the {name}", fix)
    return text


def _cron_item(item: str, numbers: range, words: Sequence[str]) -> bool:
    match = re.fullmatch(r"(\*|\w{1,3})(?:-(\w{1,3}))?(?:/([1-9][0-9]?))?", item, re.ASCII)
    if not match or (match[1] == "*" and match[2]):
        return False
    known = {str(n): n for n in numbers} | {f"{n:02}": n for n in numbers}
    known |= {word: n for n, word in enumerate(words, numbers[0])} | {"*": 0}
    first = known.get(match[1].lower())
    last = known.get(match[2].lower()) if match[2] else first
    return first is not None and last is not None and first <= last


def deletes(text: str) -> str:
    """How documents that are gone are found: only ways that this version knows."""
    if not re.fullmatch(DELETES, text):
        known = ("none", "reconcile", "soft:<field>", "stream")
        raise Wrong(f"{shown(text)} is not a way to find deletes", did_you_mean(text, known))
    if text.startswith("soft:"):
        path(text.removeprefix("soft:"))
    return text
