"""The shipped views for analysts: what they say is what a plain program over MongoDB's documents counts, mess included.

The program knows of the product only which values a column takes (``tests/acceptance/oracle.py``).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from bson.codec_options import CodecOptions, DatetimeConversion

from devstack.publisher import Publisher, shares
from sluice import pipeline as spine
from sluice.errors import MigrationError
from sluice.statements import ROOT
from tests.acceptance import oracle
from tests.acceptance.conftest import World

Row = dict[str, Any]
Answers = dict[str, set[tuple[Any, ...]]]


@pytest.fixture
def analysed(publishing: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The shipped pipeline with the views that are shipped for it, under the test's own name."""
    for kind in ("clickhouse", "redshift"):
        folder = tmp_path / "shipped" / "sql" / kind / "views"
        folder.mkdir(parents=True)
        for file in (ROOT / "sql" / kind / "views").glob("*.sql"):
            owner = f"-- pipeline: {publishing.pipeline.name}"
            text = re.sub(r"^-- pipeline: +publishing$", owner, file.read_text(), flags=re.MULTILINE)
            assert owner in text
            (folder / file.name).write_text(text)
    monkeypatch.setattr("sluice.warehouse.views.ROOT", tmp_path / "shipped")
    return publishing


@dataclass(frozen=True)
class Plain:
    """The documents of the source as plain rows, without those that have to be rejected."""

    documents: list[Row]
    tickets: list[Row]

    @classmethod
    def of(cls, world: World) -> Plain:
        codec: CodecOptions[Row] = CodecOptions(tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO)
        bounds = oracle.BOUNDS[world.pipeline.warehouse.kind]
        found: dict[str, list[Row]] = {}
        for collection in world.pipeline.collections:
            documents = world.database.get_collection(collection.name, codec_options=codec).find()
            rows = (oracle.rows(collection, document, bounds) for document in documents)
            found[collection.name] = [each[collection.name][0] for each in rows if each is not None]
        return cls(found["documents"], found["tickets"])

    def answers(self) -> Answers:
        questions: list[Callable[[], set[tuple[Any, ...]]]]
        questions = [self.tickets_per_day, self.time_to_finish, self.errors_by_topic, self.throughput_by_user]
        return {question.__name__: question() for question in [*questions, self.unmarked_documents]}

    def tickets_per_day(self) -> set[tuple[Any, ...]]:
        counts = Counter((_day(ticket["created_at"]), ticket["status"]) for ticket in self.tickets)
        return {(*key, count) for key, count in counts.items()}

    def seconds_by_day(self) -> dict[date | None, list[float]]:
        taken = defaultdict(list)
        for ticket in self.tickets:
            if ticket["status"] == "Finished" and ticket["created_at"] and ticket["updated_at"]:
                seconds = (ticket["updated_at"] - ticket["created_at"]).total_seconds()
                taken[_day(ticket["created_at"])].append(seconds)
        return taken

    def time_to_finish(self) -> set[tuple[Any, ...]]:
        taken = self.seconds_by_day()
        return {(day, len(all_), _percentile(all_, 0.5), _percentile(all_, 0.95)) for day, all_ in taken.items()}

    def errors_by_topic(self) -> set[tuple[Any, ...]]:
        topics = {document["_id"]: document["topic"] for document in self.documents}
        ended, errors = Counter[Any](), Counter[Any]()
        for ticket in self.tickets:
            topic = topics.get(ticket["document_id"])
            ended[topic] += ticket["status"] in {"Finished", "Error"}
            errors[topic] += ticket["status"] == "Error"
        return {(t, count, errors[t], _close(errors[t] / count)) for t, count in ended.items() if count}

    def throughput_by_user(self) -> set[tuple[Any, ...]]:
        finished, failed = Counter[Any](), Counter[Any]()
        for ticket in self.tickets:
            counted = {"Finished": finished, "Error": failed}.get(ticket["status"])
            if counted is not None:
                counted[ticket["user"], _day(ticket["updated_at"])] += 1
        return {(*key, finished[key], failed[key]) for key in {*finished, *failed}}

    def unmarked_documents(self) -> set[tuple[Any, ...]]:
        tickets = Counter(ticket["document_id"] for ticket in self.tickets)
        unmarked = [d for d in self.documents if d["watermark_status"] != "Finished"]
        return {(d["_id"], d["title"], d["topic"], d["watermark_status"], tickets[d["_id"]]) for d in unmarked}


COLUMNS = {
    "tickets_per_day": ["day", "status", "tickets"],
    "time_to_finish": ["day", "tickets", "median_seconds", "p95_seconds"],
    "errors_by_topic": ["topic", "ended", "errors", "error_rate"],
    "throughput_by_user": ["user", "day", "finished", "failed"],
    "unmarked_documents": ["_id", "title", "topic", "watermark_status", "tickets"],
}
AGGREGATED = [view for view in COLUMNS if view != "unmarked_documents"]


def seen(world: World) -> Answers:
    """What the views say."""
    return {
        view: {tuple(_close(row[column]) for column in columns) for row in world.rows(view)}
        for view, columns in COLUMNS.items()
    }


def check_approximations(world: World) -> None:
    """On ClickHouse there are also figures of a t-digest: each lies between the values next to the exact one."""
    if world.pipeline.warehouse.kind != "clickhouse":
        return
    taken = Plain.of(world).seconds_by_day()
    for row in world.rows("time_to_finish"):
        ordered = sorted(taken[row["day"]])
        for name, share in (("approx_median_seconds", 0.5), ("approx_p95_seconds", 0.95)):
            place = share * (len(ordered) - 1)
            low, high = max(0, int(place) - 1), min(len(ordered) - 1, int(place) + 2)
            margin = 1e-6 * ordered[high]  # it counts in 32 bits
            assert ordered[low] - margin <= row[name] <= ordered[high] + margin, row


def undescribed(world: World) -> list[str]:
    """The columns without a comment, where there can be one."""
    if world.pipeline.warehouse.kind != "clickhouse":
        return []
    columns = world.analyst.rows("system", "columns")
    readable = (c for c in columns if c["database"] == world.pipeline.warehouse.schema and c["table"][0] != ".")
    return [f"{column['table']}.{column['name']}" for column in readable if not column["comment"]]


def batches_of(world: World) -> set[int]:
    """The batches of which the aggregated views say that they are."""
    return {int(row["batch"]) for view in AGGREGATED for row in world.rows(view)}


def _day(instant: datetime | None) -> date | None:
    return instant.astimezone(UTC).date() if instant else None


def _percentile(values: list[float], share: float) -> float:
    """Between the two neighbours, in proportion."""
    ordered, place = sorted(values), share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return _close(ordered[low] + (ordered[high] - ordered[low]) * (place - low))


def _close(value: Any) -> Any:
    """Figures that differ in the order of a sum alone are the same."""
    return float(f"{value:.9g}") if isinstance(value, float) else value


def test_the_views_say_what_a_plain_program_over_the_source_counts_and_of_which_batch(
    analysed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after a batch that died before it was published: on ClickHouse its rows stand in storage by then."""
    publisher = Publisher(analysed.database.client, analysed.database.name, seed=5, mess=shares(0.05))
    publisher.seed(documents=120, tickets=300, start=datetime(2026, 11, 1, tzinfo=UTC))
    analysed.batch()

    before = Plain.of(analysed).answers()
    assert all(len(answer) > 5 for answer in before.values()), "too little to tell anything"
    assert seen(analysed) == before
    assert batches_of(analysed) == {1}
    assert undescribed(analysed) == []

    def die(*_: object) -> None:
        raise ConnectionAbortedError

    publisher.burst(inserts=40, updates=120)
    with monkeypatch.context() as patched:
        patched.setattr(f"sluice.warehouse.{analysed.pipeline.warehouse.kind}.publish.tell_ended", die)
        with pytest.raises(ConnectionAbortedError):
            analysed.batch()
    with analysed.systems() as systems:
        spine.refresh(analysed.pipeline, systems.warehouse)

    assert seen(analysed) == before
    assert batches_of(analysed) == {1}

    analysed.batch()

    assert seen(analysed) == Plain.of(analysed).answers() != before
    check_approximations(analysed)
    assert batches_of(analysed) == {2}


def test_views_are_applied_again_when_a_file_changes_and_a_failed_refresh_fails_no_batch(
    analysed: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = Publisher(analysed.database.client, analysed.database.name, seed=8)
    publisher.seed(documents=10, tickets=20)
    analysed.batch()
    folder = tmp_path / "shipped" / "sql" / analysed.pipeline.warehouse.kind / "views"
    file = folder / "30_tickets_per_day.sql"
    shipped, right = len(list(folder.glob("*.sql"))), file.read_text()
    assert states(analysed) == {"applied": shipped}

    file.write_text(right.replace("batch, day", "nonsense, day"))
    assert states(analysed) == {"applied": shipped - 1, "changed": 1}
    with analysed.systems() as systems, pytest.raises(MigrationError, match="30_tickets_per_day cannot be made"):
        systems.warehouse.migrate(analysed.pipeline)
    left = {"applied": shipped - 1, "changed": 1}  # on Redshift all of it was one transaction
    assert states(analysed) == (left if analysed.pipeline.warehouse.kind == "redshift" else {"half-applied": shipped})

    more = right.replace("    batch UInt32", "    more String COMMENT 'More.',\n    batch UInt32")
    file.write_text(more.replace("SELECT batch,", "SELECT 'more' AS more, batch,"))
    with analysed.systems() as systems:
        assert len(systems.warehouse.migrate(analysed.pipeline)) == shipped
        assert systems.warehouse.migrate(analysed.pipeline) == []
    assert states(analysed) == {"applied": shipped}
    assert {row["more"] for row in analysed.rows("tickets_per_day")} == {"more"}
    assert seen(analysed) == Plain.of(analysed).answers()

    kind = "MATERIALIZED VIEW" if analysed.pipeline.warehouse.kind == "redshift" else "VIEW"
    schema = analysed.pipeline.warehouse.schema
    analysed.analyst.damage(f"DROP VIEW {schema}.throughput_by_user")
    analysed.analyst.damage(f"DROP {kind} {schema}.user_days")
    publisher.burst(inserts=5)

    assert analysed.batch().batch == 2
    (said,) = [line for line in caplog.messages if "IS STILL OF AN OLDER BATCH" in line]
    assert "user_days" in said
    assert {row["batch"] for row in analysed.rows("tickets_per_day")} == {2}


def states(world: World) -> Counter[str]:
    """How many files of views are in which state."""
    with world.systems() as systems:
        found = systems.warehouse.migration_states(world.pipeline)
    return Counter(state.state for state in found if state.version == "view")


def test_a_file_that_names_an_unknown_table_is_refused_before_anything_is_made(analysed: World, tmp_path: Path) -> None:
    file = tmp_path / "shipped" / "sql" / analysed.pipeline.warehouse.kind / "views" / "70_unmarked_documents.sql"
    file.write_text(f"{file.read_text()}\nDROP VIEW IF EXISTS $books;\n")

    with analysed.systems() as systems, pytest.raises(MigrationError, match=r"\$books is not known"):
        systems.warehouse.migrate(analysed.pipeline)
    assert "documents" not in analysed.analyst.relations(analysed.pipeline.warehouse.schema)
