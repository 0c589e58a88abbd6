"""Numeric keys: every id has one number, given once, by whichever comes first: its document or a reference to it."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

import pytest

from sluice.columns import ColumnType
from sluice.errors import CountMismatch, KeyCollision, MigrationError, Retryable, SluiceError
from sluice.spec import Pipeline, RedshiftOptions
from sluice.warehouse.base import Batch
from sluice.window import BatchKind
from tests.contract.lab import ONLY_CLICKHOUSE, ONLY_REDSHIFT, Doc, Lab, document, gone, ticket
from tests.contract.own_redshift import OwnRedshift
from tests.contract.specs import numbered
from tests.contract.spoiled import Crash


@pytest.fixture(scope="module")
def module_lab(shared_lab: Lab) -> Lab:
    made = shared_lab.another(numbered(shared_lab.pipeline))
    made.warehouse.migrate(made.pipeline)
    return made


@pytest.fixture
def lab(module_lab: Lab) -> Lab:
    """A pipeline with numeric keys, in which nothing was ever published."""
    module_lab.reset()
    return module_lab


def listing(key: str, document_id: str | None, *others: str | None, modified: int = 0) -> Doc:
    """A ticket for a document, which lists others."""
    return Doc(key, {"document_id": document_id}, {"others": others}, modified)  # type: ignore[dict-item]


def number(lab: Lab, id_: str) -> int:
    """The number of an id in the key table."""
    ((found,),) = lab.rows(f"SELECT number FROM {keys(lab)} WHERE id = '{id_}'")
    return int(found)


def keys(lab: Lab) -> str:
    return f"sluice_data.{lab.pipeline.name}_documents__keys"


def column(lab: Lab, table: str, of: str, numeric: str) -> dict[str | None, int | None]:
    """What analysts see: id → number. Fails when one id has two."""
    rows = lab.rows(f"SELECT DISTINCT {of}, {numeric} FROM {lab.pipeline.warehouse.schema}.{table}")
    assert len(dict(rows)) == len(rows)
    return dict(rows)


def documents(lab: Lab) -> dict[str | None, int | None]:
    return column(lab, "documents", "_id", "_key")


def tickets(lab: Lab) -> dict[str | None, int | None]:
    return column(lab, "tickets", "document_id", "document_id_key")


# --- whichever comes first


def test_a_document_its_children_and_its_tickets_have_one_number(lab: Lab) -> None:
    lab.publish(
        documents=[document("a", "one", "x", "y"), document("b", "two", "z")],
        tickets=[listing("t", "a", "b", "a"), listing("u", "b")],
    )
    a, b = number(lab, "a"), number(lab, "b")

    assert a != b
    assert min(a, b) > 0
    assert documents(lab) == tickets(lab) == {"a": a, "b": b}
    assert column(lab, "documents_keywords", "parent_id", "parent_key") == {"a": a, "b": b}
    assert column(lab, "tickets_others", "value", "value_key") == {"a": a, "b": b}


def test_a_document_keeps_its_number_when_tickets_come_later(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one")])
    before = documents(lab)
    lab.publish(2, tickets=[listing("t", "a", "a")])

    assert tickets(lab) == before == documents(lab)


def test_a_ticket_has_the_number_that_its_document_will_have(lab: Lab) -> None:
    lab.publish(1, tickets=[listing("t", "a", "b")])
    before = tickets(lab)
    assert before["a"]
    lab.publish(2, documents=[document("a", "late", "x"), document("b", "too")])

    assert tickets(lab) == before
    assert documents(lab) == {"a": before["a"], "b": number(lab, "b")}
    assert column(lab, "tickets_others", "value", "value_key") == {"b": number(lab, "b")}


def test_a_document_that_changes_keeps_its_number(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one", "x")], tickets=[ticket("t", "a")])
    before = documents(lab)
    lab.publish(2, documents=[document("a", "uno", "y", "z", modified=2)])
    commit = lab.publish(3, documents=[document("a", "uno", "y", "z", modified=2)])

    assert documents(lab) == tickets(lab) == before
    assert commit.counts["documents"]["tables"]["documents"]["unchanged"] == 1


def test_a_document_that_comes_back_has_the_number_that_it_had(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one", "x")], tickets=[ticket("t", "a")])
    before = documents(lab)
    lab.publish(2, documents=[gone("a")])
    assert documents(lab) == {}
    lab.publish(3, documents=[document("a", "again", "y")])

    assert documents(lab) == tickets(lab) == before


def test_a_backfill_of_an_older_cut_gives_the_same_numbers(lab: Lab) -> None:
    lab.publish(2, documents=[document("a", "newer")], tickets=[ticket("t", "b")])
    before = documents(lab) | tickets(lab)
    older = [document("a", "older"), document("b", "two")]
    lab.publish(1, kind=BatchKind.BACKFILL, documents=older, tickets=[ticket("u", "a")])

    assert documents(lab) == before
    assert tickets(lab) == before


def test_a_reference_that_is_null_has_no_number(lab: Lab) -> None:
    lab.publish(tickets=[listing("t", None, None, "a"), listing("u", "a")])

    assert tickets(lab) == {None: None, "a": number(lab, "a")}
    assert column(lab, "tickets_others", "value", "value_key") == {None: None, "a": number(lab, "a")}


def test_an_id_is_in_the_key_table_once(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one")], tickets=[listing("t", "a", "a", "b"), listing("u", "b")])
    lab.publish(2, documents=[document("a", "uno"), document("b", "two")], tickets=[listing("t", "a", "b", modified=1)])

    rows = lab.rows(f"SELECT id, number FROM {keys(lab)}")
    assert sorted(key for key, _ in rows) == ["a", "b"]
    assert len({found for _, found in rows}) == 2


# --- joins


def test_joins_by_number_find_what_joins_by_id_find(lab: Lab) -> None:
    chance = random.Random(time.strftime("%F"))
    ids = [f"d{n}" for n in range(30)]
    for cut in range(4):
        lab.publish(
            cut,
            documents=[_any_document(chance, key) for key in chance.sample(ids, 8)],
            tickets=[_any_ticket(chance, f"t{n}", ids) for n in chance.sample(range(40), 12)],
        )

    for child, of, numeric in (("tickets", "document_id", "document_id_key"), ("tickets_others", "value", "value_key")):
        assert _joined(lab, child, "_id", of) == _joined(lab, child, "_key", numeric)
    assert _joined(lab, "documents_keywords", "_id", "parent_id") == _joined(
        lab, "documents_keywords", "_key", "parent_key"
    )


def _any_document(chance: random.Random, key: str) -> Doc:
    words = [f"w{n}" for n in range(chance.randint(0, 3))]
    return chance.choice([document(key, str(chance.random()), *words), gone(key)])


def _any_ticket(chance: random.Random, key: str, ids: Sequence[str]) -> Doc:
    others = [chance.choice([*ids, None]) for _ in range(chance.randint(0, 3))]
    return listing(key, chance.choice([*ids, None]), *others, modified=chance.randint(0, 9))


def _joined(lab: Lab, child: str, key: str, reference: str) -> list[tuple[str, int]]:
    schema = lab.pipeline.warehouse.schema
    sql = f"SELECT d._id, COUNT(*) FROM {schema}.documents AS d JOIN {schema}.{child} AS c ON c.{reference} = d.{key}"
    found = [(str(id_), int(count)) for id_, count in lab.rows(f"{sql} GROUP BY d._id ORDER BY d._id")]
    assert found or child == "documents_keywords"
    return found


# --- publishers that die, and two at once


@pytest.mark.parametrize("statement", ["insert_keys", "count_unnumbered", "insert_commit"])
def test_a_publisher_that_died_before_its_commit_leaves_nothing_that_is_seen(lab: Lab, statement: str) -> None:
    plan = lab.plan(1, kind=BatchKind.BACKFILL)
    batch = lab.stage(plan, documents=[document("a", "one", "x")], tickets=[ticket("t", "b")])
    with pytest.raises(Crash):
        lab.dying(statement).publish(lab.pipeline, batch)
    assert lab.titles() == {}

    lab.publish(2, documents=[document("a", "two"), document("b", "three")])
    before = documents(lab)
    lab.warehouse.publish(lab.pipeline, batch)

    assert documents(lab) == before
    assert tickets(lab) == {"b": before["b"]}
    assert len(lab.rows(f"SELECT id FROM {keys(lab)}")) == 2


def test_two_publishers_at_once_give_one_number(lab: Lab) -> None:
    plans = lab.plan(1, kind=BatchKind.BACKFILL), lab.plan(2)
    ours = lab.stage(plans[0], documents=[document(f"d{n}", "one") for n in range(20)])
    theirs = lab.stage(plans[1], tickets=[ticket(f"t{n}", f"d{n}") for n in range(20)])
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda batch: _until_published(lab, batch), (ours, theirs)))

    assert documents(lab) == tickets(lab)
    assert len(set(documents(lab).values())) == len(lab.rows(f"SELECT id FROM {keys(lab)}")) == 20


def _until_published(lab: Lab, batch: Batch) -> None:
    """Retried when it was fenced off, as a task is: on a busy machine a live publisher is taken for dead."""
    for _ in range(5):
        with suppress(Retryable):
            lab.attempt().publish(lab.pipeline, batch)
            return
    pytest.fail("fenced off again and again")


# --- what must not happen


def hashed(lab: Lab, id_: str) -> int:
    ((found,),) = lab.rows(f"SELECT toInt64(bitAnd(xxHash64('{id_}'), 9223372036854775807))")
    return int(found)


@ONLY_CLICKHOUSE
@pytest.mark.parametrize("docs", [{"documents": [document("a", "one")]}, {"tickets": [listing("t", None, "a")]}])
def test_two_ids_with_one_number_stop_the_batch_and_are_named(lab: Lab, docs: dict[str, list[Doc]]) -> None:
    lab.command(f"INSERT INTO {keys(lab)} (id, number) VALUES ('planted', {hashed(lab, 'a')})")

    with pytest.raises(KeyCollision) as error:
        lab.publish(**docs)

    assert "'a' and 'planted'" in str(error.value)
    assert "documents" in error.value.what
    assert lab.warehouse.last_commit(lab.pipeline.name) is None
    assert lab.rows(f"SELECT id FROM {keys(lab)}") == [("planted",)]


@ONLY_CLICKHOUSE
def test_a_collision_that_is_resolved_stops_nothing_any_more(lab: Lab) -> None:
    lab.publish(1, documents=[document("b", "two")])
    lab.command(f"INSERT INTO {keys(lab)} (id, number) VALUES ('planted', {hashed(lab, 'a')})")
    with pytest.raises(KeyCollision):
        lab.publish(2, documents=[document("a", "one")])

    lab.command(f"ALTER TABLE {keys(lab)} DELETE WHERE id = 'planted' SETTINGS mutations_sync = 2")
    lab.publish(3, documents=[document("a", "one")])

    assert documents(lab) == {"a": hashed(lab, "a"), "b": hashed(lab, "b")}


@ONLY_CLICKHOUSE
def test_a_table_that_computes_another_number_stops_the_batch_and_is_named(shared_lab: Lab) -> None:
    lab = shared_lab.another(numbered(shared_lab.pipeline))
    lab.warehouse.migrate(lab.pipeline)
    table = f"sluice_data.{lab.pipeline.name}_tickets"
    lab.command(f"ALTER TABLE {table} MODIFY COLUMN document_id_key Nullable(Int64) MATERIALIZED 7")

    with pytest.raises(CountMismatch, match="tickets: 1 rows have a document_id and not its number in document_id_key"):
        lab.publish(documents=[document("a", "one")], tickets=[ticket("t", "a")])
    with pytest.raises(MigrationError, match="document_id_key is computed as '7'") as error:
        lab.warehouse.migrate(lab.pipeline)
    (alter,) = [line.strip(" ;") for line in str(error.value).splitlines() if "ALTER TABLE" in line]
    lab.command(alter)

    assert lab.warehouse.migrate(lab.pipeline) == []
    assert lab.titles() == {}


@ONLY_REDSHIFT
@pytest.mark.parametrize(
    ("rows", "error", "said"),
    [
        ("('a', 7), ('planted', 7)", KeyCollision, "'a' and 'planted' of documents have the number 7"),
        ("('a', 7), ('a', 8)", KeyCollision, "'a' of documents has two numbers, one is 7"),
        ("('planted', 7)", CountMismatch, "documents: 1 rows have a _id and not its number in _key"),
    ],
    ids=["one number twice", "one id twice", "no number"],
)
def test_a_key_table_that_was_made_anew_stops_the_batch(
    shared_lab: Lab, rows: str, error: type[SluiceError], said: str
) -> None:
    lab = shared_lab.another(numbered(shared_lab.pipeline))
    lab.warehouse.migrate(lab.pipeline)
    lab.command(f"DROP TABLE {keys(lab)}")
    lab.command(f"CREATE TABLE {keys(lab)} (id VARCHAR(1024), number BIGINT)")
    lab.command(f"INSERT INTO {keys(lab)} VALUES {rows}")

    with pytest.raises(error) as raised:
        lab.publish(documents=[document("a", "one", "x")])

    assert said in raised.value.what
    assert lab.warehouse.last_commit(lab.pipeline.name) is None
    assert lab.titles() == {}


@ONLY_REDSHIFT
def test_rows_and_numbers_of_five_tables_are_published_by_one_transaction(lab: Lab, redshift: OwnRedshift) -> None:
    """Documents, tickets, a child table of each, and the key table."""
    batch = lab.stage(lab.plan(), documents=[document("a", "one", "x")], tickets=[listing("t", "a", "b")])
    before = len(redshift.statements())

    lab.warehouse.publish(lab.pipeline, batch)

    sent = [(session, sql.split(None, 1)[0].lower(), sql) for session, sql in redshift.statements()[before:]]
    tables = [*(table.name for table in lab.pipeline.tables), "documents__keys"]
    writing = [[n for n, (*_, sql) in enumerate(sent) if _writes(sql, f"{lab.pipeline.name}_{t}")] for t in tables]
    begin = next(n for n, (_, word, _) in enumerate(sent) if word == "lock") - 1
    commit = next(n for n, (_, word, _) in enumerate(sent) if word == "commit" and n > begin)
    assert len(tables) == 5
    assert all(found and begin < min(found) and max(found) < commit for found in writing)
    assert len({session for session, *_ in sent[begin : commit + 1]}) == 1


def _writes(sql: str, table: str) -> bool:
    return re.match(rf'(INSERT INTO|UPDATE|DELETE FROM) "sluice_data"\."{table}"\s', sql) is not None


@ONLY_REDSHIFT
def test_tables_may_be_distributed_by_numbers(shared_lab: Lab) -> None:
    made = numbered(shared_lab.pipeline)
    options = (RedshiftOptions("_key", ("_key", "updated_at")), RedshiftOptions("document_id_key"))
    stored = tuple(replace(c, redshift=option) for c, option in zip(made.collections, options, strict=True))
    lab = shared_lab.another(replace(made, collections=stored))
    lab.warehouse.migrate(lab.pipeline)

    lab.publish(1, tickets=[listing("t", "a", "b")])
    lab.publish(2, documents=[document("a", "one", "x")])

    assert tickets(lab) == documents(lab) == {"a": number(lab, "a")}
    assert lab.warehouse.migrate(lab.pipeline) == []


# --- a pipeline that gets them later


def test_what_was_published_before_has_numbers_without_being_read_again(shared_lab: Lab) -> None:
    after = numbered(shared_lab.pipeline)
    lab = shared_lab.another(_plain(after))
    lab.warehouse.migrate(lab.pipeline)
    lab.publish(1, documents=[document("a", "one", "x")], tickets=[listing("t", "b", "c"), listing("u", None)])
    with pytest.raises(MigrationError, match="column _key is missing") as error:
        lab.warehouse.migrate(after)
    for line in str(error.value).splitlines():
        if "ALTER TABLE" in line:
            lab.command(line.strip(" ;"))
    assert lab.warehouse.migrate(after)

    lab.pipeline = after
    commit = lab.publish(2, documents=[document("a", "one", "x")])

    assert commit.counts["documents"]["tables"]["documents"]["unchanged"] == 1
    assert documents(lab) == {"a": number(lab, "a")}
    assert tickets(lab) == {"b": number(lab, "b"), None: None}
    assert column(lab, "documents_keywords", "parent_id", "parent_key") == {"a": number(lab, "a")}
    assert column(lab, "tickets_others", "value", "value_key") == {"c": number(lab, "c")}
    assert lab.warehouse.migrate(after) == []
    lab.warehouse.verify(lab.pipeline, commit)


def test_a_reference_that_is_declared_later_joins_what_was_published_before(shared_lab: Lab) -> None:
    after = numbered(shared_lab.pipeline)
    documents_, _ = after.collections
    lab = shared_lab.another(replace(after, collections=(documents_, _plain(after).collections[1])))
    lab.warehouse.migrate(lab.pipeline)
    lab.publish(1, documents=[document("a", "one", "x")], tickets=[listing("t", "a", "b")])
    before = documents(lab)
    with pytest.raises(MigrationError) as error:
        lab.warehouse.migrate(after)
    for line in str(error.value).splitlines():
        if "ALTER TABLE" in line:
            lab.command(line.strip(" ;"))
    lab.warehouse.migrate(after)

    lab.pipeline = after
    lab.publish(2)

    assert documents(lab) == tickets(lab) == before
    assert column(lab, "tickets_others", "value", "value_key") == {"b": number(lab, "b")}


def _plain(pipeline: Pipeline) -> Pipeline:
    """The pipeline without numeric keys."""
    documents, tickets = pipeline.collections
    columns = tuple(replace(c, references=None) for c in tickets.columns)
    children = tuple(
        replace(c, columns=tuple(replace(v, references=None) for v in c.columns)) for c in tickets.children
    )
    tickets = replace(tickets, columns=columns, children=children)
    return replace(pipeline, collections=(replace(documents, surrogate_key=False), tickets))


@pytest.mark.parametrize("kind", ["int64", "uuid", "string(9)"])
def test_ids_may_have_a_type_and_a_name_of_their_own(shared_lab: Lab, kind: str) -> None:
    of, type_ = numbered(shared_lab.pipeline), ColumnType.parse(kind)
    documents, tickets = of.collections
    ids = tuple(replace(c, type=type_, name="id") if c.path == "_id" else c for c in documents.columns)
    references = tuple(replace(c, type=type_, name="number") if c.references else c for c in tickets.columns)
    collections = (replace(documents, columns=ids), replace(tickets, columns=references, children=()))
    lab = shared_lab.another(replace(of, collections=collections))
    lab.warehouse.migrate(lab.pipeline)
    a, b = (7, 8) if kind == "int64" else [str(UUID(int=n)) for n in (7, 8)] if kind == "uuid" else "ab"

    lab.publish(1, tickets=[Doc("t", {"number": a}), Doc("u", {"number": b}), Doc("v", {"number": None})])
    lab.publish(2, documents=[document(a, "one", "x")])

    found = column(lab, "documents", "id", "_key")
    assert list(map(str, found)) == [str(a)]
    assert column(lab, "tickets", "number", "number_key").items() >= found.items()
    assert column(lab, "tickets", "number", "number_key")[None] is None


@ONLY_CLICKHOUSE
def test_time_travel_shows_numbers(lab: Lab) -> None:
    lab.publish(1, documents=[document("a", "one")])
    lab.publish(2, documents=[document("a", "uno")])
    view = f"sluice_data.{lab.pipeline.name}_documents__at"

    assert lab.rows(f"SELECT title, _key FROM {view}(batch = 1)") == [("one", hashed(lab, "a"))]


def test_verify_passes_what_was_published(lab: Lab) -> None:
    first = lab.publish(1, documents=[document("a", "one", "x")], tickets=[listing("t", "a", "b")])
    second = lab.publish(2, documents=[gone("a"), document("b", "two")])

    lab.warehouse.verify(lab.pipeline, first)
    lab.warehouse.verify(lab.pipeline, second)
