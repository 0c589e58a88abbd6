"""The warehouse's schema: history, one runner at a time, and tables that are what the pipeline file says."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sluice import spec
from sluice.errors import Fenced, MigrationError, WarehouseUnavailable
from sluice.spec import Pipeline
from sluice.warehouse.migrations import Migration, read_migrations
from sluice.warehouse.views import ViewFile
from tests.contract.grounds import Ground, a_clickhouse, a_redshift
from tests.contract.lab import Lab, Servers
from tests.contract.specs import a_collection, a_column
from tests.contract.spoiled import Crash

ONLY_CLICKHOUSE = pytest.mark.parametrize("ground", ["clickhouse"], indirect=True)
ONLY_REDSHIFT = pytest.mark.parametrize("ground", ["redshift"], indirect=True)


@pytest.fixture(scope="module", params=["clickhouse", "redshift"])
def ground(
    request: pytest.FixtureRequest, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """A server of this module's own: history is one a server, and these tests rewrite it."""
    started = {"clickhouse": a_clickhouse, "redshift": a_redshift}[request.param]
    with started(servers, tmp_path_factory.mktemp("ground") / "server") as found:
        yield found


@pytest.fixture
def empty(ground: Ground) -> Ground:
    """The same server, on which nothing was ever migrated."""
    ground.empty()
    return ground


def a_migration(ground: Ground, *statements: str, **overrides: Any) -> Migration:
    """The one after the product's."""
    version = len(ground.product) + 1
    return replace(Migration(version, "create_something", f"{hash(statements):x}", statements), **overrides)


# --- history


def test_the_first_run_applies_everything_and_the_second_nothing(empty: Ground) -> None:
    assert {state.state for state in empty.warehouse().migration_states()} == {"pending"}

    assert empty.warehouse().migrate(None) == [m.label for m in empty.product]

    assert empty.warehouse().migrate(None) == []
    assert {state.state for state in empty.warehouse().migration_states()} == {"applied"}


def test_a_new_file_is_applied_once(empty: Ground) -> None:
    empty.warehouse().migrate(None)
    new = a_migration(empty, empty.create("once"))

    assert empty.warehouse(new).migrate(None) == [new.label]
    assert empty.warehouse(new).migrate(None) == []


@pytest.mark.parametrize("change", [{"checksum": "another"}, {"name": "create_another_thing"}])
def test_edited_history_is_refused(empty: Ground, change: dict[str, str]) -> None:
    new = a_migration(empty, empty.create("edited"))
    empty.warehouse(new).migrate(None)
    edited = replace(new, **change)  # type: ignore[arg-type]

    with pytest.raises(MigrationError, match="is edited now"):
        empty.warehouse(edited).migrate(None)
    assert empty.warehouse(edited).migration_states()[-1].state == "edited"


def test_a_file_that_disappeared_is_refused(empty: Ground) -> None:
    empty.warehouse(a_migration(empty, empty.create("left"))).migrate(None)

    with pytest.raises(MigrationError, match="is missing now"):
        empty.warehouse().migrate(None)


def test_half_a_migration_goes_on_where_it_stopped(empty: Ground) -> None:
    new = a_migration(empty, empty.create("one"), empty.create("two", again=True), empty.create("three"))

    def die_after_two(name: str) -> None:
        if name == f"migration {new.label}, statement 2":
            raise Crash

    with pytest.raises(Crash):
        empty.warehouse(new, after=die_after_two).migrate(None)
    assert empty.warehouse(new).migration_states()[-1].state == "half-applied"

    assert empty.warehouse(new).migrate(None) == [new.label]
    assert {"one", "two", "three"} <= empty.tables()


def test_a_migration_that_may_not_be_sent_twice_says_what_to_do(empty: Ground) -> None:
    new = a_migration(empty, empty.risky)

    def die(name: str) -> None:
        if name == f"migration {new.label}, statement 1":
            raise Crash

    with pytest.raises(Crash):
        empty.warehouse(new, after=die).migrate(None)
    with pytest.raises(MigrationError) as error:
        empty.warehouse(new).migrate(None)

    assert empty.risky in str(error.value)
    advice = [line.strip().rstrip(";") for line in str(error.value).splitlines()]
    (insert,) = [line for line in advice if line.startswith("INSERT")]
    empty.command(insert)
    assert empty.warehouse(new).migrate(None) == []
    assert empty.warehouse(new).migration_states()[-1].state == "applied"


def test_two_runners_on_an_empty_server_apply_each_statement_once(empty: Ground) -> None:
    new = a_migration(empty, *(empty.create(f"t{n}") for n in range(3)))

    def migrate(_: int) -> list[str]:
        while True:
            with suppress(Fenced, WarehouseUnavailable):  # taken over by another: tried again, as the DAG does
                return empty.warehouse(new).migrate(None)

    with ThreadPoolExecutor(3) as pool:
        applied = list(pool.map(migrate, range(3)))

    assert max(applied, key=len)[-1] == new.label
    rows = empty.rows("SELECT version, statement FROM sluice.migrations WHERE state = 'applied'")
    assert len(rows) == len(set(rows)) == sum(len(m.statements) for m in (*empty.product, new))


def test_a_dead_runner_is_taken_over_from(empty: Ground) -> None:
    new = a_migration(empty, empty.create("after", again=True))

    def before(name: str) -> None:
        if name == f"migration {new.label}, statement 1":
            raise Crash

    with pytest.raises(Crash):
        empty.warehouse(new, before=before).migrate(None)
    begun = time.monotonic()

    assert empty.warehouse(new).migrate(None) == [new.label]
    assert time.monotonic() - begun < 30


def test_the_end_state_is_what_schema_sql_shows(empty: Ground) -> None:
    """After a new migration: WRITE_SCHEMA=1 pytest tests/contract/test_migrations.py."""
    empty.warehouse().migrate(None)
    found = empty.warehouse().schema()

    if os.environ.get("WRITE_SCHEMA"):
        empty.schema_file.write_text(found, encoding="utf-8")
    assert found == empty.schema_file.read_text(encoding="utf-8")


# --- a pipeline's tables


@pytest.fixture
def mine(ground: Ground) -> Lab:
    """A pipeline of the test's own on the module's server, migrated."""
    lab = ground.lab()
    lab.warehouse.migrate(lab.pipeline)
    return lab


def changed(pipeline: Pipeline, **overrides: object) -> Pipeline:
    (documents,) = pipeline.collections
    return replace(pipeline, collections=(replace(documents, **overrides),))  # type: ignore[arg-type]


def test_tables_are_created_once_and_then_recognised(mine: Lab, ground: Ground) -> None:
    assert mine.warehouse.migrate(mine.pipeline) == []
    assert ground.tables(mine.pipeline.warehouse.schema) == {"documents", "documents_keywords"}


def test_a_view_is_replaced_only_when_it_differs(mine: Lab, ground: Ground) -> None:
    schema = mine.pipeline.warehouse.schema
    ground.command(f"DROP VIEW {schema}.documents")

    assert mine.warehouse.migrate(mine.pipeline) == [f"view {schema}.documents"]


@ONLY_REDSHIFT
def test_of_two_runners_one_makes_the_views_for_analysts(mine: Lab, ground: Ground) -> None:
    """On ClickHouse a runner holds the fence for all that it does."""
    pipeline, text = mine.pipeline, "DROP VIEW IF EXISTS $schema.one;\nCREATE VIEW $schema.one AS SELECT 1 AS n;"

    def slowly(name: str) -> None:
        if "CREATE VIEW" in name:
            time.sleep(0.5)

    def migrate(_: int) -> list[str]:
        runner = ground.warehouse(before=slowly)
        runner._views = (ViewFile("one", pipeline.name, text),)
        made: list[str] = runner.migrate(pipeline)
        return made

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(migrate, range(2))) == [[], [f"views {pipeline.warehouse.schema}.one"]]


def test_what_the_pipeline_file_says_of_tables_and_columns_stands_beside_them(mine: Lab, ground: Ground) -> None:
    schema, odd = mine.pipeline.warehouse.schema, 'It\'s 5 % of {what:Int8} \\ "all"; --$view'
    (collection,) = mine.pipeline.collections
    columns = tuple(replace(c, description=odd) if c.name == "c3" else c for c in collection.columns)
    children = tuple(replace(child, description="What it is found by.") for child in collection.children)

    done = mine.warehouse.migrate(changed(mine.pipeline, description=odd, columns=columns, children=children))

    assert {f"view {schema}.documents", f"view {schema}.documents_keywords"} <= set(done)
    assert ground.comments(mine.pipeline, "documents")[""].startswith(f"{odd} (sluice: pipeline {mine.pipeline.name}, ")
    assert ground.comments(mine.pipeline, "documents_keywords")[""].startswith("What it is found by. (")
    said = ground.comments(mine.pipeline, "documents")
    assert said["c3"] == odd
    assert said["_id"] == "The key of documents: one row for each."
    assert mine.warehouse.migrate(mine.pipeline) != [], "the file says nothing of it any more"
    assert "c3" not in ground.comments(mine.pipeline, "documents")
    assert mine.warehouse.migrate(mine.pipeline) == []


def test_a_difference_is_refused_with_the_statement_that_removes_it(mine: Lab, ground: Ground) -> None:
    columns = mine.pipeline.collections[0].columns
    wider = tuple(replace(c, type=a_column("", "int64").type) if c.name == "c3" else c for c in columns)
    wanted = changed(mine.pipeline, columns=(*wider[:-1], a_column("added", "date")))

    with pytest.raises(MigrationError) as error:
        mine.warehouse.migrate(wanted)

    text = str(error.value)
    assert "column added is missing" in text
    assert f"column c3 is {ground.types[0]}, the pipeline file says {ground.types[1]}" in text
    assert f"column {columns[-1].name} is not in the pipeline file" in text
    assert f"NNNN_alter_{mine.pipeline.name}.sql" in text


def test_the_statements_of_a_refusal_make_a_migration_that_works(mine: Lab, ground: Ground) -> None:
    storage = f"sluice_data.{mine.pipeline.name}_documents"
    ground.keep_one_row(storage)
    wanted = changed(mine.pipeline, columns=(*mine.pipeline.collections[0].columns, a_column("added", "date")))
    with pytest.raises(MigrationError) as error:
        mine.warehouse.migrate(wanted)
    alters = [line.strip().rstrip(";") for line in str(error.value).splitlines() if line.strip().startswith("ALTER")]
    new = a_migration(ground, *alters, name=f"alter_{wanted.name}", pipeline=wanted.name)

    try:
        done = ground.warehouse(new).migrate(wanted)
    finally:
        ground.forget(new)

    assert done[0] == new.label
    assert mine.rows(f"SELECT title, added FROM {wanted.warehouse.schema}.documents") == [("one", None)]


def test_a_pipelines_migration_on_a_new_warehouse_finds_nothing_left_to_do(mine: Lab, ground: Ground) -> None:
    name = f"p{secrets.token_hex(4)}"
    fresh = ground.pipeline(name)
    new = a_migration(ground, f"ALTER TABLE sluice_data.{name}_documents {ground.added}", pipeline=name)

    try:
        assert new.label in ground.warehouse(new).migrate(fresh)
        assert new.label not in ground.warehouse(new).migrate(mine.pipeline)
    finally:
        ground.forget(new)


@ONLY_CLICKHOUSE
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


@ONLY_REDSHIFT
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"distkey": "c1"}, "it is distributed by c3, the pipeline file says c1"),
        ({"sortkey": ("c1",)}, "it is sorted by (updated_at, c1), the pipeline file says (c1)"),
        ({"encode": (("c1", "zstd"),)}, "the pipeline file says zstd"),
    ],
)
def test_another_way_of_storing_on_redshift_is_a_difference(mine: Lab, options: dict[str, Any], words: str) -> None:
    now = mine.pipeline.collections[0].redshift
    wanted = changed(mine.pipeline, redshift=replace(now, **options))

    with pytest.raises(MigrationError) as error:
        mine.warehouse.migrate(wanted)

    assert words in str(error.value)
    assert f'ALTER TABLE "sluice_data"."{wanted.name}_documents" ALTER ' in str(error.value)


@ONLY_REDSHIFT
def test_an_encoding_of_the_pipeline_file_is_that_of_the_column(ground: Ground) -> None:
    """A table that was made so is recognised, and another encoding is a difference."""
    encoded = spec.RedshiftOptions(encode=(("title", "zstd"),))
    pipeline = ground.pipeline(f"p{secrets.token_hex(4)}", collections=(a_collection(redshift=encoded),))
    lab = ground.lab(pipeline)
    lab.warehouse.migrate(pipeline)

    assert lab.warehouse.migrate(pipeline) == []
    with pytest.raises(MigrationError, match="column title is encoded zstd, the pipeline file says lzo"):
        lab.warehouse.migrate(changed(pipeline, redshift=spec.RedshiftOptions(encode=(("title", "lzo"),))))


def test_another_pipeline_with_the_same_tables_is_refused(mine: Lab, ground: Ground) -> None:
    schema = mine.pipeline.warehouse
    thief = ground.pipeline(f"p{secrets.token_hex(4)}", warehouse=schema)

    with pytest.raises(MigrationError, match="does not belong to the pipeline"):
        mine.warehouse.migrate(thief)


def test_pipelines_whose_names_run_into_each_other_do_not_share_a_table(mine: Lab, ground: Ground) -> None:
    name = f"p{secrets.token_hex(4)}"
    one = ground.pipeline(name, collections=(a_collection("b_c", children=()),))
    other = ground.pipeline(f"{name}_b", collections=(a_collection("c", children=()),))
    mine.warehouse.migrate(one)

    with pytest.raises(MigrationError, match="does not belong to the pipeline"):
        mine.warehouse.migrate(other)


def test_a_column_that_is_a_word_of_sql_is_quoted(mine: Lab, ground: Ground) -> None:
    columns = (a_column("_id", "key"), a_column("order"), a_column("select"), a_column("updated_at", "timestamp"))
    pipeline = ground.pipeline(
        f"p{secrets.token_hex(4)}", collections=(a_collection("table", columns=columns, children=()),)
    )
    lab = ground.lab(pipeline)

    assert lab.warehouse.migrate(pipeline)
    assert lab.warehouse.migrate(pipeline) == []


def test_files_are_numbered_without_gaps(tmp_path: Path) -> None:
    folder = tmp_path / "migrations" / "clickhouse"
    folder.mkdir(parents=True)
    (folder / "0001_create_one.sql").write_text("SELECT 1;\n")
    (folder / "0003_create_three.sql").write_text("SELECT 3;\n")

    with pytest.raises(MigrationError, match="0002"):
        read_migrations("clickhouse", tmp_path)


@ONLY_CLICKHOUSE
def test_a_key_outside_the_order_is_refused_before_a_table_exists(mine: Lab, ground: Ground) -> None:
    wanted = changed(
        ground.pipeline("x", collections=(a_collection(),)), clickhouse=spec.ClickHouseOptions(order_by=("title",))
    )

    with pytest.raises(Exception, match="lacks the key column _id"):
        mine.warehouse.migrate(wanted)
