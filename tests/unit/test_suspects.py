"""What a suspect is, from what readers see of it and what the source says."""

from __future__ import annotations

import pytest

from sluice import suspects
from sluice.suspects import Comparison, Seen, Suspect, Verdict, judge


def a_suspect(*, found: int = 1, content: int = 7, torn: bool = False) -> Suspect:
    return Suspect("a", found, content if found else 0, torn)


HERE, OTHER, GONE = Seen(7), Seen(8), Seen()


@pytest.mark.parametrize(
    ("suspect", "seen", "verdict"),
    [
        (a_suspect(found=0), HERE, Verdict.MISSING),
        (a_suspect(found=0, torn=True), HERE, Verdict.MISSING),
        (a_suspect(), OTHER, Verdict.STALE),
        (a_suspect(torn=True), OTHER, Verdict.STALE),
        (a_suspect(found=2), HERE, Verdict.STALE),
        (a_suspect(), GONE, Verdict.EXTRA),
        (a_suspect(found=2), GONE, Verdict.EXTRA),
        (a_suspect(torn=True), HERE, Verdict.TORN),
        (a_suspect(found=0, torn=True), GONE, Verdict.TORN),
        (a_suspect(found=0), GONE, Verdict.EQUAL),
        (a_suspect(), HERE, Verdict.EQUAL),
        (a_suspect(found=0), Seen(rejected=True), Verdict.REJECTED),
        (a_suspect(), Seen(rejected=True), Verdict.REJECTED),
    ],
)
def test_each_combination_is_one_thing(suspect: Suspect, seen: Seen, verdict: Verdict) -> None:
    assert judge(suspect, seen, keeps_deleted=False) is verdict


def test_what_the_next_batch_brings_is_no_difference_but_what_it_leaves_is() -> None:
    """It skips a document whose content it knows, so that torn children and doubles stay."""
    assert judge(a_suspect(), Seen(8, newer=True), keeps_deleted=False) is Verdict.NEWER
    assert judge(a_suspect(), Seen(newer=True), keeps_deleted=False) is Verdict.NEWER
    assert judge(a_suspect(found=0), Seen(8, newer=True), keeps_deleted=False) is Verdict.NEWER
    assert judge(a_suspect(torn=True), Seen(7, newer=True), keeps_deleted=False) is Verdict.TORN
    assert judge(a_suspect(found=2), Seen(7, newer=True), keeps_deleted=False) is Verdict.STALE


def test_where_deletes_are_not_followed_what_was_deleted_is_kept() -> None:
    assert judge(a_suspect(), GONE, keeps_deleted=True) is Verdict.KEPT
    assert judge(a_suspect(found=0), HERE, keeps_deleted=True) is Verdict.MISSING


def test_a_comparison_counts_all_and_names_some() -> None:
    found = Comparison("documents")
    for number in range(suspects.EXAMPLES + 5):
        found.add(f"m{number}", Verdict.MISSING)
    found.add("n", Verdict.NEWER)

    assert found.differences == found.left == suspects.EXAMPLES + 5
    assert len(found.examples) == suspects.EXAMPLES
    found.repaired = 5
    assert found.left == suspects.EXAMPLES
    assert Comparison.from_json(found.to_json()) == found
