"""Does a reconcile find every planted difference, and what does it read and need for that?

    python -m benchmarks.reconcile                     # 5,000,000 documents, 1,000 differences, ClickHouse
    python -m benchmarks.reconcile --documents 500000 --warehouse redshift

Prints what was planted and found, how many keys and documents were read, seconds, and the peak memory of a process
that does nothing but reconcile. Exits with 1 when a difference was not found, was called what it is not, or was left.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from benchmarks.land import DATABASE, MEGABYTE, a_pipeline, documents
from devstack.servers import S3, ClickHouse, Mongod, Redshift
from devstack.stack import Stack
from sluice import pipeline as spine
from sluice import reconcile, suspects
from sluice.columns import ColumnType
from sluice.settings import from_environment
from sluice.spec import Child, Column, Pipeline, WarehouseKind
from tests.acceptance.analysts import OnClickHouse, OnRedshift

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
KINDS = ("missing", "extra", "stale", "torn")
NAME = "bench_reconcile"


def a_wide_pipeline(kind: str) -> Pipeline:
    """The pipeline of the benchmarks with an array, whose deletes are found by the reconcile."""
    plain = a_pipeline("documents")
    value = Column("value", "", ColumnType.parse("string(64)"))
    keywords = Child("keywords", "keywords", (value,), of_documents=False)
    collections = tuple(replace(c, children=(keywords,), deletes="reconcile") for c in plain.collections)
    conn_id = "warehouse" if kind == "clickhouse" else "redshift"
    warehouse = replace(plain.warehouse, kind=WarehouseKind(kind), conn_id=conn_id, schema=NAME)
    return replace(plain, name=NAME, collections=collections, warehouse=warehouse)


@contextmanager
def servers(kind: str) -> Iterator[dict[str, str]]:
    """MongoDB, S3 and a warehouse of one's own; their environment."""
    warehouse = ClickHouse() if kind == "clickhouse" else Redshift()
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        stack = Stack(Path(folder) / "stack", servers=(Mongod(), S3(), warehouse))
        stack.up()
        try:
            yield stack.env()
        finally:
            stack.down()


def seed(collection: Any, count: int) -> None:
    """Documents with two keywords each."""
    made = ({**document, "_id": number, "keywords": ["one", "two"]} for number, document in enumerate(documents(count)))
    while batch := [document for _, document in zip(range(10_000), made, strict=False)]:
        collection.insert_many(batch, ordered=False)
    collection.create_index("updated_at")


def plant(collection: Any, analyst: Any, count: int, differences: int) -> dict[str, str]:
    """Differences of four kinds at random places, each kind from the source and from the warehouse; key → kind."""
    chosen = random.Random(5).sample(range(count), differences)
    keys = {kind: chosen[place :: len(KINDS)] for place, kind in enumerate(KINDS)}
    lost = keys["missing"]
    analyst.lose(f"{NAME}_documents", f'"_id" IN ({", ".join(repr(str(key)) for key in lost)})')
    for key in keys["extra"]:
        collection.delete_one({"_id": key})
    for key in keys["stale"]:
        collection.update_one({"_id": key}, {"$set": {"updated_at": LONG_AGO}})
    torn = ", ".join(repr(str(key)) for key in keys["torn"])
    analyst.lose(f"{NAME}_documents_keywords", f"parent_id IN ({torn}) AND ordinal = 1")
    return {str(key): kind for kind, of_kind in keys.items() for key in of_kind}


def run_batch(pipeline: Pipeline, env: Mapping[str, str]) -> None:
    """One whole batch."""
    with spine.connect(pipeline, lambda conn_id: from_environment(conn_id, env)) as systems:
        spine.run(pipeline, systems)


def once(kind: str) -> dict[str, Any]:
    """Reconcile in this process, on the stack whose connections are in the environment."""
    suspects.EXAMPLES = 10**6  # type: ignore[misc]  # every one is named
    pipeline = a_wide_pipeline(kind)
    begun = time.perf_counter()
    with spine.connect(pipeline, from_environment) as systems:
        (found,) = reconcile.run(pipeline, systems)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak, taken = int(status["VmHWM"].split()[0]) * 1024 / MEGABYTE, time.perf_counter() - begun
    return {"found": found.to_json(), "seconds": round(taken, 1), "peak_megabytes": round(peak, 1)}


def apart(kind: str, env: Mapping[str, str]) -> dict[str, Any]:
    """The same in a process of its own, for its memory."""
    command = [sys.executable, "-B", "-m", "benchmarks.reconcile", "once", "--warehouse", kind]
    ran = subprocess.run(command, env={**os.environ, **env}, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(ran.stdout)
    return result


def measure(kind: str, env: Mapping[str, str], count: int, differences: int) -> dict[str, Any]:
    """Seed, publish, plant, reconcile twice."""
    pipeline = a_wide_pipeline(kind)
    collection: Any = MongoClient(env["MONGO_URL"])[DATABASE].documents
    seed(collection, count)
    run_batch(pipeline, env)
    analyst = OnClickHouse(env) if kind == "clickhouse" else OnRedshift(env)
    planted = plant(collection, analyst, count, differences)
    first, second = (apart(kind, env) for _ in range(2))
    found = first["found"]
    read = found["keys"] + found["looked"] + found["repaired"]
    return {
        "documents": count,
        "planted": {kind: list(planted.values()).count(kind) for kind in KINDS},
        "found": found["counts"],
        "every_one_found_as_what_it_is": found["examples"] == planted,
        "repaired": found["repaired"],
        "left_afterwards": second["found"]["counts"],
        "read_over_keys": round(read / found["keys"], 5),
        "seconds": [first["seconds"], second["seconds"]],
        "peak_megabytes": first["peak_megabytes"],
    }


def main() -> None:
    """Start the servers, measure, print JSON, stop them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("measure", "once"), default="measure")
    parser.add_argument("--documents", type=int, default=5_000_000)
    parser.add_argument("--differences", type=int, default=1_000)
    parser.add_argument("--warehouse", choices=("clickhouse", "redshift"), default="clickhouse")
    options = parser.parse_args()
    if options.what == "once":
        print(json.dumps(once(options.warehouse)))
        return
    with servers(options.warehouse) as env:
        result = measure(options.warehouse, env, options.documents, options.differences)
    print(json.dumps(result, indent=1))
    good = result["every_one_found_as_what_it_is"] and result["repaired"] == options.differences
    sys.exit(0 if good and not result["left_afterwards"] and result["read_over_keys"] <= 1.1 else 1)


if __name__ == "__main__":
    main()
