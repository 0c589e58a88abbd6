"""From MongoDB through S3 into Redshift, as CSV and as Parquet: analysts see the same values, whatever was landed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, ObjectId
from pymongo.database import Database

from devstack.stack import Stack
from sluice import pipeline as spine
from sluice.columns import OnError
from sluice.errors import ConfigError
from sluice.settings import from_environment
from sluice.spec import Collection, Landing, LandingFormat, Pipeline, Rejects, Source
from sluice.warehouse.base import Commit
from tests.contract.lab import BUCKET, Lab
from tests.contract.redshift import RedshiftLab, RedshiftServers, a_redshift_pipeline
from tests.factories import a_child, a_collection, a_column

NOON = datetime(2026, 11, 23, 12, 0, 0, 123_000, UTC)
ID = ObjectId("507f1f77bcf86cd799439011")

VALUES: dict[str, tuple[str, list[Any], list[Any]]] = {
    "c_string": ("string(64)", ["", 'say "x", please', "ä€𝄞"], ["", 'say "x", please', "ä€𝄞"]),
    "c_text": ("text", ["line\r\nline\ttab", "\\N", "x" * 65_535], ["line\r\nline\ttab", "\\N", "x" * 65_535]),
    "c_int32": ("int32", [-(2**31), 0, 2**31 - 1], [-(2**31), 0, 2**31 - 1]),
    "c_int64": ("int64", [Int64(-(2**63)), 0, Int64(2**63 - 1)], [-(2**63), 0, 2**63 - 1]),
    "c_float": ("float64", [0.1, -1.5e300, 5e-324], [0.1, -1.5e300, 5e-324]),
    "c_money": ("decimal(18,4)", [Decimal128("-12.3400"), 0, 7], [Decimal("-12.3400"), Decimal(0), Decimal(7)]),
    "c_small": ("decimal(38,12)", [Decimal128("1E-12"), 0, -1], [Decimal("1E-12"), Decimal(0), Decimal(-1)]),
    "c_bool": ("bool", [True, False, True], [True, False, True]),
    "c_time": ("timestamp", [NOON, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)], []),
    "c_date": ("date", [datetime(1969, 12, 31)] * 3, [date(1969, 12, 31)] * 3),  # noqa: DTZ001  BSON's are UTC
    "c_id": ("objectid", [ID] * 3, [str(ID)] * 3),
    "c_uuid": ("uuid", [Binary(bytes(range(16)), 4)] * 3, ["00010203-0405-0607-0809-0a0b0c0d0e0f"] * 3),
    "c_binary": ("binary", [b"", b"\0\xff", b"x" * 32_767], ["", "00ff", (b"x" * 32_767).hex()]),
    "c_json": ("json", ["text", {"a": ['"', {"b": None}]}, 7], ["text", {"a": ['"', {"b": None}]}, 7]),
}
"""Column → its type, what three documents hold, and what analysts see of it (of dates, the same)."""


def a_pipeline_of(database: Database[Any], format_: LandingFormat) -> Pipeline:
    columns = tuple(a_column(name, kind, on_error=OnError.REJECT) for name, (kind, _, _) in VALUES.items())
    documents: Collection = a_collection(modified=None, columns=(a_column(), *columns), children=(a_child(),))
    return a_redshift_pipeline(
        collections=(documents,),
        source=Source("publishing_mongo", database.name),
        landing=Landing("landing_s3", BUCKET, "formats", format_),
        rejects=Rejects(10),
    )


@pytest.fixture
def documents(database: Database[Any]) -> Database[Any]:
    """Three documents of values, one of nulls, and some that Redshift cannot hold."""
    values = [{"_id": n, **{name: given[n] for name, (_, given, _) in VALUES.items()}} for n in range(3)]
    more = {"keywords": ["a,b", '"', None], "unknown": {"deep": ['q"', 1]}}
    nothing = {"_id": 3, **dict.fromkeys(VALUES)}
    cannot = [{"_id": "k" * 1025}, {"_id": 4, "c_text": "a\0b"}, {"_id": 5, "c_json": {"a": "x" * 65_536}}]
    database["documents"].insert_many([values[0] | more, *values[1:], nothing, *cannot])
    return database


@pytest.fixture
def servers_of_both(redshift_servers: RedshiftServers) -> Iterator[RedshiftServers]:
    with closing(redshift_servers.plain()) as both:
        yield both


def publish(lab: Lab, stack: Stack) -> tuple[Commit, dict[int, dict[str, Any]]]:
    """One batch of the spine; what analysts see afterwards, by key."""
    servers = lab.servers
    assert isinstance(servers, RedshiftServers)
    ends = {"landing_s3": servers.landing, "warehouse": servers.redshift}
    ends["publishing_mongo"] = from_environment("publishing_mongo", stack.env())
    with spine.connect(lab.pipeline, ends.__getitem__) as systems:
        servers.opened.append(systems.warehouse._client)  # type: ignore[attr-defined]
        commit = spine.run(lab.pipeline, systems)
    names = ["_id", *VALUES, "_extra"]
    rows = lab.rows(f"SELECT {', '.join(names)} FROM {lab.pipeline.warehouse.schema}.documents")
    found = {int(row[0]): dict(zip(names, row, strict=True)) for row in rows}
    return commit, {
        key: row | {"c_json": parsed(row["c_json"]), "_extra": parsed(row["_extra"])} for key, row in found.items()
    }


def parsed(value: str | None) -> Any:
    return None if value is None else json.loads(value)


@pytest.mark.parametrize("format_", LandingFormat)
def test_analysts_see_each_value_as_it_is_in_the_source(
    format_: LandingFormat, servers_of_both: RedshiftServers, documents: Database[Any], stack: Stack
) -> None:
    lab = RedshiftLab(servers_of_both, a_pipeline_of(documents, format_))

    commit, found = publish(lab, stack)

    for name, (_, given, seen) in VALUES.items():
        assert [found[n][name] for n in range(3)] == (seen or given), name
    assert {found[3][name] for name in VALUES} == {None}
    assert [found[n]["_extra"] for n in range(4)] == [{"unknown": {"deep": ['q"', 1]}}, None, None, None]
    table = f"{lab.pipeline.warehouse.schema}.documents_keywords"
    assert lab.rows(f"SELECT parent_id, ordinal, value FROM {table} ORDER BY 2") == [
        ("0", 0, "a,b"),
        ("0", 1, '"'),
        ("0", 2, None),
    ]
    assert commit.counts["documents"]["rejected"] == 3
    reasons = {(reject.column, reject.reason) for reject in lab.warehouse.rejects(lab.pipeline.name)}
    assert reasons == {("_id", "too_long"), ("c_text", "nul_character"), ("c_json", "too_long")}


def test_a_landing_for_clickhouse_is_refused_by_redshift_and_the_other_way_round(
    clickhouse_lab: Lab, servers_of_both: RedshiftServers
) -> None:
    redshift_lab = RedshiftLab(servers_of_both)
    redshift_lab.warehouse.migrate(redshift_lab.pipeline)
    for lander, loader, said in (
        (clickhouse_lab, redshift_lab, "parquet for clickhouse, this is redshift, which loads its own csv or parquet"),
        (redshift_lab, clickhouse_lab, "csv for redshift, this is clickhouse, which loads its own parquet"),
    ):
        plan = lander.plan()
        (collection, _) = lander.pipeline.collections
        manifest = lander.land(plan, collection, [])

        for landed in (manifest, replace(manifest, format="parquet")):
            with pytest.raises(ConfigError) as error:
                loader.warehouse.load(plan, collection, [landed])
            assert plan.id in str(error.value)
            assert "make a new plan" in str(error.value)
        assert said in str(_refusal(loader, plan, collection, manifest))


def _refusal(loader: Lab, plan: Any, collection: Collection, manifest: Any) -> ConfigError:
    with pytest.raises(ConfigError) as error:
        loader.warehouse.load(plan, collection, [manifest])
    return error.value
