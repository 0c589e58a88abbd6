"""``python -m devstack.publisher``: fill a database and let it live, from a shell."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from bson import json_util
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from devstack.errors import StackError
from devstack.publisher import KINDS, Publisher, Summary, shares

_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
    TimeRemainingColumn(),
)
_LEDGER_JSON = json_util.CANONICAL_JSON_OPTIONS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    options = _parser().parse_args(arguments)
    console = Console()
    try:
        summary = _carry_out(options, console)
    except StackError as error:
        console.print(str(error), style="red", highlight=False)
        return 1
    except KeyboardInterrupt:
        return 130
    except PyMongoError as error:
        console.print(f"MongoDB: {str(error)[:500]}", style="red", highlight=False)
        return 1
    _show(console, summary)
    if options.ledger:
        _write_ledger(options.ledger, summary)
    return 0


def _carry_out(options: argparse.Namespace, console: Console) -> Summary:
    if not options.mongo_url:
        raise StackError("Which MongoDB? Run `source .devstack/env`, or give --mongo-url.")
    mess = shares(options.mess, options.mess_share)
    total, act = _COMMANDS[options.command](options)
    with MongoClient[Any](options.mongo_url) as client, Progress(*_COLUMNS, console=console) as progress:
        publisher = Publisher(client, options.database, seed=options.seed, mess=mess)
        task = progress.add_task(options.command, total=total)
        publisher.on_progress = lambda count: progress.advance(task, count)
        return act(publisher)


Act = Callable[[Publisher], Summary]


def _seed(o: argparse.Namespace) -> tuple[int, Act]:
    return o.documents + o.tickets, lambda publisher: publisher.seed(
        o.documents, o.tickets, start=o.start, end=o.end, drop=o.drop
    )


def _burst(o: argparse.Namespace) -> tuple[int, Act]:
    return o.inserts + o.updates + o.deletes, lambda publisher: publisher.burst(o.inserts, o.updates, o.deletes)


def _run(o: argparse.Namespace) -> tuple[int, Act]:
    stop = Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    return round(o.rate * o.seconds), lambda publisher: publisher.run(
        o.rate, o.seconds, threads=o.threads, deletes=o.deletes, stop=stop
    )


def _flat(o: argparse.Namespace) -> tuple[int, Act]:
    return o.count, lambda publisher: publisher.flat(o.count, o.collection)


_COMMANDS: dict[str, Callable[[argparse.Namespace], tuple[int, Act]]] = {
    "seed": _seed,
    "burst": _burst,
    "run": _run,
    "flat": _flat,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devstack.publisher", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shared = _shared()

    seed = commands.add_parser("seed", parents=[shared], help="fill the database with a past, fast")
    seed.add_argument("--documents", type=_count, required=True)
    seed.add_argument("--tickets", type=_count, required=True)
    seed.add_argument("--start", type=_instant, metavar="ISO", help="default: a year before the end")
    seed.add_argument("--end", type=_instant, metavar="ISO", help="default: half an hour ago")
    seed.add_argument("--drop", action="store_true", help="empty both collections first")

    burst = commands.add_parser("burst", parents=[shared], help="a burst of changes, stamped now")
    burst.add_argument("--inserts", type=_count, default=0, help="new tickets and documents, two to one")
    burst.add_argument("--updates", type=_count, default=0, help="documents edited, or their tickets advanced")
    burst.add_argument("--deletes", type=_count, default=0, help="documents deleted, with their tickets")

    run = commands.add_parser("run", parents=[shared], help="everyday life, until it is over or Ctrl-C")
    run.add_argument("--rate", type=float, required=True, help="operations a second")
    run.add_argument("--seconds", type=float, required=True)
    run.add_argument("--threads", type=int, default=1)
    run.add_argument("--deletes", type=float, default=0.02, help="share of the operations (default: %(default)s)")

    flat = commands.add_parser("flat", parents=[shared], help="a collection of flat documents of about 200 bytes")
    flat.add_argument("--count", type=_count, required=True)
    flat.add_argument("--collection", default="books", help="is replaced (default: %(default)s)")
    return parser


def _shared() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--mongo-url", default=os.environ.get("MONGO_URL"), help="default: MONGO_URL")
    shared.add_argument("--database", default="publishing", help="default: %(default)s")
    shared.add_argument("--seed", type=int, default=0, help="the same seed makes the same choices (default: 0)")
    shared.add_argument("--mess", type=float, default=0.0, metavar="SHARE", help="of new entities (default: none)")
    shared.add_argument(
        "--mess-share",
        type=_shares,
        default={},
        metavar="KIND=SHARE,…",
        help="exact shares; the other kinds divide --mess. Kinds: " + ", ".join(KINDS),
    )
    shared.add_argument("--ledger", type=Path, metavar="FILE", help="write each mess that was made, a JSON line each")
    return shared


def _count(text: str) -> int:
    number = int(text.replace("_", ""))
    if number < 0:
        raise ValueError
    return number


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _shares(text: str) -> dict[str, float]:
    return {kind.strip(): float(share) for kind, _, share in (pair.partition("=") for pair in text.split(","))}


def _show(console: Console, summary: Summary) -> None:
    table = Table(title=f"{summary.seconds:.1f} s since {summary.started:%Y-%m-%d %H:%M:%S} UTC", title_justify="left")
    for name in ("", "what", "count"):
        table.add_column(name, justify="right" if name == "count" else "left")
    _add(table, "operations", summary.operations)
    _add(table, "written", summary.written)
    _add(table, "mess", summary.mess)
    console.print(table)


def _add(table: Table, title: str, counts: Counter[str]) -> None:
    for n, (what, count) in enumerate(sorted(counts.items())):
        table.add_row("" if n else title, what, f"{count:,}")
    table.add_section()


def _write_ledger(file: Path, summary: Summary) -> None:
    with file.open("w", encoding="utf-8") as out:
        out.writelines(json_util.dumps(asdict(entry), json_options=_LEDGER_JSON) + "\n" for entry in summary.ledger)


if __name__ == "__main__":
    sys.exit(main())
