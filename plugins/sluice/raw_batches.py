"""Whole batches of raw documents from MongoDB: without an object for each document, and of even size.

``find_raw_batches`` of pymongo 4.20 makes a ``RawBSONDocument`` of every document in a reply before it throws them away
for the raw bytes: three quarters of the client's time. This cursor takes the bytes at once. And it asks for as many
documents as make a few megabytes, where MongoDB counts documents only or fills 16 MB.

It overrides one private method of pymongo and uses a few private names; a version without them reads as well, slower.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bson
from bson import raw_bson
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection as MongoCollection
from pymongo.cursor import RawBatchCursor

_as_stream = getattr(bson, "_array_of_documents_to_buffer", None)
_Lazy = getattr(raw_bson, "_RawArrayBSONDocument", None)  # leaves arrays as bytes
_LAZY = getattr(raw_bson, "_RAW_ARRAY_BSON_OPTIONS", None)

FAST = None not in (_as_stream, _Lazy, _LAZY)


MIB = 2**20
BATCH_BYTES = 4 * MIB
BATCH_DOCUMENTS = 20_000
"""At most: decoded, small documents take ten times their size."""

FIRST_DOCUMENTS = 100
"""Of the first batch: nothing is known of their size yet."""


class RawBatches(RawBatchCursor[Any]):
    """Like the cursor of ``find_raw_batches``: each item is the concatenated BSON of a batch.

    An item has about 4 MiB; 16 MiB where documents grow suddenly, and where a single document is that large.
    """

    def __init__(
        self,
        collection: MongoCollection[Any],
        query: Mapping[str, Any],
        *,
        batch_documents: int | None = None,
        **options: Any,
    ) -> None:
        self._most = batch_documents or BATCH_DOCUMENTS
        super().__init__(collection, query, batch_size=min(FIRST_DOCUMENTS, self._most), **options)

    def _unpack_response(self, response: Any, *args: Any, **kwargs: Any) -> Any:
        payload = getattr(response, "payload_document", None)
        # As immutable bytes, of which pymongo hands out views; of anything else it makes a copy at each level.
        reply = dict(RawBSONDocument(bytes(payload))) if FAST and payload is not None else {}
        if "cursor" not in reply:  # an error, or another pymongo
            return super()._unpack_response(response, *args, **kwargs)
        cursor = dict(_Lazy(reply["cursor"].raw, _LAZY))  # type: ignore[misc]
        for name in cursor.keys() & {"firstBatch", "nextBatch"}:
            documents = _as_stream(cursor[name])  # type: ignore[misc]
            cursor[name] = [documents] if documents else []
            self._batch_size = max(1, min(self._most, self._batch_size * BATCH_BYTES // (len(documents) or 1)))
        return [{**reply, "cursor": cursor}]
