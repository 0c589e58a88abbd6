"""Logical types: what a pipeline file may say, and what it is told when it says something else."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.columns import LONGEST_STRING, MAX_PRECISION, ColumnType, Kind, OnError

PLAIN = [kind for kind in Kind if kind not in {Kind.STRING, Kind.DECIMAL}]
DECIMALS = st.tuples(st.integers(1, MAX_PRECISION), st.integers(0, MAX_PRECISION)).map(sorted)
TYPES = st.one_of(
    st.sampled_from(PLAIN).map(ColumnType),
    st.integers(1, LONGEST_STRING).map(lambda n: ColumnType(Kind.STRING, length=n)),
    DECIMALS.map(lambda numbers: ColumnType(Kind.DECIMAL, precision=max(1, numbers[1]), scale=numbers[0])),
)


@given(TYPES)
def test_every_type_is_read_back_from_its_text(column_type: ColumnType) -> None:
    assert ColumnType.parse(str(column_type)) == column_type


def test_spaces_are_welcome() -> None:
    assert ColumnType.parse(" decimal( 18 , 4 ) ") == ColumnType(Kind.DECIMAL, precision=18, scale=4)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("strng(64)", "did you mean string(n)?"),
        ("ObjectID", "did you mean objectid?"),
        ("time", "did you mean timestamp?"),
        ("varchar(64)", "use string(255)"),
        ("Int", "use int64"),
        ("datetime", "use timestamp"),
        ("array", "under children"),
        ("", "use one of: key, string(n), text"),
        ("string", "1 to 65535: string(255)"),
        ("string()", "are not numbers"),
        ("string(0)", "1 to 65535"),
        ("string(65536)", "1 to 65535"),
        ("string(٣)", "are not numbers"),
        ("string(64", "unknown type"),
        ("string(64))", "unknown type"),
        ("decimal(18)", "decimal(18,2)"),
        ("decimal(39,2)", "at most 38"),
        ("decimal(4,5)", "decimal places"),
        ("int64(5)", "takes no parameters"),
        ("string(" + "9" * 5000 + ")", "are not numbers"),
    ],
)
def test_a_wrong_type_says_what_to_write_instead(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(hint)):
        ColumnType.parse(text)


@given(st.text())
def test_any_text_is_a_type_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert ColumnType.parse(text).kind in Kind


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("string(5)", {"reject", "null", "truncate", "replace"}),
        ("timestamp", {"reject", "null", "replace"}),
        ("date", {"reject", "null", "truncate", "replace"}),
        ("decimal(5,2)", {"reject", "null", "truncate", "replace"}),
        ("bool", {"reject", "null"}),
        ("key", {"reject", "null"}),
    ],
)
def test_on_error_offers_only_what_means_something(text: str, actions: set[str]) -> None:
    assert set(ColumnType.parse(text).actions) == {OnError(action) for action in actions}
