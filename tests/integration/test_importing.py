"""`make import` on a real MongoDB: all documents of a file, or none and one sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from bson.datetime_ms import DatetimeMS
from bson.json_util import CANONICAL_JSON_OPTIONS, dumps
from pymongo.database import Database

from devstack.errors import StackError
from devstack.importing import import_file

Documents = Database[dict[str, Any]]
DOCUMENTS = [{"_id": ObjectId(f"{n:024x}"), "n": n, "far": DatetimeMS(2**50)} for n in range(2_500)]
LINES = [dumps(each, json_options=CANONICAL_JSON_OPTIONS) for each in DOCUMENTS]
FORMS = {
    "mongoexport": "\n".join(LINES),
    "Compass": "[\n" + ",\n".join(LINES) + "\n]\n",
    "Windows": "\ufeff" + "\r\n".join(LINES),
}


def imported(stack_env: dict[str, str], database: Documents, file: Path) -> str:
    return import_file(stack_env["MONGO_URL"], database.name, file)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_file_gives_its_documents(
    stack_env: dict[str, str], database: Documents, tmp_path: Path, form: str
) -> None:
    file = tmp_path / "My data.v2.json"
    file.write_text(FORMS[form], newline="")

    said = imported(stack_env, database, file)

    assert said == f"{database.name}.my_data: 2,500 documents"
    raw = database.my_data.aggregate([{"$project": {"n": 1, "far": {"$toLong": "$far"}}}, {"$sort": {"_id": 1}}])
    assert [(d["_id"], d["n"], d["far"]) for d in raw] == [(d["_id"], d["n"], 2**50) for d in DOCUMENTS]


@pytest.mark.parametrize(
    ("last", "why"),
    [
        ('{"a":', r":2501: .*a document of Extended JSON a line"),
        ('{"_id": {"$oid": "x"}}', r":2501: .*not a valid ObjectId"),
        ("5", r":2501: .*5 is no document"),
        (LINES[0], "duplicate key"),
    ],
)
def test_a_line_that_is_wrong_is_named_and_nothing_is_imported(
    stack_env: dict[str, str], database: Documents, tmp_path: Path, last: str, why: str
) -> None:
    (tmp_path / "mine.json").write_text("\n".join([*LINES, last]))

    with pytest.raises(StackError, match=why) as caught:
        imported(stack_env, database, tmp_path / "mine.json")

    assert re.search("nothing was imported", str(caught.value))
    assert database.mine.count_documents({}) == 0


def test_documents_that_are_there_are_left_alone(
    stack_env: dict[str, str], database: Documents, tmp_path: Path
) -> None:
    database.mine.insert_one({"_id": "theirs"})
    (tmp_path / "mine.json").write_text(json.dumps({"_id": "ours"}))

    with pytest.raises(StackError, match="has documents already"):
        imported(stack_env, database, tmp_path / "mine.json")

    assert [d["_id"] for d in database.mine.find()] == ["theirs"]
