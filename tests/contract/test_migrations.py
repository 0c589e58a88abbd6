"""The warehouse's schema: history, one runner at a time, and tables that are what the pipeline file says."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from sluice import spec
from sluice.errors import Fenced, MigrationError
from sluice.spec import Pipeline
from sluice.statements import ROOT
from sluice.warehouse.clickhouse import ClickHouse
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.landed import Access
from sluice.warehouse.migrations import Migration, read_migrations
from tests.contract.lab import FAST, Lab, Servers
from tests.contract.specs import a_collection, a_column, a_pipeline, a_rich_pipeline
from tests.contract.spoiled import Crash, do_nothing, hooked

PRODUCT = read_migrations("clickhouse")
SCHEMA = ROOT / "migrations" / "clickhouse" / "schema.sql"


@pytest.fixture(scope="module")
def engine(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A ClickHouse of this module's own: history is one a server, and these tests rewrite it."""
    folder = tmp_path_factory.mktemp("clickhouse")
    (folder / "password").write_text("of this test")
    options = {
        "--path": folder / "data",
        "--port": 0,
        "--password-file": folder / "password",
        "--ready-file": folder / "port",
    }
    words = [str(word) for pair in options.items() for word in pair]
    with subprocess.Popen(
        [sys.executable, "-m", "devstack.clickhouse", "--user", "sluice", *words], cwd=ROOT
    ) as process:
        deadline = time.monotonic() + 60
        while not (folder / "port").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        here = {"CLICKHOUSE_HOST": "127.0.0.1", "CLICKHOUSE_PORT": (folder / "port").read_text().strip()}
        yield Servers(
            {**servers.environment, **here, "CLICKHOUSE_USER": "sluice", "CLICKHOUSE_PASSWORD": "of this test"}
        )
        process.terminate()


@pytest.fixture
def empty(engine: Servers) -> Servers:
    """The same engine, on which nothing was ever migrated."""
    driver = engine.driver()
    for (database,) in driver.query("SHOW DATABASES").result_rows:
        if database not in {"default", "system", "information_schema", "INFORMATION_SCHEMA"}:
            driver.command(f"DROP DATABASE `{database}` SYNC")
    return engine


Wrap = Callable[[Client], Client]


def warehouse(servers: Servers, *extra: Migration, wrap: Wrap = lambda client: client) -> ClickHouse:
    client = wrap(Client.connect(servers.clickhouse))
    return ClickHouse(client, Access(servers.bucket), FAST, (*PRODUCT, *extra))


def a_migration(*statements: str, number: int = 1, **overrides: object) -> Migration:
    version = len(PRODUCT) + number
    defaults = Migration(version, "create_something", f"{hash(statements):x}", statements)
    return replace(defaults, **overrides)  # type: ignore[arg-type]


def tables(servers: Servers, database: str = "sluice") -> set[str]:
    rows = servers.driver().query(f"SELECT name FROM system.tables WHERE database = '{database}'").result_rows
    return {name for (name,) in rows}


# --- history


def test_the_first_run_applies_everything_and_the_second_nothing(empty: Servers) -> None:
    assert {state.state for state in warehouse(empty).migration_states()} == {"pending"}

    assert warehouse(empty).migrate(None) == [m.label for m in PRODUCT]

    assert warehouse(empty).migrate(None) == []
    assert {state.state for state in warehouse(empty).migration_states()} == {"applied"}


def test_a_new_file_is_applied_once(empty: Servers) -> None:
    warehouse(empty).migrate(None)
    new = a_migration("CREATE TABLE sluice.once (a Int8) ENGINE = Memory")

    assert warehouse(empty, new).migrate(None) == [new.label]
    assert warehouse(empty, new).migrate(None) == []


@pytest.mark.parametrize("change", [{"checksum": "another"}, {"name": "create_another_thing"}])
def test_edited_history_is_refused(empty: Servers, change: dict[str, str]) -> None:
    new = a_migration("CREATE TABLE sluice.edited (a Int8) ENGINE = Memory")
    warehouse(empty, new).migrate(None)
    edited = replace(new, **change)  # type: ignore[arg-type]

    with pytest.raises(MigrationError, match="is edited now"):
        warehouse(empty, edited).migrate(None)
    assert warehouse(empty, edited).migration_states()[-1].state == "edited"


def test_a_file_that_disappeared_is_refused(empty: Servers) -> None:
    warehouse(empty, a_migration("CREATE TABLE sluice.gone (a Int8) ENGINE = Memory")).migrate(None)

    with pytest.raises(MigrationError, match="is missing now"):
        warehouse(empty).migrate(None)


def test_half_a_migration_goes_on_where_it_stopped(empty: Servers) -> None:
    new = a_migration(
        "CREATE TABLE sluice.one (a Int8) ENGINE = Memory",
        "CREATE TABLE IF NOT EXISTS sluice.two (a Int8) ENGINE = Memory",
        "CREATE TABLE sluice.three (a Int8) ENGINE = Memory",
    )

    def die_after_two(name: str) -> None:
        if name == f"migration {new.label}, statement 2":
            raise Crash

    with pytest.raises(Crash):
        warehouse(empty, new, wrap=lambda c: hooked(c, do_nothing, die_after_two)).migrate(None)
    assert warehouse(empty, new).migration_states()[-1].state == "half-applied"

    assert warehouse(empty, new).migrate(None) == [new.label]
    assert {"one", "two", "three"} <= tables(empty)


def test_a_migration_that_may_not_be_sent_twice_says_what_to_do(empty: Servers) -> None:
    statement = "CREATE TABLE sluice.risky (a Int8) ENGINE = Memory"
    new = a_migration(statement)

    def die(name: str) -> None:
        if name == f"migration {new.label}, statement 1":
            raise Crash

    with pytest.raises(Crash):
        warehouse(empty, new, wrap=lambda c: hooked(c, do_nothing, die)).migrate(None)
    with pytest.raises(MigrationError) as error:
        warehouse(empty, new).migrate(None)

    assert statement in str(error.value)
    advice = [line.strip().rstrip(";") for line in str(error.value).splitlines()]
    (insert,) = [line for line in advice if line.startswith("INSERT")]
    empty.driver().command(insert)
    assert warehouse(empty, new).migrate(None) == []
    assert warehouse(empty, new).migration_states()[-1].state == "applied"


def test_two_runners_on_an_empty_server_apply_each_statement_once(empty: Servers) -> None:
    new = a_migration(*(f"CREATE TABLE sluice.t{n} (a Int8) ENGINE = Memory" for n in range(3)))

    def migrate(_: int) -> list[str]:
        while True:
            with suppress(Fenced):  # claimed in the same moment as another's: tried again, as the DAG does
                return warehouse(empty, new).migrate(None)

    with ThreadPoolExecutor(3) as pool:
        applied = list(pool.map(migrate, range(3)))

    assert max(applied, key=len) == [m.label for m in (*PRODUCT, new)]
    done = "SELECT version, statement FROM sluice.migrations WHERE state = 'applied'"
    rows = empty.driver().query(done).result_rows
    assert len(rows) == len(set(rows)) == sum(len(m.statements) for m in (*PRODUCT, new))


def test_a_dead_runner_is_taken_over_from(empty: Servers) -> None:
    new = a_migration("CREATE TABLE IF NOT EXISTS sluice.after (a Int8) ENGINE = Memory")

    def before(name: str) -> None:
        if name == f"migration {new.label}, statement 1":
            raise Crash

    with pytest.raises(Crash):
        warehouse(empty, new, wrap=lambda c: hooked(c, before, do_nothing)).migrate(None)
    begun = time.monotonic()

    assert warehouse(empty, new).migrate(None) == [new.label]
    assert time.monotonic() - begun < 30


def test_the_end_state_is_what_schema_sql_shows(empty: Servers) -> None:
    """After a new migration: WRITE_SCHEMA=1 pytest tests/contract/test_migrations.py."""
    warehouse(empty).migrate(None)
    found = warehouse(empty).schema()

    if os.environ.get("WRITE_SCHEMA"):
        SCHEMA.write_text(found, encoding="utf-8")
    assert found == SCHEMA.read_text(encoding="utf-8")


# --- a pipeline's tables


@pytest.fixture
def mine(engine: Servers) -> Lab:
    """A pipeline of the test's own on the module's engine, migrated."""
    lab = Lab(engine, a_rich_pipeline())
    lab.warehouse.migrate(lab.pipeline)
    return lab


def changed(pipeline: Pipeline, **overrides: object) -> Pipeline:
    (documents,) = pipeline.collections
    return replace(pipeline, collections=(replace(documents, **overrides),))  # type: ignore[arg-type]


def test_tables_are_created_once_and_then_recognised(mine: Lab) -> None:
    assert mine.warehouse.migrate(mine.pipeline) == []
    assert tables(mine.servers, mine.pipeline.warehouse.schema) == {"documents", "documents_keywords"}


def test_a_view_is_replaced_only_when_it_differs(mine: Lab) -> None:
    schema = mine.pipeline.warehouse.schema
    mine.analyst.command(f"DROP VIEW {schema}.documents")

    assert mine.warehouse.migrate(mine.pipeline) == [f"view {schema}.documents"]


def test_a_difference_is_refused_with_the_statement_that_removes_it(mine: Lab) -> None:
    columns = mine.pipeline.collections[0].columns
    wider = tuple(replace(c, type=a_column("", "int64").type) if c.name == "c3" else c for c in columns)
    wanted = changed(mine.pipeline, columns=(*wider[:-1], a_column("added", "date")))

    with pytest.raises(MigrationError) as error:
        mine.warehouse.migrate(wanted)

    text = str(error.value)
    assert "column added is missing" in text
    assert "column c3 is Nullable(Int32), the pipeline file says Nullable(Int64)" in text
    assert f"column {columns[-1].name} is not in the pipeline file" in text
    assert f"NNNN_alter_{mine.pipeline.name}.sql" in text


def test_the_statements_of_a_refusal_make_a_migration_that_works(mine: Lab) -> None:
    storage = f"sluice_data.{mine.pipeline.name}_documents"
    mine.analyst.command(f"INSERT INTO {storage} (_id, title, _from, _to) VALUES ('a', 'one', 0, 1)")
    wanted = changed(mine.pipeline, columns=(*mine.pipeline.collections[0].columns, a_column("added", "date")))
    with pytest.raises(MigrationError) as error:
        mine.warehouse.migrate(wanted)
    alters = [line.strip().rstrip(";") for line in str(error.value).splitlines() if line.strip().startswith("ALTER")]
    new = a_migration(*alters, name=f"alter_{wanted.name}", pipeline=wanted.name)

    try:
        done = warehouse(mine.servers, new).migrate(wanted)
    finally:
        _forget(mine, new)

    assert done[0] == new.label
    assert mine.rows(f"SELECT title, added FROM {wanted.warehouse.schema}.documents") == [("one", None)]


def test_a_pipelines_migration_on_a_new_warehouse_finds_nothing_left_to_do(mine: Lab) -> None:
    name = f"p{secrets.token_hex(4)}"
    fresh = a_pipeline(name)
    alter = f"ALTER TABLE sluice_data.{name}_documents ADD COLUMN IF NOT EXISTS title Nullable(String)"
    new = a_migration(alter, pipeline=name)

    try:
        assert new.label in warehouse(mine.servers, new).migrate(fresh)
        assert new.label not in warehouse(mine.servers, new).migrate(mine.pipeline)
    finally:
        _forget(mine, new)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"order_by": ("_id",)}, "it is ordered by"),
        ({"partition_by": "toYear(updated_at)"}, "it is partitioned by"),
        ({"skip_indexes": ()}, "skip index minmax on c3 is not in the pipeline file"),
        ({"low_cardinality": ()}, "column c1 is LowCardinality"),
    ],
)
def test_another_way_of_storing_is_a_difference(mine: Lab, options: dict[str, object], words: str) -> None:
    now = mine.pipeline.collections[0].clickhouse
    wanted = changed(mine.pipeline, clickhouse=replace(now, **options))  # type: ignore[arg-type]

    with pytest.raises(MigrationError) as error:
        mine.warehouse.migrate(wanted)

    assert words in str(error.value)


def test_another_pipeline_with_the_same_tables_is_refused(mine: Lab) -> None:
    schema = mine.pipeline.warehouse
    thief = a_pipeline(f"p{secrets.token_hex(4)}", warehouse=schema)

    with pytest.raises(MigrationError, match="does not belong to the pipeline"):
        mine.warehouse.migrate(thief)


def test_pipelines_whose_names_run_into_each_other_do_not_share_a_table(mine: Lab) -> None:
    name = f"p{secrets.token_hex(4)}"
    one = a_pipeline(name, collections=(a_collection("b_c", children=()),))
    other = a_pipeline(f"{name}_b", collections=(a_collection("c", children=()),))
    mine.warehouse.migrate(one)

    with pytest.raises(MigrationError, match="does not belong to the pipeline"):
        mine.warehouse.migrate(other)


def test_a_column_that_is_a_word_of_sql_is_quoted(mine: Lab) -> None:
    columns = (a_column("_id", "key"), a_column("order"), a_column("select"), a_column("updated_at", "timestamp"))
    pipeline = a_pipeline(
        f"p{secrets.token_hex(4)}", collections=(a_collection("table", columns=columns, children=()),)
    )
    lab = Lab(mine.servers, pipeline)

    assert lab.warehouse.migrate(pipeline)
    assert lab.warehouse.migrate(pipeline) == []


def _forget(lab: Lab, migration: Migration) -> None:
    sql = f"ALTER TABLE sluice.migrations DELETE WHERE version = {migration.version} SETTINGS mutations_sync = 2"
    lab.analyst.command(sql)


def test_files_are_numbered_without_gaps(tmp_path: Path) -> None:
    folder = tmp_path / "migrations" / "clickhouse"
    folder.mkdir(parents=True)
    (folder / "0001_create_one.sql").write_text("SELECT 1;\n")
    (folder / "0003_create_three.sql").write_text("SELECT 3;\n")

    with pytest.raises(MigrationError, match="0002"):
        read_migrations("clickhouse", tmp_path)


def test_a_key_outside_the_order_is_refused_before_a_table_exists(mine: Lab) -> None:
    wanted = changed(
        a_pipeline("x", collections=(a_collection(),)), clickhouse=spec.ClickHouseOptions(order_by=("title",))
    )

    with pytest.raises(Exception, match="lacks the key column _id"):
        mine.warehouse.migrate(wanted)
