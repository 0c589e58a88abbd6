"""The source on a real replica set: each document in exactly one range, in its state at the cut."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import bson
import pytest
from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp
from bson.raw_bson import RawBSONDocument
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from sluice import raw_batches
from sluice.errors import AccessDenied, ConfigError, SourceUnavailable
from sluice.mongo import AtClusterTime, Source
from sluice.mongo_plan import CODEC, to_bson
from sluice.ranges import MAX_RANGES
from sluice.settings import Endpoint, from_environment
from sluice.spec import Capture, Collection
from sluice.window import MILLISECOND, Cut, Range, Window, backfill_window, milliseconds, next_window
from tests.factories import NOON, a_collection, raw_document, raw_element
from tests.integration.own_mongod import own_mongod

Documents = Database[dict[str, Any]]

CAPTURE = Capture(overlap=timedelta(0), lag=timedelta(0))
BEGINNING = Window(None, NOON, bounded=False)
SINCE_NOON = Window(NOON, NOON + timedelta(days=1), bounded=False)
UNMODIFIED = a_collection(modified=None)
DOCUMENTS = a_collection()


@pytest.fixture
def source(stack_env: dict[str, str], name: str) -> Iterator[Source]:
    source = Source.connect(from_environment("publishing_mongo"), name)
    yield source
    source.close()


def read(
    source: Source, collection: Collection, window: Window, cut: Cut | None = None, *, range_size: int = 500_000
) -> dict[str, list[dict[str, Any]]]:
    """Range name → the documents read of it."""
    cut = cut or source.now_cut()
    pieces = source.plan_ranges(collection, window, cut, range_size)
    return {
        piece.name: [
            document
            for raw in source.read_raw(collection, piece, cut, window)
            for document in bson.decode_all(raw, CODEC)
        ]
        for piece in pieces
    }


def keys(read: dict[str, list[dict[str, Any]]]) -> Counter[str]:
    """How often each ``_id`` was read, by its BSON: 1 and 1.0 are two."""
    return Counter(_key(document) for documents in read.values() for document in documents)


def _key(document: dict[str, Any]) -> str:
    return bson.encode({"": document["_id"]}).hex()


# --- initial loads: ranges of _id

EVERY_TYPE = [
    MinKey(),
    None,
    float("nan"),
    float("-inf"),
    -5,
    1,
    2.5,
    Int64(2**62),
    Decimal128("1e6000"),
    "",
    "1",
    "text",
    "\U0001f600",
    {"a": 1, "b": [1, 2]},
    {"a": "x"},
    Binary(b"\x00\xff"),
    Binary(UUID(int=5).bytes, 4),
    Binary(UUID(int=5).bytes, 3),
    ObjectId("0" * 24),
    ObjectId("f" * 24),
    False,
    True,
    bson.DatetimeMS(-(2**62)),
    datetime(1970, 1, 1, tzinfo=UTC),
    bson.DatetimeMS(2**62),
    Timestamp(1, 2),
    MaxKey(),
]


def test_ids_of_every_type_are_each_in_exactly_one_range(source: Source, database: Documents) -> None:
    database.documents.insert_many({"_id": each} for each in EVERY_TYPE)

    found = read(source, UNMODIFIED, BEGINNING, range_size=1)

    assert len(found) > 20
    assert keys(found) == Counter(_key({"_id": each}) for each in EVERY_TYPE)


IDS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(),
    st.binary(max_size=12),
    st.booleans(),
    st.none(),
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001  BSON dates have no zone
    st.binary(min_size=12, max_size=12).map(ObjectId),
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 9) | st.text(max_size=3), max_size=2),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=st.lists(IDS, min_size=1, max_size=60), range_size=st.integers(1, 20))
def test_any_ids_are_each_in_exactly_one_range(
    source: Source, database: Documents, ids: list[Any], range_size: int
) -> None:
    database.documents.delete_many({})
    for each in ids:
        database.documents.replace_one({"_id": {"$eq": each}}, {"_id": each}, upsert=True)
    there = Counter(_key(document) for document in database.get_collection("documents", CODEC).find())

    assert keys(read(source, UNMODIFIED, BEGINNING, range_size=range_size)) == there


def test_ids_are_split_in_the_order_of_the_collections_own_collation(source: Source, database: Documents) -> None:
    database.create_collection("documents", collation={"locale": "en", "strength": 2})
    database.documents.insert_many({"_id": f"{letter}{number}"} for number in range(300) for letter in "aBcéZ ")

    found = keys(read(source, UNMODIFIED, BEGINNING, range_size=200))

    assert (len(found), set(found.values())) == (1800, {1})


def test_an_id_that_is_not_utf8_is_no_boundary(source: Source, database: Documents) -> None:
    bad = b"\x10\x00\x00\x00\x02_id\x00\x02\x00\x00\x00\xff\x00\x00"
    database.documents.insert_many({"_id": each} for each in [*range(10), "\U0001f600"])
    database.documents.insert_one(bson.raw_bson.RawBSONDocument(bad))

    assert keys(read(source, UNMODIFIED, BEGINNING, range_size=1)).total() == 12


def test_ranges_are_about_as_large_as_asked(source: Source, database: Documents) -> None:
    database.documents.insert_many({} for _ in range(20_000))

    sizes = [len(documents) for documents in read(source, UNMODIFIED, BEGINNING, range_size=2_000).values()]

    assert len(sizes) == 10
    assert max(sizes) < 3_500


SKEWED: dict[str, list[Any]] = {
    "nearly all between two": [*(1 + n / 1e9 for n in range(9_900)), *(2.0**n for n in range(-50, 50) if n)],
    "nearly all of one type": [*(f"{'the same ' * 20}{n}" for n in range(9_900)), *range(60), None, ObjectId(), True],
    "bursts of a counter": [second << 32 | n for second in range(4) for n in range(10 ** (second + 1))],
}


@pytest.mark.parametrize("ids", SKEWED.values(), ids=SKEWED.keys())
def test_ranges_of_skewed_ids_are_about_as_large_as_asked(source: Source, database: Documents, ids: list[Any]) -> None:
    database.documents.insert_many({"_id": each} for each in ids)

    found = read(source, UNMODIFIED, BEGINNING, range_size=1_000)

    assert keys(found) == Counter(_key({"_id": each}) for each in ids)
    assert max(map(len, found.values())) < 1_800


def test_there_are_at_most_64_ranges(source: Source, database: Documents) -> None:
    database.documents.insert_many({} for _ in range(5_000))

    assert len(source.plan_ranges(UNMODIFIED, BEGINNING, source.now_cut(), range_size=10)) <= MAX_RANGES


def test_a_collection_that_is_not_there_is_one_empty_range(source: Source) -> None:
    assert read(source, UNMODIFIED, BEGINNING) == {"ids-000": []}


# --- incremental windows: ranges of the modified date

BEFORE, AFTER = NOON - MILLISECOND, NOON + MILLISECOND


def dated(database: Documents, *times: Any, index: bool = True) -> None:
    """Documents numbered from 0, with these modified dates."""
    database.documents.insert_many({"_id": number, "updated_at": time} for number, time in enumerate(times))
    if index:
        database.documents.create_index("updated_at")


def ids(found: dict[str, list[dict[str, Any]]]) -> list[Any]:
    return sorted(document["_id"] for documents in found.values() for document in documents)


def test_only_what_changed_after_low_is_read(source: Source, database: Documents) -> None:
    dated(database, BEFORE, NOON, AFTER, NOON + timedelta(days=400))

    assert ids(read(source, DOCUMENTS, SINCE_NOON)) == [2, 3]


def test_without_a_snapshot_what_is_dated_after_high_waits_for_the_next_batch(
    source: Source, database: Documents
) -> None:
    high = NOON + timedelta(hours=1)
    dated(database, NOON, AFTER, high, high + MILLISECOND)

    assert ids(read(source, DOCUMENTS, Window(NOON, high, bounded=True))) == [1, 2]
    assert ids(read(source, DOCUMENTS, Window(None, high, bounded=True))) == [0, 1, 2]


def test_a_backfill_reads_both_ends_of_its_span(source: Source, database: Documents) -> None:
    end = NOON + timedelta(hours=1)
    dated(database, BEFORE, NOON, end, end + MILLISECOND)

    assert ids(read(source, DOCUMENTS, backfill_window(NOON, end))) == [1, 2]


def test_a_large_window_is_split_and_equal_dates_stay_together(source: Source, database: Documents) -> None:
    times = [AFTER + timedelta(seconds=number // 100) for number in range(2_000)]
    dated(database, *times)

    found = read(source, DOCUMENTS, SINCE_NOON, range_size=150)
    ends = [{document["updated_at"] for document in documents} for documents in found.values()]

    assert ids(found) == list(range(2_000))
    assert len(found) > 5
    assert all(not left & right for left in ends for right in ends if left is not right)


def test_a_window_is_split_into_at_most_64_ranges(source: Source, database: Documents) -> None:
    dated(database, *(AFTER + timedelta(seconds=number) for number in range(1_000)))

    found = read(source, DOCUMENTS, SINCE_NOON, range_size=3)

    assert len(found) <= MAX_RANGES
    assert ids(found) == list(range(1_000))


NOT_DATES = [
    None,
    "2026-11-23",
    20261123,
    1.5,
    Int64(5),
    Decimal128("1"),
    True,
    ObjectId(),
    Timestamp(1, 1),
    {"at": NOON},
    Binary(b"x"),
    bson.Regex("x"),
    bson.Code("x"),
    MinKey(),
    MaxKey(),
    [],
    [None],
    ["text"],
]
DATES_IN_ARRAYS = [[BEFORE], [AFTER], [BEFORE, AFTER], [AFTER, "text"], [[AFTER]]]


@pytest.mark.parametrize("index", [True, False], ids=["indexed", "no index"])
@pytest.mark.parametrize("odd", [NOT_DATES, NOT_DATES + DATES_IN_ARRAYS], ids=["no arrays of dates", "with arrays"])
def test_documents_without_a_date_are_read_every_time_and_once(
    source: Source, database: Documents, odd: list[Any], index: bool
) -> None:
    dated(database, *odd, BEFORE, AFTER, index=index)
    database.documents.insert_one({"_id": 100})

    found = read(source, DOCUMENTS, SINCE_NOON, range_size=1)

    assert ids(found) == [*range(len(odd)), len(odd) + 1, 100]
    assert len(found["undated"]) == len(odd) + 1


def test_a_date_inside_an_array_of_documents_is_undated_too(source: Source, database: Documents) -> None:
    collection = a_collection(modified="meta.at")
    meta = [[{"at": BEFORE}], [{"at": AFTER}, {"at": BEFORE}], {"at": [BEFORE]}, {"at": BEFORE}, {"at": AFTER}, 5, None]
    database.documents.insert_many({"_id": number, "meta": each} for number, each in enumerate(meta))
    database.documents.create_index("meta.at")

    found = read(source, collection, SINCE_NOON)

    assert ids(found) == [0, 1, 2, 4, 5, 6]
    assert [document["_id"] for document in found["modified-000"]] == [4]


def test_where_every_document_has_a_date_there_is_no_undated_range(source: Source, database: Documents) -> None:
    dated(database, BEFORE, AFTER)

    assert list(read(source, DOCUMENTS, SINCE_NOON)) == ["modified-000"]


def test_undated_documents_are_found_by_the_index(source: Source, database: Documents) -> None:
    dated(database, *(BEFORE for _ in range(1_000)), None)
    *_, undated = source.plan_ranges(DOCUMENTS, SINCE_NOON, source.now_cut())

    find = {"find": "documents", "filter": to_bson(undated.query)}
    stats = database.command("explain", find, verbosity="executionStats")

    assert stats["executionStats"]["totalDocsExamined"] == 1
    assert stats["executionStats"]["totalKeysExamined"] < 10


def test_changed_documents_are_found_by_the_index(source: Source, database: Documents) -> None:
    dated(database, *(BEFORE for _ in range(1_000)), AFTER)
    (piece,) = source.plan_ranges(DOCUMENTS, SINCE_NOON, source.now_cut())

    find = {"find": "documents", "filter": to_bson(piece.query)}
    stats = database.command("explain", find, verbosity="executionStats")

    assert stats["executionStats"]["totalDocsExamined"] == 1


def test_consecutive_windows_bring_every_change(source: Source, database: Documents) -> None:
    seen: Counter[tuple[int, int]] = Counter()
    position: datetime | None = None
    for version in range(5):
        for number in range(20):
            change = {"$set": {"updated_at": datetime.now(UTC), "version": version}}
            database.documents.update_one({"_id": number}, change, upsert=True)
        window = next_window(position, cut := source.now_cut(), CAPTURE)
        found = read(source, DOCUMENTS, window, cut)
        seen.update((d["_id"], d["version"]) for documents in found.values() for d in documents)
        position = window.high
        time.sleep(0.002)

    assert set(seen) == {(number, version) for number in range(20) for version in range(5)}


# --- the cut (I5)


def test_a_cut_is_the_present(source: Source, database: Documents) -> None:
    before = datetime.now(UTC)
    cut = source.now_cut()

    assert cut.snapshot
    assert abs(cut.time - before) < timedelta(seconds=2)
    assert abs((cut.cluster >> 32) - before.timestamp()) < 2


def test_what_was_written_before_the_cut_is_in_it(source: Source, database: Documents) -> None:
    for number in range(20):
        database.documents.insert_one({"_id": number})
        assert source.count_at("documents", source.now_cut()) == number + 1


def test_what_happens_after_the_cut_is_not_seen(source: Source, database: Documents) -> None:
    database.documents.insert_many({"_id": number, "version": 1} for number in range(100))
    cut = source.now_cut()
    database.documents.update_many({}, {"$set": {"version": 2}})
    database.documents.delete_many({"_id": {"$lt": 50}})
    database.documents.insert_one({"_id": 1_000, "version": 2})

    found = read(source, UNMODIFIED, BEGINNING, cut, range_size=10)

    assert ids(found) == list(range(100))
    assert {document["version"] for documents in found.values() for document in documents} == {1}
    assert source.count_at("documents", cut) == 100
    assert source.estimate("documents") == 51


def test_a_document_that_changed_after_the_cut_is_read_as_it_was(source: Source, database: Documents) -> None:
    dated(database, AFTER)
    cut = source.now_cut()
    database.documents.update_one({"_id": 0}, {"$set": {"updated_at": AFTER + timedelta(days=1)}})

    assert read(source, DOCUMENTS, SINCE_NOON, cut)["modified-000"][0]["updated_at"] == bson.DatetimeMS(
        milliseconds(AFTER)
    )


def test_the_read_concern_carries_the_whole_cluster_time() -> None:
    assert AtClusterTime(5 << 32 | 7).document == {"level": "snapshot", "atClusterTime": Timestamp(5, 7)}


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A replica set that remembers one second."""
    folder = tmp_path_factory.mktemp("forgetful")
    with own_mongod(folder, replica_set=True, parameters=("minSnapshotHistoryWindowInSeconds=1",)) as url:
        yield url


@pytest.fixture
def forgetful_source(forgetful: str, name: str) -> Iterator[Source]:
    source = Source.connect(Endpoint("own", uri=forgetful), name)
    yield source
    source.close()


def wait_until_forgotten(source: Source, cut: Cut) -> None:
    """Write until the server no longer has its state at the cut."""
    others = source._database["others"]
    for _ in range(100):
        others.insert_one({})
        time.sleep(0.1)
        try:
            source.count_at("documents", cut)
        except SourceUnavailable:
            return
    pytest.fail("the server still remembers")


def test_a_snapshot_that_is_too_old_says_what_to_do(forgetful_source: Source) -> None:
    forgetful_source._database["documents"].insert_one({"updated_at": AFTER})
    cut = forgetful_source.now_cut()
    wait_until_forgotten(forgetful_source, cut)

    with pytest.raises(SourceUnavailable, match="minSnapshotHistoryWindowInSeconds"):
        forgetful_source.count_at("documents", cut)


@pytest.mark.parametrize(
    ("collection", "window"),
    [
        (DOCUMENTS, SINCE_NOON),
        (DOCUMENTS, backfill_window(NOON, NOON + timedelta(days=1))),
        (UNMODIFIED, SINCE_NOON),
    ],
    ids=["by date", "a backfill", "without a modified date"],
)
@pytest.mark.parametrize("index", [True, False], ids=["index", "no index"])
def test_a_range_that_outlasts_its_snapshot_is_read_to_its_end_and_says_so(
    forgetful_source: Source, monkeypatch: pytest.MonkeyPatch, *, collection: Collection, window: Window, index: bool
) -> None:
    monkeypatch.setattr(raw_batches, "BATCH_DOCUMENTS", 100)
    documents = forgetful_source._database["documents"]
    documents.insert_many({"_id": n, "updated_at": AFTER + n * MILLISECOND} for n in range(2_000))
    if index:
        documents.create_index("updated_at")
    cut = forgetful_source.now_cut()
    (piece,) = forgetful_source.plan_ranges(collection, window, cut)

    pieces = forgetful_source.read_range(collection, piece, cut, window)
    first = next(pieces)
    wait_until_forgotten(forgetful_source, cut)
    documents.update_one({"_id": 1_999}, {"$set": {"updated_at": cut.time + timedelta(days=1)}})
    found = [first, *pieces]

    assert [late.documents for late in found if late.late] == [b""]
    keys = {document["_id"] for each in found for document in bson.decode_all(each.documents)}
    assert keys == {*range(1_999 if collection.modified else 2_000)}  # what is dated later is the next batch's


def test_an_initial_load_goes_on_without_its_snapshot_from_where_it_was(
    forgetful_source: Source, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(raw_batches, "BATCH_DOCUMENTS", 100)
    documents = forgetful_source._database["documents"]
    documents.insert_many({"_id": number, "updated_at": BEFORE} for number in range(2_000))
    documents.insert_many({"_id": f"undated {number}"} for number in range(10))
    cut, window = forgetful_source.now_cut(), Window(None, NOON, bounded=False)
    (piece,) = forgetful_source.plan_ranges(DOCUMENTS, window, cut)

    batches = forgetful_source.read_raw(DOCUMENTS, piece, cut, window)
    read_so_far = next(batches)
    wait_until_forgotten(forgetful_source, cut)
    documents.insert_many({"_id": f"later {number}", "updated_at": AFTER} for number in range(10))
    found = [document["_id"] for raw in (read_so_far, *batches) for document in bson.decode_all(raw)]

    assert Counter(found) == Counter([*range(2_000), *(f"undated {number}" for number in range(10))])
    assert "is read without a snapshot" in caplog.text


def test_an_id_that_is_not_utf8_is_not_where_a_load_goes_on_without_its_snapshot(
    forgetful_source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it is decoded to comes later in the index: what is between the two would be passed over."""
    monkeypatch.setattr(raw_batches, "BATCH_DOCUMENTS", 100)
    # The last of each batch and the first of the next: both come before U+FFFD with the same letters before it.
    texts = [b"%04d" % n for n in range(2_000)]
    texts[99::100] = [text + b"\x80" for text in texts[99::100]]
    texts[100::100] = [text[:-1] + "\u00e9".encode() for text in texts[99:-1:100]]
    elements = (raw_element(2, b"_id", len(text + b"\0").to_bytes(4, "little") + text + b"\0") for text in texts)
    forgetful_source._database["documents"].insert_many(RawBSONDocument(raw_document(each)) for each in elements)
    cut = forgetful_source.now_cut()
    (piece,) = forgetful_source.plan_ranges(UNMODIFIED, BEGINNING, cut)

    batches = forgetful_source.read_raw(UNMODIFIED, piece, cut, BEGINNING)
    read_so_far = next(batches)
    wait_until_forgotten(forgetful_source, cut)
    found = [document["_id"] for raw in (read_so_far, *batches) for document in bson.decode_all(raw, CODEC)]

    assert found[99].endswith("\ufffd")
    assert set(found) == {text.decode(errors="replace") for text in texts}
    assert len(found) < 2_200


def test_a_full_refresh_that_goes_on_without_its_snapshot_leaves_nothing_out(
    forgetful_source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it does not find is ended: a document that changed meanwhile must be found, whatever its date is now."""
    monkeypatch.setattr(raw_batches, "BATCH_DOCUMENTS", 100)
    documents = forgetful_source._database["documents"]
    documents.insert_many({"_id": number, "updated_at": BEFORE} for number in range(2_000))
    cut = forgetful_source.now_cut()
    window = Window(None, cut.time, bounded=False, anew="a test")
    (piece,) = forgetful_source.plan_ranges(DOCUMENTS, window, cut)

    batches = forgetful_source.read_raw(DOCUMENTS, piece, cut, window)
    read_so_far = next(batches)
    wait_until_forgotten(forgetful_source, cut)
    documents.update_many({}, {"$set": {"updated_at": cut.time + timedelta(days=1)}})
    found = [document["_id"] for raw in (read_so_far, *batches) for document in bson.decode_all(raw)]

    assert Counter(found) == Counter(range(2_000))


def test_a_full_refresh_of_a_standalone_server_leaves_nothing_out(tmp_path: Path) -> None:
    with own_mongod(tmp_path, replica_set=False) as url:
        source = Source.connect(Endpoint("own", uri=url), "test")
        cut = source.now_cut()
        times = [cut.time + n * timedelta(hours=1) for n in (-1, 1, 100)]
        source._database["documents"].insert_many({"_id": n, "updated_at": t} for n, t in enumerate(times))

        assert ids(read(source, DOCUMENTS, Window(None, cut.time, bounded=False, anew="a test"), cut)) == [0, 1, 2]
        source.close()


def test_a_standalone_server_has_cuts_by_date_only(tmp_path: Path) -> None:
    with own_mongod(tmp_path, replica_set=False) as url:
        source = Source.connect(Endpoint("own", uri=url), "test")
        source._database["documents"].insert_many({"_id": n, "updated_at": t} for n, t in enumerate([NOON, AFTER]))
        cut = source.now_cut()
        window = next_window(None, Cut(NOON, cut.cluster, cut.snapshot), CAPTURE)

        assert not cut.snapshot
        assert not source.has_snapshots()
        assert cut.cluster >> 32 == int(cut.time.timestamp())
        assert ids(read(source, DOCUMENTS, window, cut)) == [0]
        source.close()


def test_a_date_that_no_clock_can_have_keeps_no_document_out(tmp_path: Path) -> None:
    with own_mongod(tmp_path, replica_set=False) as url:
        source = Source.connect(Endpoint("own", uri=url), "test")
        cut = source.now_cut()
        times = [cut.time - timedelta(hours=1), cut.time + timedelta(hours=1), bson.DatetimeMS(2**60)]
        source._database["documents"].insert_many({"_id": n, "updated_at": t} for n, t in enumerate(times))
        source._database["documents"].create_index("updated_at")

        assert ids(read(source, DOCUMENTS, next_window(None, cut, CAPTURE), cut)) == [0, 2]
        assert ids(read(source, DOCUMENTS, next_window(times[0], cut, CAPTURE), cut)) == [2]
        source.close()


# --- reading


def test_large_documents_come_a_few_at_a_time(source: Source, database: Documents) -> None:
    for number in range(6):
        database.documents.insert_one({"_id": number, "body": b"x" * 15_000_000})
    (piece,) = source.plan_ranges(UNMODIFIED, BEGINNING, cut := source.now_cut())

    sizes = [len(raw) for raw in source.read_raw(UNMODIFIED, piece, cut, BEGINNING)]

    assert sum(sizes) > 90_000_000
    assert max(sizes) <= 16 * 2**20


@pytest.mark.parametrize(("count", "size"), [(30_000, 500), (600, 30_000)], ids=["small", "large"])
def test_batches_are_of_even_size_whatever_the_documents_are(
    source: Source, database: Documents, count: int, size: int
) -> None:
    database.documents.insert_many({"_id": number, "body": b"x" * size} for number in range(count))
    (piece,) = source.plan_ranges(UNMODIFIED, BEGINNING, cut := source.now_cut())

    _, *sizes, _ = [len(raw) for raw in source.read_raw(UNMODIFIED, piece, cut, BEGINNING)]

    assert all(raw_batches.BATCH_BYTES / 2 < each < raw_batches.BATCH_BYTES * 1.5 for each in sizes)


def test_batches_hold_the_documents_as_they_are_stored(source: Source, database: Documents) -> None:
    database.documents.insert_many({"_id": number, "v": each} for number, each in enumerate(EVERY_TYPE))
    (piece,) = source.plan_ranges(UNMODIFIED, BEGINNING, cut := source.now_cut())

    found = b"".join(source.read_raw(UNMODIFIED, piece, cut, BEGINNING))

    assert found == b"".join(database.documents.find_raw_batches(sort=[("_id", 1)]))


def test_this_pymongo_gives_batches_without_an_object_a_document(database: Documents) -> None:
    assert raw_batches.FAST, "pymongo changed: reading still works, at half the speed; see raw_batches.py"


def test_another_pymongo_gives_the_same_batches(
    source: Source, database: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_batches, "FAST", False)
    database.documents.insert_many({"_id": number} for number in range(1_000))

    assert ids(read(source, UNMODIFIED, BEGINNING)) == list(range(1_000))


def test_closing_early_ends_the_cursor(source: Source, database: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_batches, "BATCH_DOCUMENTS", 10)
    database.documents.insert_many({"_id": number} for number in range(1_000))
    (piece,) = source.plan_ranges(UNMODIFIED, BEGINNING, cut := source.now_cut())

    batches = source.read_raw(UNMODIFIED, piece, cut, BEGINNING)
    next(batches)
    while _open_cursors(database) == 0:  # until the thread has read as far ahead as it may
        time.sleep(0.01)
    batches.close()  # type: ignore[attr-defined]

    assert _open_cursors(database) == 0


def _open_cursors(database: Documents) -> int:
    idle: list[dict[str, Any]] = [{"$currentOp": {"idleCursors": True, "allUsers": True}}]
    of_this_test = {"$match": {"type": "idleCursor", "ns": f"{database.name}.documents"}}
    return len(list(database.client.admin.aggregate([*idle, of_this_test])))


# --- what goes wrong


def test_a_server_that_does_not_answer() -> None:
    uri = "mongodb://user:secret-word@127.0.0.1:1/?serverSelectionTimeoutMS=200"
    source = Source.connect(Endpoint("own", uri=uri), "test")

    with pytest.raises(SourceUnavailable, match="did not answer") as caught:
        source.now_cut()
    assert "secret-word" not in str(caught.value)
    source.close()


def dropped(database: Documents) -> None:
    database.documents.drop()


def renamed(database: Documents) -> None:
    database.documents.rename("others")


def killed(database: Documents) -> None:
    ours = {"$match": {"cursor.originatingCommand.find": "documents", "ns": f"{database.name}.documents"}}
    idle: list[dict[str, Any]] = [{"$currentOp": {"idleCursors": True, "allUsers": True}}, ours]
    ids = [found["cursor"]["cursorId"] for found in database.client.admin.aggregate(idle)]
    assert database.command("killCursors", "documents", cursors=ids)["cursorsKilled"] == ids


@pytest.mark.parametrize("later", [False, True], ids=["at the cut", "later"])
@pytest.mark.parametrize("ended", [dropped, renamed, killed])
def test_what_somebody_ends_while_it_is_read_is_tried_again(
    source: Source,
    database: Documents,
    monkeypatch: pytest.MonkeyPatch,
    *,
    ended: Callable[[Documents], None],
    later: bool,
) -> None:
    monkeypatch.setattr(raw_batches, "BATCH_DOCUMENTS", 10)
    database.documents.insert_many({"_id": number} for number in range(1_000))
    (piece,) = source.plan_ranges(UNMODIFIED, BEGINNING, cut := source.now_cut())
    batches = source.read_raw(UNMODIFIED, piece, cut, BEGINNING, later=later)
    next(batches)
    while _open_cursors(database) == 0:
        time.sleep(0.01)

    ended(database)

    with pytest.raises(SourceUnavailable, match="could not read documents"):
        list(batches)


def test_an_operation_that_somebody_kills_is_tried_again(source: Source, database: Documents) -> None:
    database.documents.insert_one({"_id": 1})
    slow = Range("documents", "ids-000", query='{"$where": "sleep(60000) || true"}')
    with ThreadPoolExecutor() as pool:
        reading = pool.submit(lambda: list(source.read_raw(UNMODIFIED, slow, source.now_cut(), BEGINNING)))
        ours = {"$match": {"command.find": "documents", "ns": f"{database.name}.documents"}}
        while not (found := list(database.client.admin.aggregate([{"$currentOp": {}}, ours]))):
            time.sleep(0.01)
        database.client.admin.command("killOp", op=found[0]["opid"])

        with pytest.raises(SourceUnavailable, match="11601"):
            reading.result()


def test_a_wrong_password(stack_env: dict[str, str]) -> None:
    host, port = stack_env["MONGO_URL"].split("/")[2].split(":")
    endpoint = Endpoint("own", host=host, port=int(port), login="nobody", password="secret-word")
    source = Source.connect(endpoint, "test")

    with pytest.raises(AccessDenied, match="Authentication failed") as caught:
        source.now_cut()
    assert "secret-word" not in str(caught.value)
    source.close()


@pytest.mark.parametrize("uri", ["mongodb://user:p@ss:secret-word@host", "mongodb://host:secret-word", "http://x"])
def test_a_uri_that_is_none_is_refused_without_quoting_it(uri: str) -> None:
    with pytest.raises(ConfigError, match="is not a MongoDB connection") as caught:
        Source.connect(Endpoint("own", uri=uri), "test")
    assert "secret-word" not in str(caught.value)


def test_a_collection_that_cannot_be_is_a_matter_of_configuration(source: Source) -> None:
    with pytest.raises(ConfigError, match=r"could not plan what to read of"):
        source.plan_ranges(a_collection(name="a..b"), SINCE_NOON, source.now_cut())


def test_a_view_is_read_like_a_collection(source: Source, database: Documents) -> None:
    database.others.insert_many({"_id": number} for number in range(100))
    database.create_collection("documents", viewOn="others", pipeline=[{"$match": {"_id": {"$lt": 50}}}])

    assert ids(read(source, UNMODIFIED, BEGINNING)) == list(range(50))


# --- what `sluice check` asks


def test_the_checks_describe_a_good_source(source: Source, database: Documents) -> None:
    dated(database, NOON, NOON, None)

    assert source.server_version().startswith("MongoDB ")
    assert source.has_snapshots()
    assert source.snapshot_window() == 300
    assert abs(source.clock_difference()) < timedelta(seconds=1)
    assert source.probe_read("documents") == 3
    assert source.index_on("documents", "updated_at") == "updated_at_1"
    assert source.count_undated("documents", "updated_at") == 1


def test_an_index_that_leaves_documents_out_or_starts_with_another_field_is_none(
    source: Source, database: Documents
) -> None:
    database.documents.create_index([("title", 1), ("updated_at", 1)])
    database.documents.create_index("updated_at", partialFilterExpression={"title": "x"})
    database.documents.create_index([("updated_at", "hashed")])

    assert source.index_on("documents", "updated_at") is None
