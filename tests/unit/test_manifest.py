"""The manifest of a landed range, and the keys of what was landed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.manifest import Manifest, Part, part_key, plan_prefix, range_prefix
from tests.factories import a_manifest, a_part, a_range

COUNTS = st.integers(0, 2**53)
PARTS = st.builds(Part, st.text(), st.text(), COUNTS, COUNTS, st.text())
COERCED = st.dictionaries(st.text(), st.dictionaries(st.text(), COUNTS))


@given(parts=st.lists(PARTS).map(tuple), coerced=COERCED, rejects_key=st.none() | st.text(), read=COUNTS)
def test_a_manifest_survives_the_way_to_s3_and_back(
    parts: tuple[Part, ...], coerced: dict[str, dict[str, int]], rejects_key: str | None, read: int
) -> None:
    manifest = a_manifest(parts=parts, coerced=coerced, rejects_key=rejects_key, read=read)

    assert Manifest.loads(manifest.dumps()) == manifest


def test_a_manifest_of_another_version_is_not_guessed_at() -> None:
    data = json.loads(a_manifest().dumps()) | {"version": 99}

    with pytest.raises(ValueError, match="another version"):
        Manifest.loads(json.dumps(data).encode())


def test_rows_are_counted_by_table() -> None:
    parts = (a_part(rows=3), a_part(rows=4), a_part(table="documents_keywords", rows=50))

    assert (a_manifest(parts=parts).rows("documents"), a_manifest(parts=parts).bytes) == (7, 300)


def test_the_keys_of_what_was_landed() -> None:
    folder = f"{range_prefix('/sluice/', 'publishing', a_range(), 'p1')}cafe0001/"

    assert plan_prefix("sluice", "publishing", "documents", "p1") == "sluice/publishing/documents/p1/"
    assert part_key(folder, "documents_keywords", 7, "parquet") == (
        "sluice/publishing/documents/p1/ids-000/cafe0001/documents_keywords/part-00007.parquet"
    )


def test_an_empty_prefix_leaves_no_empty_folder() -> None:
    assert plan_prefix("", "publishing", "documents", "p1") == "publishing/documents/p1/"
