"""What COPY reads from S3, and what it says when it cannot: on the S3 server of the stack, without a database."""

from __future__ import annotations

import bz2
import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from devstack.redshift.copying import Column, Copy, Storage, Unload, parse_copy, parse_unload
from devstack.redshift.errors import SqlError
from devstack.redshift.lexer import lex
from devstack.stack import Stack

A = [Column("a", "int4")]
AUTHORIZED = "IAM_ROLE default"
Loaded = list[str]


@pytest.fixture
def storage(stack: Stack) -> Storage:
    env = stack.env()
    return Storage(env["S3_ENDPOINT_URL"], env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])


@pytest.fixture
def put(s3: Any, bucket: str) -> Callable[[str, bytes], str]:
    """Write an object; its address."""

    def write(key: str, body: bytes) -> str:
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        return f"s3://{bucket}/{key}"

    return write


@pytest.fixture
def load(storage: Storage) -> Callable[..., Loaded]:
    """The lines that a COPY sends to the database."""

    def run(source: str, options: str, columns: list[Column] = A, authorized: str = AUTHORIZED) -> Loaded:
        found = parse_copy(lex(f"COPY t FROM '{source}' {authorized} {options}"))
        copy = Copy(found, columns, storage.client(found.credentials))
        return b"".join(copy.chunks()).decode().splitlines()

    return run


@pytest.fixture
def manifest(put: Callable[[str, bytes], str]) -> Callable[..., str]:
    def write(*entries: dict[str, Any]) -> str:
        return put("manifest.json", json.dumps({"entries": entries}).encode())

    return write


def parquet(table: pa.Table) -> bytes:
    body = io.BytesIO()
    pq.write_table(table, body)
    return body.getvalue()


# --- copy-parameters-data-source-s3


def test_a_source_is_a_prefix(put: Any, load: Any) -> None:
    for key in ("x", "x.bak", "x_1/part", "y"):
        put(key, f"{len(key)}\n".encode())
    assert sorted(load(put("x", b"1\n"), "CSV")) == ["1", "5", "8"]


def test_a_prefix_without_objects_is_refused(load: Any, bucket: str) -> None:
    with pytest.raises(SqlError, match="The specified S3 prefix 'none/' does not exist"):
        load(f"s3://{bucket}/none/", "CSV")


def test_a_bucket_that_is_not_there_is_named_by_s3(load: Any) -> None:
    with pytest.raises(SqlError, match=r"S3ServiceException:.*Status 404,Error NoSuchBucket"):
        load("s3://no-such-bucket-here/x", "CSV")


def test_keys_of_the_statement_are_the_ones_that_are_used(put: Any, load: Any, stack: Stack) -> None:
    """copy-parameters-authorization."""
    at, env = put("x", b"1\n"), stack.env()
    own = f"ACCESS_KEY_ID '{env['AWS_ACCESS_KEY_ID']}' SECRET_ACCESS_KEY '{env['AWS_SECRET_ACCESS_KEY']}'"
    assert load(at, "CSV", authorized=own) == ["1"]
    with pytest.raises(SqlError, match=r"S3ServiceException:.*Status 403"):
        load(at, "CSV", authorized="ACCESS_KEY_ID 'foreign' SECRET_ACCESS_KEY 'wrong'")


# --- loading-data-files-using-manifest


def test_a_manifest_names_the_objects_and_twice_is_twice(put: Any, load: Any, manifest: Any) -> None:
    one, two = put("d/1", b"1\n"), put("d/2", b"2\n")
    put("d/3", b"3\n")
    at = manifest({"url": one, "mandatory": True}, {"url": two}, {"url": one})
    assert load(at, "MANIFEST CSV") == ["1", "2", "1"]


def test_an_object_that_is_missing_is_passed_over_unless_it_is_mandatory(put: Any, load: Any, manifest: Any) -> None:
    one = put("d/1", b"1\n")
    assert load(manifest({"url": one}, {"url": f"{one}0"}), "MANIFEST CSV") == ["1"]
    with pytest.raises(SqlError, match="Mandatory url is not present in manifest file") as error:
        load(manifest({"url": one}, {"url": f"{one}0", "mandatory": True}), "MANIFEST CSV")
    assert f"url={one}0" in error.value.detail


def test_a_manifest_of_nothing_that_is_there_is_refused(load: Any, manifest: Any, bucket: str) -> None:
    with pytest.raises(SqlError, match="does not exist"):
        load(manifest({"url": f"s3://{bucket}/none"}), "MANIFEST CSV")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"entries": [{}]}', b'{"entries": 1}'])
def test_a_manifest_is_json_of_entries(put: Any, load: Any, body: bytes) -> None:
    with pytest.raises(SqlError, match="Manifest file is not in correct json format"):
        load(put("manifest.json", body), "MANIFEST CSV")


def test_a_manifest_that_is_missing(load: Any, bucket: str) -> None:
    said = r"Problem reading manifest file - S3ServiceException:The specified key does not exist\.,Status 404"
    with pytest.raises(SqlError, match=said):
        load(f"s3://{bucket}/none.json", "MANIFEST CSV")


# --- copy-parameters-file-compression

COMPRESS = {"": bytes, "GZIP": gzip.compress, "ZSTD": zstandard.compress, "BZIP2": bz2.compress}


@pytest.mark.parametrize("compression", COMPRESS)
def test_a_compressed_object_of_one_or_more_streams(put: Any, load: Any, compression: str) -> None:
    body = COMPRESS[compression](b"1\n" * 100_000) + COMPRESS[compression](b"2\n")
    assert load(put("x", body), f"CSV {compression}") == ["1"] * 100_000 + ["2"]


@pytest.mark.parametrize("compression", ["GZIP", "ZSTD", "BZIP2"])
@pytest.mark.parametrize("cut", [-1, -8, 20], ids=["at its end", "before its checksum", "near its start"])
def test_a_compressed_object_that_is_cut_off_is_an_error(put: Any, load: Any, compression: str, cut: int) -> None:
    at = put("x", COMPRESS[compression](b"".join(b"%d\n" % n for n in range(1000)))[:cut])
    with pytest.raises(SqlError, match=r"failed to inflate with \w+: ") as error:
        load(at, f"CSV {compression}")
    assert f"S3 key being read : {at}" in error.value.detail


def test_an_object_that_is_not_compressed_is_an_error(put: Any, load: Any) -> None:
    with pytest.raises(SqlError, match="failed to inflate"):
        load(put("x", b"1\n" * 100), "CSV GZIP")


# --- copy-usage_notes-copy-from-json


def test_jsonpaths_choose_the_values(put: Any, load: Any) -> None:
    paths = put("paths.json", json.dumps({"jsonpaths": ["$.a.b[1]", "$['c']"]}).encode())
    columns = [Column("x", "int4"), Column("y", "varchar", 8)]
    at = put("x", b'{"a": {"b": [1, 2]}, "c": "d"}\n{"c": [3]}')
    assert load(at, f"JSON '{paths}'", columns) == ["2\td", "\\N\t[3]"]
    with pytest.raises(SqlError, match="Number of jsonpaths and the number of columns should match"):
        load(at, f"JSON '{paths}'")


# --- copy-usage_notes-copy-from-columnar

COLUMNS = [
    Column("i", "int8"),
    Column("s", "varchar", 8),
    Column("d", "numeric", 9, 2),
    Column("t", "timestamp"),
    Column("b", "bool"),
    Column("f", "float8"),
    Column("y", "date"),
]
TABLE = pa.table(
    {
        "i": pa.array([1, None], pa.int64()),
        "s": ["a\tb", ""],
        "d": pa.array([None, 1], pa.decimal128(9, 2)),
        "t": pa.array([0, 1_500_000], pa.timestamp("us")),
        "b": [True, None],
        "f": [1.5, -2.0],
        "y": pa.array([0, 1], pa.date32()),
    }
)


def test_parquet_is_taken_by_the_order_of_its_columns(put: Any, load: Any) -> None:
    named = TABLE.rename_columns([f"other_{n}" for n in range(7)])
    assert load(put("x", parquet(named)), "PARQUET", COLUMNS) == [
        "1\ta\\tb\t\\N\t1970-01-01 00:00:00+00\ttrue\t1.5\t1970-01-01",
        "\\N\t\t1.00\t1970-01-01 00:00:01.500000+00\t\\N\t-2\t1970-01-02",
    ]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (COLUMNS[:6], "Unmatched number of columns between table and file. Table columns: 6, Data columns: 7"),
        ([Column("i", "int4"), *COLUMNS[1:]], "has an incompatible Parquet schema for column"),
        ([COLUMNS[0], Column("s", "varchar", 2), *COLUMNS[2:]], "is longer than the length defined in the table"),
        ([Column("i", "int8", not_null=True), *COLUMNS[1:]], "NULL value in a not-null column 'i'"),
    ],
    ids=["count", "type", "length", "null"],
)
def test_parquet_that_does_not_fit_ends_the_load(put: Any, load: Any, columns: list[Column], said: str) -> None:
    with pytest.raises(SqlError, match="Spectrum Scan Error") as error:
        load(put("x", parquet(TABLE)), "PARQUET", columns)
    assert said in error.value.detail


def test_a_manifest_of_parquet_says_how_long_its_objects_are(put: Any, load: Any, manifest: Any) -> None:
    body = parquet(TABLE)
    at = put("x", body)
    assert len(load(manifest({"url": at, "meta": {"content_length": len(body)}}), "MANIFEST PARQUET", COLUMNS)) == 2
    with pytest.raises(SqlError, match="does not have 'meta' key"):
        load(manifest({"url": at}), "MANIFEST PARQUET", COLUMNS)
    with pytest.raises(SqlError, match="Spectrum Scan Error"):
        load(manifest({"url": at, "meta": {"content_length": len(body) - 1}}), "MANIFEST PARQUET", COLUMNS)


def test_parquet_may_have_characters_replaced(put: Any, load: Any) -> None:
    table = pa.table({"s": pa.array([b"a\xff"]).view(pa.string())})
    at, column = put("x", parquet(table)), [Column("s", "varchar", 8)]
    assert load(at, "PARQUET ACCEPTINVCHARS '?'", column) == ["a?"]
    with pytest.raises(SqlError, match="Spectrum Scan Error"):
        load(at, "PARQUET", column)


JSONS = pa.chunked_array([pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(['{"a": 1}', None]))])


def test_parquet_fills_super(put: Any, load: Any) -> None:
    """SERIALIZETOJSON on copy-parameters-data-format; a text has at most 65,535 bytes (limitations-super)."""
    at = put("x", parquet(pa.table({"j": JSONS, "t": ["x", "1"], "n": [[1], None]})))
    columns = [Column(name, "super") for name in "jtn"]
    assert load(at, "PARQUET SERIALIZETOJSON", columns) == ['{"a": 1}\t"x"\t[1]', '\\N\t"1"\t\\N']
    with pytest.raises(SqlError, match="Spectrum Scan Error"):
        load(at, "PARQUET", columns)
    text = put("y", parquet(pa.table({"j": JSONS})))
    assert load(text, "PARQUET", columns[:1]) == [r'"{\\"a\\": 1}"', r"\N"]
    with pytest.raises(SqlError, match="String value exceeds the max size of 65535 bytes"):
        load(put("z", parquet(pa.table({"t": ["x" * 65_536]}))), "PARQUET SERIALIZETOJSON", columns[:1])


def test_columns_that_parquet_lacks_are_filled_with_null(put: Any, load: Any) -> None:
    at = put("x", parquet(TABLE.select(["i"])))
    assert load(at, "PARQUET FILLRECORD", COLUMNS[:3]) == ["1\t\\N\t\\N", "\\N\t\\N\t\\N"]


def test_a_broken_parquet_object_is_an_error(put: Any, load: Any) -> None:
    body = parquet(TABLE)
    for broken in (body[:-5], body[:4] + b"\xff" * 40 + body[44:]):
        with pytest.raises(SqlError, match="Spectrum Scan Error"):
            load(put("x", broken), "PARQUET", COLUMNS)


# --- r_UNLOAD

ROWS = b'1\ta,b\t\\N\n2\tsay "hi"\tx\\ty\\\\\n'


@pytest.fixture
def unload(storage: Storage) -> Callable[[str, str], str]:
    def run(target: str, options: str) -> str:
        found = parse_unload(lex(f"UNLOAD ('select 1') TO '{target}' {AUTHORIZED} {options}"))
        return Unload(found, storage.client(found.credentials)).write(["n", "s", "v"], iter([ROWS[:5], ROWS[5:]]))

    return run


def read(s3: Any, bucket: str, key: str) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def test_unload_writes_the_rows_under_a_prefix(unload: Any, s3: Any, bucket: str) -> None:
    at = f"s3://{bucket}/out_"
    assert unload(at, "CSV HEADER GZIP MANIFEST") == "UNLOAD completed, 2 record(s) unloaded successfully."
    body = read(s3, bucket, "out_0000_part_00.gz")
    assert gzip.decompress(body) == b'n,s,v\n1,"a,b",\n2,"say ""hi""",x\ty\\\n'
    entries = json.loads(read(s3, bucket, "out_manifest"))["entries"]
    assert entries == [{"url": f"{at}0000_part_00.gz", "meta": {"content_length": len(body)}}]


def test_unload_is_delimited_text_by_default(unload: Any, s3: Any, bucket: str) -> None:
    unload(f"s3://{bucket}/out_", "ADDQUOTES NULL AS 'none' PARALLEL OFF")
    assert read(s3, bucket, "out_000") == b'"1"|"a,b"|none\n"2"|"say "hi""|"x\ty\\"\n'


def test_unload_overwrites_only_where_it_may(unload: Any, s3: Any, bucket: str) -> None:
    at = f"s3://{bucket}/out_"
    unload(at, "CSV")
    with pytest.raises(SqlError, match="Specified unload destination on S3 is not empty"):
        unload(at, "CSV")
    unload(at, "CSV ALLOWOVERWRITE")


def test_what_unload_wrote_copy_loads(unload: Any, load: Any, bucket: str) -> None:
    at = f"s3://{bucket}/out_"
    unload(at, "CSV ZSTD MANIFEST")
    columns = [Column("n", "int4"), Column("s", "varchar", 32), Column("v", "varchar", 32)]
    lines = load(f"{at}manifest", "CSV ZSTD MANIFEST EMPTYASNULL", columns)
    assert [line.encode() for line in lines] == ROWS.splitlines()
