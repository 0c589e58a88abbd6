"""What of a landing is due, and what never is."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.errors import ConfigError
from sluice.landed_keys import read_key
from sluice.manifest import KEYS, MANIFEST, part_key, range_prefix
from sluice.ranges import dated_ranges, id_ranges, later_range, listed_range, undated_range
from sluice.retention import (
    Known,
    Landed,
    Looked,
    Spared,
    Upload,
    length,
    plan_spared,
    root_of,
    spared,
    upload_spared,
)
from sluice.spec import Landing
from sluice.window import Range
from tests.factories import NOON, a_pipeline, a_plan, a_range, a_window

ROOT_FOLDER = Path(__file__).parents[2]
ROOT = "sluice/publishing/"
OLD, OTHER, LATEST = "20260901T000000-000001", "20260902T000000-000002", "20261123T120000-abc123"
LONG_AGO, HORIZON = NOON - timedelta(days=60), NOON - timedelta(days=30)
PART = f"documents/{OLD}/ids-000/0123abcd/documents/part-00000.parquet"


def a_known(**overrides: Any) -> Known:
    defaults: dict[str, Any] = {
        "root": ROOT,
        "latest": LATEST,
        "kept": frozenset(),
        "published": {OLD: True, LATEST: True},
        "listed": frozenset(),
        "horizon": HORIZON,
    }
    return Known(**{**defaults, **overrides})


def an_object(key: str = PART, modified: datetime = LONG_AGO, root: str = ROOT) -> Landed:
    return Landed(root + key, 100, modified)


# --- the grammar of keys


def ranges() -> list[Range]:
    """One of each kind that planning makes."""
    plan, later = a_plan(), replace(a_plan(), turn=3)
    dated = dated_ranges("documents", "updated_at", a_window(), [1, 2])
    whole = id_ranges("documents", [f"{n}" for n in range(70)])
    listed = [listed_range("documents", each, 0, 10) for each in (plan, later)]
    others = [undated_range("documents", "updated_at"), later_range(whole[0], later), Range("documents", "extra-0012")]
    return [*dated, *whole, *listed, *others]


@pytest.mark.parametrize("piece", ranges(), ids=lambda piece: str(piece.name))
def test_what_a_range_writes_is_recognised(piece: Range) -> None:
    prefix = range_prefix("sluice", "publishing", piece, OLD)
    attempt = f"{prefix}0123abcd/"
    streamed = [part_key(attempt, "documents_keywords", 123456, "csv.gz"), part_key(attempt, "documents", 0, "parquet")]
    whole = [f"{prefix}{MANIFEST}", f"{prefix}{KEYS}"]

    found = [read_key(key, ROOT) for key in (*streamed, f"{attempt}rejects.bson.gz", *whole)]
    assert [(key.collection, key.plan) for key in found if key] == [("documents", OLD)] * 5
    assert [key.streamed for key in found if key] == [True, True, True, False, False]


def test_every_kind_of_range_that_the_package_makes_is_tried_here() -> None:
    """A new kind, which cleanup would leave for ever, fails here."""
    made = set()
    for file in (ROOT_FOLDER / "plugins" / "sluice").rglob("*.py"):
        calls = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
        names = (c.args[1] for c in calls if getattr(c.func, "id", "") == "Range" and len(c.args) > 1)
        made |= {ast.unparse(name) for name in names}

    assert made <= {
        "f'{IDS}{number:03d}'",
        "f'modified-{number:03d}'",
        "f'extra-{page:04d}'",
        "UNDATED",
        "name",  # of listed_range
    }


@pytest.mark.parametrize(
    "key",
    [
        "README.txt",
        "_planss/live.json",
        "a/_plans/live.json",
        f"documents/{OLD}/",
        f"documents/{OLD}/notes.txt",
        f"documents/{OLD}/ids-000/manifest.json.bak",
        f"documents/{OLD}/ids-000/0123abcd/documents/part-00000.parquet.crc",
        f"documents/{OLD}/ids-000/0123abcd/documents/mine.parquet",
        f"documents/{OLD}/mine/0123abcd/documents/part-00000.parquet",
        f"documents/{OLD}/ids-000/0123ABCD/documents/part-00000.parquet",
        f"documents/{OLD}/ids-000/0123abcd/documents/part-00000.parquet\n",
        f"documents/{OLD}/ids-000/0123abcd/documents/part-0000\u0966.parquet",
        "documents/20260901T000000/ids-000/0123abcd/documents/part-00000.parquet",
        f"more/documents/{OLD}/ids-000/0123abcd/documents/part-00000.parquet",
    ],
)
def test_a_file_that_nobody_here_made_is_not_touched(key: str) -> None:
    assert spared(an_object(key), a_known()) is Spared.FOREIGN


@pytest.mark.parametrize("key", ["_plans/live.json", "_cleaned.json"])
def test_notes_stay(key: str) -> None:
    assert spared(an_object(key), a_known()) is Spared.NOTES


@pytest.mark.parametrize("root", ["sluice/publishing_old/", "sluice/pub/", "publishing/", "other/sluice/publishing/"])
def test_another_prefix_is_not_touched(root: str) -> None:
    assert spared(an_object(root=root), a_known()) is Spared.FOREIGN


# --- what is due


def test_a_published_batch_past_its_retention_is_due() -> None:
    keys = [PART, f"documents/{OLD}/ids-000/{MANIFEST}", f"documents/{OLD}/copy-documents.json"]

    assert [spared(an_object(key), a_known()) for key in keys] == [None, None, None]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"latest": OLD}, Spared.LATEST),
        ({"published": {}}, Spared.UNPUBLISHED),
        ({"published": {OLD: False}}, Spared.YOUNG),
        ({"kept": frozenset({OLD})}, Spared.UNDER_WAY),
        ({"listed": frozenset({ROOT + PART})}, Spared.LISTED),
        ({"horizon": LONG_AGO}, Spared.YOUNG),
    ],
)
def test_what_somebody_may_need_is_spared(change: dict[str, Any], why: Spared) -> None:
    assert spared(an_object(), a_known(**change)) is why


PLANS = st.sampled_from([OLD, OTHER, LATEST])
FILES = ["ids-000/manifest.json", "undated/0123abcd/rejects.bson.gz"]
MADE = st.builds("documents/{}/{}".format, PLANS, st.sampled_from(FILES))
MOMENTS = [LONG_AGO, HORIZON - timedelta(seconds=1), HORIZON]
OBJECTS = st.builds(
    an_object,
    st.one_of(*[MADE] * 9, st.text(max_size=30)),
    st.sampled_from(MOMENTS),
    st.sampled_from([*[ROOT] * 9, "sluice/publishing2/", ""]),
)
KNOWN = st.builds(
    a_known,
    latest=PLANS,
    kept=st.frozensets(PLANS, max_size=1),
    published=st.dictionaries(PLANS, st.sampled_from([True, True, False]), min_size=2),
    listed=st.frozensets(MADE.map(lambda key: ROOT + key), max_size=2),
)


@settings(max_examples=500)
@given(OBJECTS, KNOWN)
def test_nothing_of_a_protected_batch_is_ever_due(found: Landed, known: Known) -> None:
    """And whatever nothing protects is: so that this test cannot pass by sparing everything."""
    key = read_key(found.key, ROOT)
    old = found.modified < known.horizon and key is not None and known.published.get(key.plan) is True
    needed = found.key in known.listed or (key is not None and key.plan in {known.latest, *known.kept})

    assert (spared(found, known) is None) == (old and not needed)


@given(st.lists(OBJECTS, max_size=8), KNOWN, st.booleans())
def test_every_object_is_counted_once(page: list[Landed], known: Known, refused: bool) -> None:
    looked = Looked()
    due = looked.take(page, known)
    looked.settle(due, {found.key: "AccessDenied" for found in due} if refused else {}, ROOT)

    stay = sum(tally.objects for tally in looked.spared.values())
    assert looked.total.objects == len(page) == stay + len(due)
    assert looked.gone.objects == (0 if refused else len(due))


# --- unfinished uploads, and what else is left of dead plans


def an_upload(key: str = PART, initiated: datetime = LONG_AGO) -> Upload:
    return Upload(ROOT + key, "an id", initiated)


def test_an_upload_with_which_nobody_goes_on_is_due() -> None:
    assert upload_spared(an_upload(), ROOT, frozenset(), NOON) is None


@pytest.mark.parametrize(
    ("upload", "why"),
    [
        (an_upload("mine.bin"), Spared.FOREIGN),
        (an_upload(f"documents/{OLD}/ids-000/manifest.json"), Spared.FOREIGN),
        (an_upload(PART.replace(OLD, "20269901T000000-000001")), Spared.FOREIGN),
        (an_upload(PART.replace(OLD, OTHER)), Spared.UNDER_WAY),
        (an_upload(initiated=NOON), Spared.YOUNG),
        (an_upload(PART.replace(OLD, LATEST)), Spared.YOUNG),
    ],
)
def test_other_uploads_are_spared(upload: Upload, why: Spared) -> None:
    assert upload_spared(upload, ROOT, frozenset({OTHER}), NOON) is why


def test_a_plan_is_dead_when_it_is_old_and_not_kept() -> None:
    found = [plan_spared(plan, LONG_AGO, frozenset({OTHER}), NOON) for plan in (OLD, OTHER, LATEST)]

    assert found == [None, Spared.UNDER_WAY, Spared.YOUNG]


def test_what_was_made_lately_of_an_old_plan_is_in_use() -> None:
    assert plan_spared(OLD, NOON, frozenset(), NOON) is Spared.YOUNG


# --- settings


@pytest.mark.parametrize("prefix", ["", "/"])
def test_the_root_of_a_bucket_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigError, match="the root of a bucket"):
        root_of(a_pipeline(landing=Landing("landing_s3", "landing", prefix)))


def test_a_pipelines_keys_start_with_its_name_and_a_slash() -> None:
    assert root_of(a_pipeline(landing=Landing("landing_s3", "landing", "/a/b/"))) == "a/b/publishing/"


def test_a_retention_is_told_as_a_pipeline_file_has_it() -> None:
    assert [length(timedelta(days=30)), length(timedelta(hours=36)), length(timedelta(0))] == ["30d", "1d12h", "0s"]


def test_a_range_of_a_test_is_not_a_key_of_a_batch() -> None:
    assert read_key(range_prefix("sluice", "publishing", a_range(name="r0"), OLD) + MANIFEST, ROOT) is None
