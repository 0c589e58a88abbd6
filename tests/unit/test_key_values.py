"""Keys read back from their text: the value finds what the text was made of."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Binary, Int64, ObjectId
from hypothesis import given, settings

from sluice.columns import KEY_KINDS, Kind
from sluice.key_values import key_value
from sluice.keys import key_text
from sluice.misfit import Misfit
from tests.bson_values import decoded, values

HEX = "65f000000000000000000001"
UUID = "00010203-0405-0607-0809-0a0b0c0d0e0f"


@settings(deadline=None, max_examples=300)
@given(values)
def test_what_is_read_back_is_the_same_key(value: Any) -> None:
    try:
        text = key_text(decoded(value))
    except Misfit:
        return

    assert key_text(decoded(key_value(text, Kind.KEY))) == text


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (HEX, Kind.OBJECTID, ObjectId(HEX)),
        (HEX, Kind.KEY, ObjectId(HEX)),
        (HEX, Kind.STRING, HEX),
        ("1", Kind.TEXT, "1"),
        ("s:1", Kind.STRING, "s:1"),
        ("s:1", Kind.KEY, "1"),
        ("s:s:1", Kind.KEY, "s:1"),
        ("", Kind.KEY, ""),
        ("-7", Kind.INT32, -7),
        (str(2**63 - 1), Kind.INT64, Int64(2**63 - 1)),
        (UUID, Kind.UUID, Binary(bytes(range(16)), 4)),
    ],
)
def test_each_kind_of_column_has_its_own_text(text: str, kind: Kind, value: Any) -> None:
    assert key_value(text, kind) == value
    assert type(key_value(text, kind)) in {type(value), Int64}


def test_every_kind_that_a_key_may_have_can_be_read_back() -> None:
    texts = {Kind.OBJECTID: HEX, Kind.UUID: UUID}

    for kind in KEY_KINDS:
        key_value(texts.get(kind, "1"), kind)
