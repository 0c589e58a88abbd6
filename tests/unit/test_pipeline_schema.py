"""The JSON Schema that editors complete and check pipeline files with."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from sluice.config import reference, schema
from tests.factories import a_pipeline_text

ROOT = Path(__file__).parents[2]
PUBLISHING = ROOT / "dags" / "pipelines" / "publishing.yml"


def test_the_schema_for_editors_is_up_to_date() -> None:
    written = (ROOT / "dags" / "pipelines" / "schema.json").read_text()
    assert written == schema.text(), "run `python -m sluice.config.schema > dags/pipelines/schema.json`"


def test_the_reference_of_keys_is_up_to_date() -> None:
    written = (ROOT / "docs" / "pipeline-keys.md").read_text()
    assert written == reference.text(), "run `python -m sluice.config.reference > docs/pipeline-keys.md`"


def test_the_reference_names_every_key_that_the_schema_knows() -> None:
    known = {key for where in schema.json_schema()["$defs"].values() for key in where.get("properties", ())}
    assert known <= set(re.findall(r"^\| `(\w+)` \|", reference.text(), re.MULTILINE))


@pytest.mark.parametrize(
    "file", [PUBLISHING, *sorted((ROOT / "tests" / "pipelines").glob("*.yml"))], ids=lambda f: f.stem
)
def test_good_files_follow_the_schema(file: Path) -> None:
    jsonschema.validate(yaml.safe_load(file.read_text()), schema.json_schema())


def test_the_shipped_file_names_its_schema() -> None:
    assert PUBLISHING.read_text().splitlines()[0] == "# yaml-language-server: $schema=schema.json"


@pytest.mark.parametrize(
    "text",
    [
        a_pipeline_text(schedul="a"),
        a_pipeline_text(capture="{lag: 5}"),
        a_pipeline_text(collections="{documents: {columns: {a: {tpye: text}}}}"),
        a_pipeline_text(collections="{documents: {columns: {a: {type: strng(5)}}}}"),
    ],
)
def test_the_schema_finds_what_an_editor_can_find(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), schema.json_schema())


def test_the_schema_is_plain_json() -> None:
    assert json.loads(json.dumps(schema.json_schema())) == schema.json_schema()
    assert not re.search(r"\(\?[<P]", schema.text()), "an editor's JavaScript has other named groups"
