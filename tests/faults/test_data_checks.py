"""What each check of a pipeline file means of a batch: the long form of tests/contract/test_data_checks.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from sluice.errors import ChecksFailed
from sluice.spec import CheckKind, DataCheck
from tests.contract.lab import Doc, Lab, document, gone, ticket
from tests.contract.test_data_checks import publish, untitled

pytestmark = pytest.mark.faults

TITLED = DataCheck("documents", CheckKind.NOT_NULL, ("title",))
UNIQUE = DataCheck("documents", CheckKind.UNIQUE, ("title",))
TWO = DataCheck("tickets", CheckKind.UNIQUE, ("document_id", "updated_at"))
ACCEPTED = DataCheck("documents", CheckKind.ACCEPTED_VALUES, ("title",), values=("one", "it's", "100%"))
RELATED = DataCheck("tickets", CheckKind.RELATIONSHIP, ("document_id",), to="documents")
STEADY = DataCheck("documents", CheckKind.ROW_COUNT_CHANGE, share=0.5)
FRESH = DataCheck("documents", CheckKind.FRESHNESS, ("updated_at",), within=timedelta(seconds=60))
KEYWORDS = DataCheck("documents_keywords", CheckKind.ACCEPTED_VALUES, ("value",), values=("red", "blue"))

Batch = Mapping[str, Sequence[Doc]]


@dataclass(frozen=True)
class Case:
    """A check, the batches before, and one more. ``fails``: what the error says; None where the check holds."""

    name: str
    check: DataCheck
    batch: Batch
    fails: str | None = None
    before: Sequence[Batch] = field(default=())


ONE: Batch = {"documents": [document("a", "x")]}
FOUR: Batch = {"documents": [document(key, "x") for key in "abcd"]}
CASES = (
    Case("no title", TITLED, {"documents": [document("a", "x"), untitled("b")]}, "1 fail: b"),
    Case(
        "an older row without one", TITLED, {"documents": [document("b", "x")]}, None, [{"documents": [untitled("a")]}]
    ),
    Case("alike in the batch", UNIQUE, {"documents": [document("a", "x"), document("b", "x")]}, "x: 2 rows, as a, b"),
    Case(
        "like an older row",
        UNIQUE,
        {"documents": [document("b", "x")]},
        "x: 2 rows, as a, b",
        [{"documents": [document("a", "x"), document("c", "y"), document("d", "y")]}],
    ),
    Case(
        "like an older row that is replaced in this batch",
        UNIQUE,
        {"documents": [document("b", "x"), document("a", "z")]},
        None,
        [ONE],
    ),
    Case(
        "like an older row that leaves with this batch",
        UNIQUE,
        {"documents": [document("b", "x"), gone("a")]},
        None,
        [ONE],
    ),
    Case("without a value nothing is alike", UNIQUE, {"documents": [untitled("a"), untitled("b")]}),
    Case(
        "read again, and unchanged",
        UNIQUE,
        {"documents": [document("a", "x")]},
        None,
        [ONE],
    ),
    Case("two columns alike", TWO, {"tickets": [ticket(key, "a") for key in "tu"]}, "2 rows, as t, u"),
    Case("one of two columns alike", TWO, {"tickets": [ticket("t", "a"), ticket("u", "a", 5)]}),
    Case("accepted", ACCEPTED, {"documents": [document("a", "it's"), document("b", "100%"), untitled("c")]}),
    Case("not accepted", ACCEPTED, {"documents": [document("a", "one"), document("b", "on")]}, "1 fail: b: on"),
    Case(
        "of a child",
        KEYWORDS,
        {"documents": [document("a", "x", "red", "green")]},
        "1 fail: a 1: green",
    ),
    Case("no such document", RELATED, {"tickets": [ticket("t", "a")]}, "1 fail: t: a"),
    Case("a document of the same batch", RELATED, {"documents": [document("a", "x")], "tickets": [ticket("t", "a")]}),
    Case("an older document", RELATED, {"tickets": [ticket("t", "a")]}, None, [ONE]),
    Case(
        "an older document that leaves with this batch",
        RELATED,
        {"documents": [gone("a")], "tickets": [ticket("u", "a")]},
        "2 fail: u: a; t: a leaves",
        [{"documents": [document("a", "x")], "tickets": [ticket("t", "a")]}],
    ),
    Case(
        "a document that leaves with its tickets",
        RELATED,
        {"documents": [gone("a")], "tickets": [gone("t"), ticket("u", "b")]},
        None,
        [{"documents": [document("a", "x"), document("b", "x")], "tickets": [ticket("t", "a"), ticket("u", "a")]}],
    ),
    Case("a first batch", STEADY, FOUR),
    Case(
        "half of the rows leave",
        STEADY,
        {"documents": [gone("a"), gone("b"), document("c", "y")]},
        None,
        [FOUR],
    ),
    Case(
        "more than half of the rows leave",
        STEADY,
        {"documents": [gone("a"), gone("b"), gone("c"), document("d", "y")]},
        "3 fail: 4 rows become 1, more than 50%",
        [FOUR],
    ),
    Case("new enough", FRESH, {"documents": [document("a", "x", modified=60), document("b", "x")]}),
    Case("too old", FRESH, {"documents": [document("a", "x", modified=-1)]}, "0:02:01 before the cut"),
    Case("no rows", FRESH, {"tickets": [ticket("t", "a")]}),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_check_is_of_what_readers_would_see(lab: Lab, case: Case) -> None:
    for number, batch in enumerate(case.before):
        lab.publish(number, **batch)
    before = lab.state()

    if case.fails is None:
        publish(lab, 120, case.batch, case.check)
        (result,) = lab.warehouse.check_results(lab.pipeline.name)  # type: ignore[attr-defined]
        assert (result.state, result.failing, result.batch) == ("passed", 0, len(case.before) + 1)
    else:
        with pytest.raises(ChecksFailed) as error:
            publish(lab, 120, case.batch, case.check)
        assert case.fails in error.value.why
        assert lab.state() == before
