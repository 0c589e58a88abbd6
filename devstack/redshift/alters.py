"""ALTER TABLE. Pages: r_ALTER_TABLE, r_ALTER_TABLE_APPEND."""

from __future__ import annotations

from devstack.redshift.column_types import read_type
from devstack.redshift.errors import SqlError, near
from devstack.redshift.reader import Reader, literal, split
from devstack.redshift.tables import Attributes, column, is_key, read_key, table_attributes
from devstack.redshift.work import Series


def alter_table(reader: Reader) -> Series | None:
    """ALTER TABLE; None for what PostgreSQL does alike. Raises SqlError."""
    reader.expect("alter", "table")
    table = reader.name()
    match reader.take_any("append", "add", "alter", "drop"):
        case "append":
            return _append(reader, table)
        case "add":
            return _add(reader, table)
        case "alter":
            return _alter(reader, table)
        case "drop":
            if reader.take("constraint"):
                return Series("ALTER TABLE", (f"SELECT {literal(table)}::regclass",))
            reader.take("column")
            _refuse_several(reader)
    reader.at = 0
    return None


def _append(reader: Reader, table: str) -> Series:
    reader.expect("from")
    source = reader.name()
    option = reader.take_any("ignoreextra", "filltarget")
    reader.end()
    call = f"SELECT standin.append({literal(table)}, {literal(source)}, {literal(option)})"
    return Series("ALTER TABLE APPEND", (call,), alone="ALTER TABLE APPEND")


def _add(reader: Reader, table: str) -> Series:
    if is_key(reader):
        read_key(reader)
        return Series("ALTER TABLE", (f"SELECT {literal(table)}::regclass",))
    reader.take("column")
    _refuse_several(reader)
    keys = Attributes()
    added = column(reader, keys)
    if "NOT NULL" in added and "DEFAULT" not in added:
        raise SqlError("ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression", "42601")
    return Series("ALTER TABLE", (f"ALTER TABLE {table} ADD COLUMN {added}", keys.settled(table)))


def _refuse_several(reader: Reader) -> None:
    """One column a statement, without IF."""
    if reader.peek() == "if":
        raise reader.unexpected()
    if len(split(reader.tokens[reader.at :])) > 1:
        raise near(",")


def _alter(reader: Reader, table: str) -> Series:
    keys = Attributes()
    if reader.peek() in {"distkey", "diststyle", "compound", "sortkey"} or reader.peek(1) == "auto":
        table_attributes(reader, keys)
        reader.end()
        return Series("ALTER TABLE", (keys.settled(table),))
    reader.take("column")
    name = reader.identifier()
    if reader.take("encode"):
        keys.encodings[name] = reader.next("word").value
        return Series("ALTER TABLE", (keys.settled(table),))
    reader.expect("type")
    type_ = read_type(reader)
    reader.end()
    if not type_.startswith("varchar"):
        raise SqlError(
            f'target data type "{type_}" is not supported: only the size of a VARCHAR can be changed', "0A000"
        )
    change = f"SELECT standin.retype({literal(table)}, {literal(name)}, {literal(type_)})"
    return Series("ALTER TABLE", (change, keys.settled(table)), alone="ALTER TABLE ALTER COLUMN")
