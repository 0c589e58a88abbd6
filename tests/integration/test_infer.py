"""`sluice infer` on a real MongoDB: the file it writes takes everything that was sampled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bson import json_util
from pymongo.database import Database
from pymongo.errors import ExecutionTimeout

from devstack.publisher import Publisher, shares
from sluice.conform import CLICKHOUSE_LIMITS, Conformer
from sluice.errors import ConfigError, SourceUnavailable
from sluice.mongo import Source
from sluice.new_file import write_new
from sluice.pipeline_file import load_pipeline
from sluice.settings import from_environment

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
Documents = Database[dict[str, Any]]


def infer(*words: str) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).parent / "sluice", "infer", "publishing_mongo", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def rejected(file: Path, database: Documents) -> dict[str, list[tuple[str, str]]]:
    """Collection → what a batch would reject of all its documents."""
    found = {}
    for collection in load_pipeline(file).collections:
        conform = Conformer(collection, limits=CLICKHOUSE_LIMITS, hash_seed=1)
        conformed = map(conform, database[collection.name].find_raw_batches())
        found[collection.name] = [(r.column, r.reason) for each in conformed for r in each.rejects]
    return found


def test_messy_documents_are_all_taken(stack_env: dict[str, str], database: Documents, tmp_path: Path) -> None:
    Publisher(database.client, database.name, seed=3, mess=shares(0.1)).seed(documents=600, tickets=1200)

    done = infer(database.name, "--pipeline", "guessed", "--out", str(tmp_path / "guessed.yml"))

    assert done.returncode == 0, done.stderr
    assert rejected(tmp_path / "guessed.yml", database) == {"documents": [], "tickets": []}


def test_clean_documents_get_their_types_and_the_modified_field(
    stack_env: dict[str, str], database: Documents, tmp_path: Path
) -> None:
    Publisher(database.client, database.name, seed=3).seed(documents=300, tickets=600)

    assert infer(database.name, "documents", "--out", str(tmp_path / "p.yml")).returncode == 0

    (documents,) = load_pipeline(tmp_path / "p.yml").collections
    types = {column.path: str(column.type) for column in documents.columns}
    assert documents.modified == "updated_at"
    assert (types["_id"], types["created_at"], types["pages"]) == ("objectid", "timestamp", "int32")
    assert "keywords" in {child.path for child in documents.children}


def test_real_books_are_all_taken(stack_env: dict[str, str], database: Documents, tmp_path: Path) -> None:
    if not (SHARED / "books.json").exists():
        pytest.skip(f"{SHARED} is not here")
    for name in ("books", "students"):
        lines = (SHARED / f"{name}.json").read_text().splitlines()
        database[name].insert_many(json_util.loads(line) for line in lines)

    assert infer(database.name, "--out", str(tmp_path / "p.yml")).returncode == 0

    assert rejected(tmp_path / "p.yml", database) == {"books": [], "students": []}


def test_a_file_that_is_there_is_not_overwritten(
    stack_env: dict[str, str], database: Documents, tmp_path: Path
) -> None:
    database.things.insert_one({"a": 1})
    file = tmp_path / "p.yml"
    file.write_text("mine")

    done = infer(database.name, "--out", str(file))

    assert (done.returncode, file.read_text()) == (1, "mine")
    assert "is there already" in done.stderr
    with pytest.raises(ConfigError, match="is there already"):
        write_new(file, "yours", fix="")
    assert [each.name for each in tmp_path.iterdir()] == ["p.yml"]


def test_a_collection_that_is_not_there_is_named(
    stack_env: dict[str, str], database: Documents, tmp_path: Path
) -> None:
    database.tickets.insert_one({})

    done = infer(database.name, "tikets", "--out", str(tmp_path / "p.yml"))

    assert done.returncode == 1
    assert "did you mean tickets?" in done.stderr


def test_a_sample_is_no_larger_than_asked(stack_env: dict[str, str], database: Documents) -> None:
    database.things.insert_many({"n": n} for n in range(500))
    source = Source.connect(from_environment("publishing_mongo"), database.name)

    assert sum(raw.count(b"\x10n\x00") for raw in source.sample("things", 20)) == 20
    assert sum(raw.count(b"\x10n\x00") for raw in source.sample("things", 1000)) == 500
    source.close()


def test_a_sample_that_takes_too_long_says_what_to_do(
    stack_env: dict[str, str], database: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exceed(*_: Any, **__: Any) -> None:
        raise ExecutionTimeout("operation exceeded time limit", 50)

    database.things.insert_many({"n": n} for n in range(50))
    monkeypatch.setattr("pymongo.collection.Collection.aggregate_raw_batches", exceed)
    source = Source.connect(from_environment("publishing_mongo"), database.name)

    with pytest.raises(SourceUnavailable, match="smaller --sample"):
        list(source.sample("things", 20))
    source.close()
