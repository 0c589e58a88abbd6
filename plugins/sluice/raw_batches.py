"""Whole batches of raw documents from MongoDB, without an object for each document.

``find_raw_batches`` of pymongo 4.20 makes a ``RawBSONDocument`` of every document in a reply before it throws them away
for the raw bytes: three quarters of the client's time. This cursor takes the bytes at once. It overrides one private
method and uses three private names of pymongo; where a version does not have them, it is pymongo's own cursor.
"""

from __future__ import annotations

from typing import Any

import bson
from bson import raw_bson
from bson.raw_bson import RawBSONDocument
from pymongo.cursor import RawBatchCursor

_as_stream = getattr(bson, "_array_of_documents_to_buffer", None)
_Lazy = getattr(raw_bson, "_RawArrayBSONDocument", None)  # leaves arrays as bytes
_LAZY = getattr(raw_bson, "_RAW_ARRAY_BSON_OPTIONS", None)

FAST = None not in (_as_stream, _Lazy, _LAZY)


class RawBatches(RawBatchCursor[Any]):
    """Like the cursor of ``find_raw_batches``: each item is the concatenated BSON of a batch."""

    def _unpack_response(self, response: Any, *args: Any, **kwargs: Any) -> Any:
        payload = getattr(response, "payload_document", None)
        reply = dict(RawBSONDocument(payload)) if FAST and payload is not None else {}
        if "cursor" not in reply:  # an error, or another pymongo
            return super()._unpack_response(response, *args, **kwargs)
        cursor = dict(_Lazy(reply["cursor"].raw, _LAZY))  # type: ignore[misc]
        for name in cursor.keys() & {"firstBatch", "nextBatch"}:
            documents = _as_stream(cursor[name])  # type: ignore[misc]
            cursor[name] = [documents] if documents else []
        return [{**reply, "cursor": cursor}]
