"""The source, with a clock of its own: operations are done to a real MongoDB, its state is read at a cluster time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import DeleteOne, ReplaceOne, UpdateOne
from pymongo.database import Database

from sluice.keys import key_text
from sluice.mongo import AtClusterTime, Source
from sluice.window import Cut
from tests.model.operations import (
    COLLECTIONS,
    CONTENTS,
    KEYS,
    MISSING,
    UNDATED,
    Bulk,
    Change,
    Delete,
    Drop,
    Election,
    Put,
    Rename,
    Tick,
    Transaction,
    Write,
)
from tests.model.promises import State

BEGINNING = datetime(2026, 11, 23, 12, tzinfo=UTC)
DATED = "changed_at"
AWAY = "_away"
CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO)


@dataclass
class Clock:
    """The time on every clock of the source. ``latest``: the latest that it ever showed."""

    now: datetime = BEGINNING
    latest: datetime = BEGINNING

    def tick(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.latest = max(self.latest, self.now)

    def behind(self, seconds: int) -> datetime:
        return self.now - timedelta(seconds=seconds)


class ClockedSource(Source):
    """The product's source; only what the server's clock says is ours."""

    clock: Clock

    def now_cut(self) -> Cut:
        return replace(super().now_cut(), time=self.clock.now)


@dataclass
class Operated:
    """The source's database. ``late``: the keys whose last write became visible too long after its date."""

    database: Database[dict[str, Any]]
    overlap: timedelta
    by_date: bool = True
    clock: Clock = field(default_factory=Clock)
    late: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in COLLECTIONS})
    writes: int = 0

    def empty(self) -> None:
        """Begin again."""
        there = set(self.database.list_collection_names())
        for name in COLLECTIONS:
            self._create(name, there)
            self.database[name].delete_many({})
            if name + AWAY in there:
                self.database.drop_collection(name + AWAY)
        self.clock, self.late = Clock(), {name: set() for name in COLLECTIONS}

    def at(self, cut: Cut) -> State:
        """Everything as it was at a cut."""
        concern = AtClusterTime(cut.cluster)
        return {
            name: list(self.database.get_collection(name, codec_options=CODEC, read_concern=concern).find())
            for name in COLLECTIONS
        }

    def do(self, operation: Write | Bulk | Transaction | Drop | Rename | Tick | Election) -> None:
        if isinstance(operation, Tick):
            self.clock.tick(operation.seconds)
        elif isinstance(operation, Election):
            admin = self.database.client.admin
            while not admin.command("hello")["isWritablePrimary"]:
                time.sleep(0.01)  # two elections may come right after each other
            admin.command({"replSetStepDown": 1, "force": True, "secondaryCatchUpPeriodSecs": 0})
        elif isinstance(operation, Drop):
            self._drop(operation.collection)
        elif isinstance(operation, Rename):
            self._rename(operation.collection)
        elif isinstance(operation, Transaction):
            self._transact(operation)
        else:
            self._write(operation.writes if isinstance(operation, Bulk) else [operation])

    def _write(self, writes: Iterable[Write], session: Any = None) -> None:
        for name in COLLECTIONS:
            requests = [self._request(write) for write in writes if write.collection == name]
            if requests:
                self.database[name].bulk_write(requests, session=session)
        if session is None:
            self._note(writes)

    def _transact(self, transaction: Transaction) -> None:
        with self.database.client.start_session() as session:
            session.start_transaction()
            self._write(transaction.writes, session)
            if transaction.aborted:
                session.abort_transaction()
                return
            session.commit_transaction()
        self._note(transaction.writes)

    def _request(self, write: Write) -> Any:
        key = {"_id": KEYS[write.key]}
        if isinstance(write, Delete):
            return DeleteOne(key)
        self.writes += 1
        dated = self._dated(write)
        if self.by_date and isinstance(dated.get(DATED), datetime):
            dated["nth"] = self.writes  # the same date, the same state: that much a writer has to promise
        if isinstance(write, Put):
            # Without an `_id`: of what is there it stays, 1.0 does not become 1.
            return ReplaceOne(key, CONTENTS[write.collection][write.content] | dated, upsert=True)
        taken = {} if DATED in dated or write.collection != "accounts" else {"$unset": {DATED: ""}}
        return UpdateOne(key, {"$set": {"amount": write.amount} | dated} | taken)

    def _dated(self, write: Put | Change) -> dict[str, Any]:
        """The modified field as the write sets it."""
        if write.collection != "accounts":
            return {}
        if isinstance(write.date, int):
            return {DATED: self.clock.behind(write.date)}
        value = UNDATED[int(write.date.removeprefix("undated "))]
        return {} if value is MISSING else {DATED: value}

    def _note(self, writes: Iterable[Write]) -> None:
        for write in writes:
            late, key = self.late[write.collection], key_text(KEYS[write.key])
            late.discard(key)
            dated = write.collection == "accounts" and not isinstance(write, Delete) and isinstance(write.date, int)
            if dated and self.clock.latest - self.clock.behind(write.date) > self.overlap:
                late.add(key)

    def _drop(self, name: str) -> None:
        self.database.drop_collection(name)
        self._create(name)

    def _rename(self, name: str) -> None:
        there = self.database.list_collection_names()
        if name + AWAY in there:
            self.database[name + AWAY].rename(name, dropTarget=True)
            self.late[name] = {key_text(found["_id"]) for found in self.database[name].find({}, {"_id": 1})}
        else:
            self.database[name].rename(name + AWAY)
            self._create(name)

    def _create(self, name: str, there: Iterable[str] = ()) -> None:
        if name not in there:
            self.database.create_collection(name)
            if name == "accounts":
                self.database[name].create_index(DATED)
