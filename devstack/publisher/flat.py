"""Flat documents of about 200 bytes for benchmarks, made from templates: as fast as they can be sent."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bson import ObjectId, encode
from bson.raw_bson import RawBSONDocument

from devstack.publisher.entities import Entity, Ids, Pen
from devstack.publisher.history import Span

_TEMPLATES = 1_024
_DATE = datetime(2000, 1, 1, tzinfo=UTC)
_TAIL = struct.Struct("<q")


def flat(shard: str, count: int, span: Span) -> Iterator[RawBSONDocument]:
    """``count`` books, their ``updated_at`` spread evenly over the span: ids and dates are all different."""
    pen, ids = Pen.of(shard), Ids(shard)
    templates = [_template(pen, number) for number in range(min(count, _TEMPLATES))]
    for number in range(count):
        head, tail = templates[number % _TEMPLATES]
        at = span.at(number / count)
        yield RawBSONDocument(b"%b%b%b%b\x00" % (head, ids.new(at).binary, tail, _TAIL.pack(at)))


def _template(pen: Pen, number: int) -> tuple[bytes, bytes]:
    """A book's BSON before its ``_id`` and after it, up to the date that ends it."""
    raw = encode(_book(pen, number))
    return raw[:9], raw[21:-9]


def _book(pen: Pen, number: int) -> Entity:
    document = pen.document(0)
    return {
        "_id": ObjectId(bytes(12)),
        "title": document["title"],
        "isbn": f"{9_780_000_000_000 + number * 7919:013}",
        "author": document["author"],
        "topic": document["topic"],
        "pages": document["pages"],
        "price": float(str(document["price"])),
        "in_print": pen.random() < 0.7,
        "published": _DATE + timedelta(days=int(pen.random() * 9_000)),
        "updated_at": _DATE,
    }
