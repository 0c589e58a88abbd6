"""The data dictionary, and what is said of columns that nobody described."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sluice.described import descriptions
from sluice.dictionary import dictionary
from sluice.hashes import collection_hash, pipeline_hash
from sluice.pipeline_file import load_pipeline
from sluice.spec import Child
from sluice.warehouse.views import read_views
from tests.contract.specs import a_collection, a_column

ROOT = Path(__file__).parents[2]
PUBLISHING = ROOT / "dags" / "pipelines" / "publishing.yml"


def test_the_dictionary_of_the_shipped_pipeline_is_up_to_date() -> None:
    made = dictionary(load_pipeline(PUBLISHING))

    again = "run `sluice dictionary publishing > docs/dictionary.md`"
    assert (ROOT / "docs" / "dictionary.md").read_text(encoding="utf-8") == made, again


@pytest.mark.parametrize("file", sorted(PUBLISHING.parent.glob("*.yml")), ids=lambda file: file.stem)
def test_every_table_and_column_of_a_shipped_pipeline_is_described(file: Path) -> None:
    tables = load_pipeline(file).tables

    assert [table.name for table in tables if not table.description] == []
    assert [(t.name, column) for t in tables for column, said in descriptions(t).items() if not said] == []


@pytest.mark.parametrize("warehouse", ["clickhouse", "redshift"])
def test_every_view_for_analysts_has_a_section_and_its_columns_as_its_file_describes_them(warehouse: str) -> None:
    made = dictionary(load_pipeline(PUBLISHING))

    for file in read_views(warehouse):
        view = next(view for view in file.text.split() if view.startswith("$schema.")).strip(";")
        section = made.partition(f"## {view.removeprefix('$schema.')}\n")[2].partition("\n## ")[0]
        assert "A view." in section
        assert "|  |" not in section
        assert section.count("\n| `") == file.text.count(" COMMENT '") if warehouse == "clickhouse" else section


def test_every_column_of_every_table_has_a_row() -> None:
    pipeline = load_pipeline(PUBLISHING)
    made = dictionary(pipeline)

    for table in pipeline.tables:
        section = made.partition(f"## {table.name}\n")[2].partition("\n## ")[0]
        rows = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
        assert rows == list(table.readable)


def test_what_sluice_adds_is_described_also_deep_inside() -> None:
    inner = Child("deep", "deep", (a_column("value"),), of_documents=False)
    outer = Child("reviews", "reviews", (a_column("stars", "int32"),), of_documents=True, children=(inner,))
    own, _, deep = a_collection(children=(outer,), surrogate_key=True).tables

    assert descriptions(own) | {"title": "-", "updated_at": "-"} == {
        "_id": "The key of documents: one row for each.",
        "_key": "The number of _id, to join by: the same wherever that id of documents stands.",
        "title": "-",
        "updated_at": "-",
        "_extra": "The fields of the document that no column declares, as JSON; NULL where there are none.",
    }
    assert list(descriptions(deep)) == ["parent_id", "parent_key", "ordinal_1", "ordinal", "value"]
    assert all(said for column, said in descriptions(deep).items() if column != "value")


def test_a_description_changes_neither_what_is_read_nor_what_is_written() -> None:
    """Or every document would be published again, and a load that was killed begin anew."""
    pipeline = load_pipeline(PUBLISHING)
    collection = pipeline.collections[0]
    columns = tuple(replace(column, description="another") for column in collection.columns)
    children = tuple(replace(child, description="another") for child in collection.children)
    other = replace(collection, columns=columns, children=children, description="another")

    assert collection_hash(other) == collection_hash(collection)
    assert pipeline_hash(replace(pipeline, collections=(other, *pipeline.collections[1:]))) == pipeline_hash(pipeline)


@pytest.mark.parametrize("cell", ["a | b", "a"])
def test_a_bar_in_a_description_ends_no_cell(cell: str) -> None:
    pipeline = load_pipeline(PUBLISHING)
    collection = replace(
        pipeline.collections[0], columns=tuple(replace(c, description=cell) for c in pipeline.collections[0].columns)
    )
    made = dictionary(replace(pipeline, collections=(collection,)))

    row = next(line for line in made.splitlines() if line.startswith("| `title` |"))
    assert row.endswith(f"| {cell.replace('|', chr(92) + '|')} |")
