"""Streaming objects to S3: parts and rejects, encoded and uploaded in memory, never on disk (I6)."""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import bson
import pyarrow as pa

from sluice.conform import Reject
from sluice.encoding import GZIP, MIB, Encoder, Encoding
from sluice.manifest import Part
from sluice.spec import Table
from sluice.threads import Stage

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


CHUNK_BYTES = 8 * MIB  # one request of a multipart upload; S3 takes 10,000, each of 5 MiB or more
GROUP_BYTES = 16 * MIB  # of rows that are encoded together, in memory, unless a single batch is larger
GROUP_ROWS = 200_000


class Upload:
    """One object on its way: a file that can only be written. It exists on S3 once its last chunk was handled."""

    def __init__(self, key: str, send: Callable[[Chunk], None]) -> None:
        self.key = key
        self.bytes = 0
        self.closed = False
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.multipart: str | None = None
        self.etags: list[str] = []
        self._buffer = bytearray()
        self._send = send

    def write(self, data: Any) -> int:
        """Take bytes; a full chunk goes to the uploading thread."""
        view = memoryview(data)
        self._buffer += view
        self.bytes += view.nbytes
        while len(self._buffer) >= CHUNK_BYTES:
            with memoryview(self._buffer) as waiting:
                chunk = bytes(waiting[:CHUNK_BYTES])
            del self._buffer[:CHUNK_BYTES]
            self._send(Chunk(self, chunk, last=False))
        return view.nbytes

    def flush(self) -> None:
        """Nothing to do: pyarrow asks for it."""

    def close(self) -> None:
        """Send what is left."""
        if not self.closed:
            self.closed = True
            self._send(Chunk(self, bytes(self._buffer), last=True))
            self._buffer.clear()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an object."""

    upload: Upload
    data: bytes
    last: bool


class Uploader:
    """A thread that uploads chunks in order, at most one behind. A small object is one request."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket
        self._open: dict[str, Upload] = {}
        self._stage: Stage[Chunk] = Stage(self._upload, name="upload")

    def open(self, key: str) -> Upload:
        """Start an object."""
        return Upload(key, self._stage.put)

    def finish(self) -> None:
        """Wait until every closed object exists."""
        self._stage.finish()

    def abandon(self) -> None:
        """Upload nothing more, and leave no unfinished upload behind. Raises botocore's errors."""
        self._stage.abandon()
        for upload in self._open.values():
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=upload.key, UploadId=upload.multipart or "")

    def _upload(self, chunk: Chunk) -> None:
        upload = chunk.upload
        upload.md5.update(chunk.data)
        where: dict[str, Any] = {"Bucket": self._bucket, "Key": upload.key}
        body: dict[str, Any] = {"Body": chunk.data, "ContentMD5": _content_md5(chunk.data)}
        if chunk.last and not upload.multipart:
            self._client.put_object(**where, **body)
            return
        if not upload.multipart:
            upload.multipart = self._client.create_multipart_upload(**where)["UploadId"]
            self._open[upload.key] = upload
        where["UploadId"] = upload.multipart
        number = len(upload.etags) + 1
        if chunk.data:
            upload.etags.append(self._client.upload_part(**where, **body, PartNumber=number)["ETag"])
        if chunk.last:
            where["MultipartUpload"] = {"Parts": [{"PartNumber": n, "ETag": e} for n, e in enumerate(upload.etags, 1)]}
            self._client.complete_multipart_upload(**where)
            del self._open[upload.key]


class TableWriter:
    """The parts of one table: groups of rows of bounded memory, and a new part when one is large enough."""

    def __init__(self, table: Table, encoding: Encoding, open_part: Callable[[int], Upload]) -> None:
        self._table, self._encoding, self._open_part = table, encoding, open_part
        self._pending: list[pa.RecordBatch] = []
        self._parts: list[tuple[Upload, int]] = []
        self._encoder: Encoder | None = None
        self._upload: Upload | None = None
        self._rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Take rows; they are encoded once there are enough of them."""
        if batch.num_rows == 0:
            return
        group = [*self._pending, batch]
        rows, size = sum(b.num_rows for b in group), sum(b.nbytes for b in group)
        if self._pending and (rows > GROUP_ROWS or size > GROUP_BYTES):
            self._write_group()
        self._pending.append(batch)

    def close(self) -> None:
        """Encode what is left and end the last part."""
        if self._pending:
            self._write_group()
        self._close_part()

    @property
    def parts(self) -> list[Part]:
        """The parts; their checksums are known once they were uploaded."""
        return [Part(self._table.name, up.key, rows, up.bytes, up.md5.hexdigest()) for up, rows in self._parts]

    def _write_group(self) -> None:
        group = pa.Table.from_batches(self._pending)
        self._pending = []
        if self._encoder is None or self._upload is None:
            self._upload, self._rows = self._open_part(len(self._parts)), 0
            self._encoder = self._encoding.encoder(self._table, self._upload)
        self._encoder.write_table(group)
        self._rows += group.num_rows
        if self._upload.bytes >= self._encoding.part_bytes:
            self._close_part()

    def _close_part(self) -> None:
        if self._encoder is None or self._upload is None:
            return
        self._encoder.close()
        self._upload.close()
        self._parts.append((self._upload, self._rows))
        self._encoder = self._upload = None


class RejectsWriter:
    """``rejects.bson.gz``: concatenated BSON, a document for each reject: its fields, the raw document as binary."""

    def __init__(self, open_object: Callable[[], Upload]) -> None:
        self._open_object = open_object
        self._upload: Upload | None = None
        self._gzip = zlib.compressobj(wbits=GZIP)
        self.count = 0

    def write(self, rejects: Sequence[Reject]) -> None:
        """Take rejects. Without any there is no object."""
        for reject in rejects:
            self._upload = self._upload or self._open_object()
            self._upload.write(self._gzip.compress(bson.encode(asdict(reject))))
            self.count += 1

    def close(self) -> None:
        """End the object."""
        if self._upload:
            self._upload.write(self._gzip.flush())
            self._upload.close()

    @property
    def key(self) -> str | None:
        """The object's key, None when nothing was rejected."""
        return self._upload.key if self._upload else None


def _content_md5(data: bytes) -> str:
    return b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
