"""How fast, in how much memory, and without the disk: landing a collection, against reading it into nothing.

    python -m benchmarks.land                     # pairs of drain and land on 500,000 documents of about 200 bytes
    python -m benchmarks.land --format csv        # the same for Redshift's format; parquet is ClickHouse's
    python -m benchmarks.land memory              # a land process of its own on 200,000 and on 2,000,000 documents

``drain`` is what pymongo takes to fetch the raw batches and drop them: no pipeline that reads with it can be faster.
Both sides run in this process, one after the other, in turns: only their ratio says something.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from devstack.servers import S3, Mongod
from devstack.stack import Stack
from sluice import pipeline as spine
from sluice.columns import ColumnType
from sluice.landing import Landing
from sluice.mongo import Source
from sluice.settings import from_environment
from sluice.spec import Capture, Collection, Column, LandingFormat, Pipeline, WarehouseKind
from sluice.spec import Landing as LandingSpec
from sluice.spec import Source as SourceSpec
from sluice.spec import Warehouse as WarehouseSpec
from sluice.window import BatchKind, Plan, next_window

DATABASE = "bench"
COLUMNS = {
    "_id": "key",
    "title": "string(512)",
    "author": "string(256)",
    "topic": "string(64)",
    "pages": "int32",
    "created_at": "timestamp",
    "updated_at": "timestamp",
    "watermark.mark": "string(128)",
    "watermark.status": "string(16)",
}
MEGABYTE = 1_000_000


def documents(count: int) -> Iterator[dict[str, Any]]:
    """Documents of about 200 bytes, the same ones every time."""
    chance, start = random.Random(1), datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(count):
        created = start + timedelta(seconds=number)
        yield {
            "title": f"Title {number} {'x' * chance.randrange(20)}",
            "author": f"Author {chance.randrange(5_000)}",
            "topic": chance.choice(("law", "art", "biology", "physics", "history")),
            "pages": chance.randrange(900),
            "created_at": created,
            "updated_at": created + timedelta(milliseconds=chance.randrange(10**6)),
            "watermark": {"mark": f"mark-{chance.randrange(1_000)}", "status": chance.choice(("Started", "Finished"))},
        }


def seed(database: Database[dict[str, Any]], count: int) -> str:
    """Fill a collection unless it is there; its name."""
    name = f"documents_{count}"
    if database[name].estimated_document_count() != count:
        database.drop_collection(name)
        made = documents(count)
        while batch := [document for _, document in zip(range(10_000), made, strict=False)]:
            database[name].insert_many(batch, ordered=False)
        database[name].create_index("updated_at")
    return name


def a_pipeline(collection: str, format_: LandingFormat = LandingFormat.PARQUET) -> Pipeline:
    """A pipeline of one collection on the stack; csv is landed for Redshift."""
    kind = WarehouseKind.REDSHIFT if format_ is LandingFormat.CSV else WarehouseKind.CLICKHOUSE
    columns = tuple(Column(path.replace(".", "_"), path, ColumnType.parse(kind)) for path, kind in COLUMNS.items())
    return Pipeline(
        name="bench",
        source=SourceSpec("publishing_mongo", DATABASE),
        landing=LandingSpec("landing_s3", "landing", "bench", format_),
        warehouse=WarehouseSpec(kind, "warehouse", "bench"),
        collections=(Collection(collection, "updated_at", columns),),
    )


class Lander:
    """Lands one collection as one task does, in one range; throws away what it landed."""

    def __init__(self, collection: str, env: Mapping[str, str], format_: LandingFormat = LandingFormat.PARQUET) -> None:
        self.pipeline = a_pipeline(collection, format_)
        source = Source.connect(from_environment("publishing_mongo", env), DATABASE)
        landing = Landing.connect(from_environment("landing_s3", env), self.pipeline.landing)
        self.systems = spine.Systems(source, landing, None)  # type: ignore[arg-type]  # landing needs no warehouse

    def __call__(self) -> int:
        (collection,) = self.pipeline.collections
        cut = self.systems.source.now_cut()
        window = next_window(None, cut, Capture())
        (piece,) = self.systems.source.plan_ranges(collection, window, cut, range_size=10**9)
        plan = Plan(str(time.time_ns()), "bench", BatchKind.LIVE, cut, {collection.name: window}, (piece,), "")
        manifest = spine.land(self.pipeline, self.systems, plan, piece)
        assert manifest.rejected == 0
        self.systems.landing.discard(plan)
        return manifest.read


def drainer(collection: str, env: Mapping[str, str]) -> Callable[[], int]:
    """Fetches the raw batches of a collection and drops them; bytes read."""
    client: MongoClient[dict[str, Any]] = MongoClient(env["MONGO_URL"])
    return lambda: sum(len(batch) for batch in client[DATABASE][collection].find_raw_batches())


def seconds(act: Callable[[], object]) -> float:
    """How long it takes."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def compare(
    env: Mapping[str, str], count: int, pairs: int, format_: LandingFormat = LandingFormat.PARQUET
) -> dict[str, Any]:
    """Drain and land in turns: documents a second, and the median of the ratios of the pairs."""
    with MongoClient[dict[str, Any]](env["MONGO_URL"]) as client:
        collection = seed(client[DATABASE], count)
    drain, land = drainer(collection, env), Lander(collection, env, format_)
    drain(), land()  # caches, imports
    times = [(seconds(drain), seconds(land)) for _ in range(pairs)]
    ratios = [drained / landed for drained, landed in times]
    name = "land_csv_over_drain" if format_ is LandingFormat.CSV else "land_over_drain"
    return {
        "documents": count,
        "drain_documents_per_second": round(count / statistics.median(drained for drained, _ in times)),
        "land_documents_per_second": round(count / statistics.median(landed for _, landed in times)),
        name: round(statistics.median(ratios), 3),
        f"{name}_spread": [round(min(ratios), 3), round(max(ratios), 3)],
    }


def footprint(env: Mapping[str, str], count: int, format_: LandingFormat) -> dict[str, Any]:
    """Land in a process of its own: its peak memory, and what it wrote to a disk."""
    with MongoClient[dict[str, Any]](env["MONGO_URL"]) as client:
        seed(client[DATABASE], count)
    command = [sys.executable, "-B", "-m", "benchmarks.land", "once", "--documents", str(count), "--format", format_]
    ran = subprocess.run(command, env={**os.environ, **env}, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def once(count: int, format_: LandingFormat) -> dict[str, Any]:
    """Land once in this process, on the stack whose connections are in the environment."""
    taken = seconds(Lander(f"documents_{count}", os.environ, format_))
    # Not getrusage: its maximum counts the memory of the process that started this one, as it was before exec.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) * 1024
    written = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())["write_bytes"]
    return {
        "documents": count,
        "documents_per_second": round(count / taken),
        "peak_megabytes": round(peak / MEGABYTE, 1),
        "disk_bytes_written": int(written),
    }


def memory(
    env: Mapping[str, str],
    counts: tuple[int, int] = (200_000, 2_000_000),
    format_: LandingFormat = LandingFormat.PARQUET,
) -> dict[str, Any]:
    """Peak memory of a small and a large land process, and their ratio."""
    small, large = (footprint(env, count, format_) for count in counts)
    ratio = large["peak_megabytes"] / small["peak_megabytes"]
    return {"small": small, "large": large, "large_over_small": round(ratio, 3)}


def main() -> None:
    """Start MongoDB and S3, measure, print JSON, stop them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("compare", "memory", "once"), default="compare")
    parser.add_argument("--documents", type=int, default=500_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--format", type=LandingFormat, choices=LandingFormat, default=LandingFormat.PARQUET)
    options = parser.parse_args()
    if options.what == "once":
        print(json.dumps(once(options.documents, options.format)))
        return
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        stack = Stack(Path(folder) / "stack", servers=(Mongod(), S3()))
        stack.up()
        try:
            env = stack.env()
            if options.what == "memory":
                found = memory(env, format_=options.format)
            else:
                found = compare(env, options.documents, options.pairs, options.format)
            print(json.dumps(found, indent=1))
        finally:
            stack.down()


if __name__ == "__main__":
    main()
