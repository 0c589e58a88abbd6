"""Pipeline files: what they become, one by one and as a folder, and their hashes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sluice.columns import ColumnType, Kind, OnError
from sluice.errors import ConfigError
from sluice.hashes import collection_hash, pipeline_hash
from sluice.pipeline_file import PipelineFileError, load_pipeline, load_pipelines, parse_pipeline
from sluice.spec import (
    Capture,
    Child,
    ClickHouseOptions,
    Collection,
    Column,
    CopyOptions,
    Freshness,
    Maintenance,
    RedshiftOptions,
    UnknownFields,
    Vacuum,
)
from tests.factories import a_child, a_collection, a_column, a_pipeline, a_pipeline_text

ROOT = Path(__file__).parents[2]
PUBLISHING = ROOT / "dags" / "pipelines" / "publishing.yml"
FILE = Path("publishing.yml")
KEY = Column("_id", "_id", ColumnType(Kind.KEY))


def documents(text: str) -> Collection:
    """The collection that a flow mapping describes."""
    return parse_pipeline(a_pipeline_text(collections=f"{{documents: {{{text}}}}}"), FILE).collections[0]


# --- what a file becomes ----------------------------------------------------------------------------------------------


def test_a_short_file_has_the_defaults() -> None:
    found = parse_pipeline(a_pipeline_text(), FILE)

    assert found == a_pipeline(collections=(Collection("documents", None, (KEY,)),), file=FILE)
    assert (found.schedule, found.landing.prefix, found.rejects.limit) == (None, "sluice", 0.01)
    assert found.capture == Capture("modified", timedelta(minutes=2), timedelta(seconds=5))


def test_freshness_has_a_short_form() -> None:
    short = parse_pipeline(a_pipeline_text(schedule="'@hourly'", freshness="15m"), FILE)
    told = "{limit: 1h, notify: a.b.Notifier, with: {to: us@example.org}}"
    long = parse_pipeline(a_pipeline_text(schedule="'@hourly'", freshness=told), FILE)

    assert short.freshness == Freshness(timedelta(minutes=15))
    assert long.freshness == Freshness(timedelta(hours=1), "a.b.Notifier", (("to", "us@example.org"),))


def test_the_shipped_file_is_read() -> None:
    found = load_pipeline(PUBLISHING)

    assert [table.name for table in found.tables] == ["documents", "documents_keywords", "tickets"]
    assert found.file == PUBLISHING
    assert found.schedule == "*/5 * * * *"
    title = next(c for c in found.collection("documents").columns if c.name == "title")
    said = "What it is called."
    assert title == Column("title", "title", ColumnType(Kind.STRING, length=512), OnError.TRUNCATE, description=said)


@pytest.mark.parametrize("name", ["books", "students"])
def test_the_files_of_the_tests_are_read(name: str) -> None:
    assert load_pipeline(ROOT / "tests" / "pipelines" / f"{name}.yml").name == name


def test_columns_have_a_short_form_a_default_name_and_the_order_of_the_file() -> None:
    found = documents("columns: {b.c: string(5), _id: objectid, a: {type: text, on_error: truncate, name: x}}")

    assert found.columns == (
        Column("b_c", "b.c", ColumnType(Kind.STRING, length=5)),
        Column("_id", "_id", ColumnType(Kind.OBJECTID)),
        Column("x", "a", ColumnType(Kind.TEXT), OnError.TRUNCATE),
    )


@pytest.mark.parametrize("word", ["null", '"null"', "~"])
def test_on_error_null_is_an_action_though_yaml_takes_it_for_nothing(word: str) -> None:
    assert documents(f"columns: {{a: {{type: bool, on_error: {word}}}}}").columns[1].on_error is OnError.NULL


def test_maintenance_is_as_its_section_says() -> None:
    told = a_pipeline_text(maintenance="{vacuum: {schedule: null, budget: 90m, keep: 12h}}")

    found = parse_pipeline(told, FILE).maintenance

    assert found == Maintenance(Vacuum(None, timedelta(minutes=90), timedelta(hours=12)))


def test_arrays_become_children_of_values_or_of_documents() -> None:
    found = documents(
        "children: {a.tags: string(64), b: {type: int64, on_error: null, name: bs}, c: {columns: {d.e: text, f: bool}}}"
    )

    assert found.children == (
        Child("a_tags", "a.tags", (Column("value", "", ColumnType.parse("string(64)")),), of_documents=False),
        Child("bs", "b", (Column("value", "", ColumnType(Kind.INT64), OnError.NULL),), of_documents=False),
        Child("c", "c", (a_column("d_e", "text", path="d.e"), a_column("f", "bool")), of_documents=True),
    )


def test_arrays_in_elements_become_children_of_children() -> None:
    found = documents(
        "children: {parts: {columns: {n: int32}, children: {a.b: {depth: 2, children: {c: text}}, d: {type: text, "
        "name: notes}}}, points: {type: float64, depth: 3}}"
    )

    text = (a_column("value", "text", path=""),)
    c = Child("parts_a_b_c", "c", text, of_documents=False)
    inner = (
        Child("parts_a_b", "a.b", (), of_documents=True, depth=2, children=(c,)),
        Child("notes", "d", text, of_documents=False),
    )
    assert found.children == (
        Child("parts", "parts", (a_column("n", "int32"),), of_documents=True, children=inner),
        Child("points", "points", (a_column("value", "float64", path=""),), of_documents=False, depth=3),
    )
    names = ["documents", "documents_parts", "documents_parts_a_b", "documents_parts_a_b_c", "documents_notes"]
    assert [table.name for table in found.tables] == [*names, "documents_points"]


def test_numeric_keys_are_added_at_any_depth() -> None:
    inner = "children: {b: {columns: {of: {type: key, references: documents}}}, c: {type: key, references: documents}}"
    found = documents(f"unknown_fields: ignore, surrogate_key: true, children: {{a: {{{inner}}}}}")

    assert [table.readable for table in found.tables[2:]] == [
        ("parent_id", "parent_key", "ordinal_1", "ordinal", "of", "of_key"),
        ("parent_id", "parent_key", "ordinal_1", "ordinal", "value", "value_key"),
    ]


def test_a_surrogate_key_and_references_add_numeric_keys_beside_the_ids() -> None:
    text = (
        "{documents: {surrogate_key: true, unknown_fields: ignore, columns: {title: text, a.next: {type: key, "
        "references: documents}}, children: {tags: text, marks: {columns: {by: {type: key, references: documents}}}, "
        "seen: {type: key, references: documents}}}}"
    )
    own, tags, marks, seen = parse_pipeline(a_pipeline_text(collections=text), FILE).tables

    assert own.readable == ("_id", "_key", "title", "a_next", "a_next_key")
    assert tags.readable == ("parent_id", "parent_key", "ordinal", "value")
    assert marks.readable == ("parent_id", "parent_key", "ordinal", "by", "by_key")
    assert seen.readable == ("parent_id", "parent_key", "ordinal", "value", "value_key")
    assert {key.collection for table in (own, tags, marks, seen) for key in table.numeric} == {"documents"}


def test_a_numeric_key_may_decide_how_its_table_is_stored() -> None:
    found = documents(
        "surrogate_key: true, columns: {of: {type: key, references: documents}}, redshift: {distkey: of_key, "
        "sortkey: [_key]}, clickhouse: {order_by: [_key, _id], partition_by: 'modulo(_key, 8)', "
        "skip_indexes: {of_key: bloom_filter(0.01)}}"
    )

    assert found.redshift == RedshiftOptions("of_key", ("_key",))
    assert found.clickhouse.order_by == ("_key", "_id")


def test_storage_options_are_kept_and_their_expressions_rebuilt() -> None:
    found = documents(
        "columns: {created_at: timestamp, topic: text}, redshift: {distkey: _id, sortkey: [created_at], "
        "encode: {topic: zstd}, copy_options: {acceptanydate: true, acceptinvchars: '?', maxerror: 7}}, clickhouse: "
        "{order_by: [topic, _id], partition_by: '( toYYYYMM(created_at),intDiv (1,007) )', "
        "skip_indexes: {topic: ' set ( 100 )', created_at: minmax}, low_cardinality: [topic]}"
    )

    copy = CopyOptions(acceptanydate=True, acceptinvchars="?", maxerror=7)
    assert found.redshift == RedshiftOptions("_id", ("created_at",), (("topic", "zstd"),), copy)
    assert found.clickhouse == ClickHouseOptions(
        ("topic", "_id"),
        "(toYYYYMM(created_at), intDiv(1, 7))",
        (("topic", "set(100)"), ("created_at", "minmax")),
        ("topic",),
    )


@pytest.mark.parametrize(
    ("kind", "landing", "format_"),
    [
        ("clickhouse", "", "parquet"),
        ("clickhouse", ", format: parquet", "parquet"),
        ("redshift", "", "csv"),
        ("redshift", ", format: parquet", "parquet"),
    ],
)
def test_parts_are_landed_as_the_warehouse_likes_them_unless_said(kind: str, landing: str, format_: str) -> None:
    text = a_pipeline_text(
        warehouse=f"{{kind: {kind}, conn_id: a, schema: b}}", landing=f"{{conn_id: a, bucket: landing{landing}}}"
    )

    assert parse_pipeline(text, FILE).landing.format == format_


@pytest.mark.parametrize(
    ("text", "seconds"), [("5s", 5), ("2m", 120), ("1h30m", 5400), ("1d", 86_400), ("0s", 0), ("1d1h1m1s", 90_061)]
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_pipeline(a_pipeline_text(capture=f"{{lag: {text}}}"), FILE).capture.lag == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["*/5 * * * *", "0 6 1,15 * mon-fri", "5 4 * JAN 7", "@daily", "null"])
def test_schedules(text: str) -> None:
    word = None if text == "null" else f'"{text}"'
    assert parse_pipeline(a_pipeline_text(schedule=word or "null"), FILE).schedule == (text if word else None)


def test_words_that_only_yaml_1_1_takes_for_something_else_are_text() -> None:
    assert parse_pipeline(a_pipeline_text(pipeline="on"), FILE).name == "on"


# --- folders ----------------------------------------------------------------------------------------------------------


def test_a_folder_is_read_by_name(tmp_path: Path) -> None:
    for name in ("b", "a"):
        storage = f"{{kind: clickhouse, conn_id: warehouse, schema: {name}}}"
        (tmp_path / f"{name}.yml").write_text(a_pipeline_text(pipeline=name, warehouse=storage))
    (tmp_path / "schema.json").write_text("{}")

    assert [pipeline.name for pipeline in load_pipelines(tmp_path)] == ["a", "b"]


def test_the_errors_of_all_files_are_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(a_pipeline_text(schedule="5"))
    (tmp_path / "b.yml").write_text("")

    with pytest.raises(PipelineFileError) as raised:
        load_pipelines(tmp_path)

    assert [found.file.name for found in raised.value.found] == ["a.yml", "b.yml"]


@pytest.mark.parametrize(
    ("overrides", "line", "said"),
    [
        (
            {"warehouse": "{kind: clickhouse, conn_id: warehouse, schema: other}", "collections": "{others: {}}"},
            "b.yml:1:1: pipeline: the name publishing is also that of",
            "a.yml: give one of them another name",
        ),
        (
            {"pipeline": "other"},
            "b.yml:5:15: collections.documents: the table publishing.documents is also that of",
            "",
        ),
        (
            {"pipeline": "publishing_documents", "collections": "{keywords: {}}"},
            "b.yml:5:15: collections.keywords: the storage publishing_documents_keywords is also that of",
            "",
        ),
        (
            {
                "pipeline": "other",
                "collections": "{documents: {children: {a: {children: {b: {type: text, name: keywords}}}}}}",
            },
            "b.yml:5:53: collections.documents.children.a.children.b: the table publishing.documents_keywords is also",
            "",
        ),
    ],
    ids=["pipeline", "table", "storage", "inner"],
)
def test_two_files_cannot_give_one_name_to_two_things(
    tmp_path: Path, overrides: dict[str, str | None], line: str, said: str
) -> None:
    (tmp_path / "a.yml").write_text(a_pipeline_text(collections="{documents: {children: {keywords: text}}}"))
    (tmp_path / "b.yml").write_text(a_pipeline_text(**overrides))

    with pytest.raises(PipelineFileError) as raised:
        load_pipelines(tmp_path)

    (found,) = [found for found in raised.value.found if line in str(found)]
    assert said in str(found)


def test_a_file_that_is_missing_or_unreadable_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "latin.yml").write_bytes("pipeline: größe".encode("latin-1"))

    with pytest.raises(ConfigError, match=r"there is no pipeline file .*none\.yml"):
        load_pipeline(tmp_path / "none.yml")
    with pytest.raises(ConfigError, match="cannot read"):
        load_pipeline(tmp_path)
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load_pipeline(tmp_path / "latin.yml")
    with pytest.raises(ConfigError, match="there is no folder"):
        load_pipelines(tmp_path / "none")


# --- hashes -----------------------------------------------------------------------------------------------------------

TEXT = a_column("title", "text")


@pytest.mark.parametrize(
    "changed",
    [
        a_collection(columns=(a_column(), TEXT)),
        a_collection(columns=(a_column(), a_column("title", "json"), a_column("updated_at", "timestamp"))),
        a_collection(columns=(a_column(), replace(TEXT, on_error=OnError.NULL), a_column("updated_at", "timestamp"))),
        a_collection(columns=(a_column(), replace(TEXT, name="name"), a_column("updated_at", "timestamp"))),
        a_collection(columns=(a_column(), replace(TEXT, path="name"), a_column("updated_at", "timestamp"))),
        a_collection(children=(a_child(),)),
        a_collection(unknown_fields=UnknownFields.IGNORE),
        a_collection(transform="a:b"),
    ],
    ids=["fewer", "type", "on_error", "name", "path", "child", "unknown_fields", "transform"],
)
def test_what_decides_values_changes_a_collections_hash(changed: Collection) -> None:
    assert collection_hash(changed) != collection_hash(a_collection())


def test_what_is_declared_inside_a_child_changes_a_collections_hash() -> None:
    inner = (a_child(), a_child(depth=2), a_child(children=(a_child(),)), a_child(children=(a_child(depth=2),)))

    assert len({collection_hash(a_collection(children=(child,))) for child in inner}) == len(inner)


@pytest.mark.parametrize(
    "changed",
    [
        a_collection(columns=tuple(reversed(a_collection().columns))),
        a_collection(clickhouse=ClickHouseOptions(("_id",))),
        a_collection(redshift=RedshiftOptions("_id")),
        a_collection(deletes="reconcile"),
        a_collection(surrogate_key=True),
    ],
    ids=["order", "clickhouse", "redshift", "deletes", "surrogate_key"],
)
def test_what_decides_only_storage_leaves_a_collections_hash(changed: Collection) -> None:
    assert collection_hash(changed) == collection_hash(a_collection())


@pytest.mark.parametrize(
    ("narrow", "wide", "actions"),
    [
        ("string(5)", "string(9)", set(OnError)),
        ("string(5)", "text", set(OnError)),
        ("int32", "int64", {OnError.REJECT, OnError.NULL, OnError.REPLACE}),
        ("decimal(9,2)", "decimal(18,4)", set(OnError)),
    ],
)
def test_how_much_room_a_column_has_decides_its_values_only_where_what_needs_more_is_not_rejected(
    narrow: str, wide: str, actions: set[OnError]
) -> None:
    def hash_of(kind: str, action: OnError) -> int:
        return collection_hash(a_collection(columns=(a_column(), a_column("a", kind, on_error=action)), modified=None))

    same = {action for action in actions if hash_of(narrow, action) == hash_of(wide, action)}
    assert same == {OnError.REJECT}


def test_hashes_are_the_same_in_every_process_and_version() -> None:
    assert collection_hash(a_collection(children=(a_child(),))) == 7918598602046290860
    assert pipeline_hash(a_pipeline()) == "723722f8294803b6"


def test_a_pipelines_hash_follows_what_a_batch_does_and_not_when_or_where_its_file_is() -> None:
    base = pipeline_hash(a_pipeline())

    assert pipeline_hash(a_pipeline(file=FILE, schedule="@daily")) == base
    assert pipeline_hash(a_pipeline(freshness=Freshness(timedelta(minutes=15)))) == base
    assert pipeline_hash(a_pipeline(capture=Capture(lag=timedelta(seconds=9)))) != base
    assert pipeline_hash(a_pipeline(collections=(a_collection(deletes="reconcile"),))) != base
