"""Transactions move money between two collections: no reader of the warehouse ever sees another sum (I2, I5)."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from sluice.settings import from_environment
from sluice.warehouse.redshift.connection import connector
from tests.acceptance.conftest import World
from tests.contract.lab import DAWDLE, Servers

ACCOUNTS, EACH = 20, 100
BATCHES = 3
MANY = "SEQUENCES" in os.environ
READS = 1000 if MANY else 200
"""So many in `make test-model`; fewer in `make test`."""
WAYS = [("redshift", "modified"), ("clickhouse", "change_stream")]
MORE_WAYS = [("redshift", "change_stream"), ("clickhouse", "modified")]
PAUSE = 0.005

AT_ONCE = "SELECT SUM(amount) FROM (SELECT amount FROM {0}.accounts UNION ALL SELECT amount FROM {0}.orders) AS held"


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("warehouse_kind", "model_file"), WAYS + MORE_WAYS * MANY, indirect=True)
def test_no_reader_sees_a_sum_that_never_was(make_world: Any, stack: Any, model_file: Path) -> None:
    world = make_world(model_file)
    bank = Bank(world.database)
    world.batch()
    env, batches = stack.env(), []

    with repeated(bank.move), readers(world, env) as seen:
        while len(batches) < BATCHES or sum(map(len, seen)) < READS:
            batches.append(world.batch())

    tables = [table for batch in batches for counts in batch.counts.values() for table in counts["tables"].values()]
    assert {total for sums in seen for total in sums} == {ACCOUNTS * EACH}
    assert sum(map(len, seen)) >= READS
    assert sum(table["published"] for table in tables) > 10 * len(batches)


class Bank:
    """Accounts, and orders that hold money until they leave."""

    def __init__(self, database: Database[dict[str, Any]]) -> None:
        self._database, self._chance, self._orders = database, random.Random(7), 0
        dated = {"amount": EACH, "changed_at": datetime.now(UTC)}
        database.accounts.insert_many([{"_id": number, "name": "a", **dated} for number in range(ACCOUNTS)])
        database.create_collection("orders")

    def move(self) -> None:
        """One transaction: an order takes money from an account, or leaves and gives it to one."""
        with self._database.client.start_session() as session, session.start_transaction():
            if self._chance.random() < 0.6:
                self._orders += 1
                amount = self._chance.randint(1, 9)
                self._database.orders.insert_one({"_id": self._orders, "amount": amount}, session=session)
            else:
                one = {"_id": self._chance.randint(1, 1 + self._orders), "left": None}
                ended = self._database.orders.find_one_and_update(one, {"$set": {"left": True}}, session=session)
                amount = -ended["amount"] if ended else 0
            change = {"$inc": {"amount": -amount}, "$set": {"changed_at": datetime.now(UTC)}}
            self._database.accounts.update_one({"_id": self._chance.randrange(ACCOUNTS)}, change, session=session)


@contextmanager
def repeated(work: Callable[[], Any]) -> Iterator[None]:
    """Do it again and again in a thread. Its error is raised at the end."""
    stop, errors = threading.Event(), []

    def repeat() -> None:
        try:
            while not stop.wait(PAUSE):
                work()
        except Exception as error:  # noqa: BLE001 - raised below
            errors.append(error)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    for error in errors:
        raise error


@contextmanager
def readers(world: World, environment: Any) -> Iterator[list[list[int]]]:
    """Some who read as fast as they can, and one who dawdles between the two tables: the sums that each of them saw."""
    connect = {"clickhouse": on_clickhouse, "redshift": on_redshift}[world.pipeline.warehouse.kind]
    seen: list[list[int]] = [[], [], []]
    with ExitStack() as stack:
        for sums in seen:
            ask = stack.enter_context(connect(environment, world.pipeline.warehouse.schema, slow=sums is seen[-1]))
            stack.enter_context(repeated(lambda ask=ask, sums=sums: sums.append(ask())))
        yield seen


@contextmanager
def on_clickhouse(environment: Any, schema: str, *, slow: bool) -> Iterator[Callable[[], int]]:
    settings = {DAWDLE: 250} if slow else {}
    with closing(Servers(environment).driver()) as driver:
        yield lambda: int(driver.query(AT_ONCE.format(schema), settings=settings).first_row[0])


@contextmanager
def on_redshift(environment: Any, schema: str, *, slow: bool) -> Iterator[Callable[[], int]]:
    """Fast in one statement, slow in one transaction: each sees one state."""
    session = connector(from_environment("redshift", environment))()

    def ask(sql: str) -> int:
        cursor = session.cursor()
        cursor.execute(sql)
        return int(cursor.fetchone()[0] or 0)

    def sum_at_once() -> int:
        found = ask(AT_ONCE.format(schema))
        session.rollback()
        return found

    def sum_in_a_transaction() -> int:
        accounts = ask(f"SELECT SUM(amount) FROM {schema}.accounts")
        time.sleep(0.25)
        orders = ask(f"SELECT SUM(amount) FROM {schema}.orders")
        session.rollback()
        return accounts + orders

    with closing(session):
        yield sum_in_a_transaction if slow else sum_at_once
