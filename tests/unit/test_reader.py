"""The fast path gives what the careful path gives, for every list of BSON values, and says the same about it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from bson import Code, Decimal128, Int64
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.arrow import arrow_type
from sluice.columns import Kind, OnError
from sluice.conform import CLICKHOUSE_LIMITS, Limits
from sluice.misfit import Misfit
from sluice.reader import Findings, Reader
from sluice.spec import Column
from sluice.values import rule_for, settle
from tests import bson_values
from tests.bson_values import INT64, dates, decimals, decoded, doubles, numbers, scalars, texts
from tests.factories import NOON, a_column

NARROW = Limits(
    min_timestamp=NOON - timedelta(days=1000),
    max_timestamp=NOON + timedelta(days=1000),
    max_text_bytes=10,
    max_key_bytes=8,
    max_binary_bytes=4,
    max_json_bytes=40,
    nul_allowed=False,
)
INTEGERS = st.one_of(INT64, INT64.map(Int64), st.integers(-(2**31) - 2, 2**31 + 2))
BROKEN = st.sampled_from(["a\udcffb", "\udc80"])

# What a column of a type mostly holds, so that lists go all the way through the fast path too.
ORDINARY: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.KEY: st.one_of(scalars, texts),
    Kind.STRING: texts,
    Kind.TEXT: texts,
    Kind.INT32: INTEGERS,
    Kind.INT64: INTEGERS,
    Kind.FLOAT64: st.one_of(doubles, INTEGERS),
    Kind.DECIMAL: decimals,
    Kind.BOOL: st.booleans(),
    Kind.TIMESTAMP: dates,
    Kind.DATE: dates,
    Kind.OBJECTID: st.binary(min_size=12, max_size=12).map(bson_values.ObjectId),
    Kind.UUID: bson_values.binaries,
    Kind.BINARY: bson_values.binaries,
    Kind.JSON: bson_values.values,
}
TYPES = ["string(4)", "decimal(6,2)", "decimal(38,10)", "decimal(38,38)", "decimal(19,0)"]
TYPES += [str(kind) for kind in Kind if kind not in {Kind.STRING, Kind.DECIMAL}]


def careful(
    column: Column, limits: Limits, values: list[Any]
) -> tuple[pa.Array, dict[int, str], list[tuple[int, str]]]:
    """One value at a time, and nothing else."""
    rule, taken, misfits, actions = rule_for(column.type, limits), [], {}, []
    for row, value in enumerate(values):
        result = action = None
        if value is not None:
            try:
                result, action = settle(rule, column.on_error, value)
            except Misfit as misfit:
                misfits[row] = misfit.reason
        taken.append(result)
        if action:
            actions.append((row, str(action)))
    return pa.array(taken, arrow_type(column.type)), misfits, actions


@pytest.mark.parametrize("limits", [CLICKHOUSE_LIMITS, NARROW], ids=["clickhouse", "narrow"])
@pytest.mark.parametrize("kind", TYPES)
@settings(deadline=None, max_examples=30)
@given(data=st.data(), on_error=st.sampled_from(OnError))
def test_both_paths_agree(kind: str, limits: Limits, data: st.DataObject, on_error: OnError) -> None:
    column = a_column("c", kind, on_error=on_error)
    ordinary = ORDINARY[column.type.kind]
    anything = data.draw(st.sampled_from([ordinary, st.one_of(ordinary, st.none()), st.one_of(ordinary, scalars)]))
    values = [decoded(value) for value in data.draw(st.lists(anything, max_size=6))]
    values += data.draw(st.lists(BROKEN, max_size=1))
    findings = Findings()

    array = Reader(column, limits).read(values, findings)

    expected, misfits, actions = careful(column, limits, values)
    array.validate(full=True)
    # As text: NaN is not equal to itself, 0.0 and -0.0 are.
    assert (array.type, repr(array.to_pylist())) == (expected.type, repr(expected.to_pylist()))
    assert {row: fault.reason for row, fault in findings.rejected.items()} == misfits
    assert [(row, str(action)) for row, _, action in findings.coerced] == actions


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int32", True),
        ("float64", True),
        ("text", b"bytes"),
        ("text", Code("f()")),
        ("bool", 1),
        ("binary", "text"),
        ("binary", bson_values.Binary(b"x", 128)),
    ],
)
def test_what_arrow_would_take_too_kindly_is_rejected(kind: str, value: Any) -> None:
    findings = Findings()

    array = Reader(a_column("c", kind), CLICKHOUSE_LIMITS).read([value, None], findings)

    assert array.to_pylist() == [None, None]
    assert {row: fault.reason for row, fault in findings.rejected.items()} == {0: "wrong_type"}


def test_a_messy_value_does_not_slow_its_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    reader = Reader(a_column("c", "decimal(18,4)"), CLICKHOUSE_LIMITS)
    careful_rule = reader._rule
    monkeypatch.setattr(reader, "_rule", lambda value: calls.append(value) or careful_rule(value))
    messy = [Decimal128("NaN"), "x", Decimal128("1E+30"), Decimal128(Decimal(2**70))]

    reader.read([Decimal128("1.50"), None] * 100 + messy, Findings())

    assert calls == messy


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), numbers), max_size=5))
def test_findings_of_child_rows_are_their_documents(values: list[Any]) -> None:
    parents = pa.array([row // 2 for row in range(len(values))], pa.int64())
    findings, of_rows = Findings(), Findings()
    reader = Reader(a_column("c", "bool"), CLICKHOUSE_LIMITS)

    reader.read(values, of_rows)
    reader.read(values, findings.of_children(parents, None))

    assert findings.rejected.keys() == {row // 2 for row in of_rows.rejected}
