"""How fast a whole batch is, against reading the collection into nothing; and what a batch of few changes costs.

python -m benchmarks.batch                    # a first batch, against draining the same collection, in turns
python -m benchmarks.batch incremental        # 1,000 changed documents, in a collection of 100,000 and of 2,000,000
python -m benchmarks.batch incremental --warehouse redshift     # the same, on the stand-in: PostgreSQL's speed
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from pymongo import MongoClient, UpdateOne

from benchmarks.land import DATABASE, a_pipeline, drainer, seconds, seed
from devstack.servers import S3, ClickHouse, Mongod, Redshift
from devstack.stack import Stack
from sluice import pipeline as spine
from sluice.settings import from_environment
from sluice.spec import LandingFormat, Pipeline, WarehouseKind


@contextmanager
def servers() -> Iterator[dict[str, str]]:
    """MongoDB, S3 and the warehouses, of one's own; their environment."""
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        stack = Stack(Path(folder) / "stack", servers=(Mongod(), S3(), ClickHouse(), Redshift()))
        stack.up()
        try:
            yield stack.env()
        finally:
            stack.down()


def a_new_pipeline(collection: str, kind: WarehouseKind = WarehouseKind.CLICKHOUSE) -> Pipeline:
    """A pipeline that has published nothing yet."""
    redshift = kind is WarehouseKind.REDSHIFT
    pipeline = a_pipeline(collection, LandingFormat.CSV if redshift else LandingFormat.PARQUET)
    name = f"b_{secrets.token_hex(3)}"  # the stand-in holds names of 63 bytes, and adds to this one
    conn_id = "redshift" if redshift else "warehouse"
    return replace(pipeline, name=name, warehouse=replace(pipeline.warehouse, schema=name, conn_id=conn_id))


def run(pipeline: Pipeline, env: Mapping[str, str]) -> None:
    """One batch."""
    with spine.connect(pipeline, lambda conn_id: from_environment(conn_id, env)) as systems:
        spine.run(pipeline, systems)


def compare(env: Mapping[str, str], count: int, pairs: int) -> dict[str, Any]:
    """Drain and a first batch in turns: documents a second, and the median of the ratios of the pairs."""
    collection = seed(MongoClient(env["MONGO_URL"])[DATABASE], count)
    drain = drainer(collection, env)
    drain(), run(a_new_pipeline(collection), env)  # caches, imports
    times = [(seconds(drain), seconds(lambda: run(a_new_pipeline(collection), env))) for _ in range(pairs)]
    ratios = [drained / batch for drained, batch in times]
    return {
        "documents": count,
        "batch_documents_per_second": round(count / statistics.median(batch for _, batch in times)),
        "batch_over_drain": round(statistics.median(ratios), 3),
        "batch_over_drain_spread": [round(min(ratios), 3), round(max(ratios), 3)],
    }


def incremental(
    env: Mapping[str, str],
    kind: WarehouseKind,
    counts: tuple[int, int] = (100_000, 2_000_000),
    changes: int = 1_000,
    pairs: int = 5,
) -> dict[str, Any]:
    """Batches of the same number of changes in a small and in a large collection, in turns.

    Beside the seconds, which depend on what else the machine does, the CPU seconds of this process and the warehouse.
    """
    database: Any = MongoClient(env["MONGO_URL"])[DATABASE]
    pipelines = {count: a_new_pipeline(seed(database, count), kind) for count in counts}
    for pipeline in pipelines.values():
        run(pipeline, env)
    warehouse = listening(int(env[f"{kind.name}_PORT"]))
    times: dict[int, list[float]] = {count: [] for count in counts}
    cpu: dict[int, list[float]] = {count: [] for count in counts}
    for turn in range(pairs + 1):
        for count, pipeline in pipelines.items():
            change(database[pipeline.collections[0].name], changes, random.Random(turn))
            before = cpu_seconds(warehouse)
            taken = seconds(lambda chosen=pipeline: run(chosen, env))
            if turn:  # the first is for the caches
                times[count].append(taken)
                cpu[count].append(cpu_seconds(warehouse) - before)
    small, large = (statistics.median(times[count]) for count in counts)
    ratios = [b / a for a, b in zip(times[counts[0]], times[counts[1]], strict=True)]
    return {
        "warehouse": kind.value,
        "changes": changes,
        "seconds": {str(counts[0]): round(small, 2), str(counts[1]): round(large, 2)},
        "cpu_seconds": {str(count): round(statistics.median(cpu[count]), 2) for count in counts},
        "large_over_small": round(statistics.median(ratios), 3),
        "large_over_small_spread": [round(min(ratios), 3), round(max(ratios), 3)],
    }


def listening(port: int) -> psutil.Process:
    """The process that listens there."""
    found = psutil.net_connections("tcp")
    return psutil.Process(next(c.pid for c in found if c.status == psutil.CONN_LISTEN and c.laddr.port == port))


def cpu_seconds(other: psutil.Process) -> float:
    """CPU time that this process and another have used, with the processes that those have started."""
    used = 0.0
    for process in (*other.children(recursive=True), other, psutil.Process()):
        with suppress(psutil.NoSuchProcess):  # a session that ended meanwhile is in its parent's time
            used += sum(process.cpu_times()[:4])
    return used


def change(collection: Any, count: int, chance: random.Random) -> None:
    """Change documents all over the collection, stamped now."""
    sampled = collection.aggregate([{"$sample": {"size": count}}, {"$project": {"_id": 1}}])
    now = datetime.now(UTC)
    changed = {"$set": {"updated_at": now, "title": f"changed {chance.random()}"}}
    collection.bulk_write([UpdateOne({"_id": found["_id"]}, changed) for found in sampled], ordered=False)


def main() -> None:
    """Start the servers, measure, print JSON, stop them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("compare", "incremental"), default="compare")
    parser.add_argument("--documents", type=int, default=500_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--warehouse", type=WarehouseKind, choices=list(WarehouseKind), default="clickhouse")
    options = parser.parse_args()
    with servers() as env:
        if options.what == "incremental":
            found = incremental(env, options.warehouse)
        else:
            found = compare(env, options.documents, options.pairs)
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
