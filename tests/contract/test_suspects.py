"""A batch that repairs, and the keys that may differ, on every warehouse."""

from __future__ import annotations

from dataclasses import replace

from sluice.key_scan import narrowed
from sluice.suspects import Suspect
from sluice.warehouse.base import Commit, TableCounts
from sluice.window import BatchKind
from tests.contract.lab import Doc, Lab, document, gone


def counts(commit: Commit, table: str = "documents") -> TableCounts:
    return TableCounts(**commit.counts["documents"]["tables"][table])


def test_a_repair_writes_again_what_is_the_same_and_ends_rows_without_a_document(lab: Lab) -> None:
    whole, other = document("a", "one", "x", "y"), document("b", "two", "z")
    lab.publish(1, documents=[whole, other, document("c", "three", "w")])
    lab.lose("documents_keywords", "parent_id = 'a' AND ordinal = 1")
    lab.lose("documents", "_id IN ('b', 'c')")

    assert counts(lab.publish(2, documents=[whole])).unchanged == 1
    assert lab.keywords()["a"] == ["x"]
    repaired = lab.publish(3, kind=BatchKind.REPAIR, documents=[whole, other, gone("c")])

    assert lab.state() == ({"a": "one", "b": "two"}, {"a": ["x", "y"], "b": ["z"]}, {})
    assert (counts(repaired).published, counts(repaired).unchanged, counts(repaired).gone) == (2, 0, 1)


def test_a_repair_overwrites_nothing_that_is_newer(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one"), document("b", "two")])
    repair = lab.stage(lab.plan(2, kind=BatchKind.REPAIR), documents=[document("a", "one"), gone("b")])
    lab.publish(3, documents=[document("a", "newer"), document("b", "again")])

    commit = lab.warehouse.publish(lab.pipeline, repair)

    assert lab.titles() == {"a": "newer", "b": "again"}
    assert counts(commit).superseded == 2


def staged_keys(lab: Lab, docs: dict[str, tuple[int | None, int]]) -> list[Suspect]:
    """Compare with a source that has these keys: modified date, number of keywords."""
    plan = lab.plan(9)
    narrow = narrowed(lab.pipeline).collections[0]
    rows = [Doc(key, {"_rows_keywords": size}, {}, modified) for key, (modified, size) in docs.items()]
    keyed = replace(narrow, modified="updated_at")
    lab.warehouse.load(plan, narrow, [lab.land(plan, keyed, rows)])
    last = lab.warehouse.last_commit(lab.pipeline.name)
    assert last
    documents = lab.pipeline.collections[0]
    commit, visible = lab.warehouse.find_suspects(lab.pipeline, plan, documents, last)
    assert (commit, visible) == (last, len(lab.titles()))
    found: list[Suspect] = []
    while page := lab.warehouse.suspects(lab.pipeline, plan, documents, found[-1].key if found else None, 2):
        found += page
    lab.warehouse.drop_staging(plan.id)
    return found


def test_keys_that_may_differ_are_found_a_page_at_a_time(lab: Lab) -> None:
    docs = {key: document(key, key, "x", modified=n or None) for n, key in enumerate(["", "a", "b", "c", "d", "e"])}
    lab.publish(1, documents=docs.values())
    same = {key: (doc.modified, 1) for key, doc in docs.items()}
    assert staged_keys(lab, same) == []

    source = {**same, "a": (99, 1), "b": (None, 1), "c": (3, 2), "": (7, 1), "new": (1, 0)}
    del source["e"]

    assert staged_keys(lab, source) == [
        Suspect("", 1, docs[""].hash, torn=False),  # first of all, and an undated one at that
        Suspect("a", 1, docs["a"].hash, torn=False),
        Suspect("b", 1, docs["b"].hash, torn=False),
        Suspect("c", 1, docs["c"].hash, torn=True),
        Suspect("e", 1, docs["e"].hash, torn=True),
        Suspect("new", 0, 0, torn=False),
    ]
    assert lab.staging() == []


def test_rows_of_another_batch_than_their_document_are_torn(lab: Lab) -> None:
    one, two = document("a", "one", "x"), document("b", "two", "y")
    lab.publish(1, documents=[one, two])
    lab.publish(2, documents=[document("a", "newer", "z")])
    lab.lose("documents_keywords", "parent_id = 'a'")
    open_ = {"_to": 2**32 - 1} if lab.kind == "clickhouse" else {}
    stray = {"parent_id": "'a'", "ordinal": 0, "value": "'x'", "_from": 1} | open_
    columns, values = ", ".join(stray), ", ".join(map(str, stray.values()))
    lab.command(f"INSERT INTO sluice_data.{lab.pipeline.name}_documents_keywords ({columns}) VALUES ({values})")
    assert lab.keywords() == {"a": ["x"], "b": ["y"]}

    (found,) = staged_keys(lab, {"a": (0, 1), "b": (0, 1)})

    assert (found.key, found.torn) == ("a", True)
