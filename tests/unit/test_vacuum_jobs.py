"""What a vacuum does, and why: decided by what the warehouse reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sluice import spec
from sluice.errors import ConfigError
from sluice.spec import WarehouseKind
from sluice.vacuum import order_of
from sluice.vacuum_jobs import (
    LARGEST_PART,
    Action,
    Backlog,
    Job,
    Partition,
    TableInfo,
    Wanted,
    clickhouse_jobs,
    redshift_jobs,
    threshold,
    waiting,
)
from tests.factories import a_pipeline

HEALTHY = TableInfo("sluice_data.a", 100_000, 100_000, 0.0, 0.0, 0.0, 1 << 20)
TIDY = Partition("sluice_data.a", "all", 5, 0, 100_000, 1 << 20)


def a_table(**overrides: Any) -> TableInfo:
    return replace(HEALTHY, **overrides)


def a_partition(**overrides: Any) -> Partition:
    return replace(TIDY, **overrides)


def actions(*tables: TableInfo, marks: int = 0, **wanted: Any) -> list[tuple[str, Action]]:
    return [
        (job.target.removeprefix("sluice_data."), job.action) for job in redshift_jobs(tables, marks, Wanted(**wanted))
    ]


def on_clickhouse(*partitions: Partition, backlogs: tuple[Backlog, ...] = (), **wanted: Any) -> list[Job]:
    return clickhouse_jobs(partitions, backlogs, Wanted(**wanted))


# --- Redshift


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ({}, []),
        ({"visible": 95_000}, []),
        ({"visible": 94_000}, [Action.DELETE]),
        ({"unsorted": 5.0, "sort_benefit": 50.0}, []),
        ({"unsorted": 6.0, "sort_benefit": 50.0}, [Action.SORT]),
        ({"unsorted": 100.0, "sort_benefit": 0.0}, []),
        ({"unsorted": 100.0, "sort_benefit": None}, [Action.SORT]),
        ({"unsorted": None, "sort_benefit": None}, []),
        ({"visible": 50_000, "unsorted": 50.0, "sort_benefit": 20.0}, [Action.FULL]),
        ({"visible": 50_000, "unsorted": 50.0, "sort_benefit": 1.0}, [Action.DELETE]),
        ({"stats_off": 10.0}, []),
        ({"stats_off": 11.0}, [Action.ANALYZE]),
        ({"visible": 50_000, "stats_off": 50.0}, [Action.DELETE, Action.ANALYZE]),
        ({"rows": 999, "visible": 0, "unsorted": 100.0, "sort_benefit": 100.0, "stats_off": 100.0}, []),
        ({"rows": 1_500, "visible": 750}, []),
        ({"rows": 2_000, "visible": 1_000}, [Action.DELETE]),
    ],
)
def test_no_more_is_done_than_there_is_a_reason_for(reported: dict[str, Any], expected: list[Action]) -> None:
    assert [action for _, action in actions(a_table(**reported))] == expected


def test_most_gain_comes_first_and_statistics_follow_their_tables_vacuum() -> None:
    found = actions(
        a_table(table="sluice_data.stale", stats_off=100.0),
        a_table(table="sluice_data.few", visible=85_000),
        a_table(table="sluice_data.unsorted", unsorted=50.0, sort_benefit=30.0),
        a_table(table="sluice_data.most", visible=20_000, stats_off=50.0),
    )

    assert found == [
        ("most", Action.DELETE),
        ("most", Action.ANALYZE),
        ("unsorted", Action.SORT),
        ("few", Action.DELETE),
        ("stale", Action.ANALYZE),
    ]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Action.FULL, ["dead", "unsorted"]),
        (Action.DELETE, ["dead"]),
        (Action.SORT, ["unsorted"]),
        (Action.RECLUSTER, ["unsorted"]),
        (Action.REINDEX, ["unsorted"]),
    ],
)
def test_a_mode_is_used_where_it_helps(mode: Action, expected: list[str]) -> None:
    found = actions(
        a_table(table="sluice_data.dead", visible=50_000),
        a_table(table="sluice_data.unsorted", unsorted=40.0, sort_benefit=40.0),
        HEALTHY,
        marks=10_000,
        mode=mode,
    )

    assert found == [(table, mode) for table in expected]


def test_what_a_person_asks_of_one_table_needs_no_other_reason() -> None:
    (job,) = redshift_jobs([HEALTHY, a_table(table="sluice_data.b")], 0, Wanted("sluice_data.a", Action.REINDEX))

    assert (job.target, job.action, job.reason) == ("sluice_data.a", Action.REINDEX, "asked for")


def test_a_percentage_says_what_may_stay() -> None:
    assert actions(a_table(visible=80_000), percent=75) == []
    assert actions(a_table(visible=99_000, unsorted=1.0, sort_benefit=1.0), percent=100) == [("a", Action.FULL)]


def test_the_reason_says_how_much() -> None:
    (job,) = redshift_jobs([a_table(visible=50_000, unsorted=40.0, sort_benefit=20.0)], 0, Wanted())

    assert job.reason == (
        "50 % of 100,000 rows are deleted and still there; 40 % are unsorted, and scans gain up to 20 %"
    )
    assert (job.gain, job.dead) == (70_000, 50_000)


@pytest.mark.parametrize(
    ("action", "boost", "expected"),
    [
        (Action.FULL, False, " TO 90 PERCENT"),
        (Action.DELETE, True, " TO 90 PERCENT BOOST"),
        (Action.RECLUSTER, True, " BOOST"),
        (Action.REINDEX, True, ""),
    ],
)
def test_the_statement_has_what_its_mode_takes(action: Action, boost: bool, expected: str) -> None:
    assert threshold(Job(action, "a.b", "", 0), Wanted(percent=90, boost=boost)) == expected


def test_old_marks_are_purged_when_there_are_many() -> None:
    assert actions(marks=999) == []
    assert actions(marks=1_000) == [("sluice.gone", Action.PURGE)]
    assert actions(marks=1_000, table="sluice_data.a") == []


# --- ClickHouse


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ({}, []),
        ({"ended": 5_000}, []),
        ({"ended": 5_001}, [Action.PURGE]),
        ({"rows": 1_500, "ended": 999}, []),
        ({"parts": 30}, []),
        ({"parts": 31}, [Action.MERGE]),
        ({"parts": 300, "bytes": LARGEST_PART + 1}, []),
        ({"patches": 1}, [Action.APPLY_PATCHES]),
        ({"patches": 1, "parts": 31, "ended": 50_000}, [Action.MERGE, Action.APPLY_PATCHES, Action.PURGE]),
    ],
)
def test_a_partition_is_written_again_for_a_reason_only(reported: dict[str, Any], expected: list[Action]) -> None:
    assert [job.action for job in on_clickhouse(a_partition(**reported))] == expected


def test_a_little_that_ended_in_each_of_many_partitions_is_much() -> None:
    months = [a_partition(id=f"2026{n:02}", rows=1_800, ended=900) for n in range(1, 13)]

    assert [job.action for job in on_clickhouse(*months)] == [Action.PURGE] * 12
    assert on_clickhouse(months[0], a_partition(table="sluice_data.b", rows=1_800, ended=900)) == []


def test_most_gain_comes_first() -> None:
    found = on_clickhouse(a_partition(id="1", ended=10_000), a_partition(id="2", ended=50_000), a_partition(id="3"))

    assert [(job.piece, job.gain) for job in found] == [("2", 50_000), ("1", 10_000)]


def test_a_table_with_a_backlog_gets_no_more_to_do_and_a_mutation_that_fails_is_given_up() -> None:
    other = a_partition(table="sluice_data.b", ended=50_000)
    slow, stuck = Backlog("sluice_data.a", 3), Backlog("sluice_data.a", 3, "mutation_7.txt", "no such table")

    assert [job.target for job in on_clickhouse(a_partition(ended=50_000), other, backlogs=(slow,))] == [
        "sluice_data.b"
    ]
    kill, rest = on_clickhouse(a_partition(ended=50_000), other, backlogs=(stuck,))
    assert (kill.action, kill.piece, rest.target) == (Action.KILL_MUTATION, "mutation_7.txt", "sluice_data.b")
    assert "2 wait behind it: no such table" in kill.reason
    assert waiting([slow, stuck]) == ["sluice_data.a: 3 mutations are not done yet"]


def test_only_the_table_that_is_asked_for() -> None:
    other = a_partition(table="sluice_data.b", ended=50_000)

    assert [job.target for job in on_clickhouse(a_partition(ended=50_000), other, table="sluice_data.b")] == [
        other.table
    ]


# --- what a person may ask for


def on(kind: WarehouseKind) -> spec.Pipeline:
    return a_pipeline(name="Books", warehouse=spec.Warehouse(kind, "warehouse", "books"))


def test_an_order_is_the_pipeline_files_unless_said() -> None:
    plain = order_of(on(WarehouseKind.REDSHIFT), {})
    told = order_of(on(WarehouseKind.REDSHIFT), {"minutes": 2, "to_percent": 0, "dry_run": True, "table": "documents"})

    assert (plain.budget, plain.keep, plain.wanted, plain.dry_run) == (
        timedelta(hours=1),
        timedelta(days=2),
        Wanted(),
        False,
    )
    assert (told.budget, told.wanted, told.dry_run) == (
        timedelta(minutes=2),
        Wanted("sluice_data.books_documents", percent=0),
        True,
    )


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        (WarehouseKind.REDSHIFT, {"table": "docs"}, "no table 'docs'"),
        (WarehouseKind.REDSHIFT, {"mode": "QUICK"}, "no mode 'QUICK'"),
        (WarehouseKind.REDSHIFT, {"to_percent": 101}, "101 percent"),
        (WarehouseKind.REDSHIFT, {"boost": True}, "BOOST"),
        (WarehouseKind.CLICKHOUSE, {"mode": "FULL"}, "Redshift's VACUUM"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(kind: WarehouseKind, params: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        order_of(on(kind), params)
