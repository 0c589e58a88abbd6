"""What reading through the published views costs, against a plain table with the same rows.

Five million tickets, twenty batches of 0.5 % random updates published over them by the product's own code; six shapes
of query; before and after the purge of closed versions; and ReplacingMergeTree with FINAL beside it, not yet merged.

python -m benchmarks.reads [--rows 5000000] [--batches 20] [--runs 9]
"""

from __future__ import annotations

import argparse
import math
import secrets
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from clickhouse_connect.driver import Client as Driver

from devstack import servers
from devstack.stack import Stack
from sluice import spec
from sluice.columns import ColumnType
from sluice.manifest import Manifest, Part
from sluice.settings import Endpoint, from_environment
from sluice.warehouse.base import Batch, Loaded
from sluice.warehouse.clickhouse import ClickHouse
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.fence import Pace
from sluice.warehouse.clickhouse.landed import Access
from sluice.warehouse.clickhouse.tables import Place, definitions, staged
from sluice.window import BatchKind, Cut, Plan, Window

COLUMNS = {
    "_id": "objectid",
    "document_id": "objectid",
    "user": "string(64)",
    "mark": "int32",
    "status": "string(16)",
    "created_at": "timestamp",
    "updated_at": "timestamp",
}
ROW = """
    lower(hex(reinterpretAsFixedString(sipHash128(number)))) AS long,
    substring(long, 1, 24) AS _id,
    substring(lower(hex(reinterpretAsFixedString(sipHash128(number % {documents}, 'd')))), 1, 24) AS document_id,
    concat('user-', toString(sipHash64(number, 'u') % 50000)) AS user,
    toInt32(sipHash64(number, {version}, 'm') % 1000) AS mark,
    ['Started', 'InProgress', 'Finished', 'Error'][1 + sipHash64(number, {version}) % 4] AS status,
    toDateTime64('2025-01-01', 3, 'UTC') + toIntervalSecond(number * 6) AS created_at,
    created_at + toIntervalSecond(60 * {version}) AS updated_at,
    sipHash64(number, {version}) AS _hash
"""
QUERIES = {
    "group by status": "SELECT status, count(), sum(mark) FROM {table} GROUP BY status",
    "uniq users": "SELECT uniq(user) FROM {table}",
    "time range off the key": (
        "SELECT count(), avg(mark) FROM {table} "
        "WHERE updated_at BETWEEN toDateTime64('2025-06-01', 3, 'UTC') AND toDateTime64('2025-06-11', 3, 'UTC')"
    ),
    "group by document": "SELECT document_id, count() AS n FROM {table} GROUP BY document_id ORDER BY n DESC LIMIT 10",
    "newest 20": "SELECT * FROM {table} ORDER BY updated_at DESC LIMIT 20",
    "point by key": "SELECT * FROM {table} WHERE _id = {key}",
}
SCANS = tuple(QUERIES)[:5]


@dataclass(frozen=True)
class Bench:
    """One run, with names of its own on a shared server."""

    endpoint: Endpoint
    rows: int
    batches: int
    runs: int
    name: str

    @property
    def pipeline(self) -> spec.Pipeline:
        columns = tuple(spec.Column(n, n, ColumnType.parse(t)) for n, t in COLUMNS.items())
        options = spec.ClickHouseOptions(low_cardinality=("status",))
        tickets = spec.Collection(
            "tickets", "updated_at", columns, unknown_fields=spec.UnknownFields.IGNORE, clickhouse=options
        )
        warehouse = spec.Warehouse(spec.WarehouseKind.CLICKHOUSE, self.endpoint.conn_id, f"{self.name}_read")
        return spec.Pipeline(
            self.name, spec.Source("none", "none"), spec.Landing("none", "none"), warehouse, (tickets,)
        )


def compare(env: Mapping[str, str], rows: int = 5_000_000, batches: int = 20, runs: int = 9) -> dict[str, Any]:
    """Build, measure before and after the purge, take away. Ratios to the plain table, and milliseconds."""
    bench = Bench(from_environment("warehouse", env), rows, batches, runs, f"bench_{secrets.token_hex(3)}")
    client = Client.connect(bench.endpoint)
    warehouse, driver = ClickHouse(client, Access(), Pace(settle=0.0)), client._driver
    try:
        build(bench, warehouse, driver)
        before = measure(bench, driver, final=True)
        warehouse.purge(bench.pipeline, older_than=timedelta(0))
        settle(driver)
        after = measure(bench, driver, final=False)
    finally:
        clean_up(bench, driver)
    return report(before, after)


def build(bench: Bench, warehouse: ClickHouse, driver: Driver) -> None:
    """Publish all batches; then the same rows into a plain table, and the same history into a ReplacingMergeTree.

    The plain table has every advantage: the server's default codecs, one part, nothing hidden beside its columns.
    """
    warehouse.migrate(bench.pipeline)
    body = ", ".join(f"{c.name} {c.type}" for c in staged(*_own(bench)) if c.name not in {"_gone", "_turn"})
    driver.command(f"CREATE DATABASE {bench.name} ENGINE = Atomic")
    driver.command(f"CREATE TABLE {bench.name}.plain ({body}) ENGINE = MergeTree ORDER BY _id")
    engine = "ReplacingMergeTree(_version) ORDER BY _id"
    driver.command(f"CREATE TABLE {bench.name}.replacing ({body}, _version UInt32) ENGINE = {engine}")
    driver.command(f"SYSTEM STOP MERGES {bench.name}.replacing")
    for version in range(bench.batches + 1):
        _publish(bench, warehouse, driver, version)
    read = f"SELECT {', '.join(COLUMNS)}, 0 FROM {bench.name}_read.tickets"
    driver.command(f"INSERT INTO {bench.name}.plain ({', '.join(COLUMNS)}, _hash) {read}")
    driver.command(f"OPTIMIZE TABLE {bench.name}.plain FINAL")
    settle(driver)


def _own(bench: Bench) -> tuple[spec.Collection, spec.Table]:
    collection = bench.pipeline.collections[0]
    return collection, collection.tables[0]


def _publish(bench: Bench, warehouse: ClickHouse, driver: Driver, version: int) -> None:
    plan = _plan(bench, version)
    staging = Place(bench.name, "", "tickets").staging(plan.id).text
    body = definitions(staged(*_own(bench))).text
    driver.command(f"CREATE TABLE {staging} ({body}) ENGINE = MergeTree ORDER BY _id")
    chosen = f"sipHash64(number, {version}, 'chosen') % 200 = 0" if version else "1"
    row = ROW.format(version=version, documents=bench.rows // 20)
    names = ", ".join([*COLUMNS, "_hash"])
    select = f"SELECT {names} FROM (SELECT {row} FROM numbers({bench.rows}) WHERE {chosen})"
    driver.command(f"INSERT INTO {staging} ({names}) {select}")
    driver.command(f"INSERT INTO {bench.name}.replacing ({names}, _version) SELECT {names}, {version} FROM {staging}")
    count = int(driver.query(f"SELECT count() FROM {staging}").first_row[0])
    part = Part("tickets", "none", count, 0, "")
    manifest = Manifest(plan.id, "tickets", "all", "", "clickhouse", "parquet", count, 0, 0, (part,))
    loaded = Loaded("tickets", {"tickets": count}, {"tickets": 0}, 0.0)
    warehouse.publish(bench.pipeline, Batch(plan, [manifest], [loaded], [], plan.cut.time))


def _plan(bench: Bench, version: int) -> Plan:
    time = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=version)
    cut = Cut(time, int(time.timestamp()) << 32, snapshot=True)
    id_ = f"{time:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    return Plan(id_, bench.name, BatchKind.LIVE, cut, {"tickets": Window(None, time, bounded=False)}, (), "")


def settle(driver: Driver) -> None:
    """Wait until merges and mutations have ended: they share the processors with what is measured."""
    busy = "SELECT (SELECT count() FROM system.merges) + (SELECT count() FROM system.mutations WHERE NOT is_done)"
    while driver.query(busy).first_row[0]:
        time.sleep(0.2)


def measure(bench: Bench, driver: Driver, *, final: bool) -> dict[str, dict[str, float]]:
    """Milliseconds, the least of so many runs, taken in turns: query → table → ms."""
    tables = {"plain": f"{bench.name}.plain", "published": f"{bench.name}_read.tickets"}
    key = driver.query(f"SELECT _id FROM {bench.name}.plain LIMIT 1 OFFSET {bench.rows // 3}").first_row[0]
    found = {}
    for shape, sql in QUERIES.items():
        statements = {table: sql.format(table=at, key=f"'{key}'") for table, at in tables.items()}
        found[shape] = least(driver, statements, bench.runs)
        if final:
            slow = sql.format(table=f"{bench.name}.replacing FINAL", key=f"'{key}'")
            found[shape] |= least(driver, {"final": slow}, 3)
    return found


def least(driver: Driver, statements: Mapping[str, str], runs: int) -> dict[str, float]:
    """The least milliseconds of each statement."""
    taken = dict.fromkeys(statements, math.inf)
    for _ in range(runs):
        for table, sql in statements.items():
            begun = time.perf_counter()
            driver.query(sql)
            taken[table] = min(taken[table], (time.perf_counter() - begun) * 1000)
    return {table: round(ms, 1) for table, ms in taken.items()}


def report(before: dict[str, dict[str, float]], after: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Geometric means over the shapes, and whether the published views beat FINAL on every scan."""
    return {
        "reads_before_purge_over_plain": round(_geometric(before), 3),
        "reads_after_purge_over_plain": round(_geometric(after), 3),
        "reads_below_final_on_every_scan": all(before[s]["published"] < before[s]["final"] for s in SCANS),
        "milliseconds": {"before_purge": before, "after_purge": after},
    }


def _geometric(found: dict[str, dict[str, float]]) -> float:
    ratios = [ms["published"] / ms["plain"] for ms in found.values()]
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def clean_up(bench: Bench, driver: Driver) -> None:
    """Drop everything of this run."""
    for database in (bench.name, f"{bench.name}_read"):
        driver.command(f"DROP DATABASE IF EXISTS {database} SYNC")
    for database in ("sluice_data", "sluice_staging"):
        sql = f"SELECT name FROM system.tables WHERE database = '{database}' AND startsWith(name, '{bench.name}_')"
        for (table,) in driver.query(sql).result_rows:
            driver.command(f"DROP TABLE {database}.{table} SYNC")


def show(found: dict[str, Any]) -> None:
    """A table for people."""
    for when, shapes in found["milliseconds"].items():
        print(f"\n{when.replace('_', ' '):24}{'plain ms':>10}{'published':>12}{'ratio':>8}{'FINAL ratio':>13}")
        for shape, ms in shapes.items():
            final = f"{ms['final'] / ms['plain']:13.2f}" if "final" in ms else ""
            print(f"{shape:24}{ms['plain']:10.1f}{ms['published']:12.1f}{ms['published'] / ms['plain']:8.2f}{final}")
    print()
    for name, value in found.items():
        if name != "milliseconds":
            print(f"{name:36}{value}")


def main() -> None:
    """Start the servers, measure, print, stop them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--runs", type=int, default=9)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        stack = Stack(Path(folder) / "stack", servers=(servers.S3(), servers.ClickHouse()))
        stack.up()
        try:
            show(compare(stack.env(), asked.rows, asked.batches, asked.runs))
        finally:
            stack.down()


if __name__ == "__main__":
    main()
