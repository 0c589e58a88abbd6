"""SQL as Redshift reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.redshift.errors import SqlError
from devstack.redshift.lexer import lex


def kinds(sql: str) -> list[tuple[str, str]]:
    return [(token.kind, token.value) for token in lex(sql)]


def test_a_token_knows_its_text_and_where_it_stands() -> None:
    sql = 'SELECT "A b", $12 FROM  t'

    assert [sql[t.start : t.end] for t in lex(sql)] == [t.text for t in lex(sql)]
    assert [t.text for t in lex(sql)] == ["SELECT", '"A b"', ",", "$12", "FROM", "t"]


@pytest.mark.parametrize(
    ("sql", "kind", "value"),
    [
        ("SELECT", "word", "select"),
        ("Größe", "word", "größe"),
        ("#Temp$1", "word", "#temp$1"),
        ('"Order ""x"""', "quoted", 'order "x"'),
        ("'it''s'", "string", "it's"),
        (r"'it\'s'", "string", "it's"),
        (r"'a\\b\n\t\q'", "string", "a\\b\n\tq"),
        (r"'\001\x41'", "string", "\x01A"),
        ("'-- /* no comment'", "string", "-- /* no comment"),
        ("$$SELECT 'x'$$", "string", "SELECT 'x'"),
        ("$q$ a $$ b $q$", "string", " a $$ b "),
        ("12", "number", "12"),
        ("1.5e-3", "number", "1.5e-3"),
        (".5", "number", ".5"),
        ("$3", "parameter", "3"),
        ("::", "symbol", "::"),
        ("<>", "symbol", "<>"),
    ],
)
def test_what_a_token_means(sql: str, kind: str, value: str) -> None:
    assert kinds(sql) == [(kind, value)]


def test_blanks_and_comments_are_skipped_and_comments_nest() -> None:
    assert kinds("a -- b 'c\n /* d /* e */ 'f */ g--") == [("word", "a"), ("word", "g")]


def test_symbols_stay_apart_from_what_surrounds_them() -> None:
    assert [t.text for t in lex("a.b||'c'::int<=3;")] == ["a", ".", "b", "||", "'c'", "::", "int", "<=", "3", ";"]


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("SELECT 'a", "unterminated quoted string"),
        (r"SELECT 'a\'", "unterminated quoted string"),
        ('SELECT "a', "unterminated quoted identifier"),
        ('SELECT ""', "zero-length"),
        ("/* a /* b */", "unterminated /* comment"),
        ("$$ a", "unterminated dollar"),
        (r"SELECT E'\n'", "syntax error"),
        ("SELECT B'1'", "syntax error"),
        ("SELECT U&'a'", "syntax error"),
    ],
)
def test_what_cannot_be_read_is_a_syntax_error(sql: str, complaint: str) -> None:
    with pytest.raises(SqlError, match=complaint.replace("*", r"\*")) as error:
        lex(sql)
    assert error.value.code == "42601"


@given(st.text())
def test_a_text_in_quotes_is_one_literal_with_that_value(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace("'", "''")
    assert kinds(f"'{quoted}'") == [("string", text)]
