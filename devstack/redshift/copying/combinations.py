"""Which options go together: the restrictions on the pages of COPY's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from devstack.redshift.errors import SqlError

Given = Mapping[str, str | int]

_KEYS: Final = {"IAM_ROLE", "CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"}
# copy-usage_notes-copy-from-columnar: "only the following COPY parameters are supported".
_COLUMNAR: Final = {
    *"PARQUET ACCEPTINVCHARS FILLRECORD STATUPDATE MANIFEST EXPLICIT_IDS SERIALIZETOJSON".split(),
    *_KEYS,
}
_ONE_OF: Final = ({"CSV", "JSON", "PARQUET"}, {"GZIP", "ZSTD", "BZIP2"}, {"IAM_ROLE", "CREDENTIALS", "ACCESS_KEY_ID"})
# Option, what it does not go with.
_CONTRADICT: Final = (
    ("QUOTE", "JSON"),
    ("DELIMITER", "JSON"),
    ("IGNOREHEADER", "JSON"),
    ("FILLRECORD", "JSON"),
    ("MAXERROR", "IGNOREALLERRORS"),
)
_ONLY_WITH: Final = {"QUOTE": "CSV", "SERIALIZETOJSON": "PARQUET"}
_RANGES: Final = {"MAXERROR": (0, 100_000), "IGNOREHEADER": (0, 2**31 - 1), "COMPROWS": (1, 10**9)}
_LEAST_FILE, _LARGEST_FILE = 5 << 20, 6200 << 20


def check_copy(given: Given, source: str) -> None:
    """Raise SqlError for a COPY that Redshift refuses before it looks at any file."""
    _check_authorization(given)
    _check_address(source)
    _check_pairs(given)
    if "PARQUET" in given and (foreign := sorted(given.keys() - _COLUMNAR)):
        raise SqlError(f"{foreign[0]} argument is not supported for PARQUET based COPY", "0A000")
    for word, format_ in _ONLY_WITH.items():
        if word in given and format_ not in given:
            raise SqlError(f"{word} is only supported with {format_} format", "0A000")
    _check_values(given)


def check_unload(given: Given, target: str) -> None:
    """Raise SqlError for an UNLOAD that Redshift refuses before it runs the query. Page r_UNLOAD."""
    _check_authorization(given)
    _check_address(target)
    _check_pairs(given)
    if "CSV" in given and "ADDQUOTES" in given:
        raise SqlError("ADDQUOTES is not supported with CSV", "0A000")
    if not _LEAST_FILE <= int(given.get("MAXFILESIZE", _LARGEST_FILE)) <= _LARGEST_FILE:
        raise SqlError("MAXFILESIZE must be between 5 MB and 6.2 GB", "22023")
    _check_values(given)


def _check_authorization(given: Given) -> None:
    if not given.keys() & _KEYS:
        raise SqlError("CREDENTIALS argument is required but not specified", "42601")
    if ("ACCESS_KEY_ID" in given) != ("SECRET_ACCESS_KEY" in given):
        raise SqlError("ACCESS_KEY_ID and SECRET_ACCESS_KEY must be specified together", "42601")


def _check_address(address: str) -> None:
    if not address.startswith("s3://") or not address[5:].partition("/")[2]:
        raise SqlError("The specified S3 path is not valid", "XX000", address)


def _check_pairs(given: Given) -> None:
    for group in _ONE_OF:
        if len(both := sorted(group & given.keys())) > 1:
            raise SqlError("conflicting or redundant options", "42601", " and ".join(both))
    for word, other in _CONTRADICT:
        if word in given and other in given:
            raise SqlError(f"{word} is not supported with {other}", "0A000")


def _check_values(given: Given) -> None:
    for word, (least, most) in _RANGES.items():
        if not least <= int(given.get(word, least)) <= most:
            raise SqlError(f"{word} must be between {least} and {most}", "22023")
    for word in ("DELIMITER", "QUOTE", "ACCEPTINVCHARS"):
        text = str(given.get(word) or "x")
        if (len(text) != 1 and text != r"\t") or not text.isascii():
            raise SqlError(f"{word} must be a single ASCII character", "22023", text)
    if str(given.get("ENCODING") or "UTF8").upper() not in {"UTF8", "UTF-8"}:
        raise SqlError(f"ENCODING {given['ENCODING']} is not emulated by this stand-in for Redshift", "0A000")
    if "NULL" in given and str(given["NULL"]) == "\n":
        raise SqlError("NULL AS cannot be a line delimiter", "22023")
