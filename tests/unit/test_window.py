"""What a batch reads: the arithmetic of windows, ranges and positions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import ConfigError
from sluice.positions import Position, positions_after
from sluice.ranges import dated_ranges, id_ranges, undated_range, until_query
from sluice.spec import Capture
from sluice.window import (
    MILLISECOND,
    BatchKind,
    Plan,
    Window,
    backfill_window,
    milliseconds,
    next_window,
)
from tests.factories import NOON, a_cut, a_plan, a_range, a_window

CAPTURE = Capture(overlap=timedelta(minutes=2), lag=timedelta(seconds=5))
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_the_first_window_starts_at_the_beginning() -> None:
    assert next_window(None, a_cut(), CAPTURE) == Window(None, NOON - CAPTURE.lag, bounded=False)


def test_a_window_goes_on_from_the_position_and_reads_the_overlap_again() -> None:
    position = NOON - timedelta(hours=1)

    assert next_window(position, a_cut(), CAPTURE) == Window(
        position - CAPTURE.overlap, NOON - CAPTURE.lag, bounded=False
    )


def test_without_a_snapshot_a_window_ends_at_high() -> None:
    assert next_window(None, a_cut(snapshot=False), CAPTURE).bounded


@given(position=MOMENTS, now=MOMENTS)
def test_the_position_never_goes_back_whatever_the_clock_does(position: datetime, now: datetime) -> None:
    window = next_window(position, a_cut(time=now), CAPTURE)

    assert window.low is not None
    assert window.low <= position <= window.high


@given(times=st.lists(MOMENTS, min_size=2, max_size=20))
def test_consecutive_windows_leave_no_gap(times: list[datetime]) -> None:
    position: datetime | None = None
    for now in times:
        window = next_window(position, a_cut(time=now), CAPTURE)
        assert position is None or (window.low is not None and window.low <= position)
        position = window.high


@given(start=MOMENTS, length=st.timedeltas(timedelta(0), timedelta(days=400)))
def test_a_backfill_reads_both_ends_of_its_span(start: datetime, length: timedelta) -> None:
    window = backfill_window(start, start + length)

    assert window.bounded
    assert window.low is not None
    # The dates of MongoDB are whole milliseconds: what counts is the first one of the span, and the last.
    assert milliseconds(window.low) == milliseconds(start) - 1
    assert milliseconds(window.high) == milliseconds(start + length)


def test_a_backfill_takes_any_time_zone() -> None:
    start = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))

    assert backfill_window(start, start).high == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_span_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ConfigError, match="ends before it starts"):
        backfill_window(NOON, NOON - MILLISECOND)


DAY = timedelta(days=1)


def test_a_live_batch_moves_the_positions_on() -> None:
    plan = a_plan(windows={"documents": a_window(high=NOON)})
    before = {"documents": Position(NOON - DAY), "tickets": Position(NOON)}

    assert positions_after(plan, before) == {"documents": Position(NOON), "tickets": Position(NOON)}


def test_a_live_batch_never_moves_a_position_back() -> None:
    later, far = Position(NOON + DAY), Position(cluster=2**63)

    assert positions_after(a_plan(), {"documents": later}) == {"documents": later}
    assert positions_after(a_plan(windows={"documents": a_window(stream=True)}), {"documents": far})["documents"] == far


def test_a_position_of_another_field_is_no_position() -> None:
    """Documents that the old field did not show as modified would be missed for ever (I1)."""
    (position,) = positions_after(a_plan(windows={"documents": a_window(field="updated_at")}), {}).values()

    assert position.modified("updated_at") == NOON
    assert position.modified("changed_at") is None
    assert next_window(None, a_cut(), CAPTURE, "changed_at").low is None


def test_a_position_goes_on_when_the_whole_collection_was_read_before() -> None:
    (position,) = positions_after(a_plan(windows={"documents": a_window()}), {}).values()

    assert position.modified("updated_at") == NOON


def test_with_another_field_a_position_starts_anew() -> None:
    before = {"documents": Position(NOON + DAY, "updated_at")}
    plan = a_plan(windows={"documents": a_window(high=NOON, field="changed_at")})

    assert positions_after(plan, before) == {"documents": Position(NOON, "changed_at")}


@pytest.mark.parametrize("kind", [BatchKind.BACKFILL, BatchKind.REPAIR])
def test_only_a_live_batch_moves_a_position(kind: BatchKind) -> None:
    before = {"documents": Position(datetime(2026, 1, 1, tzinfo=UTC))}

    assert positions_after(a_plan(kind=kind), before) == before


def test_a_batch_of_the_stream_was_read_to_its_cut() -> None:
    plan = a_plan(windows={"documents": a_window(stream=True)})

    assert positions_after(plan, {"documents": Position(NOON)}) == {"documents": Position(cluster=plan.cut.cluster)}


@pytest.mark.parametrize("position", [Position(NOON, "updated_at"), Position(NOON), Position(cluster=2**62 + 1)])
def test_a_position_survives_the_commit_record(position: Position) -> None:
    assert Position.from_json(json.loads(json.dumps(position.to_json()))) == position


@pytest.mark.parametrize("text", ["updated_at 2026-11-23T12:00:00+00:00", "2026-11-23T12:00:00+00:00"])
def test_a_position_of_an_older_commit_record_is_read(text: str) -> None:
    found = Position.from_json(text)

    assert (str(found), found.modified("updated_at")) == (text.replace("T", " "), NOON)


@given(moment=MOMENTS)
def test_milliseconds_round_down(moment: datetime) -> None:
    assert milliseconds(moment) <= moment.timestamp() * 1000 + 1e-3
    assert milliseconds(moment) == milliseconds(moment.replace(microsecond=moment.microsecond // 1000 * 1000))


def test_a_plan_survives_the_way_through_json() -> None:
    ranges = (a_range(query='{"a": 1}', min_id='{"$oid": "0"}', label="…"), a_range(name="ids-001"))
    windows = {"documents": a_window(), "tickets": Window(None, NOON + MILLISECOND, bounded=True, field="updated_at")}
    plan = a_plan(windows=windows, ranges=ranges, cut=a_cut(cluster=2**62 + 1))

    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_id_ranges_share_their_boundaries_and_are_open_at_both_ends() -> None:
    ranges = id_ranges("documents", ['{"$numberInt": "5"}', '"a"'])

    assert [(r.min_id, r.max_id) for r in ranges] == [
        (None, '{"$numberInt": "5"}'),
        ('{"$numberInt": "5"}', '"a"'),
        ('"a"', None),
    ]


def test_without_boundaries_there_is_one_range() -> None:
    (only,) = id_ranges("documents", [])

    assert (only.min_id, only.max_id, only.label) == (None, None, "all")


def test_a_repeated_boundary_makes_no_empty_range() -> None:
    assert len(id_ranges("documents", ['"a"', '"a"', '"b"'])) == 3


@given(boundaries=st.lists(st.text(max_size=40).map(json.dumps), max_size=70, unique=True))
def test_names_order_the_ranges_and_labels_fit_a_line(boundaries: list[str]) -> None:
    ranges = id_ranges("documents", boundaries)

    assert [r.name for r in sorted(ranges, key=lambda r: r.name)] == [r.name for r in ranges]
    assert all(len(r.label) <= 60 for r in ranges)


def test_dated_ranges_share_their_boundaries_and_the_last_is_open() -> None:
    low = milliseconds(NOON) - 3_600_000
    bounds = [json.loads(r.query)["updated_at"] for r in dated_ranges("documents", "updated_at", a_window(), [low + 5])]

    assert bounds == [{"$gt": _date(low), "$lte": _date(low + 5)}, {"$gt": _date(low + 5)}]


def test_a_bounded_window_ends_with_its_high() -> None:
    (only,) = dated_ranges("documents", "updated_at", a_window(bounded=True))

    assert json.loads(only.query)["updated_at"]["$lte"] == _date(milliseconds(NOON))


def test_a_label_says_when_even_where_python_has_no_such_date() -> None:
    labels = [r.label for r in dated_ranges("documents", "updated_at", a_window(), [2**62])]

    assert labels[0].startswith("changed after 2026-11-23 11:00:00 to 4611686018427387904")


def test_where_arrays_are_possible_they_are_undated_and_only_there() -> None:
    (dated,) = dated_ranges("documents", "meta.updated", a_window(), arrays=True)
    undated = json.loads(undated_range("documents", "meta.updated", arrays=True).query)
    arrays = [{"meta": {"$type": "array"}}, {"meta.updated": {"$type": "array"}}]

    assert json.loads(dated.query)["$nor"] == arrays
    assert all(clause in undated["$or"] for clause in arrays)


def test_until_keeps_what_has_no_date() -> None:
    assert json.loads(until_query("updated_at", a_window())) == {
        "updated_at": {"$not": {"$gt": _date(milliseconds(NOON))}}
    }


def _date(moment: int) -> dict[str, dict[str, str]]:
    return {"$date": {"$numberLong": str(moment)}}


@pytest.mark.parametrize(
    ("kind", "stream", "anew", "confirms"),
    [
        (BatchKind.LIVE, False, "", False),
        (BatchKind.LIVE, True, "", True),
        (BatchKind.LIVE, True, "history was lost", False),
        (BatchKind.BACKFILL, False, "", True),
        (BatchKind.REPAIR, False, "", True),
        (BatchKind.REPLAY, False, "", False),
    ],
)
def test_unchanged_rows_are_noted_where_something_was_read(
    kind: BatchKind, *, stream: bool, anew: str, confirms: bool
) -> None:
    window = a_window(stream=stream, anew=anew)

    made = a_plan(kind=kind, windows={"documents": window}, base=int(kind is BatchKind.REPLAY))

    assert made.confirms("documents") is confirms
