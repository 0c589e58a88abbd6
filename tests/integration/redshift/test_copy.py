"""COPY and UNLOAD through the stand-in, as a client of a cluster sees them: what is in the tables and the logs."""

from __future__ import annotations

import csv
import gzip
import io
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psutil
import pytest
import redshift_connector
from redshift_connector.error import ProgrammingError

from devstack.stack import Stack
from tests.contract.own_redshift import OwnRedshift, require_stand_in
from tests.unit.test_standin_copy_fast import TYPES

Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def server(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedshift]:
    require_stand_in()
    with OwnRedshift(tmp_path_factory.mktemp("redshift"), stack.env()).running() as found:
        yield found


@dataclass
class Client:
    """One session, and the objects that it loads."""

    session: redshift_connector.Connection
    s3: Any
    bucket: str
    tables: int = 0

    def rows(self, sql: str) -> Rows:
        cursor = self.session.cursor()
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def table(self, *columns: str) -> str:
        self.tables += 1
        name = f"t{self.tables}"
        self.rows(f"CREATE TEMP TABLE {name} ({', '.join(columns)})")
        return name

    def put(self, body: str | bytes, key: str = "data") -> str:
        raw = body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=raw)
        return f"s3://{self.bucket}/{key}"

    def copy(self, table: str, body: str | bytes, options: str = "") -> None:
        self.rows(f"COPY {table} FROM '{self.put(body)}' IAM_ROLE default CSV {options}")

    def loaded(self, type_: str, values: Sequence[str], options: str = "") -> list[Any]:
        """What a column of one type holds after a COPY of these values."""
        name = self.table("n INTEGER", f"v {type_}")
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(enumerate(values))
        self.copy(name, text.getvalue(), options)
        return [value for (value,) in self.rows(f"SELECT v FROM {name} ORDER BY n")]

    def errors(self) -> Rows:
        columns = "trim(filename), line_number, trim(colname), err_code, trim(err_reason)"
        return self.rows(f"SELECT {columns} FROM stl_load_errors WHERE query = pg_last_copy_id() ORDER BY line_number")


@pytest.fixture
def client(server: OwnRedshift, s3: Any, bucket: str) -> Iterator[Client]:
    end = server.endpoint
    session = redshift_connector.connect(
        host=end.host, port=end.port, user=end.login, password=end.password, database=end.schema, ssl=False
    )
    session.autocommit = True
    yield Client(session, s3, bucket)
    session.close()


# --- a bad row: r_Load_Error_Reference, copy-parameters-data-load

BAD = {
    "1202": ("INTEGER", "1,1,1", "v", "Extra column(s) found"),
    "1204": ("VARCHAR(2)", "1,abc", "v", "String length exceeds DDL length"),
    "1204 decimal": ("DECIMAL(3,1)", "1,100", "v", "Overflow for NUMERIC(3,1)"),
    "1205": ("DATE", "1,2023-02-30", "v", "Invalid Date"),
    "1206": ("TIMESTAMP", "1,noon", "v", "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]"),
    "1207": ("INTEGER", "1,x", "v", "Invalid digit, Value 'x', Pos 0, Type: Integer"),
    "1208": ("DOUBLE PRECISION", "1,x", "v", "Invalid digit, Value 'x', Pos 0, Type: Double"),
    "1210": ("BOOLEAN", "1,x", "v", "Unknown boolean format"),
    "1211": ("INTEGER", "", "", "Input line is empty"),
    "1213": ("INTEGER NOT NULL", "1,", "v", "Missing data for not-null field"),
    "1214": ("INTEGER", "1", "v", "Delimiter not found"),
    "1214 quotes": ("VARCHAR(9)", '1,"a"b', "", "Invalid quote formatting for CSV"),
    "1218": ("VARCHAR(9)", "1,a\0", "v", "Invalid null byte - field longer than 1 byte"),
    "1220": ("VARCHAR(9)", "1,\udcff", "v", "String contains invalid or unsupported UTF8 codepoints."),
    "1220 char": ("CHAR(9)", "1,ä", "v", "Multibyte character not supported for CHAR"),
    "1222": ("SMALLINT", "1,32768", "v", "Overflow (Short valid range -32768 to 32767)"),
    "1224": ("SUPER", "1,{", "v", "Invalid JSON format for SUPER"),
}
GOOD = {"DATE": "2024-01-01", "TIMESTAMP": "2024-01-01 00:00:00", "BOOLEAN": "t"}


@pytest.fixture(params=BAD)
def bad(request: pytest.FixtureRequest, client: Client) -> tuple[str, str, tuple[Any, ...]]:
    """A table, a file with one bad row between good ones, and what is logged of it."""
    type_, line, column, reason = BAD[request.param]
    good = GOOD.get(type_, "1")
    logged = (f"s3://{client.bucket}/data", 2, column, int(request.param[:4]), reason)
    return client.table("n INTEGER", f"v {type_}"), f"7,{good}\n{line}\n9,{good}\n", logged


def same(found: tuple[Any, ...], logged: tuple[Any, ...]) -> bool:
    return found[:4] == logged[:4] and found[4].startswith(logged[4])


def test_a_bad_row_that_is_tolerated_is_logged_and_the_others_are_loaded(client: Client, bad: Any) -> None:
    table, body, logged = bad
    client.copy(table, body, "MAXERROR 2")

    assert client.rows(f"SELECT n FROM {table} ORDER BY n") == [(7,), (9,)]
    assert client.rows("SELECT pg_last_copy_count()") == [(2,)]
    (found,) = client.errors()
    assert same(found, logged)


def test_a_bad_row_ends_the_load_with_the_same_log_and_changes_nothing(client: Client, bad: Any) -> None:
    table, body, logged = bad
    client.rows(f"INSERT INTO {table} SELECT 1, v FROM {table} WHERE FALSE")
    with pytest.raises(ProgrammingError) as error:
        client.copy(table, body)

    assert error.value.args[0]["C"] == "XX000"
    said = f"Load into table '{table}' failed.  Check 'stl_load_errors' system table for details."
    assert error.value.args[0]["M"] == said
    assert client.rows(f"SELECT count(*) FROM {table}") == [(0,)]
    assert client.rows("SELECT pg_last_copy_count()") == [(0,)]
    (found,) = client.errors()
    assert same(found, logged)


def test_both_system_tables_have_the_error_also_after_a_rollback(client: Client) -> None:
    table = client.table("v INTEGER")
    client.rows("BEGIN")
    with pytest.raises(ProgrammingError):
        client.copy(table, "x\n")
    client.rows("ROLLBACK")

    assert len(client.errors()) == 1
    detail = "SELECT line_number, error_code FROM sys_load_error_detail WHERE query_id = pg_last_copy_id()"
    assert client.rows(detail) == [(1, 1207)]


def test_a_load_is_rolled_back_with_its_transaction(client: Client) -> None:
    """r_COPY."""
    table = client.table("v INTEGER")
    client.rows("BEGIN")
    client.copy(table, "1\n2\n")
    assert client.rows(f"SELECT count(*) FROM {table}") == [(2,)]
    client.rows("ROLLBACK")
    assert client.rows(f"SELECT count(*) FROM {table}") == [(0,)]


# --- values: copy-parameters-data-conversion


def test_strings_are_cut_at_a_character_by_their_bytes(client: Client) -> None:
    values = ["ab", "äöü", "a€€", "😀😀"]
    assert client.loaded("VARCHAR(4)", values, "TRUNCATECOLUMNS") == ["ab", "äö", "a€", "😀"]


def test_dates_in_four_formats_and_dates_that_are_none(client: Client) -> None:
    values = ["2024-02-29", "20240229", "02/29/2024", "29-Feb-2024", "2023-02-29", "soon"]
    found = client.loaded("DATE", values, "DATEFORMAT 'auto' ACCEPTANYDATE")
    assert [str(value) for value in found] == ["2024-02-29"] * 4 + ["None"] * 2
    client.loaded("DATE", values, "DATEFORMAT 'auto' MAXERROR 9")
    assert [error[3] for error in client.errors()] == [1205, 1205]
    assert client.rows("SELECT pg_last_copy_count()") == [(4,)]


def test_what_is_not_utf8_is_replaced_and_counted(client: Client) -> None:
    assert client.loaded("VARCHAR(8)", ["a", "\udcff\udcfeb", "c\udcff"], "ACCEPTINVCHARS '?'") == ["a", "??b", "c?"]
    logged = "SELECT trim(colname), count(*) FROM stl_replacements WHERE query = pg_last_copy_id() GROUP BY 1"
    assert client.rows(logged) == [("v", 2)]


def test_decimals_with_more_digits_are_cut_or_rounded(client: Client) -> None:
    values = ["1.005", "-1.999", "7"]
    assert client.loaded("DECIMAL(9,2)", values) == [Decimal("1.00"), Decimal("-1.99"), Decimal("7.00")]
    assert client.loaded("DECIMAL(9,2)", values, "ROUNDEC") == [Decimal("1.01"), Decimal("-2.00"), Decimal("7.00")]


@pytest.mark.parametrize("options", ["", "TIMEFORMAT 'auto' DATEFORMAT 'auto'"])
@pytest.mark.parametrize("type_", TYPES)
def test_whatever_copy_lets_pass_the_database_takes(client: Client, type_: str, options: str) -> None:
    """The engine is the only judge: a value that it sends on and that PostgreSQL refused would end the load."""
    values = [value for value in TYPES[type_] if value.isprintable()]
    found = client.loaded(type_.upper(), values, f"MAXERROR 1000 {options}")
    assert len(found) + len(client.errors()) == len(values)


def test_identity_columns_are_filled_unless_they_are_given(client: Client) -> None:
    """copy-parameters-column-mapping, EXPLICIT_IDS."""
    table = client.table("id BIGINT IDENTITY(1, 1)", "v INTEGER")
    client.copy(table, "7\n8\n")
    client.copy(table, "100,9\n", "EXPLICIT_IDS")
    ids = client.rows(f"SELECT id, v FROM {table} ORDER BY v")
    assert [v for _, v in ids] == [7, 8, 9]
    assert ids[2] == (100, 9)
    assert len({id_ for id_, _ in ids}) == 3


# --- r_UNLOAD


def test_what_is_unloaded_can_be_loaded(client: Client) -> None:
    table = client.table("a INTEGER", "b VARCHAR(16)", "c TIMESTAMP")
    client.copy(table, '1,"a,""b\nc",2024-01-01 00:00:00\n2,,\n')
    at = f"s3://{client.bucket}/out/"
    client.rows(f"UNLOAD ('SELECT * FROM {table} ORDER BY a') TO '{at}' IAM_ROLE default CSV GZIP MANIFEST")
    again = client.table("a INTEGER", "b VARCHAR(16)", "c TIMESTAMP")
    client.rows(f"COPY {again} FROM '{at}manifest' IAM_ROLE default CSV GZIP MANIFEST")
    both = [client.rows(f"SELECT * FROM {name} ORDER BY a") for name in (table, again)]
    assert both[0] == both[1]
    assert len(both[0]) == 2


# --- speed

COLUMNS = (
    "id BIGINT",
    "key VARCHAR(24)",
    "title VARCHAR(256)",
    "pages INTEGER",
    "price DECIMAL(18,2)",
    "score DOUBLE PRECISION",
    "sold BOOLEAN",
    "day DATE",
    "made TIMESTAMP",
    "changed TIMESTAMPTZ",
)


def lines(count: int) -> bytes:
    rnd, text = random.Random(1), io.StringIO()
    written = csv.writer(text, lineterminator="\n")
    for n in range(count):
        day = f"2024-05-{n % 28 + 1:02d}"
        values = [f"{rnd.random() * 1000:.2f}", rnd.random(), "true", day, f"{day} 10:11:12.123456", f"{day} 10:11:12Z"]
        written.writerow([n, f"{rnd.getrandbits(96):024x}", f'Title "of" some text, ü {n}', n % 7 or "", *values])
    return gzip.compress(text.getvalue().encode(), 1)


def cpu_seconds(process: psutil.Process) -> dict[int, float]:
    """What each process of a server has used so far."""
    times = {one.pid: one.cpu_times() for one in (process, *process.children(recursive=True))}
    return {pid: used.user + used.system for pid, used in times.items()}


@pytest.mark.slow
def test_a_hundred_thousand_rows_a_second_are_loaded_on_two_cores(client: Client, server: OwnRedshift) -> None:
    """By the time on the processors, which other work on the machine does not change much."""
    assert server.process
    process = psutil.Process(server.process.pid)
    table, body = client.table(*COLUMNS), lines(125_000)
    for number in range(4):
        client.put(body, f"big/{number}.csv.gz")

    before, begun = cpu_seconds(process), time.perf_counter()
    client.rows(f"COPY {table} FROM 's3://{client.bucket}/big/' IAM_ROLE default CSV GZIP TIMEFORMAT 'auto'")
    seconds = time.perf_counter() - begun
    used = [after - before.get(pid, 0) for pid, after in cpu_seconds(process).items()]

    print(f"{500_000 / seconds:,.0f} rows/s; seconds on a processor: {sum(used):.1f}, of one process {max(used):.1f}")
    assert client.rows(f"SELECT count(*), count(pages) FROM {table}") == [(500_000, 4 * 107_142)]
    assert max(used) < 5
    assert sum(used) < 10
