"""Rows, lines and errors of COPY: each test names the page of the Redshift guide it is from."""

from __future__ import annotations

import json

import pytest

from devstack.redshift.copying import Column
from devstack.redshift.errors import SqlError
from tests.unit.standin_copy import FILE, column, copied, statement

PAIR = [column("integer", name="a"), column("character varying(8)", name="b")]
ROW = 4 << 20


# --- CSV and delimited text: copy-parameters-data-format


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("1,a\n2,b\n", [("1", "a"), ("2", "b")]),
        ("1,a\r\n2,b", [("1", "a"), ("2", "b")]),
        ('1,"a ""b"" c"\n', [("1", 'a "b" c')]),
        ('1,"a\nb,c"\n', [("1", "a\nb,c")]),
        ('"1",""\n', [("1", "")]),
        ("", []),
    ],
)
def test_csv(text: str, rows: list[tuple[str | None, ...]]) -> None:
    assert copied(text, PAIR).rows == rows


def test_other_delimiters_and_quotes() -> None:
    assert copied("1;'a;'''\n", PAIR, "CSV DELIMITER ';' QUOTE AS ''''").rows == [("1", "a;'")]
    assert copied('1|"a\n', PAIR, "").rows == [("1", '"a')]
    assert copied("1\ta\n", PAIR, r"DELIMITER '\t'").rows == [("1", "a")]


@pytest.mark.parametrize("line", ['1,a"b"', '1,"a"b', '1,"a', '"1"x,a'])
def test_a_quote_in_the_wrong_place_is_refused(line: str) -> None:
    found = copied(f"{line}\n", PAIR)
    assert [(e.err_code, e.err_reason) for e in found.report.errors] == [(1214, "Invalid quote formatting for CSV")]


def test_what_follows_a_wrong_quote_is_loaded() -> None:
    assert copied('1,a"\n2,b\n3,"c" \n4,"d"\n', PAIR, "CSV MAXERROR 9").rows == [("2", "b"), ("4", "d")]


@pytest.mark.parametrize(("line", "code"), [("1,a,x", 1202), ("1", 1214), ("", 1211)])
def test_a_row_has_as_many_fields_as_there_are_columns(line: str, code: int) -> None:
    """r_Load_Error_Reference."""
    assert copied(f"{line}\n", PAIR).codes == [code]


def test_missing_fields_are_filled() -> None:
    """copy-parameters-data-conversion, FILLRECORD: zero-length strings for VARCHAR, unless EMPTYASNULL says NULL."""
    columns = [*PAIR, column("bigint", name="c")]
    assert copied("1\n", columns, "CSV FILLRECORD").rows == [("1", "", None)]
    assert copied("1\n", columns, "CSV FILLRECORD EMPTYASNULL").rows == [("1", None, None)]


def test_a_header_and_blank_lines_are_passed_over() -> None:
    """IGNOREHEADER on copy-parameters-data-conversion is of each file; IGNOREBLANKLINES."""
    found = copied("a,b\n\n1,x\n\n", PAIR, "CSV IGNOREHEADER 1 IGNOREBLANKLINES")
    assert found.rows == [("1", "x")]
    assert copied("a,b\nz,x\n", PAIR, "CSV IGNOREHEADER 1").report.errors[0].line_number == 2


def test_a_row_of_more_than_four_megabytes_is_refused() -> None:
    """r_COPY."""
    columns = [Column(f"c{n}", "varchar", 65_535) for n in range(65)]
    longest = "x" * ((ROW - 64) // 65)
    fits = ",".join([longest] * 65).encode().ljust(ROW, b"x") + b"\n"
    assert copied(fits, columns).report.rows == 1
    assert copied(b"x" + fits, columns).codes == [1216]
    assert copied(b"x" + fits, columns, "CSV TRUNCATECOLUMNS").codes == [1216]


# --- errors: copy-parameters-data-load, r_STL_LOAD_ERRORS


@pytest.mark.parametrize(
    ("maxerror", "bad", "fails"), [(0, 1, True), (1, 1, True), (2, 1, False), (2, 2, True), (3, 2, False)]
)
def test_as_many_errors_as_maxerror_end_the_load(maxerror: int, bad: int, fails: bool) -> None:
    found = copied("x,a\n" * bad + "1,a\n", PAIR, f"CSV MAXERROR {maxerror}")
    assert bool(found.failed) == fails
    assert len(found.report.errors) == bad
    if found.failed:
        assert found.failed.code == "XX000"
        said = "Load into table 't' failed.  Check 'stl_load_errors' system table for details."
        assert found.failed.message == said
    else:
        assert found.rows == [("1", "a")]
        assert found.report.notices == [
            "Load into table 't' completed, 1 record(s) loaded successfully.",
            (
                f"Load into table 't' completed, {bad} record(s) could not be loaded.  "
                "Check 'stl_load_errors' system table for details."
            ),
        ]


def test_no_more_errors_are_logged_than_maxerror_says() -> None:
    assert len(copied("x,a\n" * 9, PAIR, "CSV MAXERROR 3").report.errors) == 3


def test_an_error_names_file_line_column_type_and_value() -> None:
    found = copied('1,a\n2,"ü\nü",\n3,much too long\n', PAIR, "CSV MAXERROR 9")
    shape, length = found.report.errors
    assert (shape.line_number, shape.err_code, shape.raw_line) == (3, 1202, '2,"..\n..",')
    assert (length.filename, length.line_number, length.colname) == (FILE, 4, "b")
    assert (length.type, length.col_length, length.position) == ("varchar", "8", 8)
    assert (length.raw_line, length.raw_field_value) == ("3,much too long", "much too long")
    assert (length.err_code, length.err_reason) == (1204, "String length exceeds DDL length")


def test_an_error_keeps_so_much_of_the_line() -> None:
    (error,) = copied(f"1,{'x' * 5000}\n", PAIR).report.errors
    assert (len(error.raw_line), len(error.raw_field_value)) == (1024, 1024)


def test_noload_checks_and_loads_nothing() -> None:
    """copy-parameters-data-load, NOLOAD."""
    found = copied("1,a\n", PAIR, "CSV NOLOAD")
    assert (found.output, found.report.rows) == (b"", 0)
    assert copied("x,a\n", PAIR, "CSV NOLOAD").codes == [1207]


def test_what_cannot_be_a_format_of_time_is_refused() -> None:
    found = statement("CSV TIMEFORMAT 'YYYY YYYY'")
    assert found.options.time_format
    with pytest.raises(SqlError, match="Invalid format string"):
        copied("", "timestamp without time zone", "CSV TIMEFORMAT 'YYYY YYYY'")


# --- JSON: copy-usage_notes-copy-from-json

JSONS = [column("integer", name="a"), column("character varying(32)", name="b"), column("super", name="c")]


def test_json_takes_keys_by_name() -> None:
    text = '{"b": "x", "a": 1, "other": 2}\n{"a":2,"c":{"n": 1.10}} {"A": 3, "b": null}'
    assert copied(text, JSONS, "JSON 'auto'").rows == [("1", "x", None), ("2", None, '{"n":1.10}'), (None, None, None)]
    assert copied('{"A": 3}', JSONS, "JSON 'auto ignorecase'").rows == [("3", None, None)]


def test_json_values_become_text() -> None:
    objects = [{"b": [1, "x"]}, {"b": {"k": True}}, {"b": False}, {"b": 12345678901234567890}]
    found = copied("\n".join(map(json.dumps, objects)), JSONS, "JSON")
    assert [row[1] for row in found.rows] == ['[1,"x"]', '{"k":true}', "false", "12345678901234567890"]


def test_json_that_is_none_is_refused_with_the_line_of_its_end() -> None:
    found = copied('{"a": 1}\n{"a": }\n{"a":\n"x"}\n[1]\n{"a": 2}', JSONS, "JSON MAXERROR 9")
    assert [row[0] for row in found.rows] == ["1", "2"]
    assert [(e.line_number, e.err_code) for e in found.report.errors] == [(2, 1216), (4, 1207), (5, 1216)]


def test_json_as_a_whole_goes_into_one_super_column() -> None:
    assert copied('{"a": 1.0}', "super", "JSON 'noshred'").values == ['{"a":1.0}']
    failed = copied("{}", JSONS, "JSON 'noshred'").failed
    assert failed
    assert "noshred" in failed.message
