"""Tables of the stand-in: bytes, keys, identity, what ALTER may do, what the system views say of them, MERGE."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.integration.redshift.conftest import Session

DEFINED = """
CREATE TABLE {0}
(
    id VARCHAR(24) NOT NULL, "Amount" NUMERIC(18, 4), created TIMESTAMP ENCODE az64, note VARCHAR(40), doc SUPER,
    flag BOOLEAN, PRIMARY KEY (id), UNIQUE (note)
)
DISTSTYLE KEY DISTKEY (id) COMPOUND SORTKEY (created, id)
"""


def described(session: Session, table: str) -> list[tuple[object, ...]]:
    columns = 'TRIM("column"), TRIM(type), TRIM(encoding), distkey, sortkey, "notnull"'
    return session.rows(f"SELECT {columns} FROM pg_table_def WHERE tablename = '{table}'")


# --- types and keys


@pytest.mark.parametrize(
    ("type_", "fits", "too_long"),
    [("VARCHAR(4)", "ää", "äää"), ("VARCHAR(4)", "abcd", "abcde"), ("CHAR(3)", "abc", "äb"), ("TEXT", "x", "ä" * 129)],
)
def test_lengths_are_in_bytes(session: Session, name: str, type_: str, fits: str, too_long: str) -> None:
    """r_Character_types."""
    session.run(f"CREATE TABLE {name} (t {type_})", f"CREATE TABLE {name}_like (LIKE {name})")
    session.run(f"CREATE TABLE {name}_as AS SELECT * FROM {name}")
    for table in (name, f"{name}_like", f"{name}_as"):
        session.run(f"INSERT INTO {table} VALUES ('{fits}')")
        failed = session.error(f"INSERT INTO {table} VALUES ('{too_long}')")
        assert failed["C"] == "22001"
        assert failed["M"].startswith("value too long for type character")


def test_keys_are_not_enforced_and_not_null_is(session: Session, name: str) -> None:
    """t_Defining_constraints."""
    session.run(f"CREATE TABLE {name} (a INTEGER PRIMARY KEY, b INTEGER UNIQUE REFERENCES {name} (a))")
    session.run(f"INSERT INTO {name} VALUES (1, 2), (1, 2)")
    session.run(f"ALTER TABLE {name} ADD CONSTRAINT one UNIQUE (b)")

    assert session.error(f"INSERT INTO {name} VALUES (NULL, 1)")["C"] == "23502"


def test_a_primary_key_of_the_table_is_not_null(session: Session, name: str) -> None:
    """r_CREATE_TABLE_NEW."""
    session.run(f"CREATE TABLE {name} (a INTEGER, PRIMARY KEY (a))")

    assert session.error(f"INSERT INTO {name} VALUES (NULL)")["C"] == "23502"


def test_defaults_of_types(session: Session, name: str) -> None:
    """r_Numeric_types201, r_Character_types."""
    session.run(f"CREATE TABLE {name} (a DECIMAL, b VARCHAR, c VARCHAR(MAX), d CHAR)")

    types = [row[1] for row in described(session, name)]
    assert types == ["numeric(18,0)", "character varying(256)", "character varying(65535)", "character(1)"]


def test_identity_counts_and_takes_no_value(session: Session, name: str) -> None:
    """r_CREATE_TABLE_NEW."""
    session.run(f"CREATE TABLE {name} (id BIGINT IDENTITY(10, 5), v INTEGER)")
    session.run(f"INSERT INTO {name} (v) VALUES (1), (2)")

    assert session.error(f"INSERT INTO {name} (id, v) VALUES (1, 1)")["M"] == "cannot set an identity column to a value"
    found = [n for (n,) in session.rows(f"SELECT id FROM {name}")]
    assert len(set(found)) == 2
    assert all(n >= 10 and n % 5 == 0 for n in found)


def test_quoted_names_are_folded_too(session: Session, name: str) -> None:
    """r_names."""
    session.run(f'CREATE TABLE {name} ("Mixed" INTEGER)', f'INSERT INTO "{name.upper()}" ("MIXED") VALUES (1)')

    assert session.rows(f"SELECT mixed FROM {name}") == [(1,)]


def test_a_name_that_the_stand_in_would_cut_is_refused(session: Session) -> None:
    assert session.error(f"CREATE TABLE {'n' * 64} (a INTEGER)")["C"] == "42622"


# --- distribution and sort keys


def test_keys_and_encodings_are_shown(session: Session, name: str) -> None:
    """r_PG_TABLE_DEF."""
    session.run(DEFINED.format(name))

    assert described(session, name) == [
        ("id", "character varying(24)", "none", True, 2, True),
        ("amount", "numeric(18,4)", "az64", False, 0, False),
        ("created", "timestamp without time zone", "az64", False, 1, False),
        ("note", "character varying(40)", "lzo", False, 0, False),
        ("doc", "super", "zstd", False, 0, False),
        ("flag", "boolean", "none", False, 0, False),
    ]


def test_like_takes_over_the_keys_and_as_does_not(session: Session, name: str) -> None:
    """r_CREATE_TABLE_NEW, r_CREATE_TABLE_AS."""
    session.run(DEFINED.format(name), f"CREATE TABLE {name}_like (LIKE {name}, more INTEGER NOT NULL)")
    session.run(f"CREATE TABLE {name}_as AS SELECT * FROM {name}")

    assert [row[3:5] for row in described(session, f"{name}_like")][:3] == [(True, 2), (False, 0), (False, 1)]
    assert {row[3:5] for row in described(session, f"{name}_as")} == {(False, 0)}


def test_create_if_not_exists_changes_nothing(session: Session, name: str) -> None:
    session.run(DEFINED.format(name), f"CREATE TABLE IF NOT EXISTS {name} (a INTEGER) DISTSTYLE ALL SORTKEY (a)")

    assert [row[3:5] for row in described(session, name)][:3] == [(True, 2), (False, 0), (False, 1)]


# --- ALTER TABLE: r_ALTER_TABLE


def test_a_varchar_can_be_made_longer(session: Session, name: str) -> None:
    session.run(f"CREATE TABLE {name} (t VARCHAR(2))", f"ALTER TABLE {name} ALTER COLUMN t TYPE VARCHAR(4)")
    session.run(f"INSERT INTO {name} VALUES ('ää')")

    assert session.error(f"INSERT INTO {name} VALUES ('äää')")["M"] == ("value too long for type character varying(4)")


def test_a_varchar_can_be_made_longer_under_a_late_bound_view(session: Session, name: str) -> None:
    session.run(
        f"CREATE TABLE {name} (t VARCHAR(2))",
        f"CREATE VIEW {name}_read AS SELECT t FROM {name} WITH NO SCHEMA BINDING",
        f"COMMENT ON VIEW {name}_read IS 'of it'",
        f"GRANT SELECT ON {name}_read TO PUBLIC",
    )
    rights = f"SELECT relacl, obj_description(oid) FROM pg_class WHERE relname = '{name}_read'"
    before = session.rows(rights)

    session.run(f"ALTER TABLE {name} ALTER COLUMN t TYPE VARCHAR(4)", f"INSERT INTO {name} VALUES ('four')")

    assert session.rows(f"SELECT t FROM {name}_read") == [("four",)]
    assert session.rows(rights) == before


def test_a_column_takes_a_comment_unless_its_view_is_bound_late(session: Session, name: str) -> None:
    session.run(
        f"CREATE TABLE {name} (t VARCHAR(2))",
        f"CREATE VIEW {name}_late AS SELECT t FROM {name} WITH NO SCHEMA BINDING",
        f"CREATE OR REPLACE VIEW {name}_bound AS SELECT t FROM {name}",
        f"COMMENT ON COLUMN {name}.t IS 'of it'",
        f"COMMENT ON COLUMN {name}_bound.t IS 'of it'",
        f"ALTER TABLE {name} ALTER COLUMN t TYPE VARCHAR(4)",
    )

    refused = session.error(f"COMMENT ON COLUMN {name}_late.t IS 'of it'")

    assert (refused["C"], refused["M"]) == ("42703", f'column "t" of relation "{name}_late" does not exist')


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("ALTER COLUMN n TYPE BIGINT", "0A000"),
        ("ADD COLUMN m INTEGER NOT NULL", "42601"),
        ("ADD COLUMN IF NOT EXISTS m INTEGER", "42601"),
        ("ADD COLUMN m INTEGER, ADD COLUMN o INTEGER", "42601"),
        ("DROP COLUMN IF EXISTS n", "42601"),
        ("ALTER COLUMN n SET NOT NULL", "42601"),
    ],
)
def test_what_alter_does_not_do(session: Session, name: str, change: str, code: str) -> None:
    session.run(f"CREATE TABLE {name} (n INTEGER, t VARCHAR(2))")

    assert session.error(f"ALTER TABLE {name} {change}")["C"] == code


def test_an_added_column_is_as_long_as_its_bytes(session: Session, name: str) -> None:
    session.run(f"CREATE TABLE {name} (n INTEGER)", f"ALTER TABLE {name} ADD COLUMN t VARCHAR(2) DEFAULT 'x' NOT NULL")

    assert session.error(f"INSERT INTO {name} VALUES (1, 'äa')")["C"] == "22001"


def test_append_moves_rows_by_name(session: Session, name: str) -> None:
    """r_ALTER_TABLE_APPEND."""
    target, source = f"{name}_t", f"{name}_s"
    session.run(f"CREATE TABLE {target} (a INTEGER, b VARCHAR(5))", f"CREATE TABLE {source} (b VARCHAR(5), a INTEGER)")
    session.run(f"INSERT INTO {source} VALUES ('x', 1)", f"ALTER TABLE {target} APPEND FROM {source}")

    assert session.rows(f"SELECT * FROM {target}") == [(1, "x")]
    assert session.rows(f"SELECT * FROM {source}") == []
    session.run(f"ALTER TABLE {source} ADD COLUMN c INTEGER")
    assert "IGNOREEXTRA" in session.error(f"ALTER TABLE {target} APPEND FROM {source}")["M"]
    session.run(f"ALTER TABLE {target} APPEND FROM {source} IGNOREEXTRA")


# --- MERGE: r_MERGE


@pytest.fixture
def merging(session: Session, name: str) -> tuple[str, str]:
    target, source = f"{name}_t", f"{name}_s"
    session.run(*(f"CREATE TABLE {table} (id INTEGER, v VARCHAR(9))" for table in (target, source)))
    session.run(f"INSERT INTO {target} VALUES (1, 'old'), (2, 'kept')", f"INSERT INTO {source} VALUES (1, 'new')")
    return target, source


UPDATE = "WHEN MATCHED THEN UPDATE SET v = {1}.v"
INSERT = "WHEN NOT MATCHED THEN INSERT VALUES ({1}.id, {1}.v)"


def test_merge_updates_and_inserts(session: Session, merging: tuple[str, str]) -> None:
    target, source = merging
    session.run(f"INSERT INTO {source} VALUES (3, 'more')")
    session.run(f"MERGE INTO {target} USING {source} ON {target}.id = {source}.id {UPDATE} {INSERT}".format(*merging))

    assert session.rows(f"SELECT * FROM {target} ORDER BY id") == [(1, "new"), (2, "kept"), (3, "more")]


def test_a_row_that_matches_twice_is_an_error(session: Session, merging: tuple[str, str]) -> None:
    target, source = merging
    session.run(f"INSERT INTO {source} VALUES (1, 'again')")
    merge = f"MERGE INTO {target} USING {source} ON {target}.id = {source}.id {UPDATE} {INSERT}".format(*merging)

    assert session.error(merge)["M"] == "Found multiple matches to update the same tuple."


def test_merge_removes_duplicates(session: Session, merging: tuple[str, str]) -> None:
    target, source = merging
    session.run(f"INSERT INTO {source} VALUES (1, 'new'), (3, 'more')")
    session.run(f"MERGE INTO {target} USING {source} ON {target}.id = {source}.id REMOVE DUPLICATES")

    assert session.rows(f"SELECT * FROM {target} ORDER BY id") == [(1, "new"), (2, "kept"), (3, "more")]


@pytest.mark.parametrize(
    "form",
    [
        "MERGE INTO {0} AS a USING {1} ON a.id = {1}.id " + UPDATE + " " + INSERT,
        "MERGE INTO {0} USING (SELECT 1) AS b ON {0}.id = 1 " + UPDATE + " " + INSERT,
        "MERGE INTO {0} USING {1} ON {0}.id = {1}.id " + UPDATE,
    ],
    ids=["alias", "query", "one branch"],
)
def test_other_forms_of_merge_are_refused(session: Session, merging: tuple[str, str], form: str) -> None:
    assert session.error(form.format(*merging))["C"] in {"42601", "0A000"}


# --- svv_table_info: r_SVV_TABLE_INFO, r_VACUUM_command


def info(session: Session, table: str) -> tuple[object, ...]:
    columns = "tbl_rows, estimated_visible_rows, unsorted, stats_off, diststyle, sortkey1"
    (found,) = session.rows(f"SELECT {columns} FROM svv_table_info WHERE \"table\" = '{table}'")
    return found


def test_table_info_moves_with_what_is_done(session: Session, name: str) -> None:
    session.run(f"CREATE TABLE {name} (n INTEGER) DISTSTYLE EVEN SORTKEY (n)")
    assert session.rows(f"SELECT 1 FROM svv_table_info WHERE \"table\" = '{name}'") == [], "empty"
    session.run(f"INSERT INTO {name} SELECT generate_series(1, 100)", f"DELETE FROM {name} WHERE n <= 40")

    assert info(session, name) == (100, 60, Decimal(100), Decimal(100), "EVEN", "n")
    session.run(f"VACUUM DELETE ONLY {name} TO 100 PERCENT", f"ANALYZE {name} PREDICATE COLUMNS")
    assert info(session, name) == (60, 60, Decimal(100), Decimal(0), "EVEN", "n")
    session.run(f"DELETE FROM {name} WHERE n <= 50", f"VACUUM SORT ONLY {name}")
    assert info(session, name) == (60, 50, Decimal(0), Decimal(20), "EVEN", "n"), "sorted, and not freed"
    session.run(f"INSERT INTO {name} SELECT generate_series(1, 50)", f"VACUUM RECLUSTER {name}")
    assert info(session, name)[:3] == (110, 100, Decimal(0))
    session.run(f"INSERT INTO {name} SELECT generate_series(1, 20)", f"VACUUM FULL {name}")
    assert info(session, name)[:3] == (120, 120, Decimal(0))


def test_vacuum_skips_what_is_above_its_threshold(session: Session, name: str) -> None:
    session.run(f"CREATE TABLE {name} (n INTEGER)", f"INSERT INTO {name} SELECT generate_series(1, 100)")
    session.run(f"DELETE FROM {name} WHERE n <= 10", f"VACUUM DELETE ONLY {name} TO 80 PERCENT")
    assert info(session, name)[:2] == (100, 90)

    session.run(f"VACUUM DELETE ONLY {name} TO 95 PERCENT")
    assert info(session, name)[:2] == (90, 90)
    log = (
        f"SELECT TRIM(status) FROM stl_vacuum WHERE table_id = '{name}'::regclass::oid::integer ORDER BY eventtime, xid"
    )
    assert session.rows(log) == [("Skipped delete",), ("Started delete",)]
