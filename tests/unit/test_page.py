"""What the page shows, without a browser, a warehouse or Airflow."""

from __future__ import annotations

import asyncio
import re
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from sluice.drift import DriftRow
from sluice.errors import SluiceError, WarehouseUnavailable
from sluice.page import words
from sluice.page.actions import actions, field_of
from sluice.page.answers import Answers
from sluice.page.chart import draw
from sluice.page.freshness import freshness
from sluice.page.known import Contents, Dag, Param, Rights, Run, Step, first_sentence
from sluice.page.reads import look
from sluice.page.render import render
from sluice.page.views import (
    SAMPLES,
    Subject,
    card,
    check_rows,
    collection_rows,
    drift_rows,
    maintenance_row,
    pipeline_page,
    reject_groups,
)
from sluice.positions import Position
from sluice.settings import Endpoint
from sluice.spec import CheckKind, DataCheck
from sluice.spec import Freshness as Limit
from sluice.warehouse.base import Commit, MigrationState
from sluice.warehouse.data_checks import CheckResult
from sluice.warehouse.maintenance import VACUUM, Entry, Size
from sluice.warehouse.quarantine import RejectGroup, RejectRow
from tests.factories import NOON, a_cut, a_pipeline

MINUTE = timedelta(minutes=1)
SCRIPT = "<script>alert('x')</script>"
EVERYTHING = Rights(runs=True, logs=True, start=frozenset({"publishing", "publishing.reconcile"}))
ROWS = {"staged": 9, "published": 7, "unchanged": 2, "superseded": 0, "closed": 3, "gone": 0}


def minutes(count: float) -> datetime:
    return NOON + count * MINUTE


def a_commit(batch: int = 1, cut: float = 0, published: float = 1, **overrides: Any) -> Commit:
    """A batch true to so many minutes past noon."""
    counts = {"read": 10, "rejected": 1, "landed": 9, "bytes": 2_000, "coerced": {}, "tables": {"documents": ROWS}}
    defaults: dict[str, Any] = {
        "pipeline": "publishing",
        "batch": batch,
        "plan": f"plan-{batch}",
        "kind": "live",
        "cut": a_cut(time=minutes(cut)),
        "positions": {"documents": Position(minutes(cut), "updated_at")},
        "counts": {"documents": counts},
        "spec_hash": "5eed",
        "started_at": minutes(cut),
        "committed_at": minutes(published),
    }
    return Commit(**{**defaults, **overrides})


def a_run(batch: int | None = 1, state: str = "success", *, stream: bool = False) -> Run:
    steps = (
        Step.of("land", [("success", minutes(0), minutes(0.25)), ("success", minutes(0.1), minutes(0.5))]),
        Step.of("publish", [(state, minutes(0.5), minutes(1))]),
    )
    if stream:
        steps += (Step.of("stream", [("running", minutes(1.5), None)]),)
    return Run("publishing", "manual__1+00:00", state, "manual", minutes(0), minutes(1), steps, batch)


def a_reject(**overrides: Any) -> RejectRow:
    defaults: dict[str, Any] = {"collection": "documents", "key": "k1", "column": "title", "reason": "wrong_type"}
    return RejectRow(**{**defaults, "detail": "found int", "raw_uri": "s3://…", "position": 0, "batch": 1, **overrides})


def a_group(**overrides: Any) -> RejectGroup:
    defaults: dict[str, Any] = {"collection": "documents", "column": "title", "reason": "wrong_type", "rejects": 1}
    return RejectGroup(
        **{**defaults, "first_batch": 1, "last_batch": 1, "key": "k1", "detail": "found int", **overrides}
    )


def a_contents(*commits: Commit, **overrides: Any) -> Contents:
    """A warehouse that said nothing but what is given."""
    lists: dict[str, Any] = {each.name: [] for each in fields(Contents)}
    return Contents(**{**lists, "commits": list(commits), **overrides})


def an_entry(**overrides: Any) -> Entry:
    defaults: dict[str, Any] = {
        "pipeline": "publishing",
        "kind": VACUUM,
        "action": "delete only",
        "target": "documents",
    }
    return Entry(**{**defaults, "reason": "half is dead", "did": "VACUUM DELETE ONLY", "at": NOON, **overrides})


def a_drift(**overrides: Any) -> DriftRow:
    defaults: dict[str, Any] = {"collection": "documents", "path": "isbn", "types": "string", "documents": 7}
    return DriftRow(**{**defaults, "sample": '"978-3"', "first_batch": 1, "batch": 2, **overrides})


def a_check(column: str = "title") -> DataCheck:
    return DataCheck("documents", CheckKind.NOT_NULL, (column,))


def a_result(**overrides: Any) -> CheckResult:
    defaults: dict[str, Any] = {"plan": "plan-1", "cut": NOON, "table": "documents", "name": a_check().name}
    return CheckResult(**{**defaults, "severity": "stop", "failing": 0, "samples": (), "batch": 1, **overrides})


def a_param(name: str, *, default: Any = None, says: str = "", **schema: Any) -> Param:
    return Param.of(name, {"type": "string", **schema}, default, says)


SPAN = {"type": ["null", "string"], "format": "date-time"}
PARAMS = (
    a_param("from", **SPAN),
    a_param("to", **SPAN),
    a_param("full", type=["null", "string"], enum=[None, "documents", "tickets"]),
    a_param("replay_rejects", type=["null", "object", "string"]),
)


def a_dag(name: str = "publishing", *runs: Run, paused: bool = False, params: tuple[Param, ...] = PARAMS) -> Dag:
    return Dag(name, paused, runs, params, "Does what it says.")


RECONCILE = a_dag("publishing.reconcile", params=(a_param("dry_run", type="boolean", default=False),))


def a_subject(*commits: Commit, now: float = 2, **overrides: Any) -> Subject:
    migrations = [MigrationState("0001", "create_batches", "applied", NOON)]
    contents = Contents(list(commits), [a_group()], [a_reject()], migrations, [an_entry()], [a_drift()], [a_result()])
    dags = {"publishing": a_dag("publishing", a_run()), "publishing.reconcile": RECONCILE}
    return Subject(**{"pipeline": a_pipeline(), "contents": contents, "dags": dags, "now": minutes(now), **overrides})


def html(subject: Subject, may: Rights = EVERYTHING, prefix: str = "") -> str:
    places = {"here": f"{prefix}/sluice", "airflow": prefix, "now": subject.now}
    return render("pipeline.html", shown=20, **places, **pipeline_page(subject, may))


# --- freshness and its chart ----------------------------------------------------------------------------------------


def test_freshness_grows_with_the_clock_and_falls_with_each_batch() -> None:
    fresh = freshness([a_commit(2, cut=5, published=7), a_commit(1, cut=0, published=1)], minutes(10))

    assert fresh is not None
    assert fresh.age == 5 * MINUTE
    assert [((at - NOON) / MINUTE, age / MINUTE) for at, age in fresh.line] == [(1, 1), (7, 7), (7, 2), (10, 5)]
    assert [mark.batch for mark in fresh.marks] == [1, 2]


def test_a_batch_that_moves_no_position_makes_nothing_fresher() -> None:
    backfill = a_commit(2, cut=8, published=9, kind="backfill")

    assert freshness([backfill], minutes(10)) is None
    fresh = freshness([backfill, a_commit(1)], minutes(10))
    assert fresh is not None
    assert fresh.age == 10 * MINUTE


def test_the_chart_begins_a_day_ago_at_the_age_of_then() -> None:
    fresh = freshness([a_commit(1, cut=0, published=1)], NOON + timedelta(hours=30))

    assert fresh is not None
    assert fresh.line[0] == (NOON + timedelta(hours=6), timedelta(hours=6))


def test_the_chart_holds_every_point_and_says_what_its_lines_are() -> None:
    fresh = freshness([a_commit(2, cut=5, published=7), a_commit(1, cut=0, published=1)], minutes(10))
    assert fresh is not None
    chart = draw(fresh)

    assert chart.line == "M0.0,875.0L666.7,125.0L666.7,750.0L1000.0,375.0"
    assert [(tick.at, tick.label) for tick in chart.y_ticks][:2] == [(100, "0 s"), (75, "2 min")]
    assert [tick.label for tick in chart.x_ticks] == ["12:02", "12:04", "12:06", "12:08", "12:10"]
    assert chart.spots[1].says == "batch 2, 23 Nov 12:07:00 UTC: 2 min after its cut"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (0, "0 s"),
        (0.25, "0.2 s"),
        (9.94, "9.9 s"),
        (59.7, "1 min"),
        (125, "2 min 5 s"),
        (90_061, "1 d 1 h"),
    ],
)
def test_durations_have_two_units(seconds: float, text: str) -> None:
    assert words.duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (30_200_000, "30.2 MB"), (10**15, "1,000.0 TB")]
)
def test_sizes(count: int, text: str) -> None:
    assert words.size(count) == text


def test_a_span_names_the_day_once() -> None:
    assert words.span(minutes(0), minutes(5)) == "23 Nov 12:00:00 – 12:05:00"  # noqa: RUF001
    assert words.span(minutes(-720), minutes(721)) == "23 Nov 00:00:00 – 24 Nov 00:01:00"  # noqa: RUF001
    assert words.span(None, minutes(0)) == "all until 23 Nov 12:00:00"


# --- what is made of batches, runs and rejects -----------------------------------------------------------------------


def test_a_batch_is_shown_with_the_seconds_of_its_run() -> None:
    shown = pipeline_page(a_subject(a_commit()), EVERYTHING)["batches"][0]

    assert (shown.read, shown.published, shown.rejected, shown.bytes) == (10, 7, 1, 2_000)
    assert [(part.step.name, part.step.seconds, part.at, part.width) for part in shown.parts] == [
        ("land", 30.0, 0.0, 50.0),
        ("publish", 30.0, 50.0, 50.0),
    ]


def test_a_batch_of_the_command_line_has_no_run() -> None:
    shown = pipeline_page(a_subject(a_commit(batch=2)), EVERYTHING)["batches"][0]

    assert shown.run is None
    assert shown.took == MINUTE


def test_a_batch_of_a_stream_leads_to_the_task_that_published_many() -> None:
    run = a_run(7, "running", stream=True)
    dags = {"publishing": a_dag("publishing", run)}
    subject = a_subject(a_commit(9, published=20), a_commit(8, published=2), a_commit(7), dags=dags, now=30)

    assert [row.run for row in pipeline_page(subject, EVERYTHING)["batches"]] == [run, run, run]
    assert [len(row.parts) for row in pipeline_page(subject, EVERYTHING)["batches"]] == [0, 0, 2]
    assert html(subject).count('/tasks/stream"') == 2


def test_what_is_older_than_the_file_allows_is_said_and_drawn() -> None:
    pipeline = a_pipeline(freshness=Limit(5 * MINUTE))
    fine, late = (a_subject(a_commit(), now=now, pipeline=pipeline) for now in (4, 6))

    assert [card(each).state.word for each in (fine, late)] == ["up to date", "too old"]
    assert "limit 5 min" in html(fine)
    assert "limit" not in html(a_subject(a_commit()))


def test_a_window_goes_from_the_position_before_less_the_overlap_to_the_last_one() -> None:
    (row,) = collection_rows(a_subject(a_commit(2, cut=5), a_commit(1, cut=0), now=6))

    assert (row.low, row.high, row.age) == (minutes(-2), minutes(5), MINUTE)


def test_rejects_are_counted_by_the_warehouse_and_each_reason_has_samples() -> None:
    groups = [a_group(rejects=70_000), a_group(reason="too_long", key="old", detail="600 bytes")]
    newest = [a_reject(key=f"k{n}") for n in range(5)]

    found = reject_groups(groups, newest)
    assert [(group.rejects, samples[0], len(samples)) for group, samples in found] == [
        (70_000, ("k0", "found int"), SAMPLES),
        (1, ("old", "600 bytes"), 1),
    ]
    shown = html(a_subject(a_commit(), contents=a_contents(a_commit(), groups=groups, rejects=newest)))
    assert "do not see as they are now: 70,001." in shown


def test_each_check_is_shown_with_how_it_went_what_failed_first() -> None:
    pipeline = a_pipeline(checks=tuple(map(a_check, ("fine", "new", "poor", "bad"))))
    fine, new, poor, bad = (check.name for check in pipeline.checks)
    stopped = a_result(name=bad, failing=2, samples=("title of k7",), batch=None)
    warned = a_result(name=poor, failing=1, severity="warn")
    results = [stopped, warned, a_result(name=fine, cut=minutes(5)), a_result(name=bad), a_result(name="gone")]

    rows = check_rows(pipeline, results)
    states = [(row.name, row.last and row.last.state) for row in rows]
    assert states == [(bad, "stopped"), (poor, "warned"), (fine, "passed"), (new, None)]
    assert [each.state for each in rows[0].results] == ["passed", "stopped"]
    subject = a_subject(pipeline=pipeline, contents=a_contents(a_commit(), checks=results))
    assert "title of k7" in html(subject)
    assert "title of k7" not in html(subject, Rights())
    assert "the batch was not published" in html(subject, Rights())


def test_a_check_that_stopped_the_last_batch_comes_first_until_a_batch_holds() -> None:
    pipeline, failed = a_pipeline(checks=(a_check(),)), {"publishing": a_dag("publishing", a_run(None, "failed"))}
    stopped = a_result(failing=2, samples=("title of k7",), batch=None)

    def told(*results: CheckResult) -> tuple[str, str]:
        contents = a_contents(a_commit(), checks=list(results))
        subject = a_subject(pipeline=pipeline, contents=contents, dags=failed)
        head = html(subject).partition("</section>")[0]
        return card(subject).state.word, head if "trouble" in head else ""

    word, head = told(stopped, a_result())
    assert word == "stopped by a check"
    for text in ("documents.not_null", "2 fail", "title of k7", "correct these rows", "the log of publish"):
        assert text in head
    word, head = told(a_result(), stopped)
    assert word == "last run failed"
    assert "title of k7" not in head


def test_drift_begins_with_what_is_undeclared_and_frequent() -> None:
    rows = [a_drift(path="title", documents=99), a_drift(path="rare", documents=1), a_drift(path="often", documents=9)]

    found = drift_rows(a_pipeline(), rows)
    assert [(row.path, undeclared) for row, undeclared in found] == [("often", True), ("rare", True), ("title", False)]


def test_maintenance_shows_what_it_changed_and_else_what_it_did() -> None:
    entry = an_entry(before=Size(2_000, 3_000_000_000, 12), after=Size(1_000, None, 12))

    assert maintenance_row(entry).changes == ("2,000 rows → 1,000 rows",)
    assert "2,000 rows → 1,000 rows" in html(a_subject(contents=a_contents(maintenance=[entry])))
    assert "VACUUM DELETE ONLY" in html(a_subject())


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({}, "up to date"),
        ({"contents": WarehouseUnavailable("away")}, "no answer"),
        ({"dags": {}}, "no DAG"),
        ({"dags": {"publishing": a_dag(paused=True)}}, "paused"),
        ({"dags": {"publishing": a_dag("publishing", a_run(None, "failed"))}}, "last run failed"),
        ({"dags": {"publishing": a_dag("publishing", a_run(None, "running"), a_run())}}, "running"),
        ({"contents": a_contents()}, "nothing published yet"),
    ],
)
def test_the_word_for_a_pipeline(change: dict[str, Any], word: str) -> None:
    assert card(a_subject(a_commit(), **change)).state.word == word


# --- the page -------------------------------------------------------------------------------------------------------


def test_nothing_of_others_becomes_markup() -> None:
    """A key, a column, a reason, the name of a pipeline, of a DAG, of a run, of a migration, an error's text."""
    counts = a_commit().counts["documents"] | {"tables": {SCRIPT: ROWS}, "anew": SCRIPT}
    commit = a_commit(kind=SCRIPT, plan=SCRIPT, code_version=SCRIPT, counts={SCRIPT: counts})
    reject: dict[str, Any] = dict.fromkeys(("key", "column", "reason", "detail", "collection"), SCRIPT)
    run = replace(a_run(state="failed"), run=SCRIPT, dag=SCRIPT)
    drift = a_drift(collection=SCRIPT, path=SCRIPT, types=SCRIPT, sample=SCRIPT)
    result = a_result(name=a_check(SCRIPT).name, failing=1, samples=(SCRIPT,), batch=None)
    entry = an_entry(action=SCRIPT, target=SCRIPT, reason=SCRIPT, did=SCRIPT, error=SCRIPT)
    migrations = [MigrationState(SCRIPT, SCRIPT, SCRIPT)]
    rejects, commits = [a_reject(**reject)], [commit, a_commit(2)]
    contents = Contents(commits, [a_group(**reject)], rejects, migrations, [entry], [drift], [result])
    params = (*PARAMS, a_param(SCRIPT, title=SCRIPT, says=SCRIPT, default=SCRIPT), a_param("x", enum=[SCRIPT]))
    other = f"{SCRIPT}.{SCRIPT}"
    dags = {
        SCRIPT: Dag(SCRIPT, paused=True, runs=(run,), params=PARAMS),
        other: Dag(other, paused=True, params=params, says=SCRIPT),
    }
    pipeline = a_pipeline(name=SCRIPT, schedule=SCRIPT, checks=(a_check(SCRIPT),))
    subject = a_subject(pipeline=pipeline, contents=contents, dags=dags)
    error = SluiceError(SCRIPT, why=SCRIPT, fix=SCRIPT)
    pages = [
        html(subject, Rights(runs=True, logs=True, start=frozenset(dags))),
        html(replace(subject, contents=error)),
        render("overview.html", here="", airflow="", now=NOON, cards=[card(subject)], broken=[error]),
    ]

    for page in pages:
        assert "&lt;script&gt;" in page
        assert "<script>" not in page
    # Nor does it leave an attribute or a link.
    assert not re.search(r"""(href|data-\w+)="[^"]*['<>]""", pages[0])


def test_the_page_is_made_of_whatever_there_is() -> None:
    """The templates raise for what is not defined: every branch of them, taken and not."""
    flawless = a_commit().counts["documents"] | {"rejected": 0}
    params = tuple(a_param(f"x{n}", **schema) for n, schema in enumerate(({"type": "integer", "default": 7}, {}, SPAN)))
    many = [a_group(reason=f"reason {n}", last_batch=n, column="title" * (n % 2)) for n in range(10)]
    drift = [a_drift(path=f"p{n}") for n in range(25)]
    waits = [MigrationState("0002", "add_title", "pending")]
    subjects = [
        a_subject(a_commit(counts={"documents": flawless})),
        a_subject(a_commit(kind="backfill")),
        a_subject(a_commit(positions={})),
        a_subject(contents=a_contents(a_commit(3), a_commit(9), groups=many, drift=drift, migrations=waits)),
        a_subject(contents=a_contents(a_commit())),
        a_subject(a_commit(), dags={**a_subject().dags, "publishing.x": a_dag("publishing.x", params=params)}),
        a_subject(a_commit(), dags={}),
        a_subject(*(a_commit(n, cut=n, published=n + 1) for n in range(30, 0, -1)), now=40),
    ]
    everything = Rights(runs=True, logs=True, start=frozenset({*EVERYTHING.start, "publishing.x"}))

    assert all("</html>" in html(subject, may) for subject in subjects for may in (Rights(), everything))
    assert "All 30 of the newest batches" in html(subjects[-1])
    assert 'value="7"' in html(subjects[5], everything)


def test_the_page_runs_no_script_and_loads_nothing_but_its_own() -> None:
    page = html(a_subject(a_commit()))

    assert re.findall(r"<script[^>]*>", page) == ['<script src="/sluice/static/page.js">']
    assert re.findall(r"\s(?:on\w+|style)=", page) == []
    assert not re.search(r"""(?:src|href|action)="(?:https?:)?//""", page)


def test_links_lead_to_airflow_also_behind_a_prefix() -> None:
    page = html(a_subject(a_commit()), prefix="/data/airflow")

    assert 'href="/data/airflow/dags/publishing/runs/manual__1%2B00%3A00/tasks/land"' in page
    assert 'data-runs="/data/airflow/api/v2/dags/publishing/dagRuns"' in page


def test_a_failed_run_shows_the_log_that_says_why() -> None:
    dags = {"publishing": a_dag("publishing", a_run(None, "failed"))}

    assert "/runs/manual__1%2B00%3A00/tasks/publish" in html(a_subject(a_commit(), dags=dags))


def test_a_warehouse_without_an_answer_leaves_the_buttons_and_says_what_to_do() -> None:
    page = html(a_subject(contents=WarehouseUnavailable("ClickHouse is away", fix="look at the server")))

    assert "ClickHouse is away" in page
    assert "look at the server" in page
    assert "Run now" in page
    assert "Collections" not in page


def test_who_may_start_nothing_sees_no_button() -> None:
    page = html(a_subject(a_commit()), Rights(runs=True, logs=True))

    assert "<button" not in page
    assert "<dialog" not in page


def test_who_may_not_read_runs_or_logs_sees_neither_runs_nor_keys() -> None:
    page = html(a_subject(a_commit()), Rights())

    assert "manual__1" not in page
    assert "wrong type" in page
    assert "k1" not in page
    assert "isbn" in page
    assert "978-3" not in page


def test_only_what_airflow_has_and_allows_has_a_button() -> None:
    dags = {"publishing": a_dag(), "publishing.reconcile": RECONCILE, "publishing2.x": a_dag("publishing2.x")}

    def names(*allowed: str) -> list[str]:
        return [each.name for each in actions(a_pipeline(), dags, allowed)]

    assert names(*dags) == ["run", "backfill", "refresh", "replay", "reconcile"]
    assert names("publishing.reconcile") == ["reconcile"]
    assert names() == []
    assert actions(a_pipeline(), {}, ["publishing"]) == []


def test_a_replay_asks_which_collection_and_none_means_all() -> None:
    """The empty text is sent, as the DAG takes it for every open reject: without it the run would be a live one."""
    (field,) = actions(a_pipeline(), {"publishing": a_dag()}, ["publishing"])[3].fields

    assert (field.name, field.choices, field.required) == ("replay_rejects", ("documents",), False)
    (form,) = re.findall(r'<select name="replay_rejects"(.*?)</select>', html(a_subject(a_commit())))
    assert form.split(">", 1)[0].strip() == "data-empty"
    assert '<option value="">all of them</option><option>documents</option>' in form


def test_what_a_dag_does_not_take_has_no_button() -> None:
    dags = {"publishing": a_dag(params=PARAMS[:1])}

    assert [each.name for each in actions(a_pipeline(), dags, dags)] == ["run"]
    # A run that streams for an hour is one after the other anyway.
    assert actions(a_pipeline(schedule="@continuous"), dags, dags) == []


def test_a_paused_dag_says_that_its_run_will_wait() -> None:
    assert "is paused: the run waits" in html(a_subject(a_commit(), dags={"publishing": a_dag(paused=True)}))
    assert "is paused: the run waits" not in html(a_subject(a_commit()))


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        ({"type": ["null", "string"], "format": "date-time"}, ("moment", (), False)),
        ({"type": ["null", "string"], "enum": [None, "a", "b"]}, ("choice", ("a", "b"), False)),
        ({"type": "string", "enum": ["a"]}, ("choice", ("a",), True)),
        ({"type": "boolean", "default": True}, ("switch", (), False)),
        ({"type": "integer"}, ("number", (), True)),
        ({"type": ["null", "number"]}, ("number", (), False)),
        ({}, ("text", (), True)),
    ],
)
def test_a_form_asks_what_the_dag_takes(schema: dict[str, Any], field: Any) -> None:
    found = field_of(a_param("x", **schema))

    assert found is not None
    assert (found.kind, found.choices, found.required) == field


def test_a_form_leaves_lists_to_their_default() -> None:
    assert field_of(a_param("x", type="array")) is None


def test_a_dag_is_described_by_the_first_sentence_of_its_documentation() -> None:
    assert first_sentence("\nCompares `keys`\nand versions. Found are …\n\nMore.") == "Compares keys and versions."
    assert first_sentence(None) == ""


# --- a warehouse that does not answer ---------------------------------------------------------------------------------


def test_a_dead_warehouse_holds_up_a_visitor_for_the_patience_alone_and_is_asked_once() -> None:
    answers, end, asked = Answers[str](), Event(), []

    def never() -> str:
        asked.append(1)
        end.wait(20)
        return "late"

    async def visit() -> list[str | None]:
        alive = answers.get("alive", lambda: "here")
        return list(await asyncio.gather(answers.get("dead", never, 0.05), alive, answers.get("dead", never, 0.05)))

    assert asyncio.run(visit()) == [None, "here", None]
    assert asked == [1]
    end.set()
    assert asyncio.run(answers.get("dead", never)) == "late"
    assert asked == [1]


def test_an_answer_is_given_again_for_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, asked = Answers[int](), []

    def ask() -> int:
        asked.append(1)
        return len(asked)

    assert [asyncio.run(answers.get("x", ask)) for _ in range(3)] == [1, 1, 1]
    monkeypatch.setattr("sluice.page.answers.KEPT", -1.0)
    assert asyncio.run(answers.get("x", ask)) == 2


def test_a_slow_warehouse_shows_what_it_said_before(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, end = Answers[str](), Event()
    said = iter(["first", "second"])

    def ask() -> str:
        found = next(said)
        if found == "second":
            end.wait(20)
        return found

    async def visit(patience: float) -> str | None:
        return await answers.get("slow", ask, patience)

    assert asyncio.run(visit(20)) == "first"
    monkeypatch.setattr("sluice.page.answers.KEPT", -1.0)
    assert asyncio.run(visit(0.05)) == "first"
    monkeypatch.setattr("sluice.page.answers.LATE", -1.0)
    assert asyncio.run(visit(0.05)) is None
    monkeypatch.setattr("sluice.page.answers.KEPT", 60.0)
    end.set()
    assert asyncio.run(visit(20)) == "second"


def test_whatever_a_warehouse_raises_is_told_without_its_secrets(caplog: pytest.LogCaptureFixture) -> None:
    def broken(conn_id: str) -> Endpoint:
        raise RuntimeError("password=hunter2")

    found = look(a_pipeline(), broken)

    assert isinstance(found, SluiceError)
    assert "RuntimeError" in str(found)
    assert "hunter2" not in str(found)
    assert "publishing" in caplog.text


def test_the_sheet_and_the_script_name_nobody_else() -> None:
    for file in (Path(render.__code__.co_filename).parent / "static").glob("page.*"):
        assert not re.search(r"https?://|@import|url\(", file.read_text()), file
