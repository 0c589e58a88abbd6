"""Publish on Redshift: one transaction, behind one lock (I1, I2, I3)."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest

from sluice.errors import CountMismatch
from sluice.warehouse.redshift.client import Client
from tests.contract.lab import ONLY_REDSHIFT, Doc, Lab, document, gone, ticket
from tests.contract.own_redshift import OwnRedshift
from tests.contract.redshift import a_redshift_pipeline, hooked
from tests.contract.specs import a_child, a_collection
from tests.contract.spoiled import do_nothing
from tests.contract.test_warehouse import a_reject, counts

pytestmark = ONLY_REDSHIFT


def test_five_tables_are_published_by_one_transaction(shared_lab: Lab, redshift: OwnRedshift) -> None:
    """Documents with three child tables, and tickets."""
    children = tuple(a_child(name) for name in ("keywords", "authors", "notes"))
    _, tickets = shared_lab.pipeline.collections
    lab = shared_lab.another(a_redshift_pipeline(collections=(a_collection(children=children), tickets)))
    lab.warehouse.migrate(lab.pipeline)
    lab.publish(1, documents=[document("a", "one", "x")], tickets=[ticket("t", "a")])
    batch = lab.stage(
        lab.plan(2), documents=[document("a", "uno", "y"), gone("b")], tickets=[ticket("u", "a")], rejects=[a_reject()]
    )
    before = len(redshift.statements())

    lab.warehouse.publish(lab.pipeline, batch)

    sent = redshift.statements()[before:]
    writing = [n for n, (_, sql) in enumerate(sent) if WRITES.match(sql)]
    words = [sql.split(None, 1)[0].lower() for _, sql in sent]
    lock = words.index("lock")
    end = words.index("commit", lock)
    assert words[lock - 1] == "begin", "the lock comes before the snapshot"
    assert lock < min(writing), "everything is written under the lock"
    assert max(writing) < end, "everything is written before the one commit"
    assert not FORBIDDEN & set(words[lock:end])
    assert len({session for session, _ in sent[lock - 1 : end + 1]}) == 1
    assert {written(sent[n][1]) for n in writing} >= {f"{lab.pipeline.name}_{t.name}" for t in lab.pipeline.tables}


WRITES = re.compile(r'(INSERT INTO|DELETE FROM) ("sluice_data"|sluice)\.')
FORBIDDEN = {"begin", "commit", "rollback", "truncate", "vacuum"}


def written(sql: str) -> str:
    """The table that a statement writes."""
    return re.split(r'["\s]*\."?|"?\s', sql.split(None, 2)[2])[1]


def test_publishers_that_meet_go_one_after_the_other(lab: Lab) -> None:
    """They write different tables, so that nothing but the lock keeps them apart."""
    first, second = (
        lab.stage(lab.plan(1), documents=[document("a", "one")]),
        lab.stage(lab.plan(2), tickets=[ticket("t", "a")]),
    )
    inside, go_on = Event(), Event()

    def pause(name: str) -> None:
        if name == "insert_commit":
            inside.set()
            assert go_on.wait(30)

    slow = lab.attempt(lambda client: hooked(client, pause, do_nothing))
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(slow.publish, lab.pipeline, first)
        assert inside.wait(30)
        other = pool.submit(lab.attempt().publish, lab.pipeline, second)
        time.sleep(0.5)
        waited = not other.done()
        go_on.set()
        numbers = one.result(30).batch, other.result(30).batch

    assert waited, "it published while another was about to"
    assert numbers == (1, 2)
    assert lab.state() == ({"a": "one"}, {}, {"t": "a"})


def test_two_attempts_at_one_plan_are_one_batch(lab: Lab) -> None:
    batch = lab.stage(lab.plan(1), documents=[document("a", "one", "x")])

    with ThreadPoolExecutor(2) as pool:
        commits = [pool.submit(lab.attempt().publish, lab.pipeline, batch) for _ in range(2)]

    assert commits[0].result() == commits[1].result()
    assert len(lab.warehouse.commits(lab.pipeline.name)) == 1


@pytest.mark.parametrize(
    ("after", "change"),
    [
        ("insert_rows", "DELETE FROM sluice_data.{p}_documents WHERE _id = 'b'"),
        (
            "insert_rows",
            "INSERT INTO sluice_data.{p}_documents SELECT * FROM sluice_data.{p}_documents WHERE _id = 'b'",
        ),
        ("insert_child_rows", "DELETE FROM sluice_data.{p}_documents_keywords WHERE value = 'y'"),
        ("insert_gone", "DELETE FROM sluice.gone WHERE pipeline = '{p}'"),
        ("delete_replaced", "INSERT INTO sluice_data.{p}_documents (_id, _hash, _from) VALUES ('a', 1, 1)"),
        ("insert_rows", "DELETE FROM sluice_data.{p}_documents WHERE _id = 'd'"),
        ("insert_rows", "UPDATE sluice_data.{p}_documents SET _id = 'a' WHERE _id = 'b'"),
        ("insert_rows", "UPDATE sluice_data.{p}_documents SET _id = 'a' WHERE _id = 'd'"),
        ("insert_child_rows", "UPDATE sluice_data.{p}_documents_keywords SET parent_id = 'a' WHERE parent_id = 'd'"),
        ("insert_gone", "UPDATE sluice_data.{p}_documents SET _id = 'c' WHERE _id = 'd'"),
    ],
    ids=[
        "lost",
        "doubled",
        "child lost",
        "mark lost",
        "old row left",
        "untouched lost",
        "doubled, another lost",
        "old row left, another lost",
        "old child left, another lost",
        "gone and there, another lost",
    ],
)
def test_a_row_lost_or_doubled_on_the_way_stops_the_batch(lab: Lab, after: str, change: str) -> None:
    """Changed inside the transaction, as a wrong statement of the product would."""
    lab.publish(1, documents=[document("a", "one", "x"), document("d", "four", "z")])
    batch = lab.stage(lab.plan(2), documents=[document("a", "uno", "y"), document("b", "two"), gone("c")])
    seen = lab.state()
    spoilt: list[Client] = []

    def spoil(name: str) -> None:
        if name == after:
            spoilt[0].execute("spoil", change.format(p=lab.pipeline.name))

    def wrap(client: Client) -> Client:
        spoilt.append(hooked(client, do_nothing, spoil))
        return spoilt[0]

    with pytest.raises(CountMismatch):
        lab.attempt(wrap).publish(lab.pipeline, batch)
    assert lab.state() == seen
    assert lab.warehouse.publish(lab.pipeline, batch).batch == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DELETE FROM sluice_data.{p}_documents WHERE _id = 'b'", ("1 rows were taken away", 2)),
        ("INSERT INTO sluice_data.{p}_documents (_id, _hash, _from) VALUES ('x', 1, 1)", ("1 rows were added", 4)),
    ],
    ids=["taken away", "added"],
)
@pytest.mark.parametrize("staged", [{"documents": [document("a", "uno")]}, {"tickets": [ticket("t", "a")]}, {}])
def test_rows_that_others_changed_between_batches_are_told_and_no_dead_end(
    lab: Lab, caplog: pytest.LogCaptureFixture, change: str, told: tuple[str, int], staged: dict[str, list[Doc]]
) -> None:
    said, left = told
    lab.publish(1, documents=[document("a", "one"), document("b", "two"), document("c", "three")])
    lab.command(change.format(p=lab.pipeline.name))

    commit = lab.publish(2, **staged)

    assert [record.message for record in caplog.records if f"documents: {said}" in record.message]
    assert commit.counts["documents"]["rows"]["documents"] == left
    lab.warehouse.verify(lab.pipeline, commit)
    caplog.clear()
    lab.publish(3, documents=[document("a", "one more")])
    assert not [record.message for record in caplog.records if record.levelname == "WARNING"]


def test_the_rows_of_a_table_that_the_last_record_does_not_know_are_counted(lab: Lab) -> None:
    """One that the pipeline file got since."""
    lab.publish(1, documents=[document("a", "one")], tickets=[ticket("t", "a")])
    lab.command(f"UPDATE sluice.batches SET counts = '{{}}' WHERE pipeline = '{lab.pipeline.name}'")

    commit = lab.publish(2, documents=[document("b", "two")])

    assert [commit.counts[name]["rows"][name] for name in ("documents", "tickets")] == [2, 1]


def test_a_batch_of_another_collection_does_not_disturb_what_is_counted(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one")])
    commit = lab.publish(2, tickets=[ticket("t", "a")])

    assert counts(commit).staged == 0
    assert commit.counts["documents"]["rows"] == {"documents": 1, "documents_keywords": 0}
    lab.warehouse.verify(lab.pipeline, commit)


def test_loads_counts_are_checked_against_the_manifests(lab: Lab) -> None:
    batch = lab.stage(lab.plan(), documents=[document("a", "one", "x")])
    (documents, tickets) = batch.loaded
    wrong = replace(documents, repeated={"documents": 0, "documents_keywords": 1})

    with pytest.raises(CountMismatch, match="documents_keywords: 1 rows were landed"):
        lab.warehouse.publish(lab.pipeline, replace(batch, loaded=[wrong, tickets]))
