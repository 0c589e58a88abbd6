"""``checks`` in a pipeline file: what they become, and what is said of those that cannot be judged."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sluice.errors import ConfigError
from sluice.hashes import collection_hash, pipeline_hash
from sluice.own_sql import own_sql
from sluice.pipeline_file import PipelineFileError, parse_pipeline
from sluice.spec import CheckKind, DataCheck, Severity
from tests.factories import a_pipeline, a_pipeline_text

FILE = Path("pipelines/publishing.yml")
COLUMNS = "{title: text, isbn: string(13), seen: timestamp, more: json, n: float64, parent: key}"


def pipeline(checks: str) -> str:
    """The text of a pipeline with documents, their tags, and tickets."""
    documents = f"{{columns: {COLUMNS}, children: {{tags: text}}, checks: {checks}}}"
    return a_pipeline_text(collections=f"{{documents: {documents}, tickets: {{columns: {{_id: int64}}}}}}")


def test_each_line_is_a_check() -> None:
    found = parse_pipeline(
        pipeline(
            "[{not_null: [title, isbn]}, {unique: isbn, severity: warn}, {unique: [title, isbn]},"
            " {accepted_values: {column: value, values: [a, 1]}, table: documents_tags},"
            " {relationship: {column: parent, to: documents}}, {row_count_change: 0.2},"
            " {freshness: {column: seen, within: 2d}}, {sql: prices}]"
        ),
        FILE,
    ).checks

    assert found == (
        DataCheck("documents", CheckKind.NOT_NULL, ("title",)),
        DataCheck("documents", CheckKind.NOT_NULL, ("isbn",)),
        DataCheck("documents", CheckKind.UNIQUE, ("isbn",), Severity.WARN),
        DataCheck("documents", CheckKind.UNIQUE, ("title", "isbn")),
        DataCheck("documents_tags", CheckKind.ACCEPTED_VALUES, ("value",), values=("a", "1")),
        DataCheck("documents", CheckKind.RELATIONSHIP, ("parent",), to="documents"),
        DataCheck("documents", CheckKind.ROW_COUNT_CHANGE, share=0.2),
        DataCheck("documents", CheckKind.FRESHNESS, ("seen",), within=timedelta(days=2)),
        DataCheck("documents", CheckKind.SQL, file=Path("pipelines/checks/prices.sql")),
    )
    assert [check.name for check in found][3:] == [
        "documents.unique(title, isbn)",
        "documents_tags.accepted_values(value)",
        "documents.relationship(parent)",
        "documents.row_count_change",
        "documents.freshness(seen)",
        "documents.sql(prices)",
    ]


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        ("[{}]", "checks.0: has none of not_null, unique"),
        ("[{unique: isbn, not_null: isbn}]", "checks.0: has not_null and unique, and takes one of"),
        ("[{unique: isnb}]", "checks.0.unique: there is no column 'isnb': did you mean isbn?"),
        ("[{not_null: [title, isnb]}]", "checks.0.not_null: there is no column 'isnb'"),
        ("[{unique: more}]", "checks.0.unique: more is json: this check takes binary, date"),
        (
            "[{freshness: {column: isbn, within: 2d}}]",
            "checks.0.freshness: isbn is string(13): this check takes timestamp",
        ),
        ("[{freshness: {column: seen, within: 2 days}}]", "checks.0.freshness.within: '2 days' is not a duration"),
        ("[{accepted_values: {column: n, values: [a]}}]", "checks.0.accepted_values: n is float64: this check takes"),
        ("[{accepted_values: {column: isbn, values: []}}]", "checks.0.accepted_values.values: takes at least one"),
        ("[{relationship: {column: isbn, to: tickets}}]", "the ids of tickets are int64, this column is string(13)"),
        (
            "[{relationship: {column: isbn, to: tikets}}]",
            "relationship.to: there is no collection 'tikets' in this file: did",
        ),
        ("[{row_count_change: -1}]", "checks.0.row_count_change: -1.0 is no share of the rows"),
        ("[{sql: '../secrets'}]", "checks.0.sql: '../secrets' is not a name"),
        (
            "[{unique: value, table: documents_tag}]",
            "checks.0.table: the collection has no table 'documents_tag': did you",
        ),
        ("[{unique: isbn, severity: loud}]", "checks.0.severity: cannot be 'loud'"),
        ("[{unique: isbn}, {unique: isbn, severity: warn}]", "checks.1: stands here twice: remove one"),
    ],
)
def test_what_cannot_be_judged_is_said(checks: str, said: str) -> None:
    with pytest.raises(PipelineFileError) as error:
        parse_pipeline(pipeline(checks), FILE)

    assert said in str(error.value)


def test_a_check_changes_no_hash() -> None:
    plain, checked = (parse_pipeline(pipeline(checks), FILE) for checks in ("[]", "[{unique: isbn}]"))

    assert pipeline_hash(plain) == pipeline_hash(checked)
    assert [collection_hash(c) for c in plain.collections] == [collection_hash(c) for c in checked.collections]


def query(text: str | None, folder: Path) -> str:
    """What becomes of the text of a check's own query."""
    file = folder / "own.sql"
    if text is not None:
        file.write_text(text)
    check = DataCheck("documents", CheckKind.SQL, file=file)
    return own_sql(check, a_pipeline(), lambda table: f"all {table.name}", lambda table: f"new {table.name}")


def test_the_tables_of_a_query_are_what_readers_would_see(tmp_path: Path) -> None:
    text = query("SELECT d._id FROM $documents AS d, $documents__new AS n -- all\n;\n", tmp_path)

    assert text == "SELECT d._id FROM (all documents) AS d, (new documents) AS n -- all\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT * FROM $document", r"no table for '\$document'[^$]*did you mean documents\?; \$documents"),
        ("SELECT 1; DROP TABLE x", "a semicolon"),
        (None, "No such file"),
    ],
)
def test_a_query_that_cannot_be_one_is_said(tmp_path: Path, text: str | None, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        query(text, tmp_path)
