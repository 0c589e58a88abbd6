"""The figures that are kept, in one run: ``make bench`` writes them to ``benchmarks/latest.json``.

Everything is measured in turns with draining the same collection into nothing, on the same servers: the ratios say
something about Sluice, the raw figures only about this machine on this day.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import batch, land
from sluice.spec import LandingFormat

LATEST = Path(__file__).parent / "latest.json"


def measure(documents: int, pairs: int) -> dict[str, Any]:
    """Landing, and whole batches."""
    with batch.servers() as env:
        figures = {
            "land": land.compare(env, documents, pairs),
            "land_csv": land.compare(env, documents, pairs, LandingFormat.CSV),
            "batch": batch.compare(env, documents, pairs),
        }
    ratios = {name: found[name] for found in figures.values() for name in found if name.endswith("_over_drain")}
    machine = {"cores": os.cpu_count(), "processor": platform.machine(), "python": platform.python_version()}
    return {"measured_at": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine, "ratios": ratios, "figures": figures}


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--documents", type=int, default=500_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--output", type=Path, default=LATEST)
    options = parser.parse_args()
    text = json.dumps(measure(options.documents, options.pairs), indent=1)
    options.output.write_text(f"{text}\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
