"""The role of those who read: every published table and view, and nothing else. On servers of their own."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from sluice.pipeline_file import load_pipeline
from sluice.spec import Pipeline
from sluice.statements import ROOT
from tests.contract.as_analyst import REFUSED, Ask, an_analyst
from tests.contract.grounds import a_clickhouse, a_redshift
from tests.contract.lab import Lab, Servers, document, ticket
from tests.contract.spoiled import Crash

PUBLISHED = ["documents", "documents_keywords", "tickets"]
VIEWS = ["tickets_per_day", "time_to_finish", "errors_by_topic", "throughput_by_user", "unmarked_documents"]
SHIPPED = ROOT / "dags" / "pipelines" / "publishing.yml"


def the_shipped_pipeline(kind: str, folder: Path) -> Pipeline:
    text = SHIPPED.read_text()
    if kind == "redshift":
        text = text.replace("{kind: clickhouse, conn_id: warehouse,", "{kind: redshift, conn_id: redshift,")
    file = folder / "publishing.yml"
    file.write_text(text)
    return load_pipeline(file)


def published(lab: Lab) -> None:
    """One batch, and one that died before it was published, with everything but its commit record."""
    lab.warehouse.migrate(lab.pipeline)
    lab.publish(1, documents=[document("a", "one", "red")], tickets=[ticket("t", "a")])
    for aggregate in lab.warehouse.aggregates(lab.pipeline):
        lab.warehouse.refresh(aggregate)
    batch = lab.stage(lab.plan(2), documents=[document("a", "two"), document("b", "two")], tickets=[ticket("u", "b")])
    with suppress(Crash):
        lab.dying("insert_commit").publish(lab.pipeline, batch)


def check_what_all_may_and_may_not(ask: Ask) -> None:
    counts = ask(*(f"SELECT COUNT(*) FROM publishing.{table}" for table in [*PUBLISHED, *VIEWS]))
    assert REFUSED not in counts
    assert [count.strip("[](),") for count in counts[:3]] == ["1", "1", "1"]
    assert ask("SELECT MAX(batch) FROM sluice.batches WHERE pipeline = 'publishing'")[0].strip("[](),") == "1"
    forbidden = [
        *(f"SELECT COUNT(*) FROM sluice_data.publishing_{table}" for table in PUBLISHED),
        "SELECT plan FROM sluice.batches",
        "SELECT * FROM sluice.rejects",
        "SELECT * FROM sluice.migrations",
        "INSERT INTO sluice_data.publishing_tickets (_id) VALUES ('x')",
        "INSERT INTO sluice.batches (pipeline, batch) VALUES ('publishing', 9)",
        "DROP VIEW publishing.tickets",
        "CREATE VIEW publishing.mine AS SELECT 1 AS one",
    ]
    assert ask(*forbidden) == [REFUSED] * len(forbidden)


@pytest.mark.timeout(180)
def test_on_redshift_the_group_reads_what_is_published_and_nothing_else(servers: Servers, tmp_path: Path) -> None:
    with a_redshift(servers, tmp_path / "server") as ground:
        published(ground.lab(the_shipped_pipeline("redshift", tmp_path)))
        with an_analyst(ground, tmp_path) as ask:
            check_what_all_may_and_may_not(ask)
            changes = [
                "DELETE FROM sluice_data.publishing_tickets WHERE _id = 't'",
                "REFRESH MATERIALIZED VIEW publishing.ticket_days",
                "CREATE TABLE publishing.mine (a INTEGER)",
            ]
            assert ask(*changes) == [REFUSED] * len(changes)


@pytest.mark.timeout(180)
def test_on_clickhouse_the_role_reads_what_is_published_and_nothing_else(servers: Servers, tmp_path: Path) -> None:
    with a_clickhouse(servers, tmp_path / "server") as ground:
        published(ground.lab(the_shipped_pipeline("clickhouse", tmp_path)))
        assert ground.rows("SELECT max(_from) FROM sluice_data.publishing_tickets") == [(2,)]
    with an_analyst(ground, tmp_path / "server") as ask:
        check_what_all_may_and_may_not(ask)
        changes = [
            "SELECT COUNT(*) FROM sluice_data.publishing_tickets__all",
            "SELECT COUNT(*) FROM sluice_data.publishing_tickets__at(batch = 2)",
            "ALTER TABLE sluice_data.publishing_tickets DELETE WHERE 1",
            "SYSTEM REFRESH VIEW publishing.ticket_days",
            "CREATE TABLE publishing.mine (a Int8) ENGINE = Memory",
            "SELECT COUNT(*) FROM publishing.tickets SETTINGS analyzer_inline_views = 1",
        ]
        assert ask(*changes) == [REFUSED] * len(changes)
        history = ask("SELECT max(_from) FROM sluice_data.publishing_tickets__history")
        assert history == ["1"], "a row of a batch that is not published"


def test_a_group_that_is_there_already_is_taken(servers: Servers, tmp_path: Path) -> None:
    """Groups are the cluster's: another database may have made it, or a superuser for a loader that may not."""
    with a_redshift(servers, tmp_path / "server") as ground:
        ground.command("CREATE GROUP sluice_analysts")

        assert ground.warehouse().migrate(None) == [migration.label for migration in ground.product]
