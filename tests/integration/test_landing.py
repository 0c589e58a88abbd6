"""The landing on a real S3 server: whole or not landed, and nothing left behind."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from botocore.loaders import JSONFileLoader
from xxhash import xxh64_intdigest

from devstack.stack import Stack
from sluice import encoding, parts, s3_client, spec
from sluice.conform import Conformed, Reject
from sluice.encoding import Encoding
from sluice.errors import AccessDenied, Cleaned, ConfigError, CountMismatch, LandingUnavailable, Terminal
from sluice.landing import Landing
from sluice.manifest import Manifest
from sluice.settings import Endpoint, from_environment
from sluice.spec import LandingFormat, WarehouseKind
from sluice.warehouse.quarantine import RejectRow
from sluice.window import Plan
from tests.factories import NOON, a_child, a_collection, a_plan, a_range

DOCUMENTS = a_collection(children=(a_child(),))
PARQUET = Encoding(WarehouseKind.CLICKHOUSE, LandingFormat.PARQUET, null="")
CSV = Encoding(WarehouseKind.REDSHIFT, LandingFormat.CSV, null=r"\N:abc123")
KIB = 1024


@pytest.fixture
def bucket(s3: Any, name: str) -> str:
    """A bucket of the test's own, left to the end of the stack: rclone keeps remains of unfinished uploads in it."""
    bucket = name.replace("_", "-")
    s3.create_bucket(Bucket=bucket)
    return bucket


@pytest.fixture
def landing(stack_env: dict[str, str], bucket: str) -> Landing:
    return Landing.connect(from_environment("landing_s3"), spec.Landing("landing_s3", bucket, "sluice"))


@pytest.fixture
def another_landing(stack_env: dict[str, str], bucket: str) -> Landing:
    """The same, of another worker."""
    return Landing.connect(from_environment("landing_s3"), spec.Landing("landing_s3", bucket, "sluice"))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Multipart uploads of several parts from a few megabytes."""
    monkeypatch.setattr(parts, "CHUNK_BYTES", 64 * KIB)
    monkeypatch.setattr(encoding, "PART_BYTES", dict.fromkeys(encoding.PART_BYTES, 512 * KIB))
    monkeypatch.setattr(parts, "GROUP_BYTES", 128 * KIB)


def a_batch(keys: Sequence[Any], size: int = 10, rejects: Sequence[Reject] = ()) -> Conformed:
    """Rows that do not compress: ``size`` bytes each, a different hash each."""
    table = pa.RecordBatch.from_pydict(
        {
            "_id": pa.array([str(key) for key in keys], pa.string()),
            "title": pa.array([os.urandom(size).hex()[:size] for _ in keys], pa.string()),
            "_hash": pa.array([hash(key) % 2**64 for key in keys], pa.uint64()),
        }
    )
    return Conformed(len(keys) + len(rejects), {"documents": table}, list(rejects), {})


def land(
    landing: Landing, batches: Sequence[Conformed], plan: Plan | None = None, encoding: Encoding = PARQUET, **over: Any
) -> Manifest:
    with landing.writer(plan or a_plan(), DOCUMENTS, a_range(**over), encoding) as writer:
        for batch in batches:
            writer.write(batch, read_bytes=100)
    return writer.manifest


def keys_of(s3: Any, bucket: str) -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def unfinished(s3: Any, bucket: str) -> int:
    return len(s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []))


def rows_of(s3: Any, bucket: str, manifest: Manifest, table: str = "documents") -> pa.Table:
    bodies = [s3.get_object(Bucket=bucket, Key=p.key)["Body"].read() for p in manifest.parts if p.table == table]
    return pa.concat_tables([pq.read_table(io.BytesIO(body)) for body in bodies])


# --- what is landed


def test_every_row_is_landed_and_described(landing: Landing, s3: Any, bucket: str) -> None:
    manifest = land(landing, [a_batch(range(100)), a_batch(range(100, 150))])

    (part,) = manifest.parts
    body = s3.get_object(Bucket=bucket, Key=part.key)["Body"].read()
    assert rows_of(s3, bucket, manifest).column("_id").to_pylist() == [str(key) for key in range(150)]
    assert (part.rows, part.bytes, part.md5) == (150, len(body), hashlib.md5(body).hexdigest())  # noqa: S324
    assert (manifest.read, manifest.read_bytes, manifest.rejected) == (150, 200, 0)
    assert landing.manifest(a_plan(), a_range()) == manifest


def test_a_large_range_becomes_several_parts_uploaded_in_pieces(
    landing: Landing, s3: Any, bucket: str, small_parts: None
) -> None:
    manifest = land(landing, [a_batch(range(start, start + 500), size=2_000) for start in range(0, 5_000, 500)])

    assert len(manifest.parts) > 3
    assert all(part.bytes > 128 * KIB for part in manifest.parts[:-1])
    assert rows_of(s3, bucket, manifest).column("_id").to_pylist() == [str(key) for key in range(5_000)]
    assert landing.manifests(a_plan(ranges=(a_range(),)), "documents") == [manifest]
    for part in manifest.parts:
        body = s3.get_object(Bucket=bucket, Key=part.key)["Body"].read()
        assert hashlib.md5(body).hexdigest() == part.md5  # noqa: S324


def test_row_groups_are_bounded_so_that_memory_is(landing: Landing, s3: Any, bucket: str) -> None:
    manifest = land(landing, [a_batch([number], size=15_000_000) for number in range(4)])

    body = s3.get_object(Bucket=bucket, Key=manifest.parts[0].key)["Body"].read()
    groups = pq.ParquetFile(io.BytesIO(body)).metadata
    assert [groups.row_group(number).num_rows for number in range(groups.num_row_groups)] == [1, 1, 1, 1]


def test_csv_is_landed_in_parts_of_whole_lines(landing: Landing, s3: Any, bucket: str, small_parts: None) -> None:
    """No slice of Redshift reads a part of gzip that another has begun."""
    batches = [a_batch(range(start, start + 500), size=2_000) for start in range(0, 5_000, 500)]

    manifest = land(landing, batches, encoding=CSV)

    found = []
    for part in manifest.parts:
        data = s3.get_object(Bucket=bucket, Key=part.key)["Body"].read()
        assert (len(data), hashlib.md5(data, usedforsecurity=False).hexdigest()) == (part.bytes, part.md5)
        lines = list(csv.reader(gzip.decompress(data).decode().splitlines()))
        assert len(lines) == part.rows
        found += lines
    assert [key for key, *_ in found] == [str(n) for n in range(5_000)]
    assert [text for _, text, _ in found] == [v for b in batches for v in b.tables["documents"]["title"].to_pylist()]
    assert (manifest.warehouse, manifest.format) == ("redshift", "csv")
    assert len(manifest.parts) > 4
    assert all(512 * KIB <= part.bytes <= 2_048 * KIB for part in manifest.parts[:-1])
    assert [part.key.rpartition("/")[2] for part in manifest.parts[:2]] == ["part-00000.csv.gz", "part-00001.csv.gz"]


def test_a_small_batch_is_one_part_of_csv(landing: Landing) -> None:
    manifest = land(landing, [a_batch([n]) for n in range(50)], encoding=CSV)

    assert [part.rows for part in manifest.parts] == [50]


def test_a_text_that_is_the_null_of_the_plan_leaves_nothing_landed(landing: Landing, s3: Any, bucket: str) -> None:
    plan = a_plan(ranges=(a_range(),))

    with pytest.raises(Terminal, match="stands for NULL"):
        land(landing, [a_batch([1, CSV.null])], plan, encoding=CSV)

    assert landing.manifest(plan, a_range()) is None
    assert keys_of(s3, bucket) == []


def test_a_child_table_gets_parts_of_its_own(landing: Landing, s3: Any, bucket: str) -> None:
    batch = a_batch([1, 2])
    words = pa.RecordBatch.from_pydict({"parent_id": ["1", "1", "2"], "ordinal": [0, 1, 0], "value": ["a", "b", "c"]})
    manifest = land(landing, [Conformed(2, {**batch.tables, "documents_keywords": words}, [], {})])

    assert (manifest.rows("documents"), manifest.rows("documents_keywords")) == (2, 3)
    assert rows_of(s3, bucket, manifest, "documents_keywords").column("value").to_pylist() == ["a", "b", "c"]


def test_a_range_without_documents_has_a_manifest_and_no_part(landing: Landing, s3: Any, bucket: str) -> None:
    manifest = land(landing, [])

    assert (manifest.read, manifest.parts, manifest.rejects_key) == (0, (), None)
    assert keys_of(s3, bucket) == ["sluice/publishing/documents/20261123T120000-abc123/ids-000/manifest.json"]


def test_uses_of_a_tolerant_column_are_added_up(landing: Landing) -> None:
    batches = [a_batch([number]) for number in range(2)]
    coerced = [{"title": {"truncate": 2}}, {"title": {"truncate": 1, "null": 5}}]

    manifest = land(landing, [Conformed(b.read, b.tables, [], c) for b, c in zip(batches, coerced, strict=True)])

    assert manifest.coerced == {"title": {"truncate": 3, "null": 5}}


# --- I7: rejects


def a_reject(number: int, raw: bytes | None = None) -> Reject:
    document = bson.encode({"_id": number, "title": 5.0}) if raw is None else raw
    return Reject(str(number), "title", "wrong_type", f"double {number}", document)


def test_rejects_are_kept_with_their_reason_and_their_raw_document(landing: Landing, bucket: str) -> None:
    manifest = land(landing, [a_batch([1], rejects=[a_reject(2)]), a_batch([3], rejects=[a_reject(4)])])

    rows = list(landing.read_rejects(manifest))

    assert (manifest.read, manifest.rejected, manifest.rows("documents")) == (4, 2, 2)
    assert [(r.key, r.column, r.reason, r.detail, r.position) for r in rows] == [
        ("2", "title", "wrong_type", "double 2", 0),
        ("4", "title", "wrong_type", "double 4", 1),
    ]
    assert [r.hash for r in rows] == [xxh64_intdigest(a_reject(number).raw) for number in (2, 4)]
    assert bson.json_util.loads(landing.raw_reject(rows[1].raw_uri, rows[1].position)) == {"_id": 4, "title": 5.0}


def test_a_raw_document_that_cannot_be_decoded_strictly_is_shown(landing: Landing) -> None:
    not_utf8 = b"\x13\x00\x00\x00\x02title\x00\x03\x00\x00\x00\xff\xfe\x00\x00"
    (row,) = landing.read_rejects(land(landing, [a_batch([], rejects=[a_reject(1, not_utf8)])]))

    assert "�" in landing.raw_reject(row.raw_uri, 0)


def test_bytes_that_are_no_document_are_shown_as_bytes(landing: Landing) -> None:
    (row,) = landing.read_rejects(land(landing, [a_batch([], rejects=[a_reject(1, b"\xff\x00")])]))

    assert landing.raw_reject(row.raw_uri, 0) == "ff00"


def test_without_rejects_there_is_nothing_to_read(landing: Landing) -> None:
    assert list(landing.read_rejects(land(landing, [a_batch([1])]))) == []


# --- whole, or not landed (I1, I3)


def test_a_range_that_was_not_landed_has_no_manifest(landing: Landing) -> None:
    assert landing.manifest(a_plan(), a_range()) is None


def test_landing_a_range_again_gives_the_first_manifest(landing: Landing) -> None:
    first = land(landing, [a_batch([1])])

    assert land(landing, [a_batch([1, 2])]) == first
    assert landing.manifest(a_plan(), a_range()) == first


def test_a_range_that_was_not_landed_is_named(landing: Landing) -> None:
    land(landing, [a_batch([1])], name="ids-000")
    plan = a_plan(ranges=(a_range(name="ids-000"), a_range(name="ids-001"), a_range(collection="tickets")))

    with pytest.raises(CountMismatch, match="1 of 2 ranges of documents were not landed: ids-001"):
        landing.manifests(plan, "documents")


class Broken(Exception):
    """What a step may raise while it lands."""


def test_an_error_on_the_way_leaves_no_manifest_and_no_unfinished_upload(
    landing: Landing, s3: Any, bucket: str, small_parts: None
) -> None:
    def break_off() -> None:
        with landing.writer(a_plan(), DOCUMENTS, a_range(), PARQUET) as writer:
            for start in range(10):
                writer.write(a_batch(range(start, start + 500), size=2_000), read_bytes=1)
            raise Broken

    with pytest.raises(Broken):
        break_off()

    assert landing.manifest(a_plan(), a_range()) is None
    assert unfinished(s3, bucket) == 0


def test_an_upload_that_fails_stops_the_landing(
    landing: Landing, s3: Any, bucket: str, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_after(monkeypatch, landing, 3, "SlowDown", 503)

    with pytest.raises(LandingUnavailable, match="SlowDown"):
        land(landing, [a_batch(range(500), size=2_000) for _ in range(20)])

    assert landing.manifest(a_plan(), a_range()) is None
    assert unfinished(s3, bucket) == 0


def refuse_after(monkeypatch: pytest.MonkeyPatch, landing: Landing, times: int, code: str, status: int) -> None:
    """Let S3 refuse every part after the first ones."""
    upload_part = landing._client.upload_part
    calls = iter(range(times))

    def refusing(**arguments: Any) -> Any:
        if next(calls, None) is None:
            answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(answer, "UploadPart")  # type: ignore[arg-type]
        return upload_part(**arguments)

    monkeypatch.setattr(landing._client, "upload_part", refusing)


def test_a_batch_that_loses_a_document_is_not_landed(landing: Landing) -> None:
    lost = a_batch([1, 2])

    with pytest.raises(CountMismatch, match="3 documents of documents ids-000 were read, but 2 rows"):
        land(landing, [Conformed(3, lost.tables, [], {})])

    assert landing.manifest(a_plan(), a_range()) is None


@contextmanager
def tampered(landing: Landing, monkeypatch: pytest.MonkeyPatch, change: Callable[[], None]) -> Iterator[None]:
    """Do something to the parts between their upload and the manifest."""
    put_manifest = landing.put_manifest

    def change_first(*arguments: Any) -> Any:
        change()
        return put_manifest(*arguments)

    monkeypatch.setattr(landing, "put_manifest", change_first)
    yield


def damage(s3: Any, bucket: str, how: str) -> None:
    """Truncate or delete the first part."""
    key = next(key for key in keys_of(s3, bucket) if key.endswith(".parquet"))
    if how == "deleted":
        s3.delete_object(Bucket=bucket, Key=key)
        return
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=bucket, Key=key, Body=body[:-1])


def answering(landing: Landing, status: int, code: str, do_first: Callable[[], object]) -> Callable[[], int]:
    """Answer a conditional PUT as other servers do: this one knows no conditions. How often is counted."""
    asked = 0

    def answer(request: Any, **_: Any) -> AWSResponse | None:
        nonlocal asked
        if request.headers.get("If-None-Match") != b"*":
            return None
        asked += 1
        do_first()
        body = f"<Error><Code>{code}</Code></Error>".encode()
        return AWSResponse(request.url, status, {}, SimpleNamespace(stream=lambda *_, **__: iter([body])))

    landing._client.meta.events.register("before-send.s3.PutObject", answer)
    return lambda: asked


def test_of_two_tries_that_end_at_one_instant_the_one_that_s3_took_counts(
    landing: Landing, another_landing: Landing, s3: Any, bucket: str
) -> None:
    """The other writes its manifest after this one looked for it, and before this one's arrives (I3)."""
    other: list[Manifest] = []
    answering(landing, 412, "PreconditionFailed", lambda: other.append(land(another_landing, [a_batch([1])])))

    mine = land(landing, [a_batch([1])])

    assert mine == other[0] == landing.manifest(a_plan(), a_range())


def test_a_server_without_conditional_writes_gets_a_plain_one(landing: Landing) -> None:
    asked = answering(landing, 501, "NotImplemented", lambda: None)

    assert land(landing, [a_batch([1])]) == landing.manifest(a_plan(), a_range())
    assert asked() > 0


def test_a_conflict_of_two_tries_is_tried_again(landing: Landing) -> None:
    answering(landing, 409, "ConditionalRequestConflict", lambda: None)

    with pytest.raises(LandingUnavailable, match="manifest"):
        land(landing, [a_batch([1])])


@pytest.mark.parametrize("how", ["truncated", "deleted"])
def test_a_part_that_is_not_whole_is_found_before_its_manifest_is_written(
    landing: Landing, s3: Any, bucket: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    with (
        tampered(landing, monkeypatch, lambda: damage(s3, bucket, how)),
        pytest.raises(CountMismatch, match=r"part-00000.parquet: \d+ bytes landed"),
    ):
        land(landing, [a_batch([1])])

    assert landing.manifest(a_plan(), a_range()) is None


@pytest.mark.parametrize("how", ["truncated", "deleted"])
def test_a_part_that_was_damaged_later_is_found_before_it_is_loaded(
    landing: Landing, s3: Any, bucket: str, how: str
) -> None:
    land(landing, [a_batch([1])])
    damage(s3, bucket, how)

    with pytest.raises(CountMismatch, match="landed objects are not as their manifests say"):
        landing.manifests(a_plan(ranges=(a_range(),)), "documents")


def test_rejects_that_were_deleted_are_missed(landing: Landing, s3: Any, bucket: str) -> None:
    manifest = land(landing, [a_batch([1], rejects=[a_reject(2)])])
    s3.delete_object(Bucket=bucket, Key=manifest.rejects_key)

    with pytest.raises(CountMismatch, match="rejects"):
        landing.manifests(a_plan(ranges=(a_range(),)), "documents")


# --- what cleanup deleted


@pytest.fixture
def cleaned(landing: Landing, s3: Any, bucket: str) -> RejectRow:
    """A landing of which cleanup deleted what was published before noon, with a reject of it."""
    (row,) = landing.read_rejects(land(landing, [a_batch([1], rejects=[a_reject(2)])], OLD))
    landing.note_cleaning("publishing", NOON + timedelta(days=30, hours=2.5), NOON)
    for key in keys_of(s3, bucket):
        if OLD.id in key:
            s3.delete_object(Bucket=bucket, Key=key)
    return row


OLD = a_plan(id="20261123T115959-abc123", ranges=(a_range(),))
LATER = replace(OLD, id="20261123T120000-abc123")
WHEN = r"cleaned up on 2026-12-23 14:30 UTC"


def test_whoever_loads_what_was_cleaned_up_is_told_when_it_was(landing: Landing, cleaned: RejectRow) -> None:
    with pytest.raises(Cleaned, match=f"{OLD.id} landed is gone: it was {WHEN}"):
        landing.manifests(OLD, "documents")
    with pytest.raises(Cleaned, match=WHEN):
        landing.keys(OLD, a_range(keys=1))


def test_what_is_missing_of_a_later_plan_is_a_mismatch(landing: Landing, cleaned: RejectRow) -> None:
    with pytest.raises(CountMismatch, match="were not landed"):
        landing.manifests(LATER, "documents")
    with pytest.raises(CountMismatch, match="is gone"):
        landing.keys(LATER, a_range(keys=1))


def test_whoever_asks_for_a_raw_document_is_told_when_it_was_cleaned_up(landing: Landing, cleaned: RejectRow) -> None:
    by_others = cleaned.raw_uri.replace(OLD.id, LATER.id)

    with pytest.raises(Cleaned, match=f"{OLD.id}.*: what its batch landed was {WHEN}"):
        landing.raw_reject(cleaned.raw_uri, cleaned.position)
    with pytest.raises(Cleaned, match=f"{LATER.id}.*: it was deleted by others"):
        landing.raw_reject(by_others, cleaned.position)


# --- what a dead try leaves behind

DIE_WHILE_UPLOADING = """
import itertools, os, signal, sys
from sluice import encoding, parts, s3_client, spec
from sluice.landing import Landing
from sluice.settings import from_environment
from tests.factories import a_plan, a_range
from tests.integration.test_landing import DOCUMENTS, PARQUET, a_batch

parts.CHUNK_BYTES, parts.GROUP_BYTES = 65536, 131072
encoding.PART_BYTES = dict.fromkeys(encoding.PART_BYTES, 2**30)
landing = Landing.connect(from_environment("landing_s3"), spec.Landing("landing_s3", sys.argv[1], "sluice"))
with landing.writer(a_plan(), DOCUMENTS, a_range(), PARQUET) as writer:
    for start in itertools.count(0, 500):
        writer.write(a_batch(range(start, start + 500), size=2_000), read_bytes=1)
        if any(landing._unfinished("sluice/")):
            os.kill(os.getpid(), signal.SIGKILL)
"""


def die_while_uploading(bucket: str, env: dict[str, str]) -> None:
    """Land in a process that is killed while an upload is open."""
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), str(root / "plugins")])
    died = subprocess.run(
        [sys.executable, "-c", DIE_WHILE_UPLOADING, bucket], env={**os.environ, **env, "PYTHONPATH": path}, check=False
    )
    assert died.returncode == -signal.SIGKILL


def test_an_upload_of_a_killed_process_is_aborted_and_the_range_landed_again(
    landing: Landing, s3: Any, bucket: str, stack_env: dict[str, str]
) -> None:
    die_while_uploading(bucket, stack_env)
    assert unfinished(s3, bucket) == 1
    assert landing.manifest(a_plan(), a_range()) is None

    assert landing.abort_uploads(a_plan()) == 1

    assert unfinished(s3, bucket) == 0
    assert land(landing, [a_batch([1])]).read == 1


def test_only_the_uploads_of_the_plan_are_aborted(landing: Landing, s3: Any, bucket: str) -> None:
    other = "sluice/publishing/documents/another-plan/ids-000/t/documents/part-00000.parquet"
    s3.create_multipart_upload(Bucket=bucket, Key=other)
    mine = "sluice/publishing/documents/20261123T120000-abc123/{}/t/documents/part-00000.parquet"
    for piece in ("ids-000", "ids-001"):
        s3.create_multipart_upload(Bucket=bucket, Key=mine.format(piece))

    assert landing.abort_uploads(a_plan(), a_range(name="ids-001")) == 1
    assert landing.abort_uploads(a_plan()) == 1
    assert landing.abort_uploads(a_plan()) == 0
    assert unfinished(s3, bucket) == 1


@pytest.mark.faults
def test_a_server_that_forgot_the_uploads_has_none_to_abort(
    breakable_stack: Stack, landing: Landing, bucket: str, stack_env: dict[str, str]
) -> None:
    die_while_uploading(bucket, stack_env)
    breakable_stack.kill("s3")
    breakable_stack.start("s3")

    assert landing.abort_uploads(a_plan()) == 0


def test_everything_that_a_plan_landed_can_be_deleted(landing: Landing, s3: Any, bucket: str) -> None:
    land(landing, [a_batch([1], rejects=[a_reject(2)])])
    land(landing, [a_batch([1])], plan=a_plan(id="another-plan"))

    assert landing.discard(a_plan()) == 3
    assert all("another-plan" in key for key in keys_of(s3, bucket))


# --- what goes wrong


def test_the_probe_leaves_nothing_behind(landing: Landing, s3: Any, bucket: str) -> None:
    assert landing.probe() == f"s3://{bucket}/sluice"
    assert keys_of(s3, bucket) == []
    assert unfinished(s3, bucket) == 0


def refused(env: dict[str, str], bucket: str, **over: Any) -> Landing:
    endpoint = {"login": env["AWS_ACCESS_KEY_ID"], "password": env["AWS_SECRET_ACCESS_KEY"]} | over
    extra = {"endpoint_url": over.pop("url", env["S3_ENDPOINT_URL"])}
    endpoint.pop("url", None)
    return Landing.connect(Endpoint("own", extra=extra, **endpoint), spec.Landing("own", bucket))


@pytest.mark.parametrize("act", [lambda l: l.probe(), lambda l: land(l, [a_batch([1])])], ids=["probe", "land"])  # noqa: E741
def test_a_wrong_secret(stack_env: dict[str, str], bucket: str, act: Callable[[Landing], Any]) -> None:
    with pytest.raises(AccessDenied, match="check login and password") as caught:
        act(refused(stack_env, bucket, password="secret-word"))
    assert "secret-word" not in str(caught.value)


def test_a_bucket_that_is_not_there(stack_env: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"landing\.bucket"):
        refused(stack_env, "no-such-bucket").probe()


def test_a_server_that_does_not_answer(stack_env: dict[str, str]) -> None:
    with pytest.raises(LandingUnavailable, match="did not answer"):
        refused(stack_env, "any-bucket", url="http://127.0.0.1:1").probe()


def test_what_botocore_knows_of_s3_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a client longer than anything else, and a process may make many."""
    endpoint = Endpoint("landing_s3", extra={"endpoint_url": "http://127.0.0.1:1"})
    s3_client.connect(endpoint)
    read: list[str] = []
    monkeypatch.setattr(JSONFileLoader, "load_file", lambda _, file: read.append(file))

    s3_client.connect(endpoint)

    assert read == []


def test_an_address_that_is_none(stack_env: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="is not an S3 connection"):
        refused(stack_env, "any-bucket", url="not a url")
