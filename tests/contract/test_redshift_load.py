"""Load on Redshift: what COPY refuses, and what the pipeline file lets it pass over (I1, I7)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sluice import spec
from sluice.errors import ConfigError, CountMismatch, Terminal
from sluice.landing import Landing
from sluice.spec import CopyOptions, RedshiftOptions
from tests.contract.lab import BUCKET, ONLY_REDSHIFT, Doc, Lab, document, gone
from tests.contract.own_redshift import PASSWORD, OwnRedshift
from tests.contract.redshift import RedshiftLab, RedshiftServers, a_redshift_pipeline
from tests.contract.test_warehouse import counts

pytestmark = ONLY_REDSHIFT

TOO_LONG = "x" * 65


def tolerant(lab: Lab, **options: Any) -> Lab:
    """A pipeline of its own whose documents are loaded with these options."""
    documents, tickets = lab.pipeline.collections
    documents = replace(documents, redshift=RedshiftOptions(copy_options=CopyOptions(**options)))
    found = lab.another(a_redshift_pipeline(collections=(documents, tickets)))
    found.warehouse.migrate(found.pipeline)
    return found


def landing_of(lab: Lab) -> Landing:
    """The landing that the lab writes to, as the product reads it."""
    assert isinstance(lab.servers, RedshiftServers)
    return Landing.connect(lab.servers.landing, spec.Landing("landing_s3", BUCKET))


def bad(key: str, *keywords: str) -> Doc:
    """A document that COPY refuses: its title does not fit."""
    return Doc(key, {"title": TOO_LONG}, {"keywords": keywords})


# --- a row that cannot be loaded stops the batch


def test_a_bad_row_is_named_by_file_line_column_value_and_reason(lab: Lab) -> None:
    plan, (documents, _) = lab.plan(), lab.pipeline.collections
    manifest = lab.land(plan, documents, [document("a", "one", "x"), bad("b"), document("c", "three")])

    with pytest.raises(Terminal) as error:
        lab.warehouse.load(plan, documents, [manifest])

    for said in (f"{manifest.parts[0].key} line 2: title", f"{TOO_LONG!r}", "exceeds", "(1204)", "maxerror"):
        assert said in str(error.value)
    assert lab.staging() == []


def test_what_was_staged_before_outlives_a_load_that_fails(lab: Lab) -> None:
    plan, (documents, _) = lab.plan(), lab.pipeline.collections
    good = lab.land(plan, documents, [document("a", "one", "x")])
    lab.warehouse.load(plan, documents, [good])

    with pytest.raises(Terminal):
        lab.warehouse.load(plan, documents, [good, lab.land(plan, documents, [bad("b")], range_="r1")])

    (staging,) = [table for table in lab.staging() if "__documents__" in table]
    assert lab.rows(f"SELECT _id FROM sluice_staging.{staging}") == [("a",)]


def test_a_part_that_was_cut_off_is_named(lab: Lab) -> None:
    plan, (documents, _) = lab.plan(), lab.pipeline.collections
    manifest = lab.land(plan, documents, [document(f"a{n}", "one", "x") for n in range(100)])
    key = manifest.parts[1].key
    body = lab.servers.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    lab.servers.s3.put_object(Bucket=BUCKET, Key=key, Body=body[:-20])

    with pytest.raises(CountMismatch, match=rf"{key} cannot be read: it has {len(body) - 20:,} bytes"):
        lab.warehouse.load(plan, documents, [manifest])
    assert lab.staging() == []


def test_a_landing_in_two_formats_is_refused(lab: Lab) -> None:
    plan, (documents, _) = lab.plan(), lab.pipeline.collections
    manifests = [replace(lab.land(plan, documents, []), format=name) for name in ("csv", "parquet")]

    with pytest.raises(ConfigError, match="csv and parquet"):
        lab.warehouse.load(plan, documents, manifests)


# --- a row that the pipeline file lets it pass over becomes a reject


def test_refused_rows_become_rejects_of_their_batch_with_file_line_column_and_reason(shared_lab: Lab) -> None:
    lab = tolerant(shared_lab, maxerror=3)
    batch = lab.stage(lab.plan(1), documents=[document("a", "one"), bad("b"), document("c", "three"), bad("d")])

    assert (batch.loaded[0].staged["documents"], batch.loaded[0].refused["documents"]) == (2, 2)
    commit = lab.warehouse.publish(lab.pipeline, batch)

    part = batch.manifests[0].parts[0].key
    found = lab.warehouse.rejects(lab.pipeline.name)
    assert [(r.key, r.column, r.reason, r.raw_uri, r.position) for r in found] == [
        ("b", "title", "copy_1204", f"s3://{BUCKET}/{part}", 2),
        ("d", "title", "copy_1204", f"s3://{BUCKET}/{part}", 4),
    ]
    assert TOO_LONG in found[0].detail
    assert "b" in landing_of(lab).raw_reject(found[0].raw_uri, found[0].position).split(",")[0]
    assert lab.titles() == {"a": "one", "c": "three"}
    assert commit.counts["documents"]["refused"]["documents"] == 2
    lab.warehouse.verify(lab.pipeline, commit)


def test_a_refused_row_is_settled_once_its_document_is_loaded(shared_lab: Lab) -> None:
    """Not while a child of it is refused again, though the document itself is staged."""
    lab = tolerant(shared_lab, maxerror=3)
    lab.publish(1, documents=[bad("a"), bad("b"), document("c", "three")])
    lab.publish(2, documents=[document("a", "one"), document("b", "two", "x" * 100)])
    after_two = {r.key: r.column for r in lab.warehouse.rejects(lab.pipeline.name)}

    lab.publish(3, documents=[document("b", "two", "x")])

    assert after_two == {"b": "documents_keywords.value"}
    assert lab.warehouse.rejects(lab.pipeline.name) == []


def test_the_children_of_a_refused_document_are_refused_with_it(shared_lab: Lab) -> None:
    lab = tolerant(shared_lab, maxerror=2)
    twice = [document("c", "three", "w"), document("c", "three", "w")]
    batch = lab.stage(lab.plan(1), documents=[document("a", "one", "x"), bad("b", "y", "z"), *twice])

    (documents, _) = batch.loaded
    assert documents.staged == {"documents": 2, "documents_keywords": 2}
    assert documents.refused == {"documents": 1, "documents_keywords": 2}
    assert documents.repeated == {"documents": 1, "documents_keywords": 1}
    lab.warehouse.publish(lab.pipeline, batch)
    assert lab.keywords() == {"a": ["x"], "c": ["w"]}


def test_as_many_bad_rows_as_maxerror_stop_the_load(shared_lab: Lab) -> None:
    lab = tolerant(shared_lab, maxerror=2)
    plan, (documents, _) = lab.plan(), lab.pipeline.collections
    manifest = lab.land(plan, documents, [bad("a"), bad("b"), document("c", "three")])

    with pytest.raises(Terminal, match=r"line 1: title[^;]*; [^;]* line 2: title"):
        lab.warehouse.load(plan, documents, [manifest])


def test_a_whole_load_of_which_copy_refused_rows_ends_nothing_and_says_so(
    shared_lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    lab = tolerant(shared_lab, maxerror=2)
    lab.publish(1, documents=[document("a", "one"), document("b", "two")])
    commit = lab.publish(2, whole="documents", documents=[document("a", "one"), bad("c")])

    assert lab.titles() == {"a": "one", "b": "two"}
    assert "ended" not in commit.counts["documents"]
    assert "documents was read whole, and rows that it no longer has were not ended" in caplog.text
    assert f"sluice run --full documents {lab.pipeline.name}" in caplog.text
    assert lab.publish(3, whole="documents", documents=[document("a", "one")]).counts["documents"]["ended"] == 1
    assert lab.titles() == {"a": "one"}


def test_refused_rows_leave_with_the_staging(shared_lab: Lab) -> None:
    lab = tolerant(shared_lab, maxerror=2)
    plan = lab.plan()
    lab.stage(plan, documents=[bad("a")])

    assert list(lab.warehouse.staged_plans(lab.pipeline)) == [plan.id]
    assert lab.warehouse.drop_staging(plan.id) == 4
    assert lab.staging() == []


def test_a_text_that_is_cut_keeps_whole_characters(shared_lab: Lab) -> None:
    lab = tolerant(shared_lab, truncatecolumns=True)

    lab.publish(1, documents=[document("a", "ä" * 40)])

    assert lab.titles() == {"a": "ä" * 32}


# --- what is sent


def test_copy_follows_a_manifest_in_which_every_part_is_mandatory(lab: Lab, redshift: OwnRedshift) -> None:
    plan, (documents, _) = lab.plan(), lab.pipeline.collections
    manifests = [lab.land(plan, documents, [document(k, "t", "x")], range_=k) for k in "ab"]
    before = len(redshift.statements())

    lab.warehouse.load(plan, documents, manifests)

    copies = [sql for _, sql in redshift.statements()[before:] if sql.startswith("COPY")]
    assert len(copies) == 2, "one for each table"
    key = f"sluice/{lab.pipeline.name}/documents/{plan.id}/copy-documents.json"
    entries = json.loads(lab.servers.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())["entries"]
    assert entries == [
        {"url": f"s3://{BUCKET}/{p.key}", "mandatory": True, "meta": {"content_length": p.bytes}}
        for p in (manifest.parts[0] for manifest in manifests)
    ]
    assert f"'s3://{BUCKET}/{key}'" in copies[0]
    assert "COMPUPDATE OFF STATUPDATE OFF" in copies[0]


def test_no_key_is_shown_when_a_copy_fails(lab: RedshiftLab) -> None:
    plan, (documents, _) = lab.plan(), lab.pipeline.collections
    manifest = lab.land(plan, documents, [bad("a")])

    with pytest.raises(Terminal) as error:
        lab.warehouse.load(plan, documents, [manifest])

    shown = repr(error.value) + repr(error.value.__context__) + repr(error.value.__cause__)
    assert lab.servers.landing.password
    assert lab.servers.landing.password not in shown
    assert PASSWORD not in shown


def test_a_key_that_is_gone_wins_over_nothing_and_loses_to_a_document(lab: Lab) -> None:
    commit = lab.publish(1, documents=[gone("a"), document("a", "one"), gone("b"), gone("b")])

    assert counts(commit).gone == 1
    assert lab.titles() == {"a": "one"}
