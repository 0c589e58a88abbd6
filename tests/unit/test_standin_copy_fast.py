"""The fast way of COPY is only fast: whatever the rows, it sends and logs exactly what the careful way does."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devstack.redshift.copying import Column
from devstack.redshift.copying.fast import Fast
from devstack.redshift.copying.job import Job
from devstack.redshift.copying.load import _blocks
from tests.unit.standin_copy import column, copied, statement

TYPES = {
    "smallint": ["1", "-32768", "32768", "+5", "007", " 8 ", "9999", "--1", "1.0"],
    "bigint": ["9223372036854775807", "9223372036854775808", "-1", "99999999999999999999999"],
    "numeric(5,2)": ["1.005", "-999.99", "1000", ".5", "5.", "12.3", "999.999", "1e2", "+1.5"],
    "numeric(2,2)": ["0.5", ".55", "0", "1"],
    "real": ["1.5", "1e39", "1e-50", "nan", "-Infinity", "0.0", "1_0", "3.4e38"],
    "double precision": ["2.5", "-1.5e-07", "99999999999999999999e99", "1e400", "-7", "1e-400", "inf"],
    "boolean": ["t", "TRUE", "0", "no", "maybe", " f "],
    "date": ["2024-02-29", "2023-02-29", "1999-12-31", "01/02/2003", "2020-01-01 10:00:00", "0001-01-01"],
    "timestamp without time zone": [
        "2024-02-29 23:59:59.999999",
        "2024-01-01T00:00:00Z",
        "2024-01-01 24:00:00",
        "2024-01-01",
        "2024-01-01 00:00:00.1234567",
        "2024-01-01 10:00:00+02",
    ],
    "timestamp with time zone": [
        "2024-01-31T10:00:00.5+02:00",
        "2024-01-31 10:00:00.123+00",
        "2024-01-31 10:00:00Z",
        "2024-01-31 10:00:00+15:00",
    ],
    "character varying(4)": [
        "ab",
        "äö",
        "äöü",
        "ab\n",
        "\\N",
        "a\\b",
        'say "hi"',
        "a,b",
        "\t",
        "  ",
        "a ",
        "\ufffd",
        "😀",
    ],
    "character(3)": ["abc", "abcd", "ab ", "abc ", "ä"],
    "character varying(3)": ["abc", "\udcff", "a\udce2\udc82", "\ufdd0", "\0", "\r", "x\ry"],
    "super": ['{"a": [1, null]}', "nothing", "1", '"x"'],
}
OPTIONS = [
    "",
    "DATEFORMAT 'auto' ACCEPTANYDATE",
    "TIMEFORMAT 'auto'",
    "TRUNCATECOLUMNS",
    "ACCEPTINVCHARS '^'",
    "BLANKSASNULL",
    "EMPTYASNULL",
    "TRIMBLANKS",
    "ROUNDEC",
    "NULL AS ''",
    "FILLRECORD",
    "IGNOREHEADER 1",
    "IGNOREBLANKLINES",
    "DATEFORMAT 'MM/DD/YYYY'",
    "TIMEFORMAT 'epochsecs'",
    "MAXERROR 1",
]


@st.composite
def a_load(draw: st.DrawFn) -> tuple[bytes, list[Column], str]:
    """Plain rows with one or two things that are odd: more of them, and the fast way would never be taken."""
    types = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=4))
    columns = [column(t, name=f"c{n}", not_null=draw(st.booleans())) for n, t in enumerate(types)]
    rows = [[TYPES[t][0] for t in types] for _ in range(draw(st.integers(0, 5)))]
    for row in draw(st.lists(st.sampled_from(rows), max_size=2)) if rows else ():
        place = draw(st.integers(0, len(types) - 1))
        row[place] = draw(st.one_of(st.sampled_from([*TYPES[types[place]], ""]), st.text('a1",\n\\ é', max_size=4)))
    text = io.StringIO(newline="")
    end = draw(st.sampled_from(["\n", "\n", "\n", "\r\n"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    csv.writer(text, lineterminator=end, quoting=quoting).writerows(rows)
    body = text.getvalue().encode("utf-8", "surrogateescape")
    if draw(st.booleans()):
        at = draw(st.integers(0, len(body)))
        body = body[:at] + draw(st.sampled_from([b'"', b"x", b"\n", b",", b"\xff", b"\xef\xbb\xbf"])) + body[at:]
    chosen = draw(st.lists(st.sampled_from(OPTIONS), max_size=3, unique_by=lambda option: option.partition(" ")[0]))
    return body, columns, " ".join(["CSV", *chosen, *([] if "MAXERROR 1" in chosen else ["MAXERROR 1000"])])


def outcome(load: tuple[bytes, list[Column], str], *, carefully: bool) -> Any:
    found = copied(*load, carefully=carefully)
    report = found.report
    loaded = () if found.failed else (found.output, report.rows, report.files, report.scanned, report.notices)
    return loaded, str(found.failed), report.errors, report.replacements


@settings(max_examples=800, deadline=None)
@given(a_load())
def test_fast_and_careful_are_the_same(load: tuple[bytes, list[Column], str]) -> None:
    assert outcome(load, carefully=False) == outcome(load, carefully=True)


@settings(max_examples=100, deadline=None)
@given(a_load(), st.integers(1, 12))
def test_where_a_file_is_cut_into_blocks_makes_no_difference(load: tuple[bytes, list[Column], str], size: int) -> None:
    whole = outcome(load, carefully=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("devstack.redshift.copying.load._BLOCK", size)
        assert outcome(load, carefully=False) == whole


def test_blocks_are_the_file() -> None:
    found = list(_blocks(iter([b"x" * (5 << 20), b"y"])))
    assert b"".join(block for block, _ in found) == b"x" * (5 << 20) + b"y"
    assert [final for _, final in found] == [False, False, True]


PLAIN = {
    "bigint": "12",
    "numeric(18,4)": "-1.25",
    "double precision": "-1.2345678901234567e-07",
    "boolean": "true",
    "date": "2024-01-31",
    "timestamp without time zone": "2024-01-31 10:00:00.123",
    "timestamp with time zone": "2024-01-31 10:00:00.123+00",
    "character varying(64)": 'ä "quoted", \\ and\ttab\nline',
    "super": '{"a": 1}',
}


@pytest.mark.parametrize("type_", PLAIN)
def test_what_the_product_writes_goes_the_fast_way(type_: str) -> None:
    """Otherwise the fast way would be the same by never being taken."""
    job = Job(statement("CSV TIMEFORMAT 'auto'"), [column(type_)])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([[PLAIN[type_]], [""], ["\\N"]])
    done = Fast(job.converter).convert(text.getvalue().encode(), final=True)
    assert done is not None
    assert done.rows == 3
