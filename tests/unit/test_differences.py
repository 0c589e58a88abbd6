"""``sluice migrate new``: what is safe becomes a file; what is not is refused, and nothing is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sluice.errors import ConfigError, MigrationError
from sluice.new_file import write_new
from sluice.spec import Collection, WarehouseKind
from sluice.warehouse.clickhouse import differences as clickhouse
from sluice.warehouse.clickhouse import tables as clickhouse_tables
from sluice.warehouse.differences import Comparison, Difference, migration_name, migration_text
from sluice.warehouse.migrations import read_migrations, write_migration
from sluice.warehouse.redshift import differences as redshift
from sluice.warehouse.redshift import tables as redshift_tables
from sluice.warehouse.redshift.alters import Described
from tests.factories import a_child, a_collection, a_column

KINDS = list(WarehouseKind)


def compared(kind: WarehouseKind, before: Collection, now: Collection) -> Comparison:
    """How a table that was made of one collection differs from another."""
    table, place = now.tables[0], (clickhouse_tables if kind == "clickhouse" else redshift_tables).Place
    storage = place("p", "read", "documents").storage
    if kind is WarehouseKind.CLICKHOUSE:
        stored = clickhouse_tables.stored(before, before.tables[0])
        order = ", ".join(clickhouse_tables.order(before, before.tables[0]))
        found = clickhouse.Found(tuple((c.name, c.type, c.computed) for c in stored), order, "", ())
        return Comparison("p", (), tuple(("t", d) for d in clickhouse.differences(now, table, storage, found)))
    own = before.tables[0]
    key, order_ = redshift_tables.distribution(before, own), redshift_tables.sorting(before, own)
    columns = {
        c.name: Described(
            c.type, not c.required, "raw", c.name == key, order_.index(c.name) + 1 if c.name in order_ else 0
        )
        for c in redshift_tables.stored(before, own)
    }
    return Comparison("p", (), tuple(("t", d) for d in redshift.differences(now, table, storage, columns)))


def of(*columns: Any) -> Collection:
    return a_collection(columns=(a_column(), a_column("updated_at", "timestamp"), *columns))


def one(kind: str) -> Collection:
    return of(a_column("x", kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_is_added(kind: WarehouseKind) -> None:
    text = migration_text(compared(kind, of(), one("int32")))

    assert text.startswith("-- pipeline: p\n-- purpose: ")
    assert '\n-- t: column x is missing\nALTER TABLE "sluice_data"."p_documents" ADD COLUMN ' in text


SAFE = [
    ("clickhouse", "int32", "int64"),
    ("clickhouse", "int32", "float64"),
    ("clickhouse", "decimal(18,2)", "decimal(20,4)"),
    ("redshift", "string(10)", "string(20)"),
    ("redshift", "string(10)", "text"),
]
UNSAFE = [
    *((kind, "int64", "int32") for kind in KINDS),
    *((kind, "int64", "float64") for kind in KINDS),
    *((kind, "float64", "int64") for kind in KINDS),
    *((kind, "text", "int64") for kind in KINDS),
    *((kind, "timestamp", "date") for kind in KINDS),
    *((kind, "decimal(20,4)", "decimal(18,2)") for kind in KINDS),
    *((kind, "decimal(18,2)", "decimal(18,4)") for kind in KINDS),
    ("redshift", "string(20)", "string(10)"),
    ("redshift", "int32", "int64"),
]


@pytest.mark.parametrize(("kind", "before", "now"), SAFE)
def test_a_column_is_widened(kind: str, before: str, now: str) -> None:
    text = migration_text(compared(WarehouseKind(kind), one(before), one(now)))

    assert ("MODIFY COLUMN" if kind == "clickhouse" else "ALTER COLUMN") in text


@pytest.mark.parametrize(("kind", "before", "now"), UNSAFE)
def test_what_could_change_a_value_is_refused_with_the_reason(kind: str, before: str, now: str) -> None:
    with pytest.raises(MigrationError, match="not every value that is there would be the same"):
        migration_text(compared(WarehouseKind(kind), one(before), one(now)))


def test_on_redshift_it_is_said_what_the_cluster_cannot_do() -> None:
    with pytest.raises(MigrationError, match="alters no type but the length of a text"):
        migration_text(compared(WarehouseKind.REDSHIFT, one("int32"), one("int64")))


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_that_is_gone_or_renamed_is_not_dropped(kind: WarehouseKind) -> None:
    """A peer that renames by dropping and adding loses the values."""
    for now in (of(), of(a_column("y", "int32", path="x"))):
        with pytest.raises(MigrationError, match="to drop it is to lose its values"):
            migration_text(compared(kind, one("int32"), now))


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_never_altered(kind: WarehouseKind) -> None:
    """As a peer does on the fly, whose second sync then fails (ALTER_OF_COLUMN_IS_FORBIDDEN)."""
    before, now = (
        a_collection(columns=(a_column("_id", key), a_column("updated_at", "timestamp"))) for key in ("int64", "key")
    )
    renamed = a_collection(columns=(a_column("id", "int64", path="_id"), a_column("updated_at", "timestamp")))

    for changed in (now, renamed):
        with pytest.raises(MigrationError, match="publish finds rows by their key"):
            migration_text(compared(kind, before, changed))


def test_what_a_table_is_ordered_by_is_never_altered() -> None:
    before = replace(one("int32"), clickhouse=replace(one("int32").clickhouse, order_by=("x", "_id")))
    now = replace(one("int64"), clickhouse=before.clickhouse)

    with pytest.raises(MigrationError, match="publish finds rows by their key"):
        migration_text(compared(WarehouseKind.CLICKHOUSE, before, now))


def test_another_order_is_refused() -> None:
    now = replace(one("int32"), clickhouse=replace(one("int32").clickhouse, order_by=("x", "_id")))

    with pytest.raises(MigrationError, match="an order or a partition cannot be altered"):
        migration_text(compared(WarehouseKind.CLICKHOUSE, one("int32"), now))


def test_one_unsafe_difference_keeps_all_of_them_from_the_file(tmp_path: Path) -> None:
    both = Comparison("p", (), (("t", Difference("a", "ALTER a;")), ("t", Difference("b", "ALTER b;", "why not"))))

    with pytest.raises(MigrationError) as error:
        write_migration("clickhouse", both, tmp_path)

    assert "t: b: why not" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_the_next_one_and_belongs_to_the_pipeline(tmp_path: Path) -> None:
    folder = tmp_path / "migrations" / "clickhouse"
    folder.mkdir(parents=True)
    (folder / "0001_create_one.sql").write_text("-- purpose: one.\nSELECT 1;\n")
    found = Comparison("Big__P", ("Big__P_new",), (("t", Difference("x is missing", "ALTER TABLE t ADD COLUMN x;")),))

    said = write_migration("clickhouse", found, tmp_path)

    _, made = read_migrations("clickhouse", tmp_path)
    assert (made.label, made.pipeline) == ("0002_alter_big_p", "Big__P")
    assert made.statements == ("ALTER TABLE t ADD COLUMN x",)
    assert str(folder / "0002_alter_big_p.sql") in said
    assert "made from the file before this runs: Big__P_new" in (folder / "0002_alter_big_p.sql").read_text()


def test_tables_that_are_only_missing_need_no_file(tmp_path: Path) -> None:
    """A new collection, a new child: they are made from the pipeline file."""
    assert a_child().name == "keywords"
    said = write_migration("clickhouse", Comparison("p", ("p_documents_keywords",), ()), tmp_path)

    assert said == "nothing to write; `sluice migrate up` makes p_documents_keywords"


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    write_new(tmp_path / "a", "one", fix="")

    with pytest.raises(ConfigError, match="is there already"):
        write_new(tmp_path / "a", "other", fix="")
    assert (tmp_path / "a").read_text() == "one"


@pytest.mark.parametrize(("pipeline", "name"), [("a", "0007_alter_a.sql"), ("_Ab__c_", "0007_alter_ab_c.sql")])
def test_the_name_is_one_that_a_migration_may_have(pipeline: str, name: str) -> None:
    assert migration_name(pipeline, 7) == name
