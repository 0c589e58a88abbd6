"""SQL in files: what a file has to say of itself, and what may be put into it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice import statements
from sluice.statements import OPEN, ROOT, Sql, bind, literal, name, names

FILES = sorted(str(p.relative_to(ROOT / "sql").with_suffix("")) for p in (ROOT / "sql").glob("*/*.sql"))
WORDS = {"purpose", "parameters", "guarantee", "why"}


@pytest.mark.parametrize("path", FILES)
def test_every_file_says_what_it_is_for_and_which_slots_it_has(path: str) -> None:
    header = statements.header(path)
    named = set(re.findall(r"[a-z_]+", header["parameters"])) - {"none"}

    assert set(header) == WORDS
    assert named == statements.slots(path)


@pytest.mark.parametrize("path", FILES)
def test_every_file_holds_one_statement(path: str) -> None:
    assert ";" not in statements._body(path)


def test_values_are_sent_beside_the_text() -> None:
    bound = bind("clickhouse/table_exists", database="sluice", table="'; DROP TABLE x; --")

    assert bound.parameters == {"database": "sluice", "table": "'; DROP TABLE x; --"}
    assert "DROP" not in bound.text
    assert "--" not in bound.text


def test_pieces_become_part_of_the_text() -> None:
    assert bind("clickhouse/count_rows", table=name("sluice", "batches")).text.endswith('FROM "sluice"."batches"')


def test_an_open_parameter_stays_in_the_text() -> None:
    pieces = {word: name("x") for word in ("view", "columns", "versions")}
    bound = bind("clickhouse/create_at_view", **pieces, comment=literal(""), batch=OPEN)

    assert "{batch:UInt32}" in bound.text
    assert bound.parameters == {}


def test_a_missing_or_unknown_slot_is_refused() -> None:
    with pytest.raises(TypeError, match="needs table"):
        bind("clickhouse/table_exists", database="sluice")
    with pytest.raises(TypeError, match="no slot schema"):
        bind("clickhouse/table_exists", database="sluice", table="x", schema="y")


def test_text_never_goes_where_a_piece_does() -> None:
    with pytest.raises(TypeError, match=r"\$table takes"):
        bind("clickhouse/count_rows", table="sluice.batches")


def test_a_statement_that_is_not_there_is_named() -> None:
    with pytest.raises(LookupError, match=r"no_such\.sql"):
        bind("clickhouse/no_such")


@given(st.text())
def test_an_identifier_is_plain_or_refused(text: str) -> None:
    try:
        quoted = name(text).text
    except ValueError:
        assert not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) or len(text) > 200
    else:
        assert quoted == f'"{text}"'
        assert re.fullmatch(r"\w+", text, re.ASCII)


def test_identifiers_are_listed_in_order() -> None:
    assert names(["b", "a"]) == Sql('"b", "a"')


@given(st.text())
def test_a_literal_cannot_end_early(text: str) -> None:
    inner = literal(text).text[1:-1]

    assert not re.search(r"(?<!\\)(\\\\)*'", inner)
    assert inner.replace("\\'", "'").replace("\\\\", "\\") == text or "\\" in text
