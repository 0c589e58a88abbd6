"""What COPY makes of a field, by the type of its column: each test names the page of the Redshift guide it is from."""

from __future__ import annotations

import json

import pytest

from tests.unit.standin_copy import column, copied

VARCHAR = "character varying(4)"
STAMP = "timestamp without time zone"
ZONED = "timestamp with time zone"


def one(text: str, type_: str, options: str = "") -> tuple[str | None, int, str]:
    """What a value becomes, or the code and the reason of its load error."""
    body = '"' + text.replace('"', '""') + '"\n'
    found = copied(body, type_, f"CSV {options}")
    if found.failed:
        assert "stl_load_errors" in found.failed.message
        (error,) = found.report.errors
        return None, error.err_code, error.err_reason
    return found.values[0], 0, ""


def loaded(text: str, type_: str, options: str = "") -> str | None:
    value, code, reason = one(text, type_, options)
    assert code == 0, reason
    return value


def refused(text: str, type_: str, options: str = "") -> tuple[int, str]:
    value, code, reason = one(text, type_, options)
    assert code, f"it became {value!r}"
    return code, reason


# --- numbers: r_Numeric_types201, r_Load_Error_Reference


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("-32768", "smallint", "-32768"),
        ("2147483647", "integer", "2147483647"),
        ("-9223372036854775808", "bigint", "-9223372036854775808"),
        (" 7 ", "integer", "7"),
        ("", "integer", None),
        ("  ", "integer", None),
        ("1.5e3", "double precision", "1.5e3"),
        ("12.30", "numeric(5,2)", "12.30"),
    ],
)
def test_a_number_that_fits(text: str, type_: str, value: str | None) -> None:
    assert loaded(text, type_) == value


@pytest.mark.parametrize(
    ("text", "type_", "code", "reason"),
    [
        ("1a", "integer", 1207, "Invalid digit, Value 'a', Pos 1, Type: Integer"),
        ("1.0", "bigint", 1207, "Invalid digit, Value '.', Pos 1, Type: Long"),
        ("-", "integer", 1207, "Invalid digit, Value '-', Pos 0, Type: Integer"),
        ("32768", "smallint", 1222, "Overflow (Short valid range -32768 to 32767)"),
        ("2147483648", "integer", 1222, "Overflow (Integer valid range -2147483648 to 2147483647)"),
        ("9" * 5000, "bigint", 1222, "Overflow (Long valid range"),
        ("x1", "double precision", 1208, "Invalid digit, Value 'x', Pos 0, Type: Double"),
        ("1e400", "double precision", 1204, "Overflow (Double)"),
        ("1e39", "real", 1204, "Overflow (Float)"),
        ("1,5", "numeric(5,2)", 1207, "Invalid digit, Value ',', Pos 1, Type: Decimal"),
        ("1000", "numeric(5,2)", 1204, "Overflow for NUMERIC(5,2)"),
        ("perhaps", "boolean", 1210, "Unknown boolean format"),
    ],
)
def test_a_number_that_does_not_fit(text: str, type_: str, code: int, reason: str) -> None:
    found = refused(text, type_)
    assert found[0] == code
    assert found[1].startswith(reason)


@pytest.mark.parametrize(
    ("text", "cut", "rounded"), [("1.005", "1.00", "1.01"), ("-1.999", "-1.99", "-2.00"), ("0.1", "0.1", "0.1")]
)
def test_decimals_are_cut_off_unless_they_are_to_be_rounded(text: str, cut: str, rounded: str) -> None:
    """copy-parameters-data-conversion, ROUNDEC."""
    assert loaded(text, "numeric(5,2)") == cut
    assert loaded(text, "numeric(5,2)", "ROUNDEC") == rounded


def test_a_decimal_that_is_rounded_beyond_its_precision_does_not_fit() -> None:
    assert loaded("999.999", "numeric(5,2)") == "999.99"
    assert refused("999.999", "numeric(5,2)", "ROUNDEC") == (1204, "Overflow for NUMERIC(5,2)")


@pytest.mark.parametrize("text", ["t", "True", "y", "YES", "1", "f", "false", "n", "No", "0"])
def test_truth_values(text: str) -> None:
    """r_Boolean_type."""
    assert loaded(text, "boolean") == text


# --- strings: r_Character_types, multi-byte-character-load-errors


def test_a_string_is_as_long_as_its_bytes() -> None:
    assert loaded("äöab"[:3], "character varying(5)") == "äöa"
    assert refused("äöa", VARCHAR) == (1204, "String length exceeds DDL length")


@pytest.mark.parametrize(
    ("text", "kept"),
    [("abcde", "abcd"), ("aäöü", "aä"), ("ä€", "ä"), ("😀😀", "😀"), ("abc€", "abc")],
    ids=["ascii", "umlauts", "euro", "emoji", "euro at the end"],
)
def test_a_string_is_cut_at_a_character_within_its_bytes(text: str, kept: str) -> None:
    """copy-parameters-data-conversion, TRUNCATECOLUMNS."""
    assert loaded(text, VARCHAR, "TRUNCATECOLUMNS") == kept


def test_a_char_has_single_bytes_and_its_blanks_do_not_count() -> None:
    assert loaded("ab   ", "character(3)") == "ab "
    assert refused("abcd", "character(3)") == (1204, "Char length exceeds DDL length")
    said = "Multibyte character not supported for CHAR (Hint: try using VARCHAR). Invalid char: c3 a4"
    assert refused("aä", "character(3)") == (1220, said)


@pytest.mark.parametrize(
    ("raw", "sequence", "error"),
    [
        (b"a\xa4", "a4", 3),
        (b"\xe2\x82", "e2 82", 2),
        (b"\xe2\x28\xa1", "e2 28 a1", 4),
        (b"\xed\xa0\x80", "ed a0 80", 5),
        (b"\xef\xb7\xa1", "ef b7 a1", 6),
        (b"\xf8\x88\x80\x80\x80", "f8", 1),
    ],
)
def test_what_is_not_utf8_is_named_by_its_bytes(raw: bytes, sequence: str, error: int) -> None:
    (found,) = copied(raw + b"\n", VARCHAR).report.errors
    text = "String contains invalid or unsupported UTF8 codepoints."
    assert (found.err_code, found.err_reason) == (
        1220,
        f"{text} Bad UTF8 hex sequence: {sequence} (error {error})"[:100],
    )


@pytest.mark.parametrize(
    ("raw", "value"), [(b"a\xa4b", "a^b"), (b"\xe2\x82", "^^"), (b"\xef\xbf\xbe", "^^^"), (b"\xed\xa0\x80", "^^^")]
)
def test_what_is_not_utf8_is_replaced_byte_by_byte_and_logged(raw: bytes, value: str) -> None:
    """copy-parameters-data-conversion, ACCEPTINVCHARS; r_STL_REPLACEMENTS."""
    found = copied(b"fine\n" + raw + b"\n", VARCHAR, "CSV ACCEPTINVCHARS '^'")
    assert found.values == ["fine", value]
    (logged,) = found.report.replacements
    assert (logged.filename, logged.line_number, logged.colname) == ("s3://b/data", 2, "c")


def test_the_replacement_is_a_question_mark_and_the_log_has_a_hundred_rows() -> None:
    found = copied(b"\xff\n" * 150, VARCHAR, "CSV ACCEPTINVCHARS")
    assert found.values == ["?"] * 150
    assert len(found.report.replacements) == 100


def test_a_null_byte_is_refused_unless_it_stands_for_null() -> None:
    """t_preparing-input-data."""
    assert refused("a\0", VARCHAR) == (1218, "Invalid null byte - field longer than 1 byte")
    assert loaded("\0", VARCHAR, r"NULL AS '\0'") is None


# --- empty and blank: copy-parameters-data-conversion


@pytest.mark.parametrize(
    ("text", "type_", "options", "value"),
    [
        ("", VARCHAR, "", ""),
        ("", VARCHAR, "EMPTYASNULL", None),
        (" ", VARCHAR, "EMPTYASNULL", " "),
        (" \t", VARCHAR, "BLANKSASNULL", None),
        ("", VARCHAR, "BLANKSASNULL", ""),
        (" a ", VARCHAR, "TRIMBLANKS", " a"),
        (" ", VARCHAR, "", " "),
        (r"\N", VARCHAR, "", None),
        (r"\N", "integer", "", None),
        (r"\N", VARCHAR, "NULL AS 'none'", r"\N"),
        ("none", VARCHAR, "NULL AS 'none'", None),
    ],
)
def test_what_becomes_null(text: str, type_: str, options: str, value: str | None) -> None:
    assert loaded(text, type_, options) == value


def test_null_in_a_column_that_has_none_is_refused() -> None:
    found = copied("\n", [column("integer", not_null=True)])
    assert found.codes == [1213]
    assert found.report.errors[0].err_reason == "Missing data for not-null field"


# --- dates and times: r_DATEFORMAT_and_TIMEFORMAT_strings, automatic-recognition


@pytest.mark.parametrize(
    ("text", "format_"),
    [("2024-02-29", ""), ("29.02.2024", "DD.MM.YYYY"), ("02/29/24", "MM/DD/YY"), ("29-Feb-2024", "DD-MON-YYYY")],
)
def test_a_date_in_four_formats(text: str, format_: str) -> None:
    assert loaded(text, "date", f"DATEFORMAT '{format_}'" if format_ else "") == "2024-02-29"


@pytest.mark.parametrize(
    "text", ["2024-02-29", "20240229", "2024/02/29", "02/29/2024", "29-Feb-2024", "Feb 29, 2024", "2024-02-29 10:11:12"]
)
def test_dates_that_are_recognized(text: str) -> None:
    assert loaded(text, "date", "DATEFORMAT 'auto'") == "2024-02-29"


@pytest.mark.parametrize("text", ["2023-02-29", "2024-13-01", "0000-00-00", "tomorrow!!!", "29.02.2024"])
def test_a_date_that_is_none_is_refused_or_becomes_null(text: str) -> None:
    """copy-parameters-data-conversion, ACCEPTANYDATE."""
    assert refused(text, "date")[0] == 1205
    assert loaded(text, "date", "DATEFORMAT 'auto' ACCEPTANYDATE") is None


def test_a_date_that_is_too_short_is_said_to_be() -> None:
    assert refused("2024", "date") == (1205, "Invalid Date Format - length must be 10 or more")


@pytest.mark.parametrize(
    ("text", "options", "value"),
    [
        ("2024-02-29 10:11:12", "", "2024-02-29 10:11:12"),
        ("2024-02-29 10:11:12.123456", "", "2024-02-29 10:11:12.123456"),
        ("2024-02-29", "", "2024-02-29 00:00:00"),
        ("2024-02-29T10:11:12.5Z", "TIMEFORMAT 'auto'", "2024-02-29 10:11:12.500000"),
        ("02/29/2024 10:11:12 PM", "TIMEFORMAT 'auto'", "2024-02-29 22:11:12"),
        ("29.02.2024 10:11", "TIMEFORMAT 'DD.MM.YYYY HH:MI'", "2024-02-29 10:11:00"),
        ("1709201472.5", "TIMEFORMAT 'epochsecs'", "2024-02-29 10:11:12.500000"),
        ("1709201472500", "TIMEFORMAT 'epochmillisecs'", "2024-02-29 10:11:12.500000"),
        ("-1", "TIMEFORMAT 'epochsecs'", "1969-12-31 23:59:59"),
    ],
)
def test_a_timestamp(text: str, options: str, value: str) -> None:
    assert loaded(text, STAMP, options) == value


@pytest.mark.parametrize(
    ("text", "options", "value"),
    [
        ("2024-02-29 10:11:12", "", "2024-02-29 10:11:12+00"),
        ("2024-02-29 10:11:12+02", "", "2024-02-29 10:11:12+02"),
        ("2024-02-28T10:11:12.5Z", "TIMEFORMAT 'auto'", "2024-02-28T10:11:12.5Z"),
        ("1709201472", "TIMEFORMAT 'epochsecs'", "2024-02-29 10:11:12+00"),
    ],
)
def test_a_timestamp_with_its_zone(text: str, options: str, value: str) -> None:
    assert loaded(text, ZONED, options) == value


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("2024-02-29T10:11:12", ""),
        ("2024-02-30 10:11:12", ""),
        ("2024-02-29 25:00:00", ""),
        ("noon", "TIMEFORMAT 'auto'"),
        ("2024-02-29", "TIMEFORMAT 'epochsecs'"),
        ("99999999999999999", "TIMEFORMAT 'epochsecs'"),
    ],
)
def test_a_timestamp_that_is_none_is_refused_or_becomes_null(text: str, options: str) -> None:
    code, reason = refused(text, STAMP, options)
    assert code == 1206
    assert reason.startswith("Invalid timestamp format or value [")
    assert loaded(text, STAMP, f"{options} ACCEPTANYDATE") is None


# --- SUPER: limitations-super


def test_super_is_json_as_it_stands() -> None:
    assert loaded('{"a": [1.10, null, "x"]}', "super") == '{"a": [1.10, null, "x"]}'
    assert loaded("", "super") is None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[NaN]",
        r'"\ud800"',
        r'"\u0000"',
        json.dumps("x" * 65_536),
        "[" * 1_001 + "]" * 1_001,
    ],
    ids=["malformed", "NaN", "lone surrogate", "null byte", "string too long", "nested too deeply"],
)
def test_super_beyond_its_limits_is_refused(text: str) -> None:
    assert refused(text, "super")[0] == 1224


def test_super_at_its_limits_is_loaded() -> None:
    for text in (json.dumps("x" * 65_535), "[" * 1_000 + "]" * 1_000):
        assert loaded(text, "super") == text
