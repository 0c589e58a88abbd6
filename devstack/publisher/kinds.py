"""How each kind of mess is made: ``(chance, collection, entity) -> the field it is in``, changing the entity."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bson import Binary, Code, Decimal128, Int64, MinKey, ObjectId, Regex, Timestamp, encode
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument

from devstack.publisher.entities import DOCUMENTS, TICKETS, Entity
from devstack.publisher.words import PROSE

BIGGEST = 15 * 1024 * 1024
_STRINGS = {DOCUMENTS: ("title", "author", "topic", "content"), TICKETS: ("user", "mark")}
_NUMBERS = {DOCUMENTS: ("price", "pages"), TICKETS: ("attempts",)}
_LONGEST = {DOCUMENTS: "content", TICKETS: "mark"}
_SPARED = {"_id", "document_id", "updated_at"}
_ENDS = "\U000f0f0f"  # four bytes of a private plane: stands for invalid UTF-8 until the document is encoded

_DECIMALS = [Decimal128(text) for text in ("-0", "2", "1E-30", "1E+6111", "0E-6176", "12.345678901234567890", "9" * 34)]
_NOT_NUMBERS = [
    *(float(text) for text in ("nan", "inf", "-inf")),
    *(Decimal128(text) for text in ("NaN", "sNaN", "Infinity", "-Infinity")),
]
_FAR_DATES = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1582, 10, 4, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
    DatetimeMS(253_402_300_800_000),  # the first instant of the year 10000
    DatetimeMS(-62_135_596_800_001),  # the last of the year 0
    DatetimeMS(2**63 - 1),
    DatetimeMS(-(2**63)),
]
_FOUR_BYTES = ["\U0001f4da", "\U0001f469\u200d\U0001f52c", "\U00020bb7", "\U0001d4c1\U0001d4ee", "\U0001f1fa\U0001f1f3"]
_NOT_DATES: list[Any] = ["2026-01-01T00:00:00Z", "yesterday", 1_767_225_600, Int64(1_767_225_600_000), True, {"at": 1}]
_ANY_TYPE: list[Any] = [
    "some text", 42, Int64(2**40), 3.5, True, ["a", 1], {"value": 1}, datetime(2020, 2, 29, tzinfo=UTC),
    ObjectId(b"wrong type!!"), Binary(b"\x00\xff", 0), Regex("^a.*z$", "i"), Timestamp(1, 2), Code("return 1"),
    MinKey(),
]  # fmt: skip


def _set(entity: Entity, field: str, value: Any) -> str:
    entity[field] = value
    return field


def _any_field(rng: Random, entity: Entity) -> str:
    return rng.choice([name for name in entity if name not in _SPARED])


def _string(rng: Random, collection: str) -> str:
    return rng.choice(_STRINGS[collection])


def _missing(rng: Random, _: str, entity: Entity) -> str:
    field = _any_field(rng, entity)
    del entity[field]
    return field


def _null(rng: Random, _: str, entity: Entity) -> str:
    return _set(entity, _any_field(rng, entity), None)


def _wrong_type(rng: Random, _: str, entity: Entity) -> str:
    field = _any_field(rng, entity)
    return _set(entity, field, rng.choice([v for v in _ANY_TYPE if type(v) is not type(entity[field])]))


def _decimal(rng: Random, collection: str, entity: Entity) -> str:
    return _set(entity, rng.choice(_NUMBERS[collection]), rng.choice(_DECIMALS))


def _nan(rng: Random, collection: str, entity: Entity) -> str:
    return _set(entity, rng.choice(_NUMBERS[collection]), rng.choice(_NOT_NUMBERS))


def _date(rng: Random, _: str, entity: Entity) -> str:
    return _set(entity, "created_at", rng.choice(_FAR_DATES))


def _nul(rng: Random, collection: str, entity: Entity) -> str:
    return _insert(rng, entity, _string(rng, collection), "\x00")


def _utf8(rng: Random, collection: str, entity: Entity) -> str:
    return _insert(rng, entity, _string(rng, collection), rng.choice(_FOUR_BYTES))


def _invalid_utf8(rng: Random, collection: str, entity: Entity) -> str:
    return _insert(rng, entity, _string(rng, collection), _ENDS)


def _long(rng: Random, collection: str, entity: Entity) -> str:
    """Just over a column of 512 bytes, or just over the 65,535 bytes that end a Redshift string."""
    length = rng.choice([600, 2_000, 65_536, 70_000])
    return _set(entity, _string(rng, collection), _text(length))


def _nested(rng: Random, collection: str, entity: Entity) -> str:
    value: Any = ["deep", None, 1]
    for level in range(rng.choice([1, 2, 5, 60])):
        value = [value, [], level] if level % 2 else {"in": value}
    return _set(entity, "keywords" if collection == DOCUMENTS else "mark", [["a", ["b"]], value])


def _unknown(rng: Random, collection: str, entity: Entity) -> str:
    field, value = rng.choice(_UNKNOWN)
    if field == "by" and collection == DOCUMENTS:  # below a field that is known
        entity["watermark"] = {**entity["watermark"], field: value}
        return "watermark.by"
    return _set(entity, field, value)


def _big(rng: Random, collection: str, entity: Entity) -> str:
    """Between 1 and 15 MB, small ones more often; the whole document stays within 15 MB."""
    size = int(2**20 * (BIGGEST / 2**20) ** rng.random())
    return _set(entity, _LONGEST[collection], _text(size - len(encode(entity)) - 16))


def _modified(rng: Random, _: str, entity: Entity) -> str:
    """A date that is missing, null, or another type; also a date inside an array, which a query takes for a date."""
    choice = rng.choice(["missing", None, [entity["updated_at"]], *_NOT_DATES])
    if choice == "missing":
        del entity["updated_at"]
        return "updated_at"
    return _set(entity, "updated_at", choice)


def _insert(rng: Random, entity: Entity, field: str, what: str) -> str:
    text = entity[field]
    at = rng.randrange(len(text) + 1)
    return _set(entity, field, text[:at] + what + text[at:])


def _text(size: int) -> str:
    return (PROSE * (size // len(PROSE) + 1))[:size]


def with_invalid_utf8(entity: Entity) -> RawBSONDocument:
    """The entity as raw BSON, with bytes that no encoder would write where ``invalid_utf8`` put its placeholder."""
    return RawBSONDocument(encode(entity).replace(_ENDS.encode(), b"\xff\xfe\xc3\x28"))


_UNKNOWN: list[tuple[str, Any]] = [
    ("isbn", "978-3-16-148410-0"),
    ("reviews", [{"by": "u1", "stars": 4}, {"by": None, "stars": 4.5, "tags": []}]),
    ("audit", {"by": "import", "at": datetime(2024, 2, 29, tzinfo=UTC), "raw": Binary(b"\x01\x02", 0)}),
    ("legacy.id", Int64(2**53 + 1)),
    ("größe", {"": "an empty name", "$ref": "a dollar"}),
    ("by", ObjectId(b"unknown by!!")),
]
ID_FORMS: list[Callable[[int, ObjectId, Random], Any]] = [
    lambda n, _, __: n,
    lambda n, _, __: str(n),
    lambda n, _, __: Int64(n + 2**41),
    lambda n, _, __: n + 0.5,
    lambda n, _, __: Decimal128(f"{n}.25"),
    lambda _, __, rng: Binary(uuid.UUID(int=rng.getrandbits(128), version=4).bytes, 4),
    lambda n, _, __: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=n),
    lambda n, _, __: {"series": "LNCS", "volume": n},
    lambda n, _, __: f"doi:10.1000/{n}",
    lambda _, old, __: str(old),
    lambda n, _, __: f"{n}.5",
]
MAKERS: dict[str, Callable[[Random, str, Entity], str]] = {
    "missing": _missing,
    "null": _null,
    "wrong_type": _wrong_type,
    "decimal": _decimal,
    "nan": _nan,
    "date": _date,
    "nul": _nul,
    "utf8": _utf8,
    "invalid_utf8": _invalid_utf8,
    "long": _long,
    "nested": _nested,
    "unknown": _unknown,
    "big": _big,
    "modified": _modified,
}
