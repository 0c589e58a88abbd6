"""The checks of a pipeline file: judged as readers would see a batch, and what becomes of one that fails them.

Each check by itself, in tests/faults/test_data_checks.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sluice.errors import ChecksFailed, ConfigError
from sluice.spec import CheckKind, DataCheck, Severity
from sluice.warehouse.base import Commit
from tests.contract.lab import Doc, Lab, document, gone, ticket

TITLED = DataCheck("documents", CheckKind.NOT_NULL, ("title",))
UNIQUE = DataCheck("documents", CheckKind.UNIQUE, ("title",))
CHECKS = (
    TITLED,
    UNIQUE,
    DataCheck("documents", CheckKind.ACCEPTED_VALUES, ("title",), values=("x", "one", "it's", "100%")),
    DataCheck("documents_keywords", CheckKind.ACCEPTED_VALUES, ("value",), values=("red",)),
    DataCheck("tickets", CheckKind.RELATIONSHIP, ("document_id",), to="documents"),
    DataCheck("documents", CheckKind.ROW_COUNT_CHANGE, share=0.5),
    DataCheck("documents", CheckKind.FRESHNESS, ("updated_at",), within=timedelta(seconds=60)),
)


def untitled(key: str) -> Doc:
    return Doc(key, {"title": None}, {}, 0)


def publish(lab: Lab, cut: int, batch: Mapping[str, Sequence[Doc]], *checks: DataCheck) -> Commit:
    """One batch of the lab's pipeline with checks."""
    pipeline = replace(lab.pipeline, checks=checks)
    return lab.warehouse.publish(pipeline, lab.stage(lab.plan(cut), **batch))


def test_a_batch_that_fails_its_checks_is_not_seen_but_kept_in_mind_and_the_next_one_heals_it(lab: Lab) -> None:
    older = [document("a", "x"), document("c", "one"), document("g", "100%")]
    lab.publish(0, documents=older, tickets=[ticket("s", "a"), ticket("t", "g")])
    before = lab.state()
    bad = [untitled("b"), document("d", "x"), document("e", "on", "green"), gone("g")]
    good = [document("a", "it's", modified=100), document("d", "x", "red"), gone("g")]

    with pytest.raises(ChecksFailed) as error:
        publish(lab, 120, {"documents": bad, "tickets": [ticket("u", "nobody")]}, *CHECKS)
    assert lab.state() == before
    stopped = lab.warehouse.check_results(lab.pipeline.name)  # type: ignore[attr-defined]
    healed = publish(lab, 121, {"documents": good, "tickets": [ticket("u", "d"), gone("t")]}, *CHECKS)

    assert {each.name.partition("(")[0]: each.samples for each in stopped} == {
        "documents.not_null": ("b",),
        "documents.unique": ("x: 2 rows, as a, d",),
        "documents.accepted_values": ("e: on",),
        "documents_keywords.accepted_values": ("e 0: green",),
        "tickets.relationship": ("u: nobody", "t: g leaves"),
        "documents.row_count_change": ("3 rows become 5, more than 50% of them",),
        "documents.freshness": ("the newest is of 2026-11-23T12:00:00+00:00, 0:02:00 before the cut",),
    }
    assert {(each.state, each.batch) for each in stopped} == {("stopped", None)}
    assert "documents.not_null(title): 1 fail: b" in error.value.why
    assert healed.batch == 2
    assert lab.titles() == {"a": "it's", "c": "one", "d": "x"}
    results = lab.warehouse.check_results(lab.pipeline.name)  # type: ignore[attr-defined]
    assert [(each.state, each.batch) for each in results[: len(CHECKS)]] == [("passed", 2)] * len(CHECKS)
    assert results[len(CHECKS) :] == lab.warehouse.check_results(lab.pipeline.name, failed=True)  # type: ignore[attr-defined]


def test_rows_of_which_none_has_a_date_are_not_fresh_and_a_table_without_rows_is(lab: Lab) -> None:
    fresh = DataCheck("documents", CheckKind.FRESHNESS, ("updated_at",), within=timedelta(seconds=60))
    publish(lab, 0, {"tickets": [ticket("t", "a")]}, fresh)

    with pytest.raises(ChecksFailed) as error:
        publish(lab, 1, {"documents": [document("a", "x", modified=None), document("b", "y", modified=None)]}, fresh)
    publish(lab, 2, {"documents": [document("a", "x", modified=None), document("b", "y", modified=1)]}, fresh)

    assert "documents.freshness(updated_at): 2 fail: none of 2 rows has a date" in error.value.why
    assert lab.titles() == {"a": "x", "b": "y"}


def test_a_warning_is_kept_and_the_batch_is_published_once(lab: Lab) -> None:
    check, plan = replace(TITLED, severity=Severity.WARN), lab.plan(0)
    pipeline, batch = replace(lab.pipeline, checks=(check, UNIQUE)), lab.stage(plan, documents=[untitled("a")])

    commit = lab.warehouse.publish(pipeline, batch)
    again = lab.warehouse.publish(pipeline, batch)

    assert again == commit
    results = lab.warehouse.check_results(lab.pipeline.name)  # type: ignore[attr-defined]
    assert [(each.name, each.state, each.batch) for each in results] == [
        ("documents.not_null(title)", "warned", 1),
        ("documents.unique(title)", "passed", 1),
    ]


OWN = """-- Titles of new documents that an older one has as well, and those with 100 %.
SELECT fresh._id, fresh.title
FROM $documents__new AS fresh
JOIN $documents AS every ON every.title = fresh.title AND every._id <> fresh._id
WHERE fresh.title NOT LIKE '%100%' -- of the batch"""


def test_a_check_may_be_a_query_of_ones_own(lab: Lab, tmp_path: Path) -> None:
    check = own(tmp_path, "titles", OWN, Severity.STOP)
    publish(lab, 0, {"documents": [document("a", "x"), document("b", "100"), document("c", "y")]}, check)

    with pytest.raises(ChecksFailed) as error:
        publish(lab, 1, {"documents": [document("d", "x"), document("e", "100"), document("f", "z")]}, check)

    assert "documents.sql(titles): 1 fail: d, x" in error.value.why


def own(folder: Path, name: str, text: str, severity: Severity) -> DataCheck:
    file = folder / f"{name}.sql"
    file.write_text(text)
    return DataCheck("documents", CheckKind.SQL, file=file, severity=severity)


NO_COLUMN = "SELECT nothing FROM $documents AS d"
NO_NUMBER = "SELECT d._id FROM $documents AS d WHERE CAST('x' AS INTEGER) > 0"


def test_a_check_that_cannot_be_run_stops_the_batch_and_says_why(lab: Lab, tmp_path: Path) -> None:
    check = own(tmp_path, "own", NO_COLUMN, Severity.STOP)

    with pytest.raises(ConfigError) as error:
        publish(lab, 0, {"documents": [document("a", "x")]}, check)

    assert "documents.sql(own)" in error.value.what
    assert "nothing" in error.value.why
    assert lab.titles() == {}


def test_a_warning_that_cannot_be_run_says_why_and_stops_no_batch(lab: Lab, tmp_path: Path) -> None:
    first, last = (own(tmp_path, name, text, Severity.WARN) for name, text in (("a", NO_COLUMN), ("b", NO_NUMBER)))
    titled = replace(TITLED, severity=Severity.WARN)

    commit = publish(lab, 0, {"documents": [untitled("a")]}, first, titled, last)

    assert lab.titles() == {"a": None}
    assert commit.counts["documents"]["tables"]["documents"]["published"] == 1
    results = lab.warehouse.check_results(lab.pipeline.name)  # type: ignore[attr-defined]
    assert {(each.name, each.state, each.failing, each.batch) for each in results} == {
        ("documents.sql(a)", "warned", 1, 1),
        ("documents.sql(b)", "warned", 1, 1),
        ("documents.not_null(title)", "warned", 1, 1),
    }
    said = {each.name: each.samples[0] for each in results}
    assert all(said[each.name].startswith("cannot be run: ") for each in (first, last))
    assert "nothing" in said["documents.sql(a)"]
