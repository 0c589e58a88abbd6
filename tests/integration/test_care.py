"""What a source is spared: how fast documents are taken, of which member, and for how long, on a real server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import bson
import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from sluice.errors import SourceUnavailable
from sluice.mongo import Source
from sluice.mongo_plan import PATIENCE_MS
from sluice.settings import from_environment
from sluice.spec import Care
from sluice.window import Range, Window
from tests.factories import NOON, a_collection

DOCUMENTS = a_collection()
ALL = Window(None, NOON, bounded=False)
SINCE_NOON = Window(NOON, NOON + timedelta(days=1), bounded=False)
WHOLE = Range("documents", "ids-000")

Careful = Callable[[Care], Source]


@pytest.fixture
def careful(stack_env: dict[str, str], name: str) -> Iterator[Careful]:
    opened: list[Source] = []

    def connect(care: Care) -> Source:
        opened.append(Source.connect(from_environment("publishing_mongo"), name, care))
        return opened[-1]

    yield connect
    for source in opened:
        source.close()


def read(source: Source, piece: Range = WHOLE) -> list[Any]:
    batches = source.read_raw(DOCUMENTS, piece, source.now_cut(), ALL)
    return [document["_id"] for raw in batches for document in bson.decode_all(raw)]


def test_documents_are_read_no_faster_than_is_allowed_and_hardly_slower(
    careful: Careful, database: Database[Any]
) -> None:
    database.documents.insert_many({"_id": number} for number in range(2_000))
    source = careful(Care(max_documents_per_second=1_000))

    begun = time.monotonic()
    found = read(source)
    rate = 2_000 / (time.monotonic() - begun)

    assert found == list(range(2_000))
    assert 900 <= rate <= 1_100


def test_a_range_that_takes_the_server_longer_than_allowed_says_what_to_do(
    careful: Careful, database: Database[Any]
) -> None:
    database.documents.insert_many({"_id": number} for number in range(50))
    slow = Range("documents", "ids-000", query='{"$where": "sleep(20) || true"}')

    with pytest.raises(SourceUnavailable, match=r"needed more time than it may(.|\n)*raise source.max_time_ms"):
        read(careful(Care(max_time_ms=100)), slow)
    assert len(read(careful(Care(max_time_ms=60_000)), slow)) == 50


class Asked(CommandListener):
    """What the server was asked, and how long each question may take it."""

    def __init__(self) -> None:
        self.limits: list[tuple[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.limits.append((event.command_name, event.command.get("maxTimeMS")))

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


@pytest.mark.parametrize(("window", "question"), [(ALL, "aggregate"), (SINCE_NOON, "find")], ids=["ids", "dates"])
def test_to_plan_takes_the_server_no_longer_than_allowed(
    stack_env: dict[str, str], database: Database[Any], window: Window, question: str
) -> None:
    database.documents.insert_many({"updated_at": NOON + timedelta(seconds=number)} for number in range(50))
    database.documents.create_index("updated_at")
    asked = Asked()
    with MongoClient(stack_env["MONGO_URL"], event_listeners=[asked]) as client:
        source = Source(client, database.name, Care(max_time_ms=12_345))
        ranges = source.plan_ranges(DOCUMENTS, window, source.now_cut(), range_size=10)

    assert len(ranges) > 3
    limits = [limit for name, limit in asked.limits if name == question]
    assert limits
    assert set(limits) <= {12_345, PATIENCE_MS}
    assert 12_345 in limits


def test_documents_are_read_from_the_members_that_are_preferred(careful: Careful, database: Database[Any]) -> None:
    """A replica set of one has no other member: what can be seen is what is asked for, and that it is answered."""
    database.documents.insert_one({"_id": 1})
    asked = {}
    for preference in (None, "primary", "secondaryPreferred", "nearest"):
        source = careful(Care(read_preference=preference))
        assert read(source) == [1]
        asked[preference] = source._database["documents"].read_preference.mongos_mode

    assert asked == {None: "primary", **{name: name for name in asked if name}}
