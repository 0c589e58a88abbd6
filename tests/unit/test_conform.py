"""BSON to columns: the outcomes that sluice.conform lists, and what holds for any documents and any pipeline file."""

from __future__ import annotations

import gc
import json
import struct
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import bson
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import xxhash
from bson import DatetimeMS, DBRef, Decimal128, ObjectId

from sluice import conform
from sluice.arrow import arrow_schema
from sluice.columns import OnError
from sluice.conform import CLICKHOUSE_LIMITS, Conformed, Conformer, Limits
from sluice.errors import ConfigError, SourceUnavailable
from sluice.nesting import MAX_DEPTH
from sluice.spec import Child, Column, UnknownFields
from tests.factories import NOON, a_collection, a_column, a_document, raw, raw_document, raw_element

NARROW = Limits(
    min_timestamp=NOON - timedelta(days=1000),
    max_timestamp=NOON + timedelta(days=1000),
    max_decimal_precision=38,
    max_text_bytes=10,
    nul_allowed=False,
)
ID = ObjectId("65f000000000000000000001")
KEYWORDS = Child("keywords", "keywords", (a_column("value", "string(8)", path=""),), of_documents=False)
SCORES = Child("scores", "scores", (a_column("type", "string(8)"), a_column("points", "float64")), of_documents=True)


def conform_all(*documents: dict[str, Any] | bytes, limits: Limits = CLICKHOUSE_LIMITS, **collection: Any) -> Conformed:
    """What becomes of documents of :func:`a_collection`, changed by keyword."""
    return Conformer(a_collection(**collection), limits=limits, hash_seed=1)(raw(*documents))


def rows(conformed: Conformed, table: str = "documents") -> list[dict[str, Any]]:
    return [
        {k: v for k, v in row.items() if k not in {"_hash", "_gone", "_turn"}}
        for row in conformed.tables[table].to_pylist()
    ]


def reasons(conformed: Conformed) -> list[tuple[str, str]]:
    return [(reject.column, reject.reason) for reject in conformed.rejects]


def columns(**types: str) -> tuple[Column, ...]:
    """A key, and a column for each keyword; ``__`` in a name stands for the dot in its path."""
    return (a_column(), *(a_column(name, kind, path=name.replace("__", ".")) for name, kind in types.items()))


# --- the shape of what comes out --------------------------------------------------------------------------------------


def test_a_document_becomes_a_row_of_its_table_and_rows_of_its_children() -> None:
    own = columns(title="string(512)", created_at="timestamp", watermark__mark="text", watermark__status="text")

    conformed = conform_all(a_document(), columns=own, children=(KEYWORDS,))

    assert conformed.read == 1
    assert rows(conformed) == [
        {
            "_id": str(ID),
            "title": "On Exactness",
            "created_at": NOON - timedelta(days=22),
            "watermark__mark": "DRAFT",
            "watermark__status": "Finished",
            "_extra": '{"author":"A. Turing","topic":"computing","updated_at":{"$date":"2026-11-23T12:00:00Z"}}',
        }
    ]
    assert rows(conformed, "documents_keywords") == [
        {"parent_id": str(ID), "ordinal": 0, "value": "exact"},
        {"parent_id": str(ID), "ordinal": 1, "value": "atomic"},
    ]


def test_every_table_has_the_schema_that_landing_and_warehouse_expect() -> None:
    collection = a_collection(children=(KEYWORDS, SCORES))
    conform_one = Conformer(collection, limits=CLICKHOUSE_LIMITS, hash_seed=1)

    for batch in (raw(), raw(a_document()), raw({"_id": 1, "scores": 5})):
        tables = conform_one(batch).tables
        assert {name: table.schema for name, table in tables.items()} == {
            t.name: arrow_schema(t) for t in collection.tables
        }
        assert list(tables) == ["documents", "documents_keywords", "documents_scores"]
        for table in tables.values():
            table.validate(full=True)


def test_the_schema_ends_with_what_sluice_adds() -> None:
    own, keywords, scores = (arrow_schema(table) for table in a_collection(children=(KEYWORDS, SCORES)).tables)

    assert own.names == ["_id", "title", "updated_at", "_extra", "_hash", "_gone", "_turn"]
    assert keywords.names == ["parent_id", "ordinal", "value", "_hash"]
    assert scores.names == ["parent_id", "ordinal", "type", "points", "_extra", "_hash"]
    assert [field.name for field in own if not field.nullable] == ["_id", "_hash", "_gone", "_turn"]
    assert [field.name for field in keywords if not field.nullable] == ["parent_id", "ordinal", "_hash"]


def test_the_hash_is_of_the_raw_document_and_children_carry_their_parents() -> None:
    documents = [a_document(), a_document(_id=7, keywords=[])]
    tables = conform_all(*documents, children=(KEYWORDS,)).tables
    expected = [xxhash.xxh64(bson.encode(document)).intdigest() ^ 1 for document in documents]

    assert tables["documents"]["_hash"].to_pylist() == expected
    assert tables["documents_keywords"]["_hash"].to_pylist() == [expected[0]] * 2
    assert tables["documents"]["_gone"].to_pylist() == [False, False]


def test_an_empty_batch_has_empty_tables() -> None:
    conformed = conform_all(children=(KEYWORDS,))

    assert (conformed.read, conformed.rejects, conformed.coerced) == (0, [], {})
    assert [table.num_rows for table in conformed.tables.values()] == [0, 0]


def test_a_batch_of_several_pieces_is_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [a_document(_id=i, title=5 if i % 7 == 0 else "t", keywords=["a"] * (i % 3)) for i in range(40)]
    whole = conform_all(*documents, children=(KEYWORDS,))

    monkeypatch.setattr(conform, "_PIECE_BYTES", 500)
    pieces = conform_all(*documents, children=(KEYWORDS,))

    assert pieces == whole
    assert whole.read == 40
    assert len(whole.rejects) == 6


def test_the_collector_is_left_as_it_was() -> None:
    conform_all(a_document())
    assert gc.isenabled()
    gc.disable()
    try:
        conform_all(a_document())
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_documents_that_were_rejected_leave_no_garbage_behind() -> None:
    """I6: the collector is off, so what only it could free would grow with the number of rejects."""
    documents = [a_document(_id=i, title=5, keywords=7, updated_at=DatetimeMS(2**62)) for i in range(20)]
    gc.collect()
    gc.disable()
    try:
        conformed = conform_all(*documents, broken(), {}, unknown_fields=UnknownFields.FAIL, children=(KEYWORDS,))
        garbage = gc.collect()
    finally:
        gc.enable()

    assert (len(conformed.rejects), garbage) == (22, 0)


# --- null, missing, nested --------------------------------------------------------------------------------------------


def test_missing_and_null_are_null() -> None:
    conformed = conform_all({"_id": 1}, {"_id": 2, "title": None}, columns=columns(title="text"))

    assert [row["title"] for row in rows(conformed)] == [None, None]
    assert [row["_extra"] for row in rows(conformed)] == [None, None]


@pytest.mark.parametrize("parent", [None, {}, {"mark": None}])
def test_an_empty_parent_gives_nulls_and_nothing_undeclared(parent: Any) -> None:
    (row,) = rows(conform_all({"_id": 1, "watermark": parent}, columns=columns(watermark__mark="text")))

    assert (row["watermark__mark"], row["_extra"]) == (None, None)


@pytest.mark.parametrize("parent", ["x", "", 0, False, [], [{"mark": "m"}]])
def test_a_parent_that_is_no_document_is_kept_as_undeclared(parent: Any) -> None:
    own = columns(watermark__mark="text")
    documents = [{"_id": 1, "watermark": parent}, {"_id": 2, "watermark": {"mark": "m"}}]

    first, second = rows(conform_all(*documents, columns=own))

    assert first["watermark__mark"] is None
    assert json.loads(first["_extra"]) == {"watermark": parent}
    assert (second["watermark__mark"], second["_extra"]) == ("m", None)


def test_undeclared_fields_are_kept_under_their_parents_in_their_order() -> None:
    document = {"_id": 1, "z": 1, "a": {"c": {"d": 5, "x": Decimal128("1.5")}, "y": [1]}, "b": ID}

    (row,) = rows(conform_all(document, columns=columns(a__c__d="int32")))

    assert row["a__c__d"] == 5
    assert row["_extra"] == json.dumps(
        {"z": 1, "a": {"c": {"x": {"$numberDecimal": "1.5"}}, "y": [1]}, "b": {"$oid": str(ID)}}, separators=(",", ":")
    )


def test_a_field_with_a_dot_in_its_name_is_not_the_nested_field() -> None:
    document = {"_id": 1, "a.b": "flat", "a": {"b": "nested"}}

    (row,) = rows(conform_all(document, columns=columns(a__b="text")))

    assert (row["a__b"], row["_extra"]) == ("nested", '{"a.b":"flat"}')


def test_the_last_of_two_fields_of_one_name_counts() -> None:
    first, last = raw_element(0x10, b"n", b"\1\0\0\0"), raw_element(0x10, b"n", b"\2\0\0\0")
    document = raw_document(raw_element(0x10, b"_id", b"\1\0\0\0"), first, last)

    assert rows(conform_all(document, columns=columns(n="int32")))[0]["n"] == 2


def test_a_column_and_its_inner_column_both_have_the_value() -> None:
    own = columns(a="json", a__b="text", a__b__c="text")

    (row,) = rows(conform_all({"_id": 1, "a": {"b": "x", "z": 1}}, columns=own))

    assert row == {"_id": "1", "a": '{"b":"x","z":1}', "a__b": "x", "a__b__c": None, "_extra": None}


def test_two_columns_may_read_one_field() -> None:
    own = (*columns(a="json"), a_column("n", "int32", path="a", on_error=OnError.NULL))

    assert rows(conform_all({"_id": 1, "a": "x"}, columns=own))[0]["a"] == '"x"'


def test_a_reference_is_a_document_with_fields() -> None:
    own = (a_column(), a_column("author_id", "objectid", path="author.$id"))

    (row,) = rows(conform_all({"_id": 1, "author": DBRef("authors", ID, "library")}, columns=own))

    assert (row["author_id"], row["_extra"]) == (str(ID), '{"author":{"$ref":"authors","$db":"library"}}')


def test_a_key_may_also_be_read_field_by_field() -> None:
    own = (a_column(), a_column("user", "text", path="_id.user"))

    assert rows(conform_all({"_id": {"user": "u", "no": 1}}, columns=own)) == [
        {"_id": 'object:{"user":"u","no":1}', "user": "u", "_extra": None}
    ]


# --- undeclared fields ------------------------------------------------------------------------------------------------


def test_unknown_fields_may_be_dropped() -> None:
    conformed = conform_all(a_document(), unknown_fields=UnknownFields.IGNORE)

    assert conformed.tables["documents"].schema.names == ["_id", "title", "updated_at", "_hash", "_gone", "_turn"]
    assert conformed.rejects == []


@pytest.mark.parametrize(
    ("field", "path"), [({"x": 1}, "x"), ({"a": {"b": "t", "c": {"d": 1}}}, "a.c"), ({"a": "no document"}, "a")]
)
def test_unknown_fields_may_be_refused_by_name(field: dict[str, Any], path: str) -> None:
    own = columns(a__b="text")
    conformed = conform_all({"_id": 1, **field}, {"_id": 2}, columns=own, unknown_fields=UnknownFields.FAIL)

    assert reasons(conformed) == [(path, "unknown_field")]
    assert conformed.rejects[0].detail == f"{path} is not declared"
    assert len(rows(conformed)) == 1


def test_undeclared_fields_that_are_too_deep_for_anyone_reject() -> None:
    def nested(levels: int) -> dict[str, Any]:
        value: Any = 1
        for _ in range(levels):
            value = {"a": value}
        return {"_id": levels, "deep": value}

    # One level is the document itself.
    conformed = conform_all(nested(MAX_DEPTH - 1), nested(MAX_DEPTH))

    assert [(reject.key, reject.column, reject.reason) for reject in conformed.rejects] == [
        (str(MAX_DEPTH), "_extra", "too_deep")
    ]


def test_a_document_too_deep_to_decode_rejects_alone() -> None:
    levels = 100_000
    lengths = (struct.pack("<i", 5 + 8 * level) + (b"\x03a\0" if level else b"") for level in range(levels, -1, -1))
    deep = b"".join(lengths) + b"\0" * (levels + 1)

    conformed = conform_all(deep, {"_id": 1})

    assert reasons(conformed) == [("", "too_deep")]
    assert conformed.rejects[0].key == ""
    assert len(rows(conformed)) == 1


# --- strings that are not UTF-8, bytes that are not BSON ------------------------------------------------------------


def broken(name: bytes = b"title", text: bytes = b"a\xffb") -> bytes:
    """A document with a string that is not UTF-8."""
    value = len(text + b"\0").to_bytes(4, "little") + text + b"\0"
    return raw_document(raw_element(0x10, b"_id", b"\1\0\0\0"), raw_element(0x02, name, value))


def test_one_string_that_is_not_utf8_rejects_one_document() -> None:
    conformed = conform_all({"_id": 2, "title": "é"}, broken(), {"_id": 3, "title": "𝄞"})

    assert [(reject.key, reject.column, reject.reason) for reject in conformed.rejects] == [
        ("1", "title", "invalid_utf8")
    ]
    assert conformed.rejects[0].raw == broken()
    assert [row["title"] for row in rows(conformed)] == ["é", "𝄞"]


def test_a_string_that_is_not_utf8_may_be_replaced_and_is_counted() -> None:
    own = (a_column(), a_column("title", "text", on_error=OnError.REPLACE))
    conformed = conform_all(broken(), broken(), {"_id": 2, "title": "é"}, columns=own)

    assert [row["title"] for row in rows(conformed)] == ["a\ufffdb", "a\ufffdb", "é"]
    assert conformed.coerced == {"title": {"replace": 2}}


@pytest.mark.parametrize("document", [broken(b"other"), broken(b"x\xff", b"text")])
def test_undeclared_fields_that_are_not_utf8_reject_unless_they_are_dropped(document: bytes) -> None:
    assert reasons(conform_all(document)) == [("_extra", "invalid_utf8")]
    assert reasons(conform_all(document, unknown_fields=UnknownFields.IGNORE)) == []


def test_a_name_that_is_not_utf8_is_refused_under_a_name_that_can_be_landed() -> None:
    (reject,) = conform_all(broken(b"x\xff", b"text"), unknown_fields=UnknownFields.FAIL).rejects

    assert (reject.column, reject.detail) == ("x\ufffd", "x\ufffd is not declared")
    assert bson.encode(asdict(reject))


@pytest.mark.parametrize(
    "document",
    [
        raw_document(raw_element(0x55, b"a", b"")),
        raw_document(raw_element(0x08, b"a", b"\2")),
        raw_document(raw_element(0x02, b"a", b"\xff\xff\xff\x7fx\0")),
        raw_document(raw_element(0x05, b"a", b"\xff\xff\xff\xff\0")),
        b"\6\0\0\0\0\1",
    ],
)
def test_bytes_that_are_no_document_reject_alone(document: bytes) -> None:
    conformed = conform_all({"_id": 1}, document, {"_id": 2})

    assert reasons(conformed) == [("", "undecodable")]
    assert conformed.rejects[0].raw == document
    assert [row["_id"] for row in rows(conformed)] == ["1", "2"]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (raw_element(0x10, b"_id", b"\5\0\0\0"), "5"),
        (raw_element(0x02, b"_id", b"\2\0\0\0x\0"), "x"),
        (raw_element(0x02, b"_id", b"\2\0\0\0\xff\0"), ""),
        (raw_element(0x02, b"_id", b"\xff\0\0\0x\0"), ""),
        (raw_element(0x10, b"id", b"\5\0\0\0"), ""),
    ],
    ids=["number", "string", "not UTF-8", "longer than its document", "none"],
)
def test_a_document_that_cannot_be_decoded_has_the_key_that_stands_in_it(key: bytes, found: str) -> None:
    document = raw_document(key + raw_element(0x08, b"a", b"\2"))

    conformed = conform_all({"_id": 1}, document, {"_id": 2})

    assert reasons(conformed) == [("", "undecodable")]
    assert conformed.rejects[0].key == found


@pytest.mark.parametrize("damage", [b"\0", b"\5\0\0", b"\4\0\0\0\0", b"\xff\xff\xff\x7f\0", b"\xff\xff\xff\xff\0"])
def test_lengths_that_do_not_add_up_stop_the_batch(damage: bytes) -> None:
    with pytest.raises(SourceUnavailable, match="damaged"):
        conform_all({"_id": 1}, damage)


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_document_without_a_key_rejects_and_a_null_key_is_a_key() -> None:
    conformed = conform_all({"title": "x"}, {"_id": None})

    assert reasons(conformed) == [("_id", "missing_key")]
    assert [row["_id"] for row in rows(conformed)] == ["null:"]


@pytest.mark.parametrize("on_error", OnError)
def test_a_key_is_never_repaired(on_error: OnError) -> None:
    own = (a_column("_id", "string(4)", on_error=on_error),)
    conformed = conform_all({"_id": "12345"}, {"_id": 7}, {"_id": None}, {"_id": "1234"}, columns=own)

    assert reasons(conformed) == [("_id", "too_long"), ("_id", "wrong_type"), ("_id", "wrong_type")]
    assert [reject.key for reject in conformed.rejects] == ["s:12345", "7", "null:"]
    assert conformed.coerced == {}


def test_a_foreign_key_may_be_null() -> None:
    own = columns(other="key")

    assert [
        row["other"] for row in rows(conform_all({"_id": 1, "other": None}, {"_id": 2, "other": 1.0}, columns=own))
    ] == [
        None,
        "1",
    ]


# --- rejects and counts -----------------------------------------------------------------------------------------------


def test_a_reject_carries_its_first_reason_in_the_order_of_the_columns() -> None:
    own = columns(a="int32", b="int32")
    document = {"_id": 1, "b": "x", "a": 2**40, "keywords": 5}

    (reject,) = conform_all(document, columns=own, children=(KEYWORDS,)).rejects

    assert (reject.key, reject.column, reject.reason, reject.raw) == ("1", "a", "out_of_range", bson.encode(document))


def test_every_use_of_on_error_is_counted_by_column_and_action() -> None:
    own = (
        a_column(),
        a_column("s", "string(2)", on_error=OnError.TRUNCATE),
        a_column("n", "int32", on_error=OnError.REPLACE),
        a_column("o", "objectid", on_error=OnError.NULL),
    )
    documents = [{"_id": i, "s": "x" * i, "n": 2**30 * i, "o": i or None} for i in range(5)]

    conformed = conform_all(*documents, columns=own)

    assert conformed.coerced == {"s": {"truncate": 2}, "n": {"replace": 3}, "o": {"null": 4}}
    assert [row["s"] for row in rows(conformed)] == ["", "x", "xx", "xx", "xx"]


def test_what_was_coerced_in_a_rejected_document_does_not_count() -> None:
    own = (a_column(), a_column("s", "string(2)", on_error=OnError.TRUNCATE), a_column("n", "int32"))

    assert conform_all({"_id": 1, "s": "xxx", "n": "x"}, columns=own).coerced == {}


def test_a_value_with_two_faults_is_counted_once() -> None:
    own = (a_column(), a_column("s", "string(20)", on_error=OnError.NULL))

    assert conform_all({"_id": 1, "s": "long enough\0"}, columns=own, limits=NARROW).coerced == {"s": {"null": 1}}


def test_a_row_wider_than_the_warehouses_widest_rejects() -> None:
    limits = Limits(CLICKHOUSE_LIMITS.min_timestamp, CLICKHOUSE_LIMITS.max_timestamp, max_row_bytes=40)
    own = columns(s="text", n="int32")
    documents = [{"_id": 1, "s": "x" * n, "n": 1} for n in (31, 32)] + [{"_id": 2, "extra": "x" * 40}]

    conformed = conform_all(*documents, columns=own, limits=limits)

    assert reasons(conformed) == [("", "row_too_wide")] * 2
    assert conformed.rejects[0].detail == "41 bytes, 40 allowed"


# --- children ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("array", [{}, {"keywords": None}, {"keywords": []}])
def test_an_array_that_is_missing_null_or_empty_has_no_rows(array: dict[str, Any]) -> None:
    conformed = conform_all({"_id": 1, **array}, {"_id": 2, "keywords": ["x"]}, children=(KEYWORDS,))

    assert rows(conformed, "documents_keywords") == [{"parent_id": "2", "ordinal": 0, "value": "x"}]


def test_something_else_than_an_array_rejects_the_document() -> None:
    conformed = conform_all({"_id": 1, "keywords": "x"}, {"_id": 2, "keywords": {"a": 1}}, children=(KEYWORDS,))

    assert reasons(conformed) == [("keywords", "wrong_type")] * 2
    assert [table.num_rows for table in conformed.tables.values()] == [0, 0]


def test_a_bad_element_rejects_the_document_with_all_its_rows() -> None:
    documents = [{"_id": 1, "keywords": ["a", 5]}, {"_id": 2, "keywords": ["b", None, "c"]}]

    conformed = conform_all(*documents, children=(KEYWORDS,))

    assert reasons(conformed) == [("keywords.value", "wrong_type")]
    assert [(row["parent_id"], row["ordinal"], row["value"]) for row in rows(conformed, "documents_keywords")] == [
        ("2", 0, "b"),
        ("2", 1, None),
        ("2", 2, "c"),
    ]


def test_a_bad_element_may_be_repaired_and_is_counted_under_its_table() -> None:
    value = a_column("value", "string(2)", path="", on_error=OnError.TRUNCATE)
    child = Child("keywords", "meta.keywords", (value,), of_documents=False)

    conformed = conform_all({"_id": 1, "meta": {"keywords": ["abc", "d"], "n": 1}}, children=(child,))

    assert [row["value"] for row in rows(conformed, "documents_keywords")] == ["ab", "d"]
    assert conformed.coerced == {"keywords.value": {"truncate": 1}}
    assert rows(conformed)[0]["_extra"] == '{"meta":{"n":1}}'


def test_documents_in_an_array_become_rows_with_what_they_have_beyond() -> None:
    scores = [{"type": "exam", "points": 1.5}, None, {"points": 2, "note": {"a": [1]}}]

    conformed = conform_all({"_id": 1, "scores": scores}, children=(SCORES,))

    assert rows(conformed, "documents_scores") == [
        {"parent_id": "1", "ordinal": 0, "type": "exam", "points": 1.5, "_extra": None},
        {"parent_id": "1", "ordinal": 1, "type": None, "points": None, "_extra": None},
        {"parent_id": "1", "ordinal": 2, "type": None, "points": 2.0, "_extra": '{"note":{"a":[1]}}'},
    ]


def test_an_element_that_is_no_document_rejects() -> None:
    conformed = conform_all({"_id": 1, "scores": [{}, "x"]}, {"_id": 2, "scores": [{}]}, children=(SCORES,))

    assert reasons(conformed) == [("scores", "wrong_type")]
    assert [row["parent_id"] for row in rows(conformed, "documents_scores")] == ["2"]


def test_undeclared_fields_of_elements_follow_the_collection() -> None:
    document = {"_id": 1, "scores": [{"type": "exam", "note": 1}]}

    refused = conform_all(document, children=(SCORES,), unknown_fields=UnknownFields.FAIL)
    dropped = conform_all(document, children=(SCORES,), unknown_fields=UnknownFields.IGNORE)

    assert reasons(refused) == [("scores.note", "unknown_field")]
    assert "_extra" not in dropped.tables["documents_scores"].schema.names


def test_an_array_may_be_a_column_and_a_child() -> None:
    conformed = conform_all({"_id": 1, "scores": [{"points": 2}]}, columns=columns(scores="json"), children=(SCORES,))

    assert rows(conformed)[0]["scores"] == '[{"points":2}]'
    assert rows(conformed, "documents_scores")[0]["points"] == 2.0


# --- transforms -------------------------------------------------------------------------------------------------------


def shout(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.set_column(1, "title", pc.utf8_upper(batch["title"]))


def test_a_transform_sees_and_returns_the_columns_of_analysts() -> None:
    documents = [a_document(), a_document(_id=2, title=5)]
    plain = conform_all(*documents).tables["documents"]

    changed = conform_all(*documents, transform=f"{__name__}:shout").tables["documents"]

    assert changed["title"].to_pylist() == ["ON EXACTNESS"]
    assert changed.drop_columns("title") == plain.drop_columns("title")
    assert changed.schema == plain.schema


def gives_a_list(batch: pa.RecordBatch) -> Any:
    return batch.to_pylist()


def drops_a_row(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.slice(1)


def drops_a_column(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.drop_columns(["title"])


def changes_a_type(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.set_column(1, "title", batch["title"].cast(pa.binary()))


def changes_the_key(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.set_column(0, "_id", batch["title"])


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (gives_a_list, "returned list"),
        (drops_a_row, "0 rows of 1"),
        (drops_a_column, "changed the columns"),
        (changes_a_type, "or their types"),
        (changes_the_key, "changed the key _id"),
    ],
)
def test_a_transform_that_breaks_its_contract_is_named(function: Callable[..., Any], why: str) -> None:
    with pytest.raises(ConfigError, match=function.__name__) as caught:
        conform_all(a_document(), transform=f"{__name__}:{function.__name__}")
    assert why in caught.value.why


@pytest.mark.parametrize("name", ["no_such_module:f", f"{__name__}:no_such_function", "no_colon", ":"])
def test_a_transform_that_cannot_be_imported_stops_before_anything_is_read(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be imported"):
        Conformer(a_collection(transform=name), limits=CLICKHOUSE_LIMITS, hash_seed=1)


def test_a_decimal_that_the_warehouse_does_not_have_stops_before_anything_is_read() -> None:
    limits = Limits(CLICKHOUSE_LIMITS.min_timestamp, CLICKHOUSE_LIMITS.max_timestamp, max_decimal_precision=18)

    with pytest.raises(ConfigError, match=r"documents.price: decimal\(19,2\)"):
        conform_all(columns=columns(price="decimal(19,2)"), limits=limits)


# --- soft deletes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [True, 1, NOON, "", [], {}, Decimal128("1"), float("nan")])
def test_a_document_with_a_mark_is_gone(mark: Any) -> None:
    conformed = conform_all({"_id": 1, "meta": {"deleted": mark}}, deletes="soft:meta.deleted")

    assert conformed.tables["documents"]["_gone"].to_pylist() == [True]


@pytest.mark.parametrize("mark", [None, False, 0, 0.0, Decimal128("0")])
def test_a_mark_that_mongodb_takes_for_false_deletes_nothing(mark: Any) -> None:
    found = conform_all({"_id": 1, "deleted": mark}, {"_id": 2}, {"_id": 3, "other": 1}, deletes="soft:deleted")

    assert found.tables["documents"]["_gone"].to_pylist() == [False, False, False]


def test_a_deleted_document_is_gone_whatever_else_it_holds_and_its_children_with_it() -> None:
    deleted = {"_id": 1, "title": 5, "keywords": ["x"], "deleted": True}

    conformed = conform_all(deleted, {"_id": "kept", "keywords": ["y"]}, deletes="soft:deleted", children=(KEYWORDS,))

    assert conformed.rejects == []
    assert conformed.tables["documents"]["_gone"].to_pylist() == [True, False]
    assert [row["parent_id"] for row in rows(conformed, "documents_keywords")] == ["kept"]
