"""What a COPY and an UNLOAD say, once they are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

TEXT, CSV, JSON, PARQUET = "TEXT", "CSV", "JSON", "PARQUET"
MEBIBYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Credentials:
    """What authorizes the statement: a role, or keys. With a role the stand-in uses keys of its own."""

    role: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOptions:
    """The options of a COPY, with Redshift's defaults. None is an option that was not given."""

    format: str = TEXT
    json: str = "auto"
    delimiter: str = "|"
    quote: str = '"'
    compression: str | None = None
    manifest: bool = False
    null_as: str = r"\N"
    date_format: str | None = None
    time_format: str | None = None
    invalid_chars: str | None = None
    accept_any_date: bool = False
    blanks_as_null: bool = False
    empty_as_null: bool = False
    truncate_columns: bool = False
    trim_blanks: bool = False
    fill_record: bool = False
    round_decimals: bool = False
    explicit_ids: bool = False
    serialize_to_json: bool = False
    ignore_blank_lines: bool = False
    ignore_header: int = 0
    max_error: int = 0
    ignore_all_errors: bool = False
    no_load: bool = False
    stat_update: str | None = None
    comp_update: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class CopyStatement:
    """``COPY [schema.]table [(columns)] FROM source …``; names are folded, as the lexer does it."""

    schema: str | None
    table: str
    columns: tuple[str, ...] | None
    source: str
    credentials: Credentials
    options: CopyOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class UnloadOptions:
    """The options of an UNLOAD, with Redshift's defaults."""

    format: str = TEXT
    delimiter: str = "|"
    header: bool = False
    add_quotes: bool = False
    null_as: str = ""
    compression: str | None = None
    manifest: bool = False
    allow_overwrite: bool = False
    parallel: bool = True
    max_file_size: int = 6200 * MEBIBYTE
    region: str | None = None


@dataclass(frozen=True, slots=True)
class UnloadStatement:
    """``UNLOAD ('query') TO 'prefix' …``."""

    query: str
    target: str
    credentials: Credentials
    options: UnloadOptions
