"""What an initial load costs that is killed again and again: documents read, over the documents there are.

    python -m benchmarks.initial                        # 5,000,000 documents, 5 kills at random moments
    python -m benchmarks.initial --documents 500000

Each attempt is a process of its own that makes a batch as `sluice run` does, and dies by SIGKILL; the last one goes to
the end. Read is what the server has given out, samples for planning included. At the end source and warehouse are
compared, document by document.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pymongo import MongoClient

from benchmarks.batch import a_new_pipeline, run, servers
from benchmarks.land import DATABASE, a_pipeline, seed
from sluice import audit
from sluice import pipeline as spine
from sluice.settings import from_environment
from sluice.spec import Pipeline

ALLOWED = 1.3
WORST_RATE = 200_000
"""Documents a second that no attempt is faster than: a kill falls into the first sixth of what the whole takes then."""


def attempt(pipeline: Pipeline, env: Mapping[str, str], seconds: float | None) -> float:
    """One process, killed after so many seconds unless None. Returns how long it lived. Raises when it did not die."""
    command = [sys.executable, "-m", "benchmarks.initial", "--attempt", pipeline.name, pipeline.collections[0].name]
    begun = time.monotonic()
    with subprocess.Popen(command, env={**os.environ, **env}) as process:
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return time.monotonic() - begun
    if code or seconds:
        raise RuntimeError(f"the attempt ended with {code}: take more documents" if seconds else f"it failed: {code}")
    return time.monotonic() - begun


def measure(env: Mapping[str, str], documents: int, kills: int, chance: random.Random) -> dict[str, Any]:
    """Kill some attempts, let one come to its end."""
    client: Any = MongoClient(env["MONGO_URL"])
    pipeline = a_new_pipeline(seed(client[DATABASE], documents))
    moments = [chance.uniform(2, 2 + documents / WORST_RATE) for _ in range(kills)]
    before = _returned(client)
    lived = [attempt(pipeline, env, seconds) for seconds in moments]
    last = attempt(pipeline, env, None)
    read = _returned(client) - before
    with spine.connect(pipeline, lambda conn_id: from_environment(conn_id, env)) as systems:
        (found,) = audit.compare(pipeline, systems)
    return {
        "documents": documents,
        "killed_after_seconds": [round(seconds, 1) for seconds in lived],
        "last_attempt_seconds": round(last, 1),
        "read": read,
        "read_over_documents": round(read / documents, 3),
        "equal": found.equal and found.warehouse == documents,
    }


def _returned(client: Any) -> int:
    return int(client.admin.command("serverStatus")["metrics"]["document"]["returned"])


def main() -> None:
    """Start the servers, measure, print JSON, stop them; exit code 1 when too much was read, or something differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=5_000_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--attempt", nargs=2, metavar=("PIPELINE", "COLLECTION"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.attempt:
        name, collection = options.attempt
        plain = a_pipeline(collection)
        run(replace(plain, name=name, warehouse=replace(plain.warehouse, schema=name)), os.environ)
        return
    with servers() as env:
        found = measure(env, options.documents, options.kills, random.Random(options.seed))
    print(json.dumps({"seed": options.seed, **found}, indent=1))
    sys.exit(not (found["equal"] and found["read_over_documents"] <= ALLOWED))


if __name__ == "__main__":
    main()
