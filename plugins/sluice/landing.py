"""The landing: compressed parts on S3, a manifest last. A range without a manifest was not landed."""

from __future__ import annotations

import gzip
import logging
import secrets
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast

import bson
from botocore.exceptions import ClientError
from bson import json_util
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import InvalidBSON
from xxhash import xxh64_intdigest

from sluice import s3_client
from sluice.cleaned import NAME as CLEANED
from sluice.cleaned import Cleanings, cleaned, raw_cleaned
from sluice.conform import Reject
from sluice.errors import Cleaned, CountMismatch
from sluice.landed_keys import read_key
from sluice.manifest import KEYS, MANIFEST, Manifest, plan_prefix, range_prefix
from sluice.parts import Uploader
from sluice.range_writer import RangeWriter
from sluice.raw_documents import bounds_of
from sluice.s3_client import code_of, s3_errors
from sluice.warehouse.quarantine import RejectRow

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import MultipartUploadTypeDef, ObjectTypeDef

    from sluice import spec
    from sluice.encoding import Encoding
    from sluice.settings import Endpoint
    from sluice.spec import Collection
    from sluice.window import Plan, Range

log = logging.getLogger(__name__)

DELETE_AT_ONCE = 1000  # what S3 takes in one request

READABLE: CodecOptions[dict[str, object]] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_MS, unicode_decode_error_handler="replace"
)
"""Shows every document, also those that were rejected because they cannot be decoded strictly."""


class Landing:
    """One bucket and prefix."""

    def __init__(self, client: S3Client, bucket: str, prefix: str) -> None:
        self._client, self._bucket, self._prefix = client, bucket, prefix

    @classmethod
    def connect(cls, endpoint: Endpoint, landing: spec.Landing) -> Self:
        """Connect lazily: the first question raises LandingUnavailable, AccessDenied or ConfigError."""
        return cls(s3_client.connect(endpoint), landing.bucket, landing.prefix)

    def writer(self, plan: Plan, collection: Collection, piece: Range, encoding: Encoding) -> RangeWriter:
        """A context manager that lands one range: its manifest exists after leaving it without an error."""
        return RangeWriter(self, plan, collection, piece, encoding)

    def put_keys(self, plan: Plan, piece: Range, keys: bytes) -> None:
        """Keep the keys of a range: concatenated BSON, see :mod:`sluice.key_lists`."""
        with s3_errors(f"list the keys of {piece.collection} {piece.name}"):
            body = gzip.compress(keys, compresslevel=1, mtime=0)
            self._client.put_object(Bucket=self._bucket, Key=self._range_prefix(plan, piece) + KEYS, Body=body)

    def keys(self, plan: Plan, piece: Range) -> bytes:
        """The keys of a range. Raises CountMismatch when they are not as many as the plan says; Cleaned."""
        key = self._range_prefix(plan, piece) + KEYS
        body = self.read(range_prefix("", plan.pipeline, piece, plan.id) + KEYS)
        if body is None:
            self._refuse_cleaned(plan)
            raise CountMismatch(f"s3://{self._bucket}/{key} is gone", fix="make a new batch: it lists its keys again")
        keys = gzip.decompress(body)
        if len(bounds_of(keys)) - 1 != piece.keys:
            raise CountMismatch(
                f"s3://{self._bucket}/{key} holds {len(bounds_of(keys)) - 1:,} keys, the plan says {piece.keys:,}",
                fix="something else writes to the landing; find it, then make a new batch",
            )
        return keys

    def folder(self, plan: Plan, piece: Range) -> str:
        """A new folder, for one try at a range."""
        return f"{self._range_prefix(plan, piece)}{secrets.token_hex(4)}/"

    def manifest(self, plan: Plan, piece: Range) -> Manifest | None:
        """What was landed of a range, None if it was not."""
        text = self.read(range_prefix("", plan.pipeline, piece, plan.id) + MANIFEST)
        return Manifest.loads(text) if text else None

    def manifests(self, plan: Plan, collection: str) -> list[Manifest]:
        """What was landed of all ranges of a collection.

        Raises CountMismatch when a range was not landed, or a part is not there as its manifest says; Cleaned when that
        is because its retention was over.
        """
        try:
            return self._manifests(plan, collection)
        except CountMismatch:
            self._refuse_cleaned(plan)
            raise

    def _manifests(self, plan: Plan, collection: str) -> list[Manifest]:
        found = {piece.name: self.manifest(plan, piece) for piece in plan.ranges if piece.collection == collection}
        missing = [name for name, manifest in found.items() if manifest is None]
        if missing:
            raise CountMismatch(
                f"{len(missing)} of {len(found)} ranges of {collection} were not landed: {', '.join(missing[:10])}",
                fix="run the land step of these ranges again",
            )
        manifests = [manifest for manifest in found.values() if manifest]
        self._check_sizes(manifests, self._sizes(plan_prefix(self._prefix, plan.pipeline, collection, plan.id)))
        return manifests

    def landed(self, plan: Plan) -> dict[str, dict[str, datetime]]:
        """Collection → range → when it was landed, of the ranges of a plan that were."""
        found = {}
        for collection in plan.windows:
            prefix = plan_prefix("", plan.pipeline, collection, plan.id)
            keys = self.times(prefix)
            found[collection] = {
                key.removeprefix(prefix).removesuffix(f"/{MANIFEST}"): at
                for key, at in keys.items()
                if key.endswith(f"/{MANIFEST}")
            }
        return found

    def read(self, key: str) -> bytes | None:
        """A small object, None where there is none. Keys are those after the landing's prefix, here and below."""
        with s3_errors(f"read s3://{self._bucket}/{self._full(key)}"):
            try:
                return self._get(self._full(key))
            except ClientError as error:
                if code_of(error) in {"NoSuchKey", "404"}:
                    return None
                raise

    def write(self, key: str, body: bytes, *, once: bool) -> None:
        """Write a small object; ``once``: unless there is one."""
        with s3_errors(f"write s3://{self._bucket}/{self._full(key)}"):
            if once:
                self._put_once(self._full(key), body)
            else:
                self._client.put_object(Bucket=self._bucket, Key=self._full(key), Body=body)

    def delete(self, key: str) -> None:
        """Delete an object; it may be gone already."""
        with s3_errors(f"delete s3://{self._bucket}/{self._full(key)}"):
            self._client.delete_object(Bucket=self._bucket, Key=self._full(key))

    def cleanings(self, pipeline: str) -> Cleanings:
        """When what was deleted here."""
        return Cleanings.loads(self.read(f"{pipeline}/{CLEANED}"))

    def note_cleaning(self, pipeline: str, at: datetime, before: datetime) -> None:
        """Note that what was published before that is deleted now. Before it is."""
        self.write(f"{pipeline}/{CLEANED}", self.cleanings(pipeline).add(at, before).dumps(), once=False)

    def times(self, prefix: str) -> dict[str, datetime]:
        """Key → when it was written, of every object whose key starts like this."""
        start = self._full("")
        return {found["Key"].removeprefix(start): found["LastModified"] for found in self._list(self._full(prefix))}

    def abort_uploads(self, plan: Plan, piece: Range | None = None) -> int:
        """Abort what dead tries left half uploaded, of a plan or of one of its ranges. Returns how many there were."""
        prefixes = [self._range_prefix(plan, piece)] if piece else self._prefixes(plan)
        with s3_errors("abort unfinished uploads"):
            return sum(self._abort(upload) for prefix in prefixes for upload in self._unfinished(prefix))

    def abort_dead(self, pipeline: str, dead: Callable[[str, datetime], bool]) -> int:
        """Abort what plans left half uploaded, by a plan's id and when it was begun. Returns how many there were."""
        prefix = "/".join(filter(None, (self._prefix.strip("/"), pipeline))) + "/"
        with s3_errors("abort unfinished uploads"):
            found = [(read_key(upload["Key"], prefix), upload) for upload in self._unfinished(prefix)]
            return sum(self._abort(u) for key, u in found if key and dead(key.plan, u["Initiated"]))

    def discard(self, plan: Plan) -> int:
        """Delete everything that a plan landed. Returns the number of objects."""
        self.abort_uploads(plan)
        keys = [key for prefix in self._prefixes(plan) for key in self._sizes(prefix)]
        with s3_errors("delete what was landed"):
            for start in range(0, len(keys), DELETE_AT_ONCE):
                objects = [{"Key": key} for key in keys[start : start + DELETE_AT_ONCE]]
                self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})  # type: ignore[typeddict-item]
        return len(keys)

    def read_rejects(self, manifest: Manifest) -> Iterator[RejectRow]:
        """What was rejected of a range, for ``sluice.rejects``."""
        if manifest.rejects_key is None:
            return
        uri = f"s3://{self._bucket}/{manifest.rejects_key}"
        with s3_errors(f"read the rejects in {uri}"):
            for position, reject in enumerate(self._rejects(manifest.rejects_key)):
                yield RejectRow(
                    manifest.collection,
                    reject.key,
                    reject.column,
                    reject.reason,
                    reject.detail,
                    uri,
                    position,
                    hash=xxh64_intdigest(reject.raw),
                    turn=manifest.turn,
                )

    def raw_reject(self, uri: str, position: int) -> str:
        """The raw document of a reject, for people: as Extended JSON, or in hex where that cannot be.

        Of a row that COPY refused it is the line of its part, counted from 1. Raises Cleaned when its object is gone.
        """
        key = uri.removeprefix(f"s3://{self._bucket}/")
        found = None
        with s3_errors(f"read s3://{self._bucket}/{key}"):
            try:
                found = self._line(key, position) if key.endswith(".csv.gz") else self._document(key, position)
            except ClientError as error:
                if code_of(error) not in {"NoSuchKey", "404"}:
                    raise
        if found is None:
            raise self._raw_cleaned(uri, key)
        return found

    def look(self) -> None:
        """One small question: raises ConfigError when the bucket is missing, AccessDenied, LandingUnavailable."""
        with s3_errors(f"list s3://{self._bucket}/{self._prefix}"):
            self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)

    def probe(self) -> str:
        """Put, get, list, upload in parts and delete a small object. Returns where, for people."""
        key = "/".join(filter(None, (self._prefix.strip("/"), f".probe-{secrets.token_hex(4)}")))
        where: dict[str, Any] = {"Bucket": self._bucket, "Key": key}
        with s3_errors(f"write to s3://{self._bucket}/{self._prefix}"):
            self._client.put_object(**where, Body=b"probe")
            self._get(key)
            self._client.list_objects_v2(Bucket=self._bucket, Prefix=key)
            upload = self._client.create_multipart_upload(**where)["UploadId"]
            self._client.abort_multipart_upload(**where, UploadId=upload)
            list(self._unfinished(key))
            self._client.delete_object(**where)
        return f"s3://{self._bucket}/{self._prefix}"

    def put_manifest(self, plan: Plan, piece: Range, manifest: Manifest) -> Manifest:
        """Declare a range landed, unless another try did meanwhile. Returns the manifest that counts.

        Raises CountMismatch when a part is not there as the manifest says.
        """
        prefix = self._range_prefix(plan, piece)
        self._check_sizes([manifest], self._sizes(prefix))
        if self.manifest(plan, piece) is None:
            with s3_errors(f"write the manifest of {piece.collection} {piece.name}"):
                self._put_once(prefix + MANIFEST, manifest.dumps())
        return self.manifest(plan, piece) or manifest

    def uploader(self) -> Uploader:
        """A thread that uploads to this landing."""
        return Uploader(self._client, self._bucket)

    def _range_prefix(self, plan: Plan, piece: Range) -> str:
        return range_prefix(self._prefix, plan.pipeline, piece, plan.id)

    def _prefixes(self, plan: Plan) -> list[str]:
        return [plan_prefix(self._prefix, plan.pipeline, collection, plan.id) for collection in plan.windows]

    def _get(self, key: str) -> bytes:
        return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def _put_once(self, key: str, body: bytes) -> None:
        """Write an object unless it is there, decided by the server, so that of two tries at one instant one wins.

        A server that cannot decide it writes: then the last of them wins, whole and for all who read it later.
        """
        where: dict[str, Any] = {"Bucket": self._bucket, "Key": key, "Body": body}
        try:
            self._client.put_object(**where, IfNoneMatch="*")
        except ClientError as error:
            if code_of(error) == "NotImplemented":
                self._client.put_object(**where)
            elif code_of(error) != "PreconditionFailed":
                raise

    def _full(self, key: str) -> str:
        return "/".join([*filter(None, [self._prefix.strip("/")]), key])

    def _sizes(self, prefix: str) -> dict[str, int]:
        return {found["Key"]: found["Size"] for found in self._list(prefix)}

    def _list(self, prefix: str) -> list[ObjectTypeDef]:
        with s3_errors(f"list s3://{self._bucket}/{prefix}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return [found for page in pages for found in page.get("Contents", ())]

    def _refuse_cleaned(self, plan: Plan) -> None:
        """Raise Cleaned when that is why something of a plan is missing."""
        if at := self.cleanings(plan.pipeline).of(plan.id):
            raise cleaned(plan.id, at)

    def _raw_cleaned(self, uri: str, key: str) -> Cleaned:
        pipeline = key.removeprefix(self._full("")).partition("/")[0]
        landed = read_key(key, self._full(f"{pipeline}/"))
        return raw_cleaned(uri, self.cleanings(pipeline).of(landed.plan) if landed else None)

    def _check_sizes(self, manifests: list[Manifest], sizes: dict[str, int]) -> None:
        parts = [(p.key, p.bytes) for m in manifests for p in m.parts if sizes.get(p.key) != p.bytes]
        rejects = [(m.rejects_key, "some") for m in manifests if m.rejects_key and m.rejects_key not in sizes]
        wrong = [*parts, *rejects]
        if wrong:
            raise CountMismatch(
                f"{len(wrong)} landed objects are not as their manifests say",
                why="; ".join(f"{k}: {n} bytes landed, {sizes.get(k, 'nothing')} there" for k, n in wrong[:5]),
                fix="something else writes to or deletes from the landing; find it, then make a new batch",
            )

    def _unfinished(self, prefix: str) -> Iterator[MultipartUploadTypeDef]:
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=prefix)
        try:
            for page in pages:
                yield from page.get("Uploads", ())
        except ClientError as error:
            # rclone says so of the listing itself when it was restarted during an upload, which it then forgot.
            if code_of(error) != "NoSuchUpload":
                raise

    def _abort(self, upload: MultipartUploadTypeDef) -> bool:
        key = upload["Key"]
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload["UploadId"])
        except ClientError as error:
            if code_of(error) != "NoSuchUpload":  # its owner was faster
                raise
            return False
        log.warning("aborted the unfinished upload of s3://%s/%s", self._bucket, key)
        return True

    def _line(self, key: str, number: int) -> str | None:
        body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
        with gzip.open(body) as lines:
            line = next(islice(lines, number - 1, None), None)
        return None if line is None else line.decode(errors="replace").rstrip("\n")

    def _document(self, key: str, position: int) -> str | None:
        reject = next(islice(self._rejects(key), position, None), None)
        if reject is None:
            return None
        try:
            return json_util.dumps(bson.decode(reject.raw, READABLE), indent=2, ensure_ascii=False)
        except (InvalidBSON, RecursionError):
            return reject.raw.hex()

    def _rejects(self, key: str) -> Iterator[Reject]:
        body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
        with gzip.open(body) as documents:
            yield from (Reject(**document) for document in bson.decode_file_iter(cast("BinaryIO", documents)))
