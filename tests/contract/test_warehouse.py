"""What every warehouse promises of a batch: loaded, published, read back (I1 to I4, I7)."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from sluice.errors import ConfigError, CountMismatch, MigrationError, Superseded
from sluice.positions import Position
from sluice.warehouse.base import Commit, Loaded, TableCounts
from sluice.warehouse.buckets import bucket_of
from sluice.warehouse.quarantine import RejectRow, Which
from sluice.window import BatchKind
from tests.contract.lab import BUCKET, ONLY_CLICKHOUSE, ONLY_REDSHIFT, Doc, Lab, document, gone, ticket
from tests.contract.specs import keyed


def a_reject(key: str = "bad", **overrides: object) -> RejectRow:
    row = RejectRow("documents", key, "title", "too_long", "65 bytes of 64", "s3://landing/rejects.bson.gz", 0)
    return replace(row, **overrides)  # type: ignore[arg-type]


def counts(commit: Commit, table: str = "documents") -> TableCounts:
    return TableCounts(**commit.counts[table.partition("_")[0]]["tables"][table])


# --- load


def test_every_landed_row_is_staged(lab: Lab) -> None:
    plan = lab.plan()
    (collection, _) = lab.pipeline.collections
    ranges = [lab.land(plan, collection, [document(f"{r}{n}", "t", "x") for n in range(5)], range_=r) for r in "ab"]

    loaded = lab.warehouse.load(plan, collection, ranges)

    assert loaded.staged == {"documents": 10, "documents_keywords": 10}
    assert loaded.repeated == {"documents": 0, "documents_keywords": 0}


def test_loading_twice_is_loading_once(lab: Lab) -> None:
    plan = lab.plan()
    (collection, _) = lab.pipeline.collections
    manifest = lab.land(plan, collection, [document("a", "one", "x")])

    first, second = (lab.warehouse.load(plan, collection, [manifest]) for _ in range(2))

    assert (first.staged, first.repeated) == (second.staged, second.repeated)
    assert len(lab.staging()) == 2


def test_more_parts_than_one_statement_names_are_all_staged(lab: Lab) -> None:
    plan = lab.plan()
    (_, tickets) = lab.pipeline.collections
    ranges = [lab.land(plan, tickets, [ticket(f"t{n}", "a")], range_=f"r{n:03d}") for n in range(101)]

    assert lab.warehouse.load(plan, tickets, ranges).staged == {"tickets": 101}


def test_of_a_repeated_key_the_newest_document_is_kept_with_its_own_children(lab: Lab) -> None:
    old, new = document("a", "old", "x", "y", modified=1), document("a", "new", "z", modified=2)

    batch = lab.stage(lab.plan(), documents=[new, old, new, document("b", "two", "w")])
    lab.warehouse.publish(lab.pipeline, batch)

    assert batch.loaded[0].repeated == {"documents": 2, "documents_keywords": 3}
    assert lab.state() == ({"a": "new", "b": "two"}, {"a": ["z"], "b": ["w"]}, {})


def test_a_repeated_key_without_a_date_yields_to_one_with_a_date(lab: Lab) -> None:
    lab.publish(documents=[document("a", "undated", modified=None), document("a", "dated", modified=1), gone("a")])

    assert lab.titles() == {"a": "dated"}


def test_a_part_with_fewer_rows_than_its_manifest_says_is_named(lab: Lab) -> None:
    plan = lab.plan()
    (collection, _) = lab.pipeline.collections
    whole = lab.land(plan, collection, [document("a", "one")], range_="whole")
    short = lab.land(plan, collection, [document("b", "two"), document("c", "three")], range_="short")
    cut_off = lab.encode(collection.tables[0], [], plan)
    lab.servers.s3.put_object(Bucket=BUCKET, Key=short.parts[0].key, Body=cut_off)

    with pytest.raises(CountMismatch) as error:
        lab.warehouse.load(plan, collection, [whole, short])

    assert f"{short.parts[0].key} has 0 rows, its manifest says 2" in str(error.value)
    assert whole.parts[0].key not in str(error.value)


def test_a_part_that_is_gone_is_never_skipped(lab: Lab) -> None:
    plan = lab.plan()
    (collection, _) = lab.pipeline.collections
    manifests = [lab.land(plan, collection, [document(key, "t")], range_=key) for key in "ab"]
    lab.servers.s3.delete_object(Bucket=BUCKET, Key=manifests[0].parts[0].key)

    with pytest.raises(CountMismatch, match="landed part is missing"):
        lab.warehouse.load(plan, collection, manifests)


def test_a_key_that_is_null_is_not_loaded_as_an_empty_one(lab: Lab) -> None:
    plan = lab.plan()
    (_, tickets) = lab.pipeline.collections
    manifest = lab.land(plan, tickets, [Doc(None)])  # type: ignore[arg-type]

    with pytest.raises(Exception, match=r"(?i)null"):
        lab.warehouse.load(plan, tickets, [manifest])


def test_a_landing_in_another_format_is_refused(lab: Lab) -> None:
    plan = lab.plan()
    (collection, _) = lab.pipeline.collections
    manifest = replace(lab.land(plan, collection, []), format=lab.other_format)

    with pytest.raises(ConfigError, match=lab.other_format):
        lab.warehouse.load(plan, collection, [manifest])


def test_a_landing_for_another_warehouse_is_refused(lab: Lab) -> None:
    plan = lab.plan()
    (collection, _) = lab.pipeline.collections
    manifest = replace(lab.land(plan, collection, []), warehouse="duckdb")

    with pytest.raises(ConfigError, match=rf"{lab.format} for duckdb(.|\n)*{plan.id}"):
        lab.warehouse.load(plan, collection, [manifest])


# --- publish


def test_a_batch_becomes_visible_in_every_table(lab: Lab) -> None:
    commit = lab.publish(documents=[document("a", "one", "x", "y")], tickets=[ticket("t", "a")])

    assert commit.batch == 1
    assert lab.state() == ({"a": "one"}, {"a": ["x", "y"]}, {"t": "a"})


def test_nothing_staged_is_visible(lab: Lab) -> None:
    lab.stage(lab.plan(), documents=[document("a", "one")])

    assert lab.state() == ({}, {}, {})


def test_a_later_state_replaces_a_row_and_its_children(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one", "x", "y"), document("b", "two", "v")])
    commit = lab.publish(2, documents=[document("a", "uno", "z")])

    assert lab.state() == ({"a": "uno", "b": "two"}, {"a": ["z"], "b": ["v"]}, {})
    assert counts(commit) == TableCounts(1, 1, 0, 0, closed=1)
    assert counts(commit, "documents_keywords") == TableCounts(1, 1, 0, 0, closed=2)


def test_an_unchanged_document_is_not_written_again(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one", "x"), document("b", "two")])
    commit = lab.publish(2, documents=[document("a", "one", "x"), document("b", "dos")])

    assert counts(commit) == TableCounts(2, 1, 1, 0, closed=1)
    assert counts(commit, "documents_keywords") == TableCounts(1, 0, 1, 0, closed=0)
    assert lab.state() == ({"a": "one", "b": "dos"}, {"a": ["x"]}, {})


def test_a_key_that_is_gone_leaves_with_its_children(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one", "x"), document("b", "two", "y")])
    commit = lab.publish(2, documents=[gone("a"), gone("never seen")])

    assert lab.state() == ({"b": "two"}, {"b": ["y"]}, {})
    assert counts(commit) == TableCounts(2, 0, 0, 0, closed=1, gone=2)


def test_what_was_read_in_a_later_turn_wins_whatever_it_says(lab: Lab) -> None:
    early = [document("a", "later date", "x", modified=9), document("b", "one", "y")]
    lab.publish(1, documents=[*early, replace(gone("b"), turn=1), replace(document("a", "re-read"), turn=1)])

    assert lab.state() == ({"a": "re-read"}, {}, {})


def test_a_key_that_was_gone_comes_back_when_it_is_read_later(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one", "x")])
    lab.publish(2, documents=[gone("a")])
    lab.publish(3, documents=[document("a", "one", "x")])

    assert lab.state() == ({"a": "one"}, {"a": ["x"]}, {})


def test_a_state_of_an_older_cut_never_replaces_a_newer_one(lab: Lab) -> None:
    lab.publish(2, documents=[document("a", "newer", "n")])
    commit = lab.publish(1, kind=BatchKind.BACKFILL, documents=[document("a", "older", "o"), document("b", "two")])

    assert lab.state() == ({"a": "newer", "b": "two"}, {"a": ["n"]}, {})
    assert counts(commit) == TableCounts(2, 1, 0, 1, closed=0)


def test_a_key_that_is_gone_is_not_brought_back_by_an_older_cut(lab: Lab) -> None:
    lab.publish(1, documents=[document("b", "two")])
    lab.publish(3, documents=[gone("a")])
    lab.publish(2, kind=BatchKind.BACKFILL, documents=[document("a", "older", "o")])

    assert lab.state() == ({"b": "two"}, {}, {})


def test_a_key_is_not_ended_by_an_older_cut(lab: Lab) -> None:
    lab.publish(2, documents=[document("a", "newer")])
    commit = lab.publish(1, kind=BatchKind.BACKFILL, documents=[gone("a")])

    assert lab.titles() == {"a": "newer"}
    assert counts(commit) == TableCounts(1, 0, 0, 1, closed=0)


def test_a_plan_is_published_once(lab: Lab) -> None:
    batch = lab.stage(lab.plan(), documents=[document("a", "one")])

    first, again = (lab.warehouse.publish(lab.pipeline, batch) for _ in range(2))

    assert again == first
    assert (first.found_done, again.found_done) == (False, True)
    assert [commit.batch for commit in lab.warehouse.commits(lab.pipeline.name)] == [1]


def test_an_empty_batch_moves_the_positions_on(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one")])
    commit = lab.publish(2)

    assert commit.batch == 2
    assert commit.positions["documents"] == Position(lab.plan(2).cut.time, "updated_at")
    assert lab.titles() == {"a": "one"}


def test_a_backfill_moves_no_position(lab: Lab) -> None:
    live = lab.publish(1, documents=[document("a", "one")])
    backfill = lab.publish(2, kind=BatchKind.BACKFILL, documents=[document("b", "two")])

    assert backfill.positions == live.positions


def test_the_commit_record_is_read_back_as_it_was_written(lab: Lab) -> None:
    assert lab.warehouse.last_commit(lab.pipeline.name) is None
    commit = lab.publish(7, documents=[document("a", "one", "x")], tickets=[ticket("t", "a")])

    found = lab.warehouse.last_commit(lab.pipeline.name)

    assert found == commit == Commit.from_json(commit.to_json())
    assert lab.warehouse.commit_of(lab.pipeline.name, commit.plan) == commit
    assert lab.warehouse.commit_of(lab.pipeline.name, lab.plan(8).id) is None
    assert commit.cut == lab.plan(7).cut
    assert {k: commit.counts["documents"][k] for k in ("read", "rejected", "landed")} == {
        "read": 1,
        "rejected": 0,
        "landed": 1,
    }


def test_nothing_of_a_batch_stays_in_staging(lab: Lab) -> None:
    lab.publish(documents=[document("a", "one")])

    assert lab.staging() == []


def test_staging_is_dropped_by_plan(lab: Lab) -> None:
    kept, dropped = lab.plan(), lab.plan()
    lab.stage(kept)
    lab.stage(dropped)

    assert lab.warehouse.drop_staging(dropped.id) == 3
    assert len(lab.staging()) == 3


def test_what_an_old_plan_stages_when_it_is_run_again_is_young(lab: Lab) -> None:
    begun, plan = datetime.now(UTC), replace(lab.plan(), id="20260101T000000-aaaaaa")
    lab.stage(plan)

    made = lab.warehouse.staged_plans(lab.pipeline)

    assert list(made) == [plan.id]
    assert abs(made[plan.id] - begun) < timedelta(minutes=5)


def test_staging_that_changed_since_load_stops_the_batch(lab: Lab) -> None:
    batch = lab.stage(lab.plan(), documents=[document("a", "one")])
    (table,) = [t for t in lab.staging() if "_documents__" in t]
    lab.command(f"INSERT INTO sluice_staging.{table} SELECT * FROM sluice_staging.{table}")

    with pytest.raises(CountMismatch, match="documents: 1 rows were landed, 2 are staged"):
        lab.warehouse.publish(lab.pipeline, batch)
    assert lab.warehouse.last_commit(lab.pipeline.name) is None


def test_a_load_that_slept_while_its_plan_was_followed_again_stages_nothing_into_it(lab: Lab) -> None:
    """As many rows, so that no count tells them apart."""
    older = replace(lab.plan(1), turn=1)
    newer = replace(older, cut=lab.plan(2).cut)
    asleep = [lab.land(older, c, [document("a", "older")] * (c.name == "documents")) for c in lab.pipeline.collections]
    batch = lab.stage(newer, documents=[document("a", "newer")])

    lab.load(older, asleep)
    lab.warehouse.publish(lab.pipeline, batch)

    assert lab.titles() == {"a": "newer"}
    assert lab.staging() == []


def test_a_batch_without_one_of_its_collections_is_refused(lab: Lab) -> None:
    batch = lab.stage(lab.plan(), documents=[document("a", "one")])

    with pytest.raises(CountMismatch, match=r"tickets .* was not loaded"):
        lab.warehouse.publish(lab.pipeline, replace(batch, loaded=batch.loaded[:1]))


def test_a_batch_without_its_staging_says_what_to_do(lab: Lab) -> None:
    batch = lab.stage(lab.plan(), documents=[document("a", "one")])
    lab.warehouse.drop_staging(batch.plan.id)

    with pytest.raises(MigrationError, match="load again"):
        lab.warehouse.publish(lab.pipeline, batch)


def test_what_was_loaded_survives_the_way_through_json(lab: Lab) -> None:
    loaded = lab.stage(lab.plan(), documents=[document("a", "one")]).loaded[0]

    assert Loaded.from_json(loaded.to_json()) == loaded


# --- rejects


def test_rejects_appear_with_their_batch(lab: Lab) -> None:
    batch = lab.stage(
        lab.plan(3), documents=[document("a", "one")], rejects=[a_reject(), a_reject("worse", position=1)]
    )
    assert lab.warehouse.rejects(lab.pipeline.name) == []

    lab.warehouse.publish(lab.pipeline, batch)

    found = lab.warehouse.rejects(lab.pipeline.name, Which(collection="documents"))
    assert found == [
        a_reject(key, position=n, batch=1, cut=lab.plan(3).cut.time) for n, key in enumerate(("bad", "worse"))
    ]
    assert [r.key for r in lab.warehouse.rejects(lab.pipeline.name, Which(key="worse"))] == ["worse"]
    assert lab.warehouse.rejects(lab.pipeline.name, Which(collection="tickets")) == []


def test_a_document_that_is_rejected_again_unchanged_is_kept_once_and_counted_each_time(lab: Lab) -> None:
    same = [a_reject("a", hash=1), a_reject("", hash=2), a_reject("", hash=2**64 - 1, position=1)]
    commits = [publish_rejects(lab, number, *same) for number in (1, 2, 3)]

    assert rejects_of(lab) == [(1, "", 2), (1, "", 2**64 - 1), (1, "a", 1)]
    assert [commit.counts["documents"]["rejected"] for commit in commits] == [3, 3, 3]


def test_a_document_that_is_rejected_in_another_state_or_for_another_reason_is_kept_again(lab: Lab) -> None:
    publish_rejects(lab, 1, a_reject("a", hash=1))
    publish_rejects(lab, 2, a_reject("a", hash=2))
    publish_rejects(lab, 3, a_reject("a", hash=2, reason="wrong_type"))
    publish_rejects(lab, 4, a_reject("a", hash=1))

    assert rejects_of(lab) == [(1, "a", 1), (2, "a", 2), (3, "a", 2), (4, "a", 1)]


def test_a_reject_whose_id_the_warehouse_cannot_hold_stops_no_batch(lab: Lab) -> None:  # I7
    publish_rejects(
        lab, 1, a_reject("s:a\0b" + "c" * 3000, hash=1), a_reject("x", column="é" * 600, hash=2, position=1)
    )

    found = {reject.key[:5] for reject in lab.warehouse.rejects(lab.pipeline.name)}
    assert found in ({"s:a\0b", "x"}, {"s:a\\u", "x"})


def publish_rejects(lab: Lab, cut: int, *rejects: RejectRow) -> Commit:
    return lab.warehouse.publish(lab.pipeline, lab.stage(lab.plan(cut), rejects=rejects))


def rejects_of(lab: Lab) -> list[tuple[Any, ...]]:
    sql = "SELECT batch, key, hash FROM sluice.rejects WHERE pipeline"
    return sorted((batch, key, hash_ % 2**64) for batch, key, hash_ in lab.rows(f"{sql} = '{lab.pipeline.name}'"))


def test_a_lost_reject_stops_the_batch(lab: Lab) -> None:
    batch = lab.stage(lab.plan(), documents=[document("a", "one")], rejects=[a_reject(), a_reject("worse", position=1)])

    with pytest.raises(CountMismatch, match="reject"):
        lab.warehouse.publish(lab.pipeline, replace(batch, rejects=[a_reject()]))


# --- reading back


@ONLY_CLICKHOUSE
def test_time_travel_shows_each_batch_as_it_was(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one")])
    lab.publish(2, documents=[document("a", "uno"), document("b", "two")])
    lab.publish(3, documents=[gone("a")])
    view = f"sluice_data.{lab.pipeline.name}_documents__at"

    seen = [dict(lab.rows(f"SELECT _id, title FROM {view}(batch = {n})")) for n in range(4)]

    assert seen == [{}, {"a": "one"}, {"a": "uno", "b": "two"}, {"b": "two"}]


def test_visible_documents_add_up_by_bucket(lab: Lab) -> None:
    """In the buckets that this process computes, modulo 2**64: hashes are stored as signed numbers on Redshift."""
    docs = [document(f"k{n}", "t") for n in range(50)] + [document("é\U0001f980'", "t")]
    assert max(doc.hash for doc in docs) >= 2**63 > min(doc.hash for doc in docs)
    lab.publish(1, documents=[*docs, document("other", "t")])
    commit = lab.publish(2, documents=[gone("other")])
    table = lab.pipeline.tables[0]

    state = lab.warehouse.visible_state(lab.pipeline, table, commit.batch)
    keys = {k: h for b in state.hashes for k, h in lab.warehouse.visible_keys(lab.pipeline, table, 2, b).items()}

    expected = dict.fromkeys((bucket_of(doc.key) for doc in docs), 0)
    for doc in docs:
        expected[bucket_of(doc.key)] = (expected[bucket_of(doc.key)] + doc.hash) % 2**64
    assert state.rows == 51
    assert keys == {doc.key: doc.hash for doc in docs}
    assert state.hashes == expected


@ONLY_REDSHIFT
def test_what_readers_saw_at_an_older_batch_is_not_asked_for(lab: Lab) -> None:
    """There are no versions: to answer with the newest state would compare the source of one cut with another's."""
    lab.publish(1, documents=[document("a", "one")])
    lab.publish(2, documents=[document("a", "uno")])
    table = lab.pipeline.tables[0]

    for ask in (
        lambda: lab.warehouse.visible_state(lab.pipeline, table, 1),
        lambda: lab.warehouse.visible_keys(lab.pipeline, table, 1, 0),
    ):
        with pytest.raises(Superseded, match="at batch 1 is gone"):
            ask()


def test_verify_passes_what_was_published(lab: Lab) -> None:
    first = lab.publish(1, documents=[document("a", "one", "x"), document("b", "two")], tickets=[ticket("t", "a")])
    second = lab.publish(2, documents=[document("a", "uno", "y"), gone("b")])

    lab.warehouse.verify(lab.pipeline, first)
    lab.warehouse.verify(lab.pipeline, second)


def test_verify_finds_a_lost_row(lab: Lab) -> None:
    commit = lab.publish(1, documents=[document("a", "one"), document("b", "two")])
    lab.lose("documents", "_id = 'a'")

    with pytest.raises(CountMismatch, match="documents does not hold"):
        lab.warehouse.verify(lab.pipeline, commit)


@pytest.mark.parametrize("table", ["documents", "documents_keywords"])
def test_verify_finds_a_row_that_is_there_twice(lab: Lab, table: str) -> None:
    lab.publish(1, documents=[document("a", "one", "x"), document("b", "two", "y")])
    commit = lab.publish(2, documents=[document("a", "uno", "z")])
    storage = f"sluice_data.{lab.pipeline.name}_{table}"
    lab.command(f"INSERT INTO {storage} SELECT * FROM {storage} WHERE _from = 2")

    with pytest.raises(CountMismatch, match=f"{table} does not hold"):
        lab.warehouse.verify(lab.pipeline, commit)


def test_verify_of_an_older_batch_allows_for_what_later_ones_replaced(lab: Lab) -> None:
    first = lab.publish(1, documents=[document("a", "one", "x", "y"), document("b", "two", "v"), document("c", "3")])
    lab.publish(2, documents=[document("a", "uno", "z"), gone("b")])

    lab.warehouse.verify(lab.pipeline, first)
    lab.lose("documents", "_id = 'c'")
    with pytest.raises(CountMismatch, match="documents does not hold"):
        lab.warehouse.verify(lab.pipeline, first)


@ONLY_CLICKHOUSE
@pytest.mark.parametrize("table", ["documents", "documents_keywords"])
def test_verify_finds_a_version_that_is_still_open(lab: Lab, table: str) -> None:
    lab.publish(1, documents=[document("a", "one", "x", "y")])
    commit = lab.publish(2, documents=[document("a", "uno", "z")])
    change = "UPDATE _to = 4294967295 WHERE _to = 2 SETTINGS mutations_sync = 2"
    lab.command(f"ALTER TABLE sluice_data.{lab.pipeline.name}_{table} {change}")

    with pytest.raises(CountMismatch, match=f"{table} does not hold"):
        lab.warehouse.verify(lab.pipeline, commit)


def test_children_of_a_document_that_had_none_are_added_and_taken_away(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one")])
    added = lab.publish(2, documents=[document("a", "one", "x")])
    assert lab.keywords() == {"a": ["x"]}
    removed = lab.publish(3, documents=[document("a", "one")])

    assert lab.state() == ({"a": "one"}, {}, {})
    assert [counts(c, "documents_keywords").closed for c in (added, removed)] == [0, 1]


def test_purge_deletes_what_was_ended_and_nothing_that_is_visible(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one", "x"), document("b", "two"), document("c", "three")])
    lab.publish(2, documents=[document("a", "uno", "y"), gone("b")])
    before = lab.state()

    assert lab.warehouse.purge(lab.pipeline, older_than=timedelta(hours=1)) == 0
    # The mark that b is gone; with versions also a and b as they were, and a's first keyword.
    time.sleep(1)  # Redshift's clock of commits has seconds
    assert lab.warehouse.purge(lab.pipeline, older_than=timedelta(0)) == lab.purged
    assert lab.state() == before


def test_a_purged_mark_no_longer_keeps_an_older_cut_out(lab: Lab) -> None:
    """Why the horizon has to be longer than any backfill takes."""
    lab.publish(1, documents=[document("a", "one")])
    lab.publish(3, documents=[gone("a")])
    time.sleep(1)
    lab.warehouse.purge(lab.pipeline, older_than=timedelta(0))

    lab.publish(2, kind=BatchKind.BACKFILL, documents=[document("a", "older")])

    assert lab.titles() == {"a": "older"}


def test_the_server_says_what_it_is(lab: Lab) -> None:
    assert lab.kind in lab.warehouse.server_version().lower()


def test_every_right_is_tried_and_nothing_of_it_stays(lab: Lab) -> None:
    found = lab.warehouse.probe()

    assert {"alter", "insert", "drop"} <= set(re.findall(r"\w+", found))
    assert [table for table in lab.all_staging() if table.startswith("probe")] == []


# --- keys of other types


@pytest.mark.parametrize(
    ("kind", "keys"),
    [("int64", (1, 2, 3)), ("uuid", tuple(str(UUID(int=n)) for n in (1, 2, 3))), ("string(9)", tuple("abc"))],
)
def test_a_key_may_have_a_type_of_its_own(shared_lab: Lab, kind: str, keys: tuple[Any, ...]) -> None:
    lab = shared_lab.another(keyed(shared_lab.pipeline, kind))
    lab.warehouse.migrate(lab.pipeline)
    a, b, c = keys

    twice = [document(a, "one", "x"), document(a, "one", "x")]
    lab.publish(1, documents=[*twice, document(b, "two", "y"), document(c, "three")])
    commit = lab.publish(2, documents=[document(a, "one", "x"), document(b, "dos"), gone(c)])

    assert {str(key): title for key, title in lab.titles().items()} == {str(a): "one", str(b): "dos"}
    assert counts(commit) == TableCounts(3, 1, 1, 0, closed=2, gone=1)
    lab.warehouse.verify(lab.pipeline, commit)


# --- values and ways of storing


VALUES: dict[str, Any] = {
    "c0": "t:1",
    "c1": "ä€𝄞",
    "c2": "line\nline\ttab \\ 'quoted'",
    "c3": -(2**31),
    "c4": 2**63 - 1,
    "c5": -0.1,
    "c6": Decimal("-99999999999999.9999"),
    "c7": False,
    "c8": datetime(1970, 1, 1, tzinfo=UTC) - timedelta(milliseconds=1),
    "c9": date(1969, 12, 31),
    "c10": "507f1f77bcf86cd799439011",
    "c11": "00112233-4455-6677-8899-aabbccddeeff",
    "c12": "text",
    "c13": '{"$numberInt": "1"}',
}


def test_every_value_is_read_as_it_was_landed(shared_lab: Lab) -> None:
    lab = shared_lab.another(shared_lab.rich)
    lab.warehouse.migrate(lab.pipeline)

    lab.publish(documents=[Doc("full", VALUES), Doc("empty", dict.fromkeys(VALUES))])

    rows = lab.rows(f"SELECT _id, {', '.join(VALUES)} FROM {lab.pipeline.warehouse.schema}.documents ORDER BY _id")
    as_text = {"c11": str(rows[1][12])}  # ClickHouse has a type for it
    assert rows[0] == ("empty", *[None] * len(VALUES))
    assert dict(zip(("_id", *VALUES), rows[1], strict=True)) | as_text == {"_id": "full"} | VALUES | lab.differing


def test_a_table_with_every_way_of_storing_is_published_to(shared_lab: Lab) -> None:
    lab = shared_lab.another(shared_lab.rich)
    lab.warehouse.migrate(lab.pipeline)
    month = 31 * 24 * 3600

    lab.publish(1, documents=[document(f"k{n:03d}", "old", "x", modified=n * month) for n in range(120)])
    commit = lab.publish(2, documents=[document("k000", "new", "y", modified=7 * month), gone("k001")])

    assert len(lab.titles()) == 119
    assert (lab.titles()["k000"], lab.keywords()["k000"]) == ("new", ["y"])
    lab.warehouse.verify(lab.pipeline, commit)
