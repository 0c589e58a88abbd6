"""What the development server sees in a request before its engine does."""

from __future__ import annotations

import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.clickhouse.body import Body, boundary_of, form
from devstack.clickhouse.call import Call
from devstack.clickhouse.failure import Failure
from devstack.clickhouse.statements import asked, format_of, insert_of


@pytest.mark.parametrize(
    ("text", "statement", "kind", "data"),
    [
        (b"INSERT INTO t FORMAT CSV\n1", b"INSERT INTO t ", "CSV", b"1"),
        (b"insert into t format CSV \r\n1", b"insert into t ", "CSV", b"1"),
        (b"INSERT INTO t FORMAT CSV 1\n2", b"INSERT INTO t ", "CSV", b"1\n2"),
        (b"INSERT INTO t FORMAT TSV\n\n", b"INSERT INTO t ", "TSV", b"\n"),
        (b"INSERT INTO t VALUES (1)", b"INSERT INTO t ", "Values", b" (1)"),
        (b"INSERT INTO t (a, values) VALUES(1)", b"INSERT INTO t (a, values) ", "Values", b"(1)"),
        (b"INSERT INTO `select` FORMAT Native\n\xff'", b"INSERT INTO `select` ", "Native", b"\xff'"),
        (b"INSERT INTO x.format FORMAT CSV\n", b"INSERT INTO x.format ", "CSV", b""),
        (b"/* SELECT */ -- x\nINSERT INTO t FORMAT CSV\n", b"/* SELECT */ -- x\nINSERT INTO t ", "CSV", b""),
        (
            b"INSERT INTO t SETTINGS async_insert=0, log_comment='it''s SELECT \\' x' FORMAT CSV\n1",
            b"INSERT INTO t SETTINGS async_insert=0, log_comment='it''s SELECT \\' x' ",
            "CSV",
            b"1",
        ),
        (
            b"INSERT INTO FUNCTION s3('a', $$b'$$) VALUES (1)",
            b"INSERT INTO FUNCTION s3('a', $$b'$$) ",
            "Values",
            b" (1)",
        ),
    ],
)
def test_an_insert_is_split_where_its_data_starts(text: bytes, statement: bytes, kind: str, data: bytes) -> None:
    insert = insert_of(text)
    assert insert
    assert (insert.statement, insert.format, text[insert.data_at :]) == (statement, kind, data)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"SELECT 1",
        b"INSERT INTO t SELECT * FROM VALUES('a Int8', 1)",
        b"INSERT INTO t WITH 1 AS x SELECT x",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        b"SELECT 'INSERT INTO t VALUES (1)'",
        b"-- INSERT INTO t VALUES (1)\nSELECT 1",
        b"INSERT INTO t",
    ],
)
def test_any_other_statement_brings_no_data(text: bytes) -> None:
    assert insert_of(text) is None


@given(st.binary())
def test_data_is_never_read_as_a_statement(data: bytes) -> None:
    insert = insert_of(b"INSERT INTO t FORMAT Native\n" + data)
    assert insert
    assert (b"INSERT INTO t FORMAT Native\n" + data)[insert.data_at :] == data


@given(st.binary())
def test_no_text_is_too_strange_to_be_looked_at(text: bytes) -> None:
    insert_of(text)
    format_of(text)
    assert text in asked(text, "x")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"SELECT 1 FORMAT CSV", "CSV"),
        (b"SELECT 1 format CSV ; ", "CSV"),
        (b"SELECT 1 FORMAT CSV -- FORMAT TSV", "CSV"),
        (b"SELECT 1 FORMAT CSV SETTINGS max_threads = 1", "CSV"),
        (b"SELECT 1 SETTINGS max_threads = 1 FORMAT CSV", "CSV"),
        (b"SELECT 'x FORMAT CSV'", None),
        (b"SELECT format('{}', 1)", None),
        (b"SELECT format FROM t", None),
        (b"SELECT (SELECT 1 FORMAT CSV)", None),
        (b"SELECT x.format, y", None),
        (b"SELECT 1", None),
    ],
)
def test_a_result_has_the_format_that_its_statement_ends_in(text: bytes, kind: str | None) -> None:
    assert format_of(text) == kind


def test_a_query_id_goes_along_in_a_comment_that_it_cannot_end() -> None:
    assert asked(b"SELECT 1 -- one", "a */ b") == b"SELECT 1 -- one\n/* query_id=a%20%2A%2F%20b */"
    assert asked(b"INSERT INTO t VALUES (1)", "a") == b"/* query_id=a */ INSERT INTO t VALUES (1)"


def test_only_a_kill_query_means_the_clients_query_ids() -> None:
    kill = asked(b"KILL QUERY WHERE (query_id = 'query_id')", "a")
    assert b"(decodeURLComponent(" in kill
    assert b" = 'query_id')" in kill
    for text in (b"SELECT query_id FROM system.processes", b"KILL MUTATION WHERE mutation_id = 'query_id'"):
        assert asked(text, "a").startswith(text)


def test_a_call_tells_settings_from_what_belongs_to_the_protocol() -> None:
    query = "query=SELECT+1&database=d&session_id=s&param_x=1&wait_end_of_query=1&max_threads=2&k_format=CSV&user=u"
    call = Call.of(query + "&k_structure=a+Int8&allow_suspicious_low_cardinality_types=1", {}, read_only=False)
    call = call.with_form({"param_y": "2"}, {"k": b"1"})
    assert call.settings == {"max_threads": "2", "allow_suspicious_low_cardinality_types": "1"}
    assert call.parameters == {"x": "1", "y": "2"}
    assert [tuple(table) for table in call.tables] == [("k", "a Int8", "CSV", b"1")]
    assert (call.sql, call.database, call.waits) == (b"SELECT 1\n", "d", True)


@given(st.dictionaries(st.sampled_from("abc"), st.binary()))
def test_the_files_of_a_form_keep_every_byte(files: dict[str, bytes]) -> None:
    mark = b"--a-boundary-that-no-data-has"
    parts = [
        b'--%b\r\nContent-Disposition: form-data; name="%b"; filename="f"\r\n\r\n%b\r\n' % (mark, name.encode(), data)
        for name, data in files.items()
    ]
    field = b'--%b\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1\r\n' % mark
    read = form(b"".join([*parts, field, b"--%b--\r\n" % mark]), mark)
    assert read == ({"query": "SELECT 1"}, files)


def test_a_form_is_known_by_its_content_type() -> None:
    assert boundary_of({"content-type": 'multipart/form-data; boundary="x"'}) == b"x"
    assert boundary_of({"content-type": "text/plain; boundary=x"}) is None


@given(st.lists(st.binary(min_size=1), max_size=5), st.binary(), st.integers(0, 40))
def test_a_body_is_the_same_however_it_is_looked_at(pieces: list[bytes], front: bytes, size: int) -> None:
    sent = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    body = Body.of(io.BytesIO(sent), {"transfer-encoding": "chunked"})
    body.prepend(front)
    whole = front + b"".join(pieces)
    head = body.head(size)
    assert len(head) >= min(size, len(whole))
    assert whole.startswith(head)
    body.skip(min(size, len(head)))
    assert body.whole() == whole[min(size, len(head)) :]


@pytest.mark.parametrize("sent", [b"5\r\nabc", b"5\r\nabcde\r\n", b"", b"x\r\n"])
def test_a_body_that_breaks_off_is_not_a_whole_one(sent: bytes) -> None:
    with pytest.raises(ConnectionError):
        Body.of(io.BytesIO(sent), {"transfer-encoding": "chunked"}).whole()
    with pytest.raises(ConnectionError):
        Body.of(io.BytesIO(sent), {"content-length": str(len(sent) + 1)}).whole()


def test_a_compressed_body_that_breaks_off_is_a_failure() -> None:
    packed = gzip.compress(b"1" * 1000)[:-1]
    body = Body.of(io.BytesIO(packed), {"content-length": str(len(packed)), "content-encoding": "gzip"})
    with pytest.raises(Failure, match="CANNOT_DECOMPRESS"):
        body.whole()
