"""How fast raw documents become Arrow columns, against decoding them and nothing else.

    python -m benchmarks.conform                  # documents and flat ones, in turns with bson.decode_all
    python -m benchmarks.conform --profile        # and where the time goes, step by step

No server takes part: the batches are made here, of the size that a cursor gives. Seconds are of this process's CPU.
Both sides run in turns, and a ratio is the median of its pairs: the machine's mood cancels out.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
from bson import Decimal128, ObjectId

from sluice.columns import ColumnType
from sluice.conform import CLICKHOUSE_LIMITS, Conformer
from sluice.spec import Child, Collection, Column

BATCH_BYTES = 4_000_000
WORDS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda omicron sigma tau upsilon".split()
FLAT = {
    "_id": "objectid",
    "title": "string(512)",
    "author": "string(256)",
    "topic": "string(64)",
    "created_at": "timestamp",
    "updated_at": "timestamp",
    "pages": "int32",
    "mark": "string(128)",
    "status": "string(16)",
    "score": "float64",
}
NESTED = {
    **{name: FLAT[name] for name in ("_id", "title", "author", "topic", "created_at", "updated_at", "pages")},
    "watermark.mark": "string(128)",
    "watermark.status": "string(16)",
    "price": "decimal(18,4)",
}


def a_document(number: int, chance: random.Random) -> dict[str, Any]:
    """About 270 bytes: a nested document, an array, a Decimal128."""
    created = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(milliseconds=chance.randrange(10**11))
    return {
        "_id": ObjectId(number.to_bytes(12, "big")),
        "title": " ".join(chance.choices(WORDS, k=5)),
        "author": " ".join(chance.choices(WORDS, k=2)),
        "topic": chance.choice(WORDS),
        "created_at": created,
        "updated_at": created + timedelta(seconds=chance.randrange(10**6)),
        "watermark": {"mark": f"mark {number}", "status": chance.choice(("Started", "Finished"))},
        "keywords": chance.choices(WORDS, k=chance.randrange(4)),
        "price": Decimal128(f"{chance.randrange(10**6)}E-2"),
        "pages": chance.randrange(1000),
    }


def a_flat_document(number: int, chance: random.Random) -> dict[str, Any]:
    """About 210 bytes: ten fields of plain types."""
    document = a_document(number, chance)
    del document["keywords"], document["price"]
    return document.pop("watermark") | document | {"score": chance.random()}


def a_collection(columns: dict[str, str], *, keywords: bool) -> Collection:
    """A collection with these columns (path → type), and perhaps its keywords as a child table."""
    value = Column("value", "", ColumnType.parse("string(64)"))
    return Collection(
        "documents",
        "updated_at",
        tuple(Column(path.replace(".", "_"), path, ColumnType.parse(kind)) for path, kind in columns.items()),
        (Child("keywords", "keywords", (value,), of_documents=False),) if keywords else (),
    )


def batches(make: Callable[[int, random.Random], dict[str, Any]], count: int) -> list[bytes]:
    """Documents as a cursor gives them: concatenated, some megabytes at a time."""
    chance, made = random.Random(1), [bytearray()]
    for number in range(count):
        if len(made[-1]) > BATCH_BYTES:
            made.append(bytearray())
        made[-1] += bson.encode(make(number, chance))
    return list(map(bytes, made))


def decode(raws: list[bytes]) -> None:
    """What any program has to do at least: the C decoder, the garbage collector off."""
    gc.disable()
    for raw in raws:
        bson.decode_all(raw)
    gc.enable()


def seconds(act: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    begun = time.process_time()
    act()
    return time.process_time() - begun


def compare(name: str, collection: Collection, raws: list[bytes], *, count: int, pairs: int) -> None:
    """Print documents a second: decoding only, conforming, and what conforming costs as a multiple of decoding."""
    conform = Conformer(collection, limits=CLICKHOUSE_LIMITS, hash_seed=1)
    assert sum(len(conform(raw).rejects) for raw in raws) == 0
    times = [(seconds(lambda: decode(raws)), seconds(lambda: [conform(raw) for raw in raws])) for _ in range(pairs)]
    decoded, conformed = zip(*times, strict=True)
    ratios = [slow / fast for fast, slow in times]
    print(
        f"{name:10}{sum(map(len, raws)) / count:5.0f} bytes  decode_all {count / statistics.median(decoded):9,.0f}/s"
        f"  conform {count / statistics.median(conformed):9,.0f}/s (best {count / min(conformed):9,.0f}/s)"
        f"  {statistics.median(ratios):.2f} x decode_all ({min(ratios):.2f} to {max(ratios):.2f})"
    )


def profile(collection: Collection, raws: list[bytes]) -> None:
    """Print where the time goes."""
    conform = Conformer(collection, limits=CLICKHOUSE_LIMITS, hash_seed=1)
    profiler = cProfile.Profile()
    with profiler:
        for raw in raws:
            conform(raw)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(14)


def main() -> None:
    """Measure both shapes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=500_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    shapes = {
        "flat": (a_collection(FLAT, keywords=False), a_flat_document),
        "documents": (a_collection(NESTED, keywords=True), a_document),
    }
    for name, (collection, make) in shapes.items():
        raws = batches(make, options.documents)
        compare(name, collection, raws, count=options.documents, pairs=options.pairs)
        if options.profile:
            profile(collection, raws)


if __name__ == "__main__":
    main()
