"""Does a burst of a million changes arrive exactly, and how much memory does the batch need that brings it?

    python -m benchmarks.burst                          # 1,000,000 changes in 500,000 documents, ClickHouse
    python -m benchmarks.burst --changes 100000 --warehouse redshift

Two bursts of bulk writes, of a tenth and of the whole: six of ten changes update a document, some of them often, two
insert, two delete. After each a process of its own makes the batch, as `sluice run` does; then source and warehouse are
compared, document by document. Exits with 1 when anything differs, or memory grew with the burst.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pymongo import DeleteOne, InsertOne, MongoClient, UpdateOne

from benchmarks.batch import a_new_pipeline, run, servers
from benchmarks.land import DATABASE, MEGABYTE, documents
from sluice import audit
from sluice import pipeline as spine
from sluice.settings import from_environment
from sluice.spec import CHANGE_STREAM, Capture, Pipeline, WarehouseKind

ALLOWED = 1.3
"""Peak memory for the whole burst, over that for a tenth of it."""


def streaming(pipeline: Pipeline) -> Pipeline:
    """The same, by change stream."""
    collections = tuple(replace(collection, deletes="stream") for collection in pipeline.collections)
    return replace(pipeline, capture=Capture(mode=CHANGE_STREAM), collections=collections)


class Bursts:
    """A collection that is changed a lot at once. ``keys``: those that are there."""

    def __init__(self, collection: Any, count: int) -> None:
        self._collection, self._chance = collection, random.Random(3)
        self._made = documents(10**9)
        self.keys = list(range(count))
        self._next = count
        self._send(InsertOne({"_id": key, **next(self._made)}) for key in self.keys)

    def burst(self, changes: int) -> int:
        """Change so much. Returns how many different keys were changed."""
        touched: set[int] = set()
        self._send(self._changes(changes, touched))
        return len(touched)

    def _changes(self, count: int, touched: set[int]) -> Iterator[Any]:
        for number in range(count):
            # A thousand of a kind after each other, which the driver sends together.
            kind, place = number // 1_000 % 5, self._chance.randrange(len(self.keys))
            if kind == 0:
                self.keys.append(self._next)
                yield InsertOne({"_id": self._next, **next(self._made)})
                self._next += 1
                touched.add(self.keys[-1])
            elif kind == 1:
                self.keys[place], self.keys[-1] = self.keys[-1], self.keys[place]
                touched.add(self.keys[-1])
                yield DeleteOne({"_id": self.keys.pop()})
            else:
                touched.add(self.keys[place])
                yield UpdateOne({"_id": self.keys[place]}, {"$set": {"title": f"Changed {number}"}})

    def _send(self, requests: Iterator[Any]) -> None:
        while bulk := [request for _, request in zip(range(10_000), requests, strict=False)]:
            self._collection.bulk_write(bulk)


def apart(pipeline: Pipeline, env: Mapping[str, str]) -> dict[str, float]:
    """A batch in a process of its own: seconds, and its peak memory."""
    collection, kind = pipeline.collections[0].name, pipeline.warehouse.kind
    command = [sys.executable, "-B", "-m", "benchmarks.burst", "--once", pipeline.name, collection, kind]
    begun = time.perf_counter()
    ran = subprocess.run(command, env={**os.environ, **env}, check=True, stdout=subprocess.PIPE, text=True)
    return {"seconds": round(time.perf_counter() - begun, 1), "peak_megabytes": float(ran.stdout)}


def once(name: str, collection: str, kind: str) -> None:
    """A batch in this process; prints its peak memory."""
    plain = streaming(a_new_pipeline(collection, WarehouseKind(kind)))
    run(replace(plain, name=name, warehouse=replace(plain.warehouse, schema=name)), os.environ)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(round(int(status["VmHWM"].split()[0]) * 1024 / MEGABYTE, 1))


def measure(env: Mapping[str, str], changes: int, kind: WarehouseKind) -> dict[str, Any]:
    """Publish, then burst, publish and compare, twice."""
    pipeline = streaming(a_new_pipeline("documents", kind))
    bursts = Bursts(MongoClient[dict[str, Any]](env["MONGO_URL"])[DATABASE].documents, changes // 2)
    apart(pipeline, env)
    found = [_burst(bursts, pipeline, env, size) for size in (changes // 10, changes)]
    grown = found[1]["peak_megabytes"] / found[0]["peak_megabytes"]
    return {"warehouse": kind, "bursts": found, "peak_over_a_tenth": round(grown, 2)}


def _burst(bursts: Bursts, pipeline: Pipeline, env: Mapping[str, str], changes: int) -> dict[str, Any]:
    keys, cost = bursts.burst(changes), apart(pipeline, env)
    with spine.connect(pipeline, lambda conn_id: from_environment(conn_id, env)) as systems:
        commit = systems.warehouse.last_commit(pipeline.name)
        (compared,) = audit.compare(pipeline, systems)
    assert commit
    asked = commit.counts["documents"]["asked"]  # a key in several lists, several times
    equal = compared.equal and compared.warehouse == len(bursts.keys)
    return {"changes": changes, "keys": keys, "asked": asked, "equal": equal, **cost}


def main() -> None:
    """Start the servers, measure, print JSON, stop them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=1_000_000)
    parser.add_argument("--warehouse", choices=[str(kind) for kind in WarehouseKind], default="clickhouse")
    parser.add_argument("--once", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        once(*options.once)
        return
    with servers() as env:
        found = measure(env, options.changes, WarehouseKind(options.warehouse))
    print(json.dumps(found, indent=1))
    right = all(burst["equal"] for burst in found["bursts"])
    sys.exit(not right or found["peak_over_a_tenth"] > ALLOWED)


if __name__ == "__main__":
    main()
