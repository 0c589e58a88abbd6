"""Children of children leave, come and stay with their document: no row of an older state stays behind at any depth."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace

import pytest

from sluice.errors import CountMismatch
from sluice.spec import Child, Pipeline
from sluice.warehouse.base import TableCounts
from sluice.window import BatchKind
from tests.contract.lab import Doc, Lab, gone
from tests.contract.specs import a_column

Notes = Mapping[tuple[int, ...], str]


def nested(pipeline: Pipeline) -> Pipeline:
    """The same under a name of its own: documents with parts, these with sections, these with arrays of arrays."""
    own, value = f"p{secrets.token_hex(4)}", (a_column("value", path=""),)
    notes = Child("p_s_n", "notes", value, of_documents=False, depth=2)
    sections = Child("p_s", "sections", value, of_documents=True, children=(notes,))
    parts = Child("p", "p", value, of_documents=True, children=(sections,))
    documents, tickets = pipeline.collections
    warehouse = replace(pipeline.warehouse, schema=f"{own}_read")
    collections = (replace(documents, children=(parts,), surrogate_key=True), tickets)
    return replace(pipeline, name=own, warehouse=warehouse, collections=collections)


@pytest.fixture(scope="module")
def module_lab(shared_lab: Lab) -> Lab:
    made = shared_lab.another(nested(shared_lab.pipeline))
    made.warehouse.migrate(made.pipeline)
    return made


@pytest.fixture
def lab(module_lab: Lab) -> Lab:
    """A pipeline with children of children, in which nothing was ever published."""
    module_lab.reset()
    return module_lab


def document(key: str, sections: int, notes: Notes, modified: int = 0) -> Doc:
    """A document of one part."""
    inner = {(0, n): f"{key}{n}" for n in range(sections)}
    children = {"p": [key], "p_s": inner, "p_s_n": notes}
    return Doc(key, {"title": f"{key} {modified}"}, children, modified)


def seen(lab: Lab) -> dict[str, list[tuple[str | int, ...]]]:
    """What analysts see: table → keys and values of its rows."""
    (collection, _) = lab.pipeline.collections
    return {
        table.name.removeprefix("documents_"): sorted(
            lab.rows(f"SELECT {', '.join(table.key)}, value FROM {lab.pipeline.warehouse.schema}.{table.name}")
        )
        for table in collection.tables[1:]
    }


def as_seen(*documents: Doc) -> dict[str, list[tuple[str | int, ...]]]:
    """What these documents are, when nothing else is there."""
    return {
        "p": sorted((doc.key, 0, doc.key) for doc in documents),
        "p_s": sorted((d.key, *at, v) for d in documents for at, v in _of(d, "p_s")),
        "p_s_n": sorted((d.key, *at, v) for d in documents for at, v in _of(d, "p_s_n")),
    }


def _of(doc: Doc, child: str) -> list[tuple[tuple[int, ...], str]]:
    values = doc.children[child]
    return list(values.items()) if isinstance(values, Mapping) else []


WIDE = {(0, 0, 0, 0): "a", (0, 0, 0, 1): "b", (0, 0, 2, 0): "c", (0, 1, 0, 0): "d"}


def test_a_document_that_shrinks_at_each_level_leaves_no_row_behind(lab: Lab) -> None:
    other = document("b", 1, {(0, 0, 0, 0): "kept"})
    lab.publish(1, documents=[document("a", 2, WIDE), other])
    assert seen(lab) == as_seen(document("a", 2, WIDE), other)

    for cut, smaller in enumerate(
        [
            document("a", 2, {(0, 0, 0, 0): "a", (0, 1, 0, 0): "d"}, modified=2),  # the innermost arrays
            document("a", 1, {(0, 0, 0, 0): "a"}, modified=3),  # the array around them
            document("a", 0, {}, modified=4),
        ],
        start=2,
    ):
        lab.publish(cut, documents=[smaller])
        assert seen(lab) == as_seen(smaller, other)

    lab.publish(9, documents=[gone("a"), document("b", 1, {(0, 0, 0, 0): "kept"})])
    assert seen(lab) == as_seen(other)


def test_rows_at_each_depth_are_counted_as_their_document_is(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", 2, WIDE), document("b", 1, {(0, 0, 0, 0): "x"})])
    commit = lab.publish(2, documents=[document("a", 1, {(0, 0, 0, 0): "a"}, 2), document("b", 1, {(0, 0, 0, 0): "x"})])

    tables = commit.counts["documents"]["tables"]
    assert TableCounts(**tables["documents_p_s"]) == TableCounts(2, 1, 1, 0, closed=2)
    assert TableCounts(**tables["documents_p_s_n"]) == TableCounts(2, 1, 1, 0, closed=4)
    lab.warehouse.verify(lab.pipeline, commit)


def test_an_older_state_brings_back_nothing_at_any_depth(lab: Lab) -> None:
    newer = document("a", 1, {(0, 0, 0, 0): "newer"}, modified=5)
    lab.publish(5, documents=[newer])
    lab.publish(4, kind=BatchKind.BACKFILL, documents=[document("a", 2, WIDE, modified=1), document("c", 2, WIDE)])

    assert seen(lab) == as_seen(newer, document("c", 2, WIDE))


def test_of_a_repeated_document_one_state_is_kept_at_each_depth(lab: Lab) -> None:
    old, new = document("a", 2, WIDE, modified=1), document("a", 1, {(0, 0, 0, 0): "new"}, modified=2)

    batch = lab.stage(lab.plan(), documents=[new, old, new])
    lab.warehouse.publish(lab.pipeline, batch)

    assert batch.loaded[0].repeated == {
        "documents": 2,
        "documents_p": 2,
        "documents_p_s": 3,
        "documents_p_s_n": 5,
    }
    assert seen(lab) == as_seen(new)


def test_a_document_gives_its_number_to_every_depth(lab: Lab) -> None:
    lab.publish(documents=[document("a", 2, WIDE)])
    schema = lab.pipeline.warehouse.schema

    ((number,),) = lab.rows(f"SELECT _key FROM {schema}.documents")
    assert lab.rows(f"SELECT DISTINCT parent_key FROM {schema}.documents_p_s_n") == [(number,)]


def test_a_row_lost_in_the_deepest_table_is_noticed(lab: Lab) -> None:
    commit = lab.publish(documents=[document("a", 2, WIDE)])
    lab.lose("documents_p_s_n", "value = 'c'")

    with pytest.raises(CountMismatch, match="documents_p_s_n"):
        lab.warehouse.verify(lab.pipeline, commit)
