"""``make demo``: documents and tickets arrive through Airflow, some change, and only those move again."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pymongo
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from devstack.airflow_api import FINAL, AirflowApi
from devstack.analyst import WAREHOUSES, ask
from devstack.errors import StackError
from devstack.publisher import Publisher, shares
from devstack.servers import SERVERS, Airflow, Place
from devstack.stack import ROOT, Stack, default_home
from sluice import audit
from sluice import pipeline as spine
from sluice.pipeline_file import load_pipeline
from sluice.settings import from_environment
from sluice.warehouse.base import Commit

# A pipe has no width: without this, tables would be cut at 80 columns there.
console = Console(width=None if sys.stdout.isatty() else 140)
STEPS = ("migrate", "plan", "land", "load", "publish", "verify", "clean_up")
QUESTIONS = ROOT / "devstack" / "questions"


class Demo:
    """The demo on one stack."""

    def __init__(self, stack: Stack, dags: Path, options: argparse.Namespace) -> None:
        self.stack, self.dags, self.options = stack, dags, options
        self.file = dags / "pipelines" / "publishing.yml"
        self.begun = time.monotonic()

    def run(self) -> bool:
        """All of it. True when source and warehouse are equal at the end."""
        self._start()
        self._say(f"{self.options.documents:,} documents and {self.options.tickets:,} tickets are written to MongoDB")
        publisher = Publisher(self.mongo, self.pipeline.source.database, seed=1, mess=shares(self.options.mess))
        publisher.seed(documents=self.options.documents, tickets=self.options.tickets)
        self._say("Airflow's scheduler runs the pipeline: everything moves")
        self.airflow.wait_for_dag(self.pipeline.name)
        self.airflow.pause(self.pipeline.name, paused=False)
        equal = self._follow(self._first_run(), since=0)
        self.airflow.pause(self.pipeline.name, paused=True)  # its schedule must not move the burst half-way
        inserts, updates = self.options.documents // 100, self.options.documents // 50
        self._say(f"a burst of changes: {inserts:,} new documents and tickets, {updates:,} updates")
        publisher.burst(inserts=inserts, updates=updates)
        self._say("a second run: only what changed moves")
        self.airflow.pause(self.pipeline.name, paused=False)
        equal = self._follow(self.airflow.trigger(self.pipeline.name), since=self._batch()) and equal
        self._ask()
        self._farewell()
        return equal

    def _start(self) -> None:
        self._say(f"local servers: MongoDB, S3, Airflow, and {WAREHOUSES[self.options.warehouse]}")
        again = self.stack.exists()
        self.stack.up()
        if again:
            self._say("what these servers held is removed")
            self.stack.reset()
        env = self.stack.env()
        os.environ.update(env)
        self.pipeline = load_pipeline(self.file)
        self.mongo: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(env["MONGO_URL"])
        self.airflow = AirflowApi(env["AIRFLOW_URL"], env["AIRFLOW_USER"], env["AIRFLOW_PASSWORD"])
        self.systems = spine.connect(self.pipeline, from_environment)

    def _first_run(self) -> str:
        while not (runs := self.airflow.runs(self.pipeline.name)):
            time.sleep(0.3)
        return str(runs[0]["dag_run_id"])

    def _batch(self) -> int:
        commit = self.systems.warehouse.last_commit(self.pipeline.name)
        return commit.batch if commit else 0

    def _follow(self, run: str, *, since: int) -> bool:
        """Show a run until it ends, then what it did. Raises StackError with the log of a task that failed."""
        state = "running"
        columns = (
            TextColumn("  {task.description:<10}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console, transient=True) as progress:
            bars = {step: progress.add_task(step, total=1, state="", start=False) for step in STEPS}
            while state not in FINAL:
                time.sleep(1.0)
                state = self.airflow.run(self.pipeline.name, run)["state"]
                self._draw(progress, bars, self.airflow.tasks(self.pipeline.name, run))
        tasks = self.airflow.tasks(self.pipeline.name, run)
        if state == "failed":
            failed = next(task for task in tasks if task["state"] == "failed")
            raise StackError(
                f"{failed['task_id']} failed:\n{self.airflow.log(self.pipeline.name, run, failed)[-3000:]}"
            )
        commits = [c for c in self.systems.warehouse.commits(self.pipeline.name) if c.batch > since]
        return self._show(commits, tasks, self.airflow.run(self.pipeline.name, run))

    @staticmethod
    def _draw(progress: Progress, bars: dict[str, Any], tasks: Sequence[dict[str, Any]]) -> None:
        for step, bar in bars.items():
            states = [task["state"] for task in tasks if task["task_id"] == step]
            if any(states):
                progress.start_task(bar)
            done = sum(state == "success" for state in states)
            said = ", ".join(sorted({state for state in states if state}))
            progress.update(bar, total=max(len(states), 1), completed=done, state=said)
            if states and done == len(states):
                progress.stop_task(bar)

    def _show(self, commits: Sequence[Commit], tasks: Sequence[dict[str, Any]], run: dict[str, Any]) -> bool:
        """Newest commit first. There may be two: the schedule's own run may come between."""
        findings = {f.collection: f for f in audit.compare(self.pipeline, self.systems)}
        seconds = _seconds_by_collection(tasks)
        table = Table("collection", box=None, header_style="bold")
        for name in ("source", "warehouse", "rejects", "equal", "read", "published", "seconds", "rows/s"):
            table.add_column(name, justify="right")
        for name in commits[0].counts:
            found = findings[name]
            read = sum(commit.counts[name]["read"] for commit in commits)
            published = sum(commit.counts[name]["tables"][name]["published"] for commit in commits)
            equal = "[green]yes[/]" if found.equal else "[red]NO[/]"
            cells = (found.source, found.warehouse, found.rejected)
            took = seconds.get(name, 0.0)
            rate = f"{read / took:,.0f}" if took else "-"
            table.add_row(name, *(f"{n:,}" for n in cells), equal, f"{read:,}", f"{published:,}", f"{took:.1f}", rate)
        numbers = " and ".join(str(commit.batch) for commit in reversed(commits))
        cut = f"{commits[0].cut.time:%Y-%m-%d %H:%M:%S} UTC"
        console.print(f"  batch {numbers}, true to {cut}, the run took {_length(run):.0f} s")
        console.print(table)
        return all(found.equal for found in findings.values())

    def _ask(self) -> None:
        for file in sorted(QUESTIONS.glob("*.sql")):
            title, _, query = file.read_text().partition("\n")
            self._say(title.removeprefix("--").strip())
            console.print(ask(self.options.warehouse, self.stack.env(), query))

    def _farewell(self) -> None:
        env = self.stack.env()
        self._say(f"done in {time.monotonic() - self.begun:.0f} s; everything keeps running until `make down`")
        console.print(
            f"  Airflow     {env['AIRFLOW_URL']}  user {env['AIRFLOW_USER']}  password {env['AIRFLOW_PASSWORD']}"
        )
        file = self.pipeline.name if self.dags == ROOT / "dags" else os.path.relpath(self.file)
        console.print(f"  a shell     make shell, and there: sluice status {file}", soft_wrap=True)

    def _say(self, text: str) -> None:
        console.print(f"\n[bold cyan]{time.monotonic() - self.begun:5.0f} s[/]  {text}")


class OtherAirflow(Airflow):
    """An Airflow whose pipeline file is the repository's, but for the line that names the warehouse."""

    def __init__(self, dags: Path, warehouse: str) -> None:
        super().__init__(dags)
        self._line = f"warehouse: {{kind: {warehouse}, conn_id: {warehouse}, schema: publishing}}"

    def prepare(self, place: Place) -> None:
        """Write the DAGs beside what else is Airflow's, to be removed with it."""
        super().prepare(place)
        (self.dags / "pipelines").mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "dags" / "pipelines.py", self.dags)
        file = Path("pipelines", "publishing.yml")
        text = re.sub("^warehouse: .*$", self._line, (ROOT / "dags" / file).read_text(), flags=re.MULTILINE)
        (self.dags / file).write_text(text)


def _airflow(home: Path, warehouse: str) -> Airflow:
    return Airflow() if warehouse == "clickhouse" else OtherAirflow(home / Airflow.name / "dags", warehouse)


def _seconds_by_collection(tasks: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Seconds of landing and loading; the name of a mapped task starts with its collection."""
    seconds: dict[str, float] = defaultdict(float)
    for task in tasks:
        if task["task_id"] in {"land", "load"}:
            seconds[str(task["rendered_map_index"]).split(" ")[0]] += task["duration"] or 0.0
    return seconds


def _length(run: dict[str, Any]) -> float:
    start, end = (datetime.fromisoformat(run[name]) for name in ("start_date", "end_date"))
    return (end - start).total_seconds()


def main() -> int:
    """Run the demo. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m devstack.demo", description=__doc__)
    parser.add_argument("--home", type=Path, help="where the stack's state is (default: .devstack)")
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--tickets", type=int, default=400_000)
    parser.add_argument("--warehouse", choices=WAREHOUSES, default="clickhouse", help="where they arrive")
    parser.add_argument("--mess", type=float, default=0.002, help="share of documents that are messy")
    options = parser.parse_args()
    airflow = _airflow((options.home or default_home()).resolve(), options.warehouse)
    servers = [airflow if server.name == Airflow.name else server for server in SERVERS]
    stack = Stack(options.home, servers=servers, say=lambda line: console.print(f"  {line}", highlight=False))
    try:
        return 0 if Demo(stack, airflow.dags, options).run() else 1
    except StackError as error:
        console.print(f"[red]demo: {error}[/]")
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
