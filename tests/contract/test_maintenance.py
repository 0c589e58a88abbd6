"""The journal of maintenance: what was done is read back as it was noted, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sluice.warehouse.maintenance import CLEANUP, VACUUM, Entry, Journal, Size, connect_journal
from tests.contract.lab import Lab


@pytest.fixture
def journal(lab: Lab) -> Iterator[Journal]:
    with closing(connect_journal(lab.pipeline, lambda _: lab.endpoint)) as found:
        yield found


def an_entry(lab: Lab, **overrides: object) -> Entry:
    entry = Entry(
        lab.pipeline.name,
        VACUUM,
        "delete only",
        "sluice_data.documents",
        "50 % of the rows are dead",
        "VACUUM DELETE ONLY",
        Size(2_000, 3_000_000_000, 12),
        Size(1_000, None, 0),
        1.5,
    )
    return replace(entry, **overrides)  # type: ignore[arg-type]


def test_what_was_done_is_read_back_as_it_was_noted(lab: Lab, journal: Journal) -> None:
    noted = an_entry(lab, dry_run=True, error="the server's disk is full\n  do:  'free' some \\ of it, 100 %")
    journal.append(noted)

    (found,) = journal.entries(lab.pipeline.name)

    assert replace(found, at=None) == noted
    assert found.at
    assert abs(datetime.now(UTC) - found.at) < timedelta(minutes=1)


def test_the_newest_of_one_pipeline_and_kind_come_first(lab: Lab, journal: Journal) -> None:
    for number, kind in enumerate((VACUUM, VACUUM, CLEANUP, VACUUM)):
        journal.append(an_entry(lab, kind=kind, seconds=float(number)))
    journal.append(an_entry(lab, pipeline="another"))

    assert [e.seconds for e in journal.entries(lab.pipeline.name)] == [3, 2, 1, 0]
    assert [e.seconds for e in journal.entries(lab.pipeline.name, kind=VACUUM, limit=2)] == [3, 1]


def test_a_text_that_is_too_long_is_cut_and_never_lost(lab: Lab, journal: Journal) -> None:
    journal.append(an_entry(lab, error="ü" * 10_000, target="t" * 10_000))

    (found,) = journal.entries(lab.pipeline.name)

    assert found.error == "ü" * 2_048
    assert found.target == "t" * 2_048
