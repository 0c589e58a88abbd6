"""Which objects a COPY reads: by prefix or by manifest.

Pages: *COPY from Amazon S3* (copy-parameters-data-source-s3), *Using a manifest to specify data files*
(loading-data-files-using-manifest).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from devstack.redshift.copying.report import failure
from devstack.redshift.copying.statement import PARQUET, CopyStatement, Credentials

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MANIFEST_ERROR, _META_ERROR, _SPECTRUM_ERROR = 8001, 15003, 15007
_SENTENCES = {
    "404": "The specified key does not exist.",
    "NoSuchKey": "The specified key does not exist.",
    "NoSuchBucket": "The specified bucket does not exist",
    "403": "Access Denied",
}
_NAMES = {"404": "NoSuchKey", "403": "AccessDenied"}


class Address(NamedTuple):
    """``s3://bucket/key``."""

    bucket: str
    key: str

    @classmethod
    def of(cls, url: str) -> Address:
        """Raises SqlError for what is no address."""
        bucket, mark, key = url.removeprefix("s3://").partition("/")
        if not url.startswith("s3://") or not bucket or not mark:
            raise failure("The specified S3 path is not valid", _MANIFEST_ERROR, url)
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Storage:
    """The S3 that the stand-in reads, and the keys that stand for any role."""

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)

    def client(self, credentials: Credentials) -> S3Client:
        """As whom the statement says: with its keys, or with the stand-in's own for a role."""
        own = credentials.access_key is None
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key if own else credentials.access_key,
            aws_secret_access_key=self.secret_key if own else credentials.secret_key,
            aws_session_token=credentials.token,
            region_name="us-east-1",
            config=Config(response_checksum_validation="when_required", s3={"addressing_style": "path"}),
        )


def sources(client: S3Client, statement: CopyStatement) -> list[Address]:
    """The objects, in the order in which they are read; one that a manifest lists twice is there twice."""
    start = Address.of(statement.source)
    if statement.options.manifest:
        return _listed(client, start, columnar=statement.options.format == PARQUET)
    with s3_errors(""):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=start.bucket, Prefix=start.key)
        found = [Address(start.bucket, item["Key"]) for page in pages for item in page.get("Contents", [])]
    if not found:
        raise failure(f"The specified S3 prefix '{start.key}' does not exist", _MANIFEST_ERROR, str(start))
    return found


@contextmanager
def s3_errors(doing: str) -> Iterator[None]:
    """Say what S3 said as Redshift says it."""
    try:
        yield
    except ClientError as error:
        code = str(error.response["Error"].get("Code"))
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        sentence = _SENTENCES.get(code) or error.response["Error"].get("Message", "")
        said = f"S3ServiceException:{sentence},Status {status},Error {_NAMES.get(code, code)},Rid 0,ExtRid 0,CanRetry 1"
        raise failure(f"{doing}{said}", _MANIFEST_ERROR, doing or "Listing bucket") from error
    except BotoCoreError as error:
        raise failure(f"{doing}S3CurlException: {error}", 9001, doing or "Listing bucket") from error


def _listed(client: S3Client, manifest: Address, *, columnar: bool) -> list[Address]:
    with s3_errors("Problem reading manifest file - "):
        body = client.get_object(Bucket=manifest.bucket, Key=manifest.key)["Body"].read()
    entries = [(entry, address) for entry in _entries(body, manifest) if (address := _present(client, manifest, entry))]
    if not entries:
        raise failure("The specified S3 prefix in the manifest does not exist", _MANIFEST_ERROR, str(manifest))
    if columnar:
        for entry, address in entries:
            _check_length(client, entry, address)
    return [address for _, address in entries]


def _entries(body: bytes, manifest: Address) -> list[dict[str, Any]]:
    try:
        entries = json.loads(body)["entries"]
        if all(isinstance(entry["url"], str) for entry in entries):
            return list(entries)
    except (ValueError, KeyError, TypeError):
        pass
    raise failure("Manifest file is not in correct json format", _MANIFEST_ERROR, f"Manifest file location={manifest}")


def _present(client: S3Client, manifest: Address, entry: dict[str, Any]) -> Address | None:
    """None for an object that is missing and may be."""
    address = Address.of(entry["url"])
    try:
        client.head_object(Bucket=address.bucket, Key=address.key)
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in {"404", "NoSuchKey", "NoSuchBucket"}:
            with s3_errors(""):
                raise
        if not entry.get("mandatory", False):
            return None
        said = "Mandatory url is not present in manifest file."
        raise failure(said, _MANIFEST_ERROR, f"Manifest file location={manifest} url={address}") from error
    return address


def _check_length(client: S3Client, entry: dict[str, Any], address: Address) -> None:
    meta = entry.get("meta")
    if not isinstance(meta, dict):
        raise failure("File entry does not have 'meta' key.", _META_ERROR, str(address))
    if (said := meta.get("content_length")) is None:
        raise failure("'meta' of a file entry does not have 'content_length' key.", _META_ERROR, str(address))
    real = client.head_object(Bucket=address.bucket, Key=address.key)["ContentLength"]
    if said != real:
        context = f"content_length of {address} is {said} in the manifest, the object has {real} bytes"
        raise failure("Spectrum Scan Error", _SPECTRUM_ERROR, context)
