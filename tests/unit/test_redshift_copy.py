"""What COPY is told, and how it is authorized: no server is needed to see it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from sluice import s3_client
from sluice.errors import ConfigError, Terminal
from sluice.settings import Endpoint
from sluice.spec import CopyOptions, Landing, UnknownFields
from sluice.warehouse.redshift.copy_options import copy_options, landed_format, null_marker
from sluice.warehouse.redshift.landed import Access, copy_manifest, manifest_key
from sluice.warehouse.redshift.load_errors import LoadError, explained, reject_rows
from sluice.warehouse.redshift.staging import rows_of
from sluice.warehouse.redshift.tables import has_super
from tests.factories import a_child, a_collection, a_column, a_manifest, a_part, a_plan

PLAN = "20261123T120000-abc123"


def options(format_: str = "csv", region: str | None = None, **wanted: Any) -> str:
    return copy_options(format_, PLAN, CopyOptions(**wanted), region).text


def a_load_error(**overrides: Any) -> LoadError:
    fields = {"file": "s3://landing/part", "line": 7, "column": "title", "type": "varchar", "code": 1204}
    return LoadError(**{**fields, "reason": "too long", "value": "xx", "raw": "a1,xx,rest", **overrides})


# --- options


def test_a_plain_csv_load_stops_at_the_first_bad_row_and_leaves_statistics_alone() -> None:
    assert options() == (r"CSV GZIP NULL AS '\\N:abc123' TIMEFORMAT 'auto' COMPUPDATE OFF STATUPDATE OFF MAXERROR 0")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"maxerror": 5}, "MAXERROR 5"),
        ({"acceptanydate": True}, "DATEFORMAT 'auto' ACCEPTANYDATE"),
        ({"acceptinvchars": "^"}, "ACCEPTINVCHARS AS '^'"),
        ({"acceptinvchars": "'"}, r"ACCEPTINVCHARS AS '\''"),
        ({"truncatecolumns": True}, "TRUNCATECOLUMNS"),
        ({"region": "eu-west-1"}, "REGION 'eu-west-1'"),
    ],
    ids=str,
)
def test_each_option_is_said(wanted: dict[str, Any], said: str) -> None:
    assert said in options(**wanted)
    assert said not in options()


def test_parquet_takes_only_what_columnar_formats_take() -> None:
    assert options("parquet", "eu-west-1") == "PARQUET STATUPDATE OFF"
    assert options("parquet", acceptinvchars="?") == "PARQUET STATUPDATE OFF ACCEPTINVCHARS AS '?'"


def test_json_in_parquet_is_parsed_where_a_table_has_json() -> None:
    copied = copy_options("parquet", PLAN, CopyOptions(), has_super=True).text

    assert copied == "PARQUET STATUPDATE OFF SERIALIZETOJSON"
    assert options("csv") == copy_options("csv", PLAN, CopyOptions(), has_super=True).text
    assert has_super(a_collection().tables[0])
    assert not has_super(a_collection(unknown_fields=UnknownFields.IGNORE).tables[0])


def test_a_landing_for_another_warehouse_is_refused_with_its_plan_its_format_and_what_to_do() -> None:
    with pytest.raises(ConfigError) as error:
        landed_format([a_manifest(format="parquet", warehouse="clickhouse")])

    for said in ("parquet for clickhouse", a_manifest().plan, "csv or parquet", "make a new plan"):
        assert said in str(error.value)


@pytest.mark.parametrize("wanted", [{"maxerror": 1}, {"acceptanydate": True}, {"truncatecolumns": True}], ids=str)
def test_parquet_refuses_options_for_lines(wanted: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"landing\.format"):
        options("parquet", **wanted)


@pytest.mark.parametrize("formats", [("avro",), ("csv", "parquet")])
def test_another_format_or_two_are_refused(formats: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=" and ".join(formats)):
        landed_format([a_manifest(warehouse="redshift", format=name) for name in formats])


def test_nothing_landed_has_a_format_too() -> None:
    assert landed_format([]) == "csv"


def test_two_plans_have_different_nulls() -> None:
    assert null_marker(PLAN) != null_marker("20261123T120000-abc124")


# --- the manifest


def test_every_part_is_mandatory_and_has_its_size() -> None:
    entries = json.loads(copy_manifest("landing", [a_part(key="p/0", bytes=9), a_part(key="p/1", bytes=8)]))["entries"]

    assert [(e["url"], e["mandatory"], e["meta"]) for e in entries] == [
        ("s3://landing/p/0", True, {"content_length": 9}),
        ("s3://landing/p/1", True, {"content_length": 8}),
    ]


def test_the_manifest_lies_in_the_folder_of_its_plan() -> None:
    part = a_part(key=f"sluice/publishing/documents/{PLAN}/ids-000/0a0b/documents/part-00000.csv.gz")

    assert manifest_key(part, a_plan(id=PLAN)) == f"sluice/publishing/documents/{PLAN}/copy-documents.json"
    assert manifest_key(part, a_plan(id=PLAN, turn=1)).startswith(
        f"sluice/publishing/documents/{PLAN}/copy-documents__"
    )


# --- authorization


def access(role: str = "", login: str | None = None, token: str = "") -> Access:
    warehouse = Endpoint("warehouse", extra={"iam_role": role})
    landing = Endpoint("landing_s3", login=login, password=login and "secret", extra={"aws_session_token": token})
    return Access.of(warehouse, landing, Landing("landing_s3", "landing"))


def test_a_role_comes_before_keys_and_is_no_secret() -> None:
    found = access("arn:aws:iam::1:role/r", "AKIA")

    assert found.authorization.text == "IAM_ROLE 'arn:aws:iam::1:role/r'"
    assert found.secrets == ()


def test_the_clusters_default_role_is_a_word() -> None:
    assert access("default").authorization.text == "IAM_ROLE default"


def test_keys_of_the_landing_are_masked() -> None:
    found = access(login="AKIA", token="t0ken")

    assert found.authorization.text == "ACCESS_KEY_ID 'AKIA' SECRET_ACCESS_KEY 'secret' SESSION_TOKEN 't0ken'"
    assert found.secrets == ("secret", "t0ken")


def test_the_machines_own_keys_are_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_client, "own_keys", lambda: ("AKIA", "own", None))

    assert access().authorization.text == "ACCESS_KEY_ID 'AKIA' SECRET_ACCESS_KEY 'own'"
    assert access().secrets == ("own",)


def test_without_role_and_keys_the_error_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_client, "own_keys", lambda: None)

    with pytest.raises(ConfigError, match="iam_role"):
        _ = access().authorization


# --- what COPY refused


def test_an_error_says_file_line_column_value_and_reason() -> None:
    assert str(a_load_error()) == "s3://landing/part line 7: title (varchar) from 'xx': too long (1204)"
    assert str(a_load_error(value="", column="")) == "s3://landing/part line 7: the line (varchar): too long (1204)"


def test_a_failed_copy_is_explained_by_its_first_errors() -> None:
    found = explained(Terminal("COPY failed"), [a_load_error(line=n) for n in range(9)])

    assert (found.what, found.why.count("; ")) == ("COPY failed", 4)
    assert "maxerror" in found.fix


def test_a_failed_copy_without_a_logged_error_is_left_as_it_is() -> None:
    failed = Terminal("COPY failed", why="disk full")

    assert explained(failed, []) is failed


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ("a1,xx,rest", "a1"),
        ('"a,1",xx', "a,1"),
        ("a1", ""),
        ("", ""),
    ],
    ids=["plain", "quoted", "cut in the key", "nothing logged"],
)
def test_a_refused_line_is_known_by_its_key_or_else_by_its_place(raw: str, key: str) -> None:
    own = a_collection().tables[0]

    one, other = reject_rows(own, [a_load_error(raw=raw), a_load_error(raw=raw, line=8)])

    assert (one.key, one.column, one.reason, one.position) == (key, "title", "copy_1204", 7)
    assert (one.hash == other.hash) == bool(key)


@pytest.mark.parametrize(
    ("kind", "stored", "key"),
    [
        ("string(64)", "plain", "plain"),
        ("string(64)", "5", "s:5"),
        ("uuid", str(UUID(int=5)), f"uuid:{UUID(int=5)}"),
        ("int64", "5", "5"),
        ("int64", "damaged", ""),
        ("objectid", "damaged", ""),
    ],
)
def test_the_key_of_a_refused_line_is_that_of_a_reject_of_landing(kind: str, stored: str, key: str) -> None:
    columns = (a_column("_id", kind), a_column("title", "text"))
    own = a_collection(modified=None, columns=columns).tables[0]

    (reject,) = reject_rows(own, [a_load_error(raw=f"{stored},xx,rest")])

    assert reject.key == key


def test_a_refused_line_of_a_child_names_the_childs_table() -> None:
    _, child = a_collection(children=(a_child(),)).tables

    (reject,) = reject_rows(child, [a_load_error(column="value")])

    assert (reject.collection, reject.column) == ("documents", "documents_keywords.value")


def test_rows_of_a_csv_part_are_counted_as_copy_does() -> None:
    import gzip

    body = gzip.compress(b'a,"two\nlines, and a ""quote"""\nb,one\n')

    assert rows_of("csv")(body) == 2
