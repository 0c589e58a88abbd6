"""What a pipeline has on S3, as cleanup sees it: pages of objects, unfinished uploads, deletion with a count.

Nothing is decided here: :mod:`sluice.retention` says what is due.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self

from botocore.exceptions import ClientError

from sluice import s3_client
from sluice.errors import LandingUnavailable
from sluice.retention import Landed, Upload, root_of
from sluice.s3_client import code_of, s3_errors

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

    from sluice.settings import Resolver
    from sluice.spec import Pipeline

log = logging.getLogger(__name__)

PAGE = 1000
"""Objects that S3 lists, and deletes, in one request."""


class LandingObjects:
    """Everything whose key starts with a pipeline's prefix."""

    def __init__(self, client: S3Client, bucket: str, root: str) -> None:
        self._client, self.bucket, self.root = client, bucket, root

    @classmethod
    def connect(cls, pipeline: Pipeline, resolve: Resolver) -> Self:
        """Raises ConfigError for a landing that is the root of its bucket."""
        root = root_of(pipeline)
        return cls(s3_client.connect(resolve(pipeline.landing.conn_id)), pipeline.landing.bucket, root)

    @property
    def address(self) -> str:
        """Where that is, for people."""
        return f"s3://{self.bucket}/{self.root}"

    def pages(self) -> Iterator[list[Landed]]:
        """A page after the other, so that a landing of any size fits."""
        with s3_errors(f"list {self.address}"):
            paginator = self._client.get_paginator("list_objects_v2")
            for page in paginator.paginate(Bucket=self.bucket, Prefix=self.root, PaginationConfig={"PageSize": PAGE}):
                yield [Landed(o["Key"], o["Size"], o["LastModified"]) for o in page.get("Contents", ())]

    def uploads(self) -> Iterator[Upload]:
        """The uploads that were not finished."""
        with s3_errors(f"list the unfinished uploads of {self.address}"):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket, Prefix=self.root)
            try:
                for page in pages:
                    yield from (Upload(u["Key"], u["UploadId"], u["Initiated"]) for u in page.get("Uploads", ()))
            except ClientError as error:
                # rclone says so of the listing itself when it was restarted during an upload, which it then forgot.
                if code_of(error) != "NoSuchUpload":
                    raise

    def delete(self, keys: Sequence[str]) -> dict[str, str]:
        """Delete a page of objects; some may be gone already. Returns those that S3 kept: key → why."""
        if not keys:
            return {}
        with s3_errors(f"delete objects of {self.address}"):
            objects = [{"Key": key} for key in keys]
            done = self._client.delete_objects(Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True})  # type: ignore[typeddict-item]
        return {e.get("Key", ""): f"{e.get('Code')} {e.get('Message')}" for e in done.get("Errors", ())}

    def abort(self, upload: Upload) -> bool:
        """Abort an upload. Returns whether it was there."""
        try:
            with s3_errors(f"abort the upload of s3://{self.bucket}/{upload.key}"):
                self._client.abort_multipart_upload(Bucket=self.bucket, Key=upload.key, UploadId=upload.id)
        except LandingUnavailable as error:
            if isinstance(error.__cause__, ClientError) and code_of(error.__cause__) == "NoSuchUpload":
                return False  # its owner was faster
            raise
        log.info("aborted the unfinished upload of s3://%s/%s", self.bucket, upload.key)
        return True
