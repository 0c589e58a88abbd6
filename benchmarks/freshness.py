"""How long after its commit in MongoDB a change is visible to readers of ClickHouse, in stream mode.

    python -m benchmarks.freshness                      # 500 changes a second for 600 s
    python -m benchmarks.freshness --seconds 60

`sluice stream` runs in a process of its own. One writer inserts and updates, half and half, and numbers its changes; a
reader looks every 50 ms which number it sees. Time runs from the moment at which a change is sent to the end of the
first look that shows its number or a later one, so that what is printed is never too short.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import clickhouse_connect
from pymongo import InsertOne, MongoClient, UpdateOne

from benchmarks.batch import servers

LOOK = 0.05
"""Seconds between two looks of the reader."""
PATIENCE = 60.0
"""Seconds for which the last changes are waited for."""

FILE = """
pipeline: fresh
source: {conn_id: publishing_mongo, database: fresh}
landing: {conn_id: landing_s3, bucket: landing, prefix: fresh}
warehouse: {kind: clickhouse, conn_id: warehouse, schema: fresh}
capture: {mode: change_stream}
collections:
  changes:
    deletes: stream
    columns:
      _id: {type: int64}
      number: {type: int64}
      text: {type: string(200)}
"""


MOST_AT_ONCE = 100
"""Changes in a bulk: a writer that fell behind sends several."""


class Writer(threading.Thread):
    """Makes changes at a rate. ``sent``: the moment just before each was sent, by number; a majority has them soon."""

    def __init__(self, url: str, rate: int, seconds: int) -> None:
        super().__init__()
        self._changes = MongoClient[dict[str, Any]](url, w="majority")["fresh"]["changes"]
        self._rate, self._count, self._chance = rate, rate * seconds, random.Random(1)
        self.sent: list[float] = []
        self.took = 0.0
        self._inserted = 0

    def run(self) -> None:
        """A tick of ten milliseconds writes what is due, in one bulk."""
        begun = time.monotonic()
        while len(self.sent) < self._count:
            due = min(int((time.monotonic() - begun) * self._rate), self._count) - len(self.sent)
            if writes := self._writes(len(self.sent), min(due, MOST_AT_ONCE)):
                now = time.monotonic()
                self._changes.bulk_write(writes)
                self.sent += [now] * len(writes)
            if due <= MOST_AT_ONCE:
                time.sleep(0.01)
        self.took = time.monotonic() - begun

    def _writes(self, first: int, count: int) -> list[Any]:
        """Inserts, then updates, in the order of their numbers: two commands."""
        values = [{"number": first + n, "text": f"{self._chance.random()}" * 8} for n in range(count)]
        inserts = range(self._inserted, self._inserted + (count + 1) // 2)
        self._inserted = inserts.stop
        new = [InsertOne({"_id": key, **values[n]}) for n, key in enumerate(inserts)]
        known = [self._chance.randrange(self._inserted) for _ in range(count - len(new))]
        return new + [UpdateOne({"_id": key}, {"$set": values[len(new) + n]}) for n, key in enumerate(known)]


class Reader(threading.Thread):
    """Looks at the published view. ``moments`` at which looks ended, and the highest of the ``numbers`` in each."""

    def __init__(self, env: Mapping[str, str]) -> None:
        super().__init__()
        self._client = clickhouse_connect.get_client(
            host=env["CLICKHOUSE_HOST"],
            port=int(env["CLICKHOUSE_PORT"]),
            username=env["CLICKHOUSE_USER"],
            password=env["CLICKHOUSE_PASSWORD"],
        )
        self.stop = threading.Event()
        self.moments: list[float] = []
        self.numbers: list[int] = []

    def run(self) -> None:
        """Until it is told to stop."""
        while not self.stop.wait(LOOK):
            highest = self._client.command("SELECT coalesce(max(number), -1) FROM fresh.changes")
            self.moments.append(time.monotonic())
            self.numbers.append(int(str(highest)))


@contextmanager
def streaming(env: Mapping[str, str]) -> Iterator[None]:
    """``sluice stream`` in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="sluice-fresh-") as folder:
        file = Path(folder) / "fresh.yml"
        file.write_text(FILE, encoding="utf-8")
        sluice = Path(sys.executable).parent / "sluice"
        subprocess.run([sluice, "run", file], env={**os.environ, **env}, check=True, stdout=subprocess.DEVNULL)
        with subprocess.Popen(
            [sluice, "stream", file], env={**os.environ, **env}, stdout=subprocess.DEVNULL
        ) as process:
            yield
            process.send_signal(signal.SIGTERM)
        if process.returncode:
            raise RuntimeError(f"sluice stream ended with {process.returncode}")


def measure(env: Mapping[str, str], rate: int, seconds: int) -> dict[str, Any]:
    """Write, read, compare the moments."""
    MongoClient[dict[str, Any]](env["MONGO_URL"])["fresh"].create_collection("changes")
    with streaming(env):
        writer, reader = Writer(env["MONGO_URL"], rate, seconds), Reader(env)
        reader.start()
        writer.start()
        writer.join()
        deadline = time.monotonic() + PATIENCE
        while (not reader.numbers or reader.numbers[-1] < len(writer.sent) - 1) and time.monotonic() < deadline:
            time.sleep(LOOK)
        reader.stop.set()
        reader.join()
        batches = reader._client.command("SELECT count() FROM sluice.batches WHERE pipeline = 'fresh'")
    lags = sorted(_lags(writer.sent, reader))
    return {
        "changes": len(writer.sent),
        "changes_per_second": round(len(writer.sent) / writer.took),
        "seconds": round(writer.took),
        "batches": batches,
        "median_seconds": round(statistics.median(lags), 2),
        "p99_seconds": round(lags[int(len(lags) * 0.99)], 2),
        "longest_seconds": round(lags[-1], 2),
    }


def _lags(sent: list[float], reader: Reader) -> Iterator[float]:
    for number, moment in enumerate(sent):
        look = bisect_right(reader.numbers, number - 1)  # numbers only grow
        if look == len(reader.numbers):
            raise RuntimeError(f"change {number:,} of {len(sent):,} was never seen")
        yield reader.moments[look] - moment


def main() -> None:
    """Start the servers, measure, print JSON, stop them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=600)
    options = parser.parse_args()
    with servers() as env:
        print(json.dumps(measure(env, options.rate, options.seconds), indent=1))


if __name__ == "__main__":
    main()
