"""What a replay takes out of ``_extra`` is what reading the document again would have given."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from bson import DatetimeMS, DBRef, Decimal128, ObjectId
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from sluice.conform import Conformed, Conformer
from sluice.extended_json import extended_json
from sluice.extras import Mover, read_extended_json
from sluice.limits import limits_of
from sluice.spec import Collection, Column, WarehouseKind
from tests.bson_values import decoded, values
from tests.factories import a_child, a_collection, a_column, raw

OLD = a_collection(columns=(*a_collection().columns, a_column("mark", "text", path="watermark.mark")))
KINDS = "key string(3) text int32 int64 float64 decimal(18,2) bool timestamp date objectid uuid binary json".split()
fields = st.dictionaries(st.sampled_from(["x", "other", "title"]), values, max_size=3)
inside = st.one_of(values, st.dictionaries(st.sampled_from(["mark", "color", "more"]), values, max_size=3))
elements = st.one_of(values, st.lists(values, max_size=3))


def with_added(kind: str, on_error: Any) -> Collection:
    """The same collection with more: a column, one inside of a parent that had one, and a child."""
    kinds = {"type": a_column("", kind).type}
    kinds |= {"on_error": on_error} if on_error in kinds["type"].actions else {}
    color = Column("color", "watermark.color", **kinds)
    child = a_child(name="tags", path="tags", columns=(Column("value", "", **kinds),))
    return replace(OLD, columns=(*OLD.columns, Column("x", "x", **kinds), color), children=(child,))


def conform(collection: Collection, document: dict[str, Any], kind: WarehouseKind) -> Conformed:
    return Conformer(collection, limits=limits_of(kind), hash_seed=0)(raw(document))


def shown(conformed: Conformed) -> Any:
    """What was moved: the rows without what a replay takes from the master, or the reject."""
    if conformed.rejects:
        return [(reject.column, reject.reason) for reject in conformed.rejects]
    own, tags = (conformed.tables[name].to_pylist() for name in ("documents", "documents_tags"))
    moved = [{name: row[name] for name in ("x", "color")} for row in own]
    return moved, [{name: row[name] for name in ("ordinal", "value")} for row in tags]


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(KINDS),
    st.sampled_from(["reject", "null", "truncate", "replace"]),
    st.sampled_from(WarehouseKind),
    st.fixed_dictionaries({}, optional={"watermark": inside, "tags": elements}),
    fields,
)
@example("json", "reject", WarehouseKind.CLICKHOUSE, {"watermark": {"color": {}}}, {"x": {"$oid": "not one"}})
@example("string(3)", "reject", WarehouseKind.CLICKHOUSE, {}, {"x": DatetimeMS(-62135596800001)})  # the year 0
@example("text", "reject", WarehouseKind.CLICKHOUSE, {"watermark": None, "tags": None}, {"x": DBRef("a", 1)})
def test_a_replay_gives_what_reading_the_document_again_gives(
    kind: str, on_error: str, warehouse: WarehouseKind, some: dict[str, Any], more: dict[str, Any]
) -> None:
    now = with_added(kind, on_error)
    document = {"_id": "a", **some, **more}
    before = conform(OLD, document, warehouse)
    assume(not before.rejects)
    extra = before.tables["documents"]["_extra"][0].as_py()
    again = conform(now, document, warehouse)
    if extra is None:
        assert shown(again) == ([{"x": None, "color": None}], [])
        return

    moved = Mover(now, now.columns[-2:], now.children, warehouse)([("a", extra)])

    assert repr(shown(moved)) == repr(shown(again))  # not by ==: NaN is not equal to itself
    if not again.rejects:
        assert moved.tables["documents"]["_extra"].to_pylist() == again.tables["documents"]["_extra"].to_pylist()
        assert moved.tables["documents"].schema == again.tables["documents"].schema
        assert moved.coerced == again.coerced


@given(values)
def test_extended_json_is_read_back_as_it_was(value: Any) -> None:
    text = extended_json(decoded(value))

    assert extended_json(read_extended_json(text)) == text


@pytest.mark.parametrize(
    "text",
    ['{"$oid":"no"}', '{"$date":[1]}', '{"$binary":7}', '{"$oid":"65f000000000000000000001","and":1}', '{"$x":1}'],
)
def test_what_only_looks_like_an_extended_type_stays_a_document(text: str) -> None:
    assert read_extended_json(text) == json.loads(text)


def test_a_number_with_more_digits_than_an_integer_holds_is_a_double() -> None:
    assert read_extended_json("[9223372036854775807, 10000000000000000000000]") == [2**63 - 1, 1e22]


@pytest.mark.parametrize(
    ("kind", "key", "expected"),
    [("objectid", "65f000000000000000000001", "65f000000000000000000001"), ("int64", 7, 7), ("key", "s:1", "s:1")],
)
def test_a_row_keeps_its_key_also_where_it_is_rejected(kind: str, key: Any, expected: Any) -> None:
    columns = (a_column("_id", kind), a_column("n", "int32"))
    collection = a_collection(columns=columns)
    move = Mover(collection, columns[1:], (), WarehouseKind.CLICKHOUSE)

    found = move([(key, '{"n":1}'), (key, '{"n":"no number"}')])

    assert found.tables["documents"]["_id"].to_pylist() == [expected]
    assert [(reject.key, reject.reason) for reject in found.rejects] == [(str(expected), "wrong_type")]
    assert found.read == 2


def test_values_that_json_does_not_have_arrive_exactly() -> None:
    columns = (a_column("_id"), a_column("d", "decimal(38,4)"), a_column("o", "objectid"))
    extra = extended_json({"d": Decimal128("12345678901234567890.1234"), "o": ObjectId("65f000000000000000000001")})

    found = Mover(a_collection(columns=columns), columns[1:], (), WarehouseKind.REDSHIFT)([("a", extra)])

    (row,) = found.tables["documents"].to_pylist()
    assert str(row["d"]) == "12345678901234567890.1234"
    assert (row["o"], row["_extra"]) == ("65f000000000000000000001", None)
