"""Rows as bytes for COPY: what is read back from a part is what was in the rows, and NULL is nothing else."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.arrow import arrow_schema
from sluice.encoding import Encoding
from sluice.errors import Terminal
from sluice.spec import Collection, LandingFormat, Table, Warehouse, WarehouseKind
from sluice.warehouse.redshift.copy_options import null_marker
from sluice.warehouse.redshift.tables import landed_columns
from tests.factories import a_child, a_collection, a_column, a_pipeline, a_plan

KINDS = ("string(64)", "text", "int32", "int64", "float64", "decimal(9,2)", "decimal(38,12)", "bool", "timestamp")
KINDS += ("date", "objectid", "uuid", "binary", "json")
COLLECTION: Collection = a_collection(
    columns=(a_column(), *(a_column(f"c{n}", kind) for n, kind in enumerate(KINDS))), children=(a_child(),)
)
OWN, CHILD = COLLECTION.tables
MARKER = null_marker(a_plan().id)


def an_encoding(format_: str, warehouse: WarehouseKind = WarehouseKind.REDSHIFT) -> Encoding:
    return Encoding(warehouse, LandingFormat(format_), MARKER)


def part(table: Table, rows: list[dict[str, Any]], encoding: Encoding) -> bytes:
    """A part whose rows came in two groups."""
    sink = io.BytesIO()
    encoder = encoding.encoder(table, sink)
    for group in (rows[:1], rows[1:]):
        if group:
            encoder.write_table(pa.Table.from_pylist(group, arrow_schema(table)))
    encoder.close()
    return sink.getvalue()


def a_row(**values: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(arrow_schema(OWN).names)
    return nothing | {"_id": "k", "_hash": 1, "_gone": False, "_turn": 0} | values


# --- CSV, as Python's csv module reads it

ANYTHING = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
AWKWARD = st.sampled_from(
    ["", " ", '"', '""', ",", "\n", "\r\n", "\\", "\\N", "NULL", MARKER[:-1], f"{MARKER} ", "𝄞€ä"]
)
TEXTS = ANYTHING | AWKWARD | st.lists(AWKWARD, max_size=4).map("".join)
MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(  # noqa: DTZ001  hypothesis takes them without
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
)
JSON = st.recursive(st.none() | st.booleans() | st.integers() | TEXTS, lambda inner: st.dictionaries(TEXTS, inner))


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    return st.integers(1 - 10**precision, 10**precision - 1).map(lambda n: Decimal(n).scaleb(-scale))


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string(64)": TEXTS,
    "text": TEXTS,
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float64": st.floats(allow_nan=False),
    "decimal(9,2)": decimals(9, 2),
    "decimal(38,12)": st.integers(-(10**25), 10**25).map(lambda n: Decimal(n).scaleb(-12)),
    "bool": st.booleans(),
    "timestamp": MOMENTS,
    "date": st.dates(),
    "objectid": st.binary(min_size=12, max_size=12).map(bytes.hex),
    "uuid": st.uuids().map(str),
    "binary": st.binary(max_size=20),
    "json": JSON.map(lambda value: json.dumps(value, ensure_ascii=False)),
}
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "_id": TEXTS,
            **{f"c{n}": st.none() | VALUES[kind] for n, kind in enumerate(KINDS)},
            "_extra": st.none() | VALUES["json"],
            "_hash": st.integers(0, 2**64 - 1),
            "_gone": st.booleans(),
            "_turn": st.integers(0, 2**15 - 1),
        }
    ),
    min_size=1,
    max_size=4,
)
SIGNED: Callable[[str], int] = lambda text: int(text) % 2**64  # noqa: E731
PARSED: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("int32", "int64"), int),
    "float64": float,
    **dict.fromkeys(("decimal(9,2)", "decimal(38,12)"), Decimal),
    "bool": lambda text: {"true": True, "false": False}[text],
    "timestamp": lambda text: datetime.strptime(f"{text}00", "%Y-%m-%d %H:%M:%S.%f%z"),
    "date": date.fromisoformat,
    "binary": bytes.fromhex,
}
NULLS = {"json": "", **dict.fromkeys(("string(64)", "text", "objectid", "uuid", "binary"), MARKER)}


def read_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(gzip.decompress(data).decode(), newline=""), strict=True))


def parsed(kind: str, text: str) -> Any:
    return None if text == NULLS.get(kind, "") else PARSED.get(kind, str)(text)


@settings(deadline=None, max_examples=100)
@given(ROWS)
def test_what_is_read_from_csv_is_what_was_written(rows: list[dict[str, Any]]) -> None:
    kinds = {
        "_id": "text",
        **{f"c{n}": kind for n, kind in enumerate(KINDS)},
        "_extra": "json",
        "_gone": "bool",
        "_turn": "int32",
    }
    found = read_csv(part(OWN, rows, an_encoding("csv")))

    back = [
        {
            name: SIGNED(text) if name == "_hash" else parsed(kinds[name], text)
            for name, text in zip(landed_columns(OWN), line, strict=True)
        }
        for line in found
    ]

    assert back == rows


def field(kind: str, value: Any) -> str:
    """The field of one value as it stands in the line, quotes included."""
    name = f"c{KINDS.index(kind)}"
    columns = (a_column("_id", "int64"), a_column(name, kind))
    table = a_collection(columns=columns, unknown_fields="ignore").tables[0]
    row = {"_id": 1, name: value, "_hash": 1, "_gone": False, "_turn": 0}
    line = gzip.decompress(part(table, [row], an_encoding("csv"))).decode()
    return line.removeprefix("1,").removesuffix(",1,false,0\n")


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("text", "", '""'),
        ("text", None, MARKER),
        ("text", 'say "x", please', '"say ""x"", please"'),
        ("binary", b"\0\xff", '"00ff"'),
        ("binary", b"", '""'),
        ("json", None, ""),
        ("json", '{"a":"x"}', '"{""a"":""x""}"'),
        ("int64", -(2**63), str(-(2**63))),
        ("float64", math.nan, "NaN"),
        ("float64", math.inf, "Infinity"),
        ("float64", -math.inf, "-Infinity"),
        ("float64", 0.1, "0.1"),
        ("float64", None, ""),
        ("decimal(9,2)", Decimal("-0.50"), "-0.50"),
        ("decimal(38,12)", Decimal("0.000000000001"), "0.000000000001"),
        ("decimal(38,12)", Decimal(0), "0.000000000000"),
        ("bool", True, "true"),
        ("timestamp", datetime(2026, 11, 23, 12, 0, 0, 123_000, UTC), "2026-11-23 12:00:00.123+00"),
        ("timestamp", datetime(1, 1, 1, tzinfo=UTC), "0001-01-01 00:00:00.000+00"),
        ("date", date(1969, 12, 31), "1969-12-31"),
    ],
)
def test_a_field_is_as_copy_reads_it(kind: str, value: Any, said: str) -> None:
    assert field(kind, value) == said


def test_not_every_double_of_a_batch_has_to_be_finite() -> None:
    place, values = landed_columns(OWN).index("c4"), [1.5, math.nan, None, -math.inf]
    lines = read_csv(part(OWN, [a_row(c4=value) for value in values], an_encoding("csv")))

    assert [line[place] for line in lines] == ["1.5", "NaN", "", "-Infinity"]


@pytest.mark.parametrize("column", ["_id", "c0", "c1"])
def test_a_text_that_is_the_null_marker_stops_the_landing_and_never_becomes_null(column: str) -> None:
    """Its random digits make that an accident that a new plan does not meet."""
    with pytest.raises(Terminal) as error:
        part(OWN, [a_row(), a_row(**{column: MARKER})], an_encoding("csv"))

    for said in (column, MARKER, "new plan"):
        assert said in str(error.value)


def test_the_null_marker_may_stand_in_json_and_in_other_texts() -> None:
    row = a_row(c0=f"{MARKER}!", _extra=f'{{"a":"{MARKER}"}}')

    assert read_csv(part(OWN, [row], an_encoding("csv")))[0].count(MARKER) == 4  # the NULLs


# --- Parquet


def schema_of(table: Table, encoding: Encoding) -> pq.ParquetSchema:
    return pq.ParquetFile(io.BytesIO(part(table, [a_row()], encoding))).schema


def test_parquet_for_redshift_has_types_that_redshift_reads() -> None:
    schema = schema_of(OWN, an_encoding("parquet"))
    kinds = {schema.column(n).name: schema.column(n) for n in range(len(schema))}

    assert (kinds["_hash"].physical_type, kinds["_hash"].logical_type.type) == ("INT64", "NONE")
    assert json.loads(kinds["c8"].logical_type.to_json()) == {
        "Type": "Timestamp",
        "isAdjustedToUTC": True,
        "timeUnit": "microseconds",
        "is_from_converted_type": False,
        "force_set_converted_type": False,
    }
    assert [kinds[name].logical_type.type for name in ("c13", "_extra")] == ["JSON", "JSON"]
    assert [kinds[name].logical_type.type for name in ("c0", "c12")] == ["STRING", "STRING"]
    assert kinds["c6"].logical_type.type == "DECIMAL"


@settings(deadline=None, max_examples=50)
@given(ROWS)
def test_what_is_read_from_parquet_for_redshift_is_what_was_written(rows: list[dict[str, Any]]) -> None:
    found = pq.read_table(io.BytesIO(part(OWN, rows, an_encoding("parquet")))).to_pylist()

    for row in found:
        row["_hash"] %= 2**64
        row["c12"] = None if row["c12"] is None else bytes.fromhex(row["c12"])
    assert found == rows


def test_parquet_for_clickhouse_has_the_columns_as_they_are() -> None:
    data = part(OWN, [a_row()], an_encoding("parquet", WarehouseKind.CLICKHOUSE))

    assert pq.read_schema(io.BytesIO(data)) == arrow_schema(OWN)


# --- both


@pytest.mark.parametrize("table", [OWN, CHILD], ids=lambda table: table.name)
def test_the_columns_of_a_part_are_those_of_the_staging_table_in_its_order(table: Table) -> None:
    assert tuple(arrow_schema(table).names) == landed_columns(table)


@pytest.mark.parametrize("format_", LandingFormat)
def test_a_child_table_is_landed_too(format_: str) -> None:
    row = {"parent_id": "k", "ordinal": 0, "value": "x", "_hash": 2**63}
    data = part(CHILD, [row], an_encoding(format_))

    if format_ == LandingFormat.CSV:
        assert gzip.decompress(data) == f'"k",0,"x",{-(2**63)}\n'.encode()
    else:
        assert pq.read_table(io.BytesIO(data)).to_pylist() == [row | {"_hash": -(2**63)}]


def test_an_encoding_is_the_pipelines_with_the_plans_own_null() -> None:
    warehouse = Warehouse(WarehouseKind.REDSHIFT, "warehouse", "publishing")
    landing = a_pipeline().landing.__class__("landing_s3", "landing", format=LandingFormat.CSV)
    pipeline = a_pipeline(warehouse=warehouse, landing=landing)

    assert Encoding.of(pipeline, a_plan()) == an_encoding("csv")
    assert Encoding.of(pipeline, a_plan(id="20261123T120000-ffffff")).null != MARKER
