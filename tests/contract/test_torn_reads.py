"""Readers in other processes, while batches are published: all of a batch in every table, or none of it (I2)."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing.synchronize import Event
from typing import Any, Self

import pytest

from sluice.spec import Pipeline
from sluice.statements import ROOT
from sluice.warehouse.base import Batch
from sluice.warehouse.clickhouse.migrate import analysts_views
from sluice.warehouse.views import ViewFile
from tests.contract.lab import CHECK, DAWDLE, ONLY_CLICKHOUSE, Doc, Lab, document, gone, ticket
from tests.contract.specs import a_column, numbered
from tests.contract.spoiled import do_nothing, hooked


@dataclass
class Service:
    """A source in which each document's title is the number of its tickets. Each change touches both tables."""

    chance: random.Random
    tickets: dict[str, list[str]] = field(default_factory=dict)
    serial: int = 0
    cut: int = 0

    def change(self) -> dict[str, list[Doc]]:
        """What one batch reads: some documents with one more ticket, some new ones, one that is gone."""
        known = sorted(self.tickets)
        touched = {*self.chance.sample(known, min(10, len(known))), *(f"d{self.serial + n}" for n in range(3))}
        left = [gone(key) for key in self.chance.sample(known, min(1, len(known))) if key not in touched]
        ended = [gone(t) for doc in left for t in self.tickets.pop(doc.key)]
        added = [self._add(key) for key in sorted(touched)]
        return {"documents": [*(self._document(key) for key in touched), *left], "tickets": [*added, *ended]}

    def _add(self, key: str) -> Doc:
        self.serial += 1
        self.tickets.setdefault(key, []).append(f"t{self.serial}")
        return ticket(f"t{self.serial}", key)

    def _document(self, key: str) -> Doc:
        return document(key, str(len(self.tickets[key])), modified=self.serial)


@dataclass(frozen=True)
class Seen:
    """What one reader saw."""

    reads: int
    torn: int
    states: int


def read(connect: Callable[[], Callable[[], tuple[int, int]]], stop: Event, total: Any, answers: Any) -> None:
    """One reader: asks until it is told to stop."""
    ask = connect()
    reads, torn, sizes = 0, 0, set()
    while not stop.is_set():
        wrong, size = ask()
        reads, torn = reads + 1, torn + bool(wrong)
        with total.get_lock():
            total.value += 1
        sizes.add(size)
    answers.put(Seen(reads, torn, len(sizes)))


class Readers:
    """Reading processes, from entering to leaving; ``seen`` is known after it."""

    def __init__(self, lab: Lab, count: int, *, slow: bool) -> None:
        context = multiprocessing.get_context("spawn")
        self._stop, self._answers, self._total = context.Event(), context.Queue(), context.Value("L")
        connect = partial(lab.servers.plain().reader, lab.pipeline.warehouse.schema, slow=slow)
        arguments = (connect, self._stop, self._total, self._answers)
        self._workers = [context.Process(target=read, args=arguments) for _ in range(count)]
        self.seen: list[Seen] = []

    @property
    def reads(self) -> int:
        """How many reads there were so far, of all readers."""
        return self._total.value

    def __enter__(self) -> Self:
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.seen = [self._answers.get(timeout=60) for _ in self._workers]
        for worker in self._workers:
            worker.join()


def stage(lab: Lab, service: Service, batches: int) -> list[Batch]:
    staged = []
    for _ in range(batches):
        service.cut += 1
        staged.append(lab.stage(lab.plan(service.cut), **service.change()))
    return staged


def publish(lab: Lab, service: Service, batches: int) -> None:
    """Staged before, so that publishes follow each other without a pause."""
    for batch in stage(lab, service, batches):
        lab.warehouse.publish(lab.pipeline, batch)


def one_level_views(lab: Lab) -> str:
    """Analysts' views without the inner one, in a database of their own."""
    name, database = lab.pipeline.name, f"{lab.pipeline.name}_naive"
    lab.analyst.command(f"CREATE DATABASE IF NOT EXISTS {database} ENGINE = Atomic")
    for table in ("documents", "tickets"):
        lab.analyst.command(
            f"CREATE OR REPLACE VIEW {database}.{table} AS "
            f"WITH (SELECT max(batch) FROM sluice.batches WHERE pipeline = '{name}') AS b "
            f"SELECT * FROM sluice_data.{name}_{table} WHERE _from <= b AND _to > b"
        )
    return database


@pytest.mark.timeout(300)
def test_no_reader_sees_half_a_batch(lab: Lab) -> None:
    """Some read as fast as they can, some dawdle."""
    check_readers(lab, publishes=10, reads=300)


def check_readers(lab: Lab, *, publishes: int, reads: int) -> None:
    service = Service(random.Random(1))
    with Readers(lab, 1, slow=False) as fast, Readers(lab, 2, slow=True) as slow:
        while service.cut < publishes or fast.reads < reads:
            publish(lab, service, 5)

    for reader in (*fast.seen, *slow.seen):
        assert reader.torn == 0
        assert reader.states > 1, "the reader saw no publish"


@ONLY_CLICKHOUSE
@pytest.mark.timeout(300)
def test_one_level_of_views_is_torn_and_two_are_not(lab: Lab) -> None:
    """A whole publish falls between two tables of a statement: the test above can fail, and both levels are needed."""
    first, *batches = stage(lab, Service(random.Random(3)), 4)
    begun = time.monotonic()
    lab.warehouse.publish(lab.pipeline, first)
    pause = 1.5 * (time.monotonic() - begun)
    two, one = lab.pipeline.warehouse.schema, one_level_views(lab)
    torn = {two: 0, one: 0}

    def reads_slowly(database: str) -> bool:
        settings = {"database": database, DAWDLE: int(pause * 1000)}
        return bool(lab.servers.driver().query(CHECK, settings=settings).first_row[0])

    for batch in batches:
        with ThreadPoolExecutor(2) as pool:
            answers = {database: pool.submit(reads_slowly, database) for database in torn}
            # A reader waits before each table; the first has been chosen now, the batch has not been read.
            publish_at(lab, batch, time.monotonic() + 1.1 * pause)
            torn = {database: torn[database] + answers[database].result() for database in torn}

    assert torn[two] == 0
    assert torn[one] > 0


DEFINED = """CREATE VIEW {schema}.defined_{table} DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH (SELECT max(batch) FROM sluice.batches WHERE pipeline = '{pipeline}') AS b
SELECT * FROM sluice_data.{pipeline}_{table}__history WHERE _from <= b AND _to > b"""


@ONLY_CLICKHOUSE
def test_the_batch_is_one_for_all_tables_of_a_statement_because_their_views_have_its_readers_rights(lab: Lab) -> None:
    """A batch is published in the middle of the statement. With the rights of its definer each view has its own."""
    schema, one = lab.pipeline.warehouse.schema, [document("a", "1")]
    lab.publish(documents=one, tickets=[ticket("a", "a")])
    for table in ("documents", "tickets"):
        lab.command(DEFINED.format(schema=schema, table=table, pipeline=lab.pipeline.name))
    both = [lab.stage(lab.plan(n), documents=[document(f"b{n}", "1")], tickets=[ticket(f"b{n}", "a")]) for n in (1, 2)]

    def count(prefix: str) -> tuple[int, int]:
        """A statement that takes a second between its two tables."""
        tables = [f"(SELECT count() FROM {schema}.{prefix}{table})" for table in ("documents", "tickets")]
        before, _, after = lab.servers.driver().query(f"SELECT {tables[0]}, (SELECT sleep(1.5)), {tables[1]}").first_row
        return before, after

    with ThreadPoolExecutor(1) as pool:
        seen = []
        for prefix, batch in zip(("", "defined_"), both, strict=True):
            answer = pool.submit(count, prefix)
            time.sleep(0.3)
            lab.warehouse.publish(lab.pipeline, batch)
            assert not answer.done(), "the statement was over before the batch was published"
            seen.append(answer.result())

    assert seen == [(1, 1), (2, 3)]


def publish_at(lab: Lab, batch: Batch, moment: float) -> None:
    """Do everything up to the first change, wait for the moment, and do the rest quickly."""

    def wait(name: str) -> None:
        if name == "insert_versions":
            time.sleep(max(0.0, moment - time.monotonic()))

    lab.attempt(lambda client: hooked(client, wait, do_nothing)).publish(lab.pipeline, batch)


def with_days(pipeline: Pipeline) -> Pipeline:
    """Under a name of its own, with what the shipped view of tickets by day reads."""
    own = numbered(pipeline)
    documents, tickets = own.collections
    asked = (a_column("status"), a_column("created_at", "timestamp"))
    topics = replace(documents, columns=(*documents.columns, a_column("topic")))
    return replace(own, collections=(topics, replace(tickets, columns=(*tickets.columns, *asked), children=())))


def ticket_days(lab: Lab, *, pause: float) -> str:
    """Make the shipped view, empty; its refresh waits before each table."""
    text = (ROOT / "sql" / "clickhouse" / "views" / "10_ticket_days.sql").read_text()
    waiting = text.replace("\nCOMMENT ", f"\nSETTINGS {DAWDLE} = {int(pause * 1000)}\nCOMMENT ")
    (view,) = analysts_views([ViewFile("ticket_days", lab.pipeline.name, waiting)], lab.pipeline)
    for statement in view.statements[:2]:
        lab.command(statement)
    return view.made[0].text


@ONLY_CLICKHOUSE
def test_a_refresh_while_a_batch_is_published_shows_nothing_of_it_or_all(shared_lab: Lab) -> None:
    """The document's topic is the number of its tickets, and of the batch."""
    lab = shared_lab.another(with_days(shared_lab.pipeline))
    lab.warehouse.migrate(lab.pipeline)
    changes = [
        {
            "documents": [Doc("a", {"topic": str(number)})],
            "tickets": [Doc(str(number), {"document_id": "a", "status": "Started"})],
        }
        for number in (1, 2, 3)
    ]
    first, second, third = (lab.stage(lab.plan(cut), **change) for cut, change in enumerate(changes))
    begun = time.monotonic()
    lab.warehouse.publish(lab.pipeline, first)
    taken, view = time.monotonic() - begun, ticket_days(lab, pause=0)
    seen = []

    def refresh(statement: str = "insert_commit") -> None:
        if statement == "insert_commit":
            lab.attempt().refresh(view)
            seen.append(lab.rows(f"SELECT batch, topic, countMerge(tickets) FROM {view} GROUP BY batch, topic"))

    lab.attempt(lambda client: hooked(client, refresh, do_nothing)).publish(lab.pipeline, second)
    refresh()
    ticket_days(lab, pause=taken / 3)  # a dozen times in a refresh, so that the whole publish falls into it
    with ThreadPoolExecutor(1) as pool:
        refreshed = pool.submit(refresh)
        lab.warehouse.publish(lab.pipeline, third)
        assert not refreshed.done(), "the refresh was over before the batch was published"
        refreshed.result()

    assert seen[:2] == [[(1, "1", 1)], [(2, "2", 2)]]
    assert seen[2] in ([(2, "2", 2)], [(3, "3", 3)])
