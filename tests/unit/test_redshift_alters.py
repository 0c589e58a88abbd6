"""Which statements have nothing left to do, which no transaction takes, and which a difference asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sluice.spec import RedshiftOptions
from sluice.warehouse.redshift.alters import Columns, Described, altered, is_done, needs_no_transaction
from sluice.warehouse.redshift.differences import differences
from sluice.warehouse.redshift.tables import Place
from tests.contract.specs import a_collection, a_column

KEY = Described("character varying(1024)", nullable=False, encoding="lzo", distkey=True, sortkey=0)
COLUMNS: Columns = {
    "_id": KEY,
    "title": Described("character varying(64)", nullable=True, encoding="zstd", distkey=False, sortkey=0),
    "updated_at": Described("timestamp with time zone", nullable=True, encoding="none", distkey=False, sortkey=1),
    "_extra": Described("super", nullable=True, encoding="zstd", distkey=False, sortkey=0),
    "_hash": Described("bigint", nullable=False, encoding="az64", distkey=False, sortkey=0),
    "_from": Described("integer", nullable=False, encoding="az64", distkey=False, sortkey=0),
    "_read": Described("integer", nullable=True, encoding="az64", distkey=False, sortkey=0),
}
STORAGE = 'ALTER TABLE "sluice_data"."p_documents"'


@pytest.mark.parametrize(
    ("change", "done"),
    [
        ('ADD COLUMN "title" character varying(64)', True),
        ("add title varchar(9)", True),
        ('ADD COLUMN "Title" character varying(64)', True),
        ('ADD COLUMN "more" bigint', False),
        ('DROP COLUMN "title"', False),
        ('DROP COLUMN "more" CASCADE', True),
        ('ALTER COLUMN "title" TYPE character varying(64)', True),
        ('ALTER COLUMN "title" TYPE character varying(128)', False),
        ('ALTER COLUMN "more" TYPE character varying(128)', False),
        ('ALTER COLUMN "title" ENCODE ZSTD', True),
        ('ALTER COLUMN "title" ENCODE LZO', False),
        ('ALTER COLUMN "updated_at" ENCODE RAW', True),
        ('ALTER DISTKEY "_id"', True),
        ('ALTER DISTKEY "title"', False),
        ('ALTER COMPOUND SORTKEY ("updated_at")', True),
        ('ALTER SORTKEY ("updated_at", "title")', False),
        ("OWNER TO somebody", False),
    ],
)
def test_a_change_is_done_when_the_table_is_as_it_makes_it(change: str, done: bool) -> None:
    assert is_done(f"{STORAGE} {change}", COLUMNS) is done
    assert altered(f"{STORAGE} {change}") == ("sluice_data", "p_documents")


def test_a_column_of_a_table_that_is_not_there_was_not_dropped() -> None:
    """The statement is sent, and says that the table is missing."""
    assert not is_done(f'{STORAGE} DROP COLUMN "title"', {})


@pytest.mark.parametrize(
    ("statement", "alone"),
    [
        ("VACUUM sluice.batches", True),
        (f'{STORAGE} ALTER COLUMN "title" TYPE character varying(128)', True),
        (f'{STORAGE} ALTER DISTKEY "title"', True),
        (f"{STORAGE} APPEND FROM other", True),
        (f'{STORAGE} ADD COLUMN "more" bigint', False),
        ("CREATE TABLE sluice.vacuum (a INTEGER)", False),
        ("INSERT INTO sluice.batches SELECT 1", False),
    ],
)
def test_what_no_transaction_takes_is_sent_alone(statement: str, alone: bool) -> None:
    assert needs_no_transaction(statement) is alone


def found(*columns: object, **options: object) -> list[str]:
    """The ALTER statements for documents with these columns more, stored with these options."""
    plain = a_collection()
    redshift = RedshiftOptions(**options)  # type: ignore[arg-type]
    collection = replace(plain, columns=(*plain.columns, *columns), redshift=redshift)  # type: ignore[arg-type]
    storage = Place("p", "read", "documents").storage
    return [d.alter for d in differences(collection, collection.tables[0], storage, COLUMNS)]


def test_a_table_as_the_pipeline_file_says_has_no_difference() -> None:
    assert found() == []


def test_each_difference_has_its_statement_and_each_statement_is_recognised_when_done() -> None:
    statements = found(a_column("more", "int64"), encode=(("title", "lzo"),), distkey="title", sortkey=("title",))

    assert statements == [
        f'{STORAGE} ALTER COLUMN "title" ENCODE LZO;',
        f'{STORAGE} ADD COLUMN "more" bigint;',
        f'{STORAGE} ALTER DISTKEY "title";',
        f'{STORAGE} ALTER COMPOUND SORTKEY ("title");',
    ]
    after = dict(COLUMNS)
    after["title"] = replace(COLUMNS["title"], encoding="lzo", distkey=True, sortkey=1)
    after["_id"], after["updated_at"] = replace(KEY, distkey=False), replace(COLUMNS["updated_at"], sortkey=0)
    after["more"] = Described("bigint", nullable=True, encoding="az64", distkey=False, sortkey=0)
    assert [is_done(statement, after) for statement in statements] == [True] * 4


def test_a_text_is_widened_and_no_other_type_is_altered() -> None:
    plain = a_collection()
    wider = tuple(replace(c, type=a_column("", "string(99)").type) if c.name == "title" else c for c in plain.columns)
    other = tuple(replace(c, type=a_column("", "int64").type) if c.name == "title" else c for c in plain.columns)
    storage = Place("p", "read", "documents").storage

    def alters(columns: object) -> list[str]:
        collection = replace(plain, columns=columns)  # type: ignore[arg-type]
        return [d.alter for d in differences(collection, collection.tables[0], storage, COLUMNS)]

    assert alters(wider) == [f'{STORAGE} ALTER COLUMN "title" TYPE character varying(99);']
    assert alters(other) == [""]
