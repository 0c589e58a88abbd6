"""Which plans are taken up again, and how far such a load is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sluice.kept import Kept, from_beginning, is_kept, name_of, outdated
from sluice.progress import Progress
from sluice.window import BatchKind, Plan, Window
from tests.factories import NOON, a_plan, a_range, a_window

BEGINNING = Window(None, NOON, bounded=False)
ANEW = replace(BEGINNING, anew="a test")
STREAM = replace(BEGINNING, stream=True)


def a_load(**overrides: Any) -> Plan:
    pieces = tuple(a_range(name=f"ids-{n:03d}") for n in range(4))
    return a_plan(**{"windows": {"documents": BEGINNING}, "ranges": pieces, **overrides})


def a_kept(**overrides: Any) -> Kept:
    return Kept(**{"plan": a_load(), "started": NOON, "estimates": {"documents": 4_000}, "positions": {}, **overrides})


def landed(*seconds: int) -> dict[str, Any]:
    """So many ranges, each so many seconds after noon."""
    return {"documents": {f"ids-{n:03d}": NOON + timedelta(seconds=s) for n, s in enumerate(seconds)}}


@pytest.mark.parametrize(
    ("kind", "window", "kept"),
    [
        (BatchKind.LIVE, BEGINNING, True),
        (BatchKind.LIVE, replace(STREAM, anew="a test"), True),
        (BatchKind.REFRESH, ANEW, True),
        (BatchKind.LIVE, STREAM, False),
        (BatchKind.LIVE, a_window(), False),
        (BatchKind.BACKFILL, a_window(), False),
        (BatchKind.REPAIR, BEGINNING, False),
    ],
)
def test_loads_from_the_beginning_are_kept(kind: BatchKind, window: Window, *, kept: bool) -> None:
    assert is_kept(a_plan(kind=kind, windows={"documents": window})) is kept


def test_a_refresh_of_each_collection_is_kept_by_itself() -> None:
    windows = {"documents": BEGINNING, "tickets": ANEW}

    assert from_beginning(a_plan(kind=BatchKind.REFRESH, windows=windows)) == ["tickets"]
    assert name_of(a_plan(kind=BatchKind.REFRESH, windows=windows)) == "refresh-tickets"
    assert name_of(a_plan(windows=windows)) == "live"


def test_a_kept_plan_is_read_back_as_it_was_written() -> None:
    assert Kept.loads(a_kept().dumps()) == a_kept()
    assert Kept.loads(b'{"version": 1}') is None


@pytest.mark.parametrize(
    ("changed", "spec_hash", "positions", "published", "why"),
    [
        ({}, "5eed", {}, False, ""),
        ({}, "5eed", {}, True, "it is published"),
        ({"code_version": "0.0.1"}, "5eed", {}, False, "it was made by Sluice 0.0.1"),
        ({}, "other", {}, False, "the pipeline file was changed"),
        ({}, "5eed", {"documents": {"cluster": 1}}, False, "another batch moved on what it starts from"),
        (
            {"plan": a_load(kind=BatchKind.REFRESH, windows={"documents": ANEW})},
            "5eed",
            {"documents": {"cluster": 1}},
            False,
            "",
        ),
    ],
)
def test_a_plan_is_taken_up_only_where_a_new_one_would_read_the_same(
    changed: dict[str, Any], spec_hash: str, positions: dict[str, Any], published: bool, why: str
) -> None:
    assert outdated(a_kept(**changed), spec_hash, positions, published=published) == why


def test_what_is_missing_has_no_manifest() -> None:
    assert [piece.name for piece in a_kept().missing(landed(1, 2))] == ["ids-002", "ids-003"]


def test_somebody_was_last_at_work_when_a_range_was_landed() -> None:
    assert a_kept().seen_alive(landed(5, 90)) == NOON + timedelta(seconds=90)
    assert a_kept().seen_alive(landed(-5)) == NOON


def test_the_rest_of_a_load_takes_as_long_as_its_rate_says() -> None:
    progress = Progress.of(a_kept(), landed(10, 20))

    assert (progress.documents, progress.ranges) == ({"documents": (2_000, 4_000)}, (2, 4))
    assert (progress.rate, progress.left) == (100.0, timedelta(seconds=20))
    text = "documents 2,000 of about 4,000 documents (2 of 4 ranges), 100 documents/s, about 0:00:20 left"
    assert str(progress) == text


def test_what_was_landed_before_it_was_taken_up_is_read_and_says_nothing_of_the_rate() -> None:
    before = Progress.of(a_kept(), landed(-500, -400))
    after = Progress.of(a_kept(), landed(-500, -400, 40))

    assert (before.documents, before.left, str(before)) == (
        {"documents": (2_000, 4_000)},
        None,
        "documents 2,000 of about 4,000 documents (2 of 4 ranges)",
    )
    assert (after.rate, after.left) == (25.0, timedelta(seconds=40))


def test_a_load_nears_the_end_of_what_the_source_remembers() -> None:
    progress = Progress.of(a_kept(), landed(10, 20))  # ends 40 seconds after noon

    assert not progress.nears(timedelta(seconds=51), NOON)
    assert progress.nears(timedelta(seconds=49), NOON)
