"""Which rejects are meant, which of them can be read again by their key, and what is said of the others."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from bson import Binary, ObjectId

from sluice import spec
from sluice.errors import ConfigError
from sluice.keys import key_text
from sluice.rejects import keys_of
from sluice.warehouse.quarantine import RejectRow, Which
from tests.factories import a_pipeline


def a_row(key: str, collection: str = "documents") -> RejectRow:
    return RejectRow(collection, key, "title", "too_long", "", "s3://landing/rejects.bson.gz", 0)


def on_redshift() -> spec.Pipeline:
    return a_pipeline(warehouse=spec.Warehouse(spec.WarehouseKind.REDSHIFT, "warehouse", schema="publishing"))


@pytest.mark.parametrize(
    "key", [ObjectId("0123456789abcdef01234567"), "text", "5", 5, {"a": [1, "x"]}, Binary(b"\1" * 16, 4), None]
)
def test_a_document_is_asked_for_by_the_key_that_it_has(key: Any) -> None:
    keys, left = keys_of(a_pipeline(), [a_row(key_text(key))])

    assert [key_text(bson.decode(each)["_id"]) for each in keys["documents"]] == [key_text(key)]
    assert left == {}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (a_row(""), "sluice run --full documents"),
        (a_row("a", "gone"), "no collection gone any more"),
    ],
)
def test_what_cannot_be_asked_for_is_counted_with_what_to_do(row: RejectRow, said: str) -> None:
    keys, left = keys_of(a_pipeline(), [row, a_row("a"), row])

    assert len(keys["documents"]) == 1
    ((why, rejects),) = left.items()
    assert said in why
    assert rejects == 2


@pytest.mark.parametrize("key", ["k" * 1021, r"a\u0000b"])
def test_a_key_that_redshift_may_have_cut_or_changed_is_not_asked_for(key: str) -> None:
    """Another key would be asked for, not be found, and its reject be settled as gone."""
    assert keys_of(on_redshift(), [a_row(key)])[0] == {}
    assert len(keys_of(a_pipeline(), [a_row(key)])[0]["documents"]) == 1


def test_rejects_are_chosen_by_what_a_form_says() -> None:
    assert Which.from_json({}) == Which()
    assert Which.from_json({"column": "title", "batch": 3}) == Which(column="title", batch=3)
    assert str(Which(column="title", batch=3)) == "column title, batch 3"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"colum": "title"}, "did you mean column"),
        ({"batch": "3"}, "batch of rejects is a whole number"),
        ({"batch": True}, "batch of rejects is a whole number"),
        ({"key": 3}, "key of rejects is a text"),
    ],
)
def test_what_no_reject_has_is_refused(data: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Which.from_json(data)
