"""The grammar of COPY and UNLOAD: pages r_COPY (and its pages of parameters) and r_UNLOAD."""

from __future__ import annotations

import pytest

from devstack.redshift.copying import Column, Credentials, parse_copy, parse_unload, target_columns
from devstack.redshift.errors import SqlError
from devstack.redshift.lexer import lex
from tests.unit.standin_copy import statement

ROLE = "arn:aws:iam::1:role/r"


def test_a_copy_names_its_table_columns_source_and_authorization() -> None:
    found = parse_copy(
        lex(f"""copy "Sales".Orders (id, "note") from 's3://b/manifest' iam_role '{ROLE}' manifest csv gzip;""")
    )
    assert (found.schema, found.table, found.columns) == ("sales", "orders", ("id", "note"))
    assert (found.source, found.credentials) == ("s3://b/manifest", Credentials(role=ROLE))
    assert (found.options.format, found.options.manifest, found.options.compression) == ("CSV", True, "GZIP")


def test_the_statement_that_the_product_sends_is_read() -> None:
    """sql/redshift/copy_parts.sql with plugins/sluice/warehouse/redshift/copy_options.py."""
    found = parse_copy(
        lex(r"""
        COPY "sluice_staging"."p__documents" ("_id", "title")
        FROM 's3://landing/copy-documents.json'
        ACCESS_KEY_ID 'k' SECRET_ACCESS_KEY 's' SESSION_TOKEN 't'
        MANIFEST CSV GZIP NULL AS '\\N:a1b2c3' TIMEFORMAT 'auto' COMPUPDATE OFF STATUPDATE OFF REGION 'eu-west-1'
        MAXERROR 3 DATEFORMAT 'auto' ACCEPTANYDATE ACCEPTINVCHARS AS '?' TRUNCATECOLUMNS
        """)
    )
    options = found.options
    assert (options.null_as, options.max_error, options.invalid_chars) == (r"\N:a1b2c3", 3, "?")
    assert (options.time_format, options.date_format) == ("auto", "auto")
    assert (options.comp_update, options.stat_update, options.region) == ("OFF", "OFF", "eu-west-1")
    assert options.accept_any_date
    assert options.truncate_columns
    assert found.credentials == Credentials(None, "k", "s", "t")
    assert "'s'" not in repr(found.credentials)


def test_the_defaults_are_those_of_the_guide() -> None:
    text, csv = statement("").options, statement("FORMAT AS CSV").options
    assert (text.format, text.delimiter, text.null_as, text.max_error) == ("TEXT", "|", r"\N", 0)
    assert (csv.format, csv.delimiter, csv.quote) == ("CSV", ",", '"')
    assert statement("JSON").options.json == "auto"
    assert statement("CSV ACCEPTINVCHARS").options.invalid_chars == "?"


@pytest.mark.parametrize(
    ("written", "meant"), [(r"'\N'", r"\N"), (r"'\\N'", r"\N"), (r"'\000'", "\0"), (r"'\0'", "\0")]
)
def test_what_stands_for_null(written: str, meant: str) -> None:
    assert statement(f"CSV NULL AS {written}").options.null_as == meant


@pytest.mark.parametrize("written", [r"'\t'", r"'\\t'", r"'\011'"])
def test_a_delimiter_may_be_written_as_an_escape(written: str) -> None:
    """copy-parameters-data-format, DELIMITER."""
    assert statement(f"DELIMITER {written}").options.delimiter == "\t"


def test_credentials_may_stand_in_one_string() -> None:
    """copy-parameters-authorization."""
    found = parse_copy(
        lex("COPY t FROM 's3://b/k' WITH CREDENTIALS AS 'aws_access_key_id=k;aws_secret_access_key=s=;token=t' CSV")
    )
    assert found.credentials == Credentials(None, "k", "s=", "t")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ("CSV NOSUCHOPTION", "42601", 'near "NOSUCHOPTION"'),
        ("CSV CSV", "42601", "conflicting or redundant options"),
        ("CSV PARQUET", "42601", "conflicting or redundant options"),
        ("CSV GZIP ZSTD", "42601", "conflicting or redundant options"),
        ("CSV MAXERROR", "42601", "end of input"),
        ("CSV MAXERROR 100001", "22023", "MAXERROR"),
        ("CSV MAXERROR 2 IGNOREALLERRORS", "0A000", "MAXERROR"),
        ("QUOTE '%'", "0A000", "QUOTE"),
        ("CSV SERIALIZETOJSON", "0A000", "SERIALIZETOJSON"),
        ("JSON DELIMITER ';'", "0A000", "DELIMITER"),
        ("CSV DELIMITER 'ab'", "22023", "DELIMITER"),
        ("CSV QUOTE 'ä'", "22023", "QUOTE"),
        ("CSV ACCEPTINVCHARS 'ab'", "22023", "ACCEPTINVCHARS"),
        ("CSV ENCODING UTF16", "0A000", "ENCODING"),
        ("ORC", "0A000", "ORC is not emulated"),
        ("CSV ESCAPE", "0A000", "ESCAPE is not emulated"),
        *(
            (f"PARQUET {option}", "0A000", f"{option.split()[0]} argument is not supported for PARQUET based COPY")
            for option in (
                "MAXERROR 2",
                "ACCEPTANYDATE",
                "TRUNCATECOLUMNS",
                "REGION 'eu-west-1'",
                "COMPUPDATE OFF",
                "GZIP",
            )
        ),
    ],
)
def test_an_unknown_or_contradictory_option_is_refused(options: str, code: str, said: str) -> None:
    """copy-parameters-data-format, -data-load, copy-usage_notes-copy-from-columnar."""
    with pytest.raises(SqlError, match=said) as refused:
        statement(options)
    assert refused.value.code == code


@pytest.mark.parametrize("sql", ["COPY t FROM 's3://b/k' CSV", "COPY t FROM 's3://b/k' ACCESS_KEY_ID 'k' CSV"])
def test_a_copy_needs_authorization(sql: str) -> None:
    with pytest.raises(SqlError, match=r"CREDENTIALS argument is required|specified together"):
        parse_copy(lex(sql))


@pytest.mark.parametrize("source", ["data.csv", "s3://", "https://b/k"])
def test_a_source_is_an_address_in_s3(source: str) -> None:
    with pytest.raises(SqlError, match="S3 path"):
        parse_copy(lex(f"COPY t FROM '{source}' IAM_ROLE default CSV"))


TABLE = [
    Column.of("id", "bigint", identity="always"),
    Column.of("a", "integer"),
    Column.of("b", "character varying(8)"),
]


@pytest.mark.parametrize(
    ("columns", "options", "filled"),
    [
        ("", "", ["a", "b"]),
        ("", "EXPLICIT_IDS", ["id", "a", "b"]),
        ("(b, a)", "", ["b", "a"]),
        ("(id, b)", "EXPLICIT_IDS", ["id", "b"]),
    ],
)
def test_the_columns_that_data_fills(columns: str, options: str, filled: list[str]) -> None:
    """copy-parameters-column-mapping; EXPLICIT_IDS on copy-parameters-data-conversion."""
    found = parse_copy(lex(f"COPY t {columns} FROM 's3://b/k' IAM_ROLE default CSV {options}"))
    assert [column.name for column in target_columns(found, TABLE)] == filled


@pytest.mark.parametrize(
    ("columns", "options", "code"),
    [("(c)", "", "42703"), ("(a, a)", "", "42701"), ("(id, a)", "", "0A000"), ("(a)", "EXPLICIT_IDS", "0A000")],
)
def test_columns_that_cannot_be_filled(columns: str, options: str, code: str) -> None:
    found = parse_copy(lex(f"COPY t {columns} FROM 's3://b/k' IAM_ROLE default CSV {options}"))
    with pytest.raises(SqlError) as refused:
        target_columns(found, TABLE)
    assert refused.value.code == code


def test_a_column_is_described_as_the_system_tables_do() -> None:
    """r_STL_LOAD_ERRORS: type and col_length."""
    shown = [
        (c.type, c.length) for c in (Column.of("c", t) for t in ("numeric(18,0)", "character varying(64)", "bigint"))
    ]
    assert shown == [("numeric", "18, 0"), ("varchar", "64"), ("int8", "")]
    assert Column.of("c", "timestamp without time zone").type == "timestamp"
    assert Column.of("c", "timestamp(6) with time zone").type == "timestamptz"


def test_an_unload_names_its_query_and_target() -> None:
    found = parse_unload(
        lex(
            r"""UNLOAD ('select \'a\', 1') TO 's3://b/out_' IAM_ROLE 'r' CSV HEADER GZIP MANIFEST ALLOWOVERWRITE
            PARALLEL OFF MAXFILESIZE AS 100 MB DELIMITER ';'"""
        )
    )
    assert (found.query, found.target) == ("select 'a', 1", "s3://b/out_")
    options = found.options
    assert (options.format, options.header, options.compression, options.delimiter) == ("CSV", True, "GZIP", ";")
    assert (options.manifest, options.allow_overwrite, options.parallel) == (True, True, False)
    assert options.max_file_size == 100 << 20


@pytest.mark.parametrize("options", ["MAXFILESIZE 1 MB", "CSV ADDQUOTES", "PARTITION BY (a)", "PARQUET"])
def test_an_unload_that_is_refused(options: str) -> None:
    with pytest.raises(SqlError):
        parse_unload(lex(f"UNLOAD ('select 1') TO 's3://b/out_' IAM_ROLE 'r' {options}"))
