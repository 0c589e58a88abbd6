"""The grammar of COPY and UNLOAD: pages r_COPY (with its pages of parameters) and r_UNLOAD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from devstack.redshift.copying.combinations import check_copy, check_unload
from devstack.redshift.copying.cursor import Cursor
from devstack.redshift.copying.statement import (
    CSV,
    JSON,
    MEBIBYTE,
    PARQUET,
    TEXT,
    CopyOptions,
    CopyStatement,
    Credentials,
    UnloadOptions,
    UnloadStatement,
)
from devstack.redshift.errors import SqlError
from devstack.redshift.lexer import Token

Given = dict[str, str | int]

_FLAG, _TEXT, _NUMBER, _SWITCH, _MAYBE_TEXT, _ROLE, _SIZE = range(7)
_AUTHORIZATION: Final = {
    "IAM_ROLE": _ROLE,
    **dict.fromkeys(("CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "REGION"), _TEXT),
}
_COPY: Final = {
    **_AUTHORIZATION,
    **dict.fromkeys(
        "CSV PARQUET GZIP ZSTD BZIP2 MANIFEST ACCEPTANYDATE BLANKSASNULL EMPTYASNULL TRUNCATECOLUMNS TRIMBLANKS "
        "FILLRECORD ROUNDEC EXPLICIT_IDS IGNOREBLANKLINES IGNOREALLERRORS NOLOAD SERIALIZETOJSON".split(),
        _FLAG,
    ),
    **dict.fromkeys(("DELIMITER", "QUOTE", "NULL", "DATEFORMAT", "TIMEFORMAT"), _TEXT),
    "ENCODING": _MAYBE_TEXT,
    "JSON": _MAYBE_TEXT,
    "ACCEPTINVCHARS": _MAYBE_TEXT,
    **dict.fromkeys(("MAXERROR", "IGNOREHEADER", "COMPROWS"), _NUMBER),
    **dict.fromkeys(("STATUPDATE", "COMPUPDATE"), _SWITCH),
}
_UNLOAD: Final = {
    **_AUTHORIZATION,
    **dict.fromkeys("CSV HEADER ADDQUOTES GZIP ZSTD BZIP2 MANIFEST ALLOWOVERWRITE".split(), _FLAG),
    **dict.fromkeys(("DELIMITER", "NULL"), _TEXT),
    "PARALLEL": _SWITCH,
    "MAXFILESIZE": _SIZE,
}
_NOT_EMULATED: Final = set(
    "ORC AVRO SHAPEFILE FIXEDWIDTH LZOP ESCAPE REMOVEQUOTES ENCRYPTED MASTER_SYMMETRIC_KEY SSH READRATIO "
    "SIMPLIFY PARTITION CLEANPATH ROWGROUPSIZE EXTENSION KMS_KEY_ID VERBOSE".split()
)
_FORMATS: Final = (CSV, JSON, PARQUET)
_COMPRESSIONS: Final = ("GZIP", "ZSTD", "BZIP2")
_SPELLED: Final = {r"\t": "\t", r"\0": "\0", r"\000": "\0"}
_SIZES: Final = {"MB": MEBIBYTE, "GB": 1024 * MEBIBYTE}


def parse_copy(tokens: Sequence[Token]) -> CopyStatement:
    """A whole COPY statement. Raises SqlError as Redshift would, for wrong grammar and for options that contradict."""
    at = Cursor(tokens)
    at.expect("COPY")
    first = at.name()
    schema, table = (first, at.name()) if at.skip(".") else (None, first)
    columns = _column_list(at) if at.skip("(") else None
    at.expect("FROM")
    source = at.string()
    given = _options(at, _COPY)
    check_copy(given, source)
    return CopyStatement(schema, table, columns, source, _credentials(given), _copy_options(given))


def parse_unload(tokens: Sequence[Token]) -> UnloadStatement:
    """A whole UNLOAD statement. Raises SqlError."""
    at = Cursor(tokens)
    at.expect("UNLOAD")
    at.expect("(")
    query = at.take("string").value
    at.expect(")")
    at.expect("TO")
    target = at.string()
    given = _options(at, _UNLOAD)
    check_unload(given, target)
    return UnloadStatement(query, target, _credentials(given), _unload_options(given))


def _column_list(at: Cursor) -> tuple[str, ...]:
    names = [at.name()]
    while at.skip(","):
        names.append(at.name())
    at.expect(")")
    return tuple(names)


def _options(at: Cursor, known: Mapping[str, int]) -> Given:
    given: Given = {}
    while at:
        at.skip("WITH", "FORMAT") and at.skip("AS")
        word = at.word
        if word in _NOT_EMULATED:
            raise SqlError(f"{word} is not emulated by this stand-in for Redshift", "0A000")
        if word not in known:
            raise at.wrong()
        if word in given:
            raise SqlError("conflicting or redundant options", "42601", word)
        at.take("word")
        given[word] = _argument(at, known[word])
    return given


def _argument(at: Cursor, kind: int) -> str | int:
    if kind == _FLAG:
        return 1
    if kind == _SWITCH:
        return _switch(at)
    named = at.skip("AS")
    if kind in {_NUMBER, _SIZE}:
        return at.number() if kind == _NUMBER else _size(at)
    if kind == _ROLE and at.skip("DEFAULT"):
        return "default"
    return _maybe_string(at) if kind == _MAYBE_TEXT and not named else at.string()


def _maybe_string(at: Cursor) -> str:
    if at.next and at.next.kind == "string":
        return at.string()
    # ENCODING takes a word.
    return at.take("word").text if at.word.startswith("UTF") else ""


def _switch(at: Cursor) -> str:
    word = at.word
    if word in {"ON", "OFF", "TRUE", "FALSE", "PRESET"}:
        at.take("word")
        return {"TRUE": "ON", "FALSE": "OFF"}.get(word, word)
    return "ON"


def _size(at: Cursor) -> int:
    number, unit = float(at.take("number").value), at.word
    if unit and unit not in _SIZES:
        raise at.wrong()
    at.skip(unit)
    return int(number * _SIZES.get(unit, MEBIBYTE))


def _credentials(given: Given) -> Credentials:
    pairs = (part.partition("=") for part in str(given.get("CREDENTIALS", "")).split(";") if part)
    said = {name.strip(): value.strip() for name, _, value in pairs}

    def one(option: str, pair: str) -> str | None:
        return str(given[option]) if option in given else said.get(pair)

    return Credentials(
        one("IAM_ROLE", "aws_iam_role"),
        one("ACCESS_KEY_ID", "aws_access_key_id"),
        one("SECRET_ACCESS_KEY", "aws_secret_access_key"),
        one("SESSION_TOKEN", "token"),
    )


def _copy_options(given: Given) -> CopyOptions:
    format_ = next((word for word in _FORMATS if word in given), TEXT)
    null = _text(given, "NULL", r"\N")
    return CopyOptions(
        format=format_,
        json=_text(given, "JSON", "") or "auto",
        delimiter=_spelled(_text(given, "DELIMITER", "," if format_ == CSV else "|")),
        quote=_text(given, "QUOTE", '"'),
        compression=_compression(given),
        manifest="MANIFEST" in given,
        null_as=_spelled(null),
        date_format=_maybe(given, "DATEFORMAT"),
        time_format=_maybe(given, "TIMEFORMAT"),
        invalid_chars=(_text(given, "ACCEPTINVCHARS", "") or "?") if "ACCEPTINVCHARS" in given else None,
        accept_any_date="ACCEPTANYDATE" in given,
        blanks_as_null="BLANKSASNULL" in given,
        empty_as_null="EMPTYASNULL" in given,
        truncate_columns="TRUNCATECOLUMNS" in given,
        trim_blanks="TRIMBLANKS" in given,
        fill_record="FILLRECORD" in given,
        round_decimals="ROUNDEC" in given,
        explicit_ids="EXPLICIT_IDS" in given,
        serialize_to_json="SERIALIZETOJSON" in given,
        ignore_blank_lines="IGNOREBLANKLINES" in given,
        ignore_header=int(given.get("IGNOREHEADER", 0)),
        max_error=int(given.get("MAXERROR", 0)),
        ignore_all_errors="IGNOREALLERRORS" in given,
        no_load="NOLOAD" in given,
        stat_update=_maybe(given, "STATUPDATE"),
        comp_update=_maybe(given, "COMPUPDATE"),
        region=_maybe(given, "REGION"),
    )


def _unload_options(given: Given) -> UnloadOptions:
    return UnloadOptions(
        format=CSV if CSV in given else TEXT,
        delimiter=_spelled(_text(given, "DELIMITER", "," if CSV in given else "|")),
        header="HEADER" in given,
        add_quotes="ADDQUOTES" in given,
        null_as=_text(given, "NULL", ""),
        compression=_compression(given),
        manifest="MANIFEST" in given,
        allow_overwrite="ALLOWOVERWRITE" in given,
        parallel=given.get("PARALLEL", "ON") == "ON",
        max_file_size=int(given.get("MAXFILESIZE", 6200 * MEBIBYTE)),
        region=_maybe(given, "REGION"),
    )


def _compression(given: Given) -> str | None:
    return next((word for word in _COMPRESSIONS if word in given), None)


def _text(given: Given, word: str, default: str) -> str:
    return str(given.get(word, default))


def _maybe(given: Given, word: str) -> str | None:
    return str(given[word]) if word in given else None


def _spelled(text: str) -> str:
    return _SPELLED.get(text, text)
