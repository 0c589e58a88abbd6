"""JSON. Page *COPY from JSON format* (copy-usage_notes-copy-from-json) and *Data format parameters*.

A file holds objects one after the other, not in an array. ``auto`` takes top-level keys by the columns' names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from devstack.redshift.copying.columns import Column
from devstack.redshift.copying.job import ROW, Job, Place
from devstack.redshift.copying.report import RowError
from devstack.redshift.copying.sources import Address, s3_errors
from devstack.redshift.errors import SqlError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Path = tuple[str | int, ...]
Paths = Sequence[Path]

IGNORE_CASE, WHOLE = "auto ignorecase", "noshred"
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\['([^']+)'\]|\[(\d+)\]")
_PATH: Final = re.compile(rf"\$(?:{_STEP.pattern})*")
_BETWEEN: Final = re.compile(r"[ \t\r\n]*")


class _Number(str):
    """A number as it stands in the text, with all its digits."""

    __slots__ = ()


def _wrong(word: str) -> None:
    raise ValueError(word)


_DECODER: Final = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_wrong)


@dataclass(slots=True)
class Objects:
    """One file. ``paths`` are those of a jsonpaths file, one for each column."""

    job: Job
    file: str
    paths: Paths | None

    def feed(self, block: bytes, *, final: bool) -> Iterator[bytes]:
        """Lines for PostgreSQL; ``block`` is the whole file."""
        made = []
        number = 0
        for place, found in self._objects(block.decode("utf-8", "surrogateescape")):
            number = place.line
            row = found if isinstance(found, RowError) else self._row(found)
            if (line := self.job.line(row, place)) is not None:
                made.append(f"{line}\n")
        self.job.report.files[self.file] = number
        yield "".join(made).encode()

    def _objects(self, text: str) -> Iterator[tuple[Place, Any]]:
        """Each object with the place of its last line; what cannot be read ends with its line."""
        at, line = 0, 1
        while (begin := _blank(text, at)) < len(text):
            line += text.count("\n", at, begin)
            found: Any
            try:
                found, at = _DECODER.raw_decode(text, begin)
            except (ValueError, RecursionError) as error:
                found = RowError(1216, "Invalid JSON format: object is not well formed", getattr(error, "pos", 0))
                at = text.find("\n", begin) % (len(text) + 1)
            line += text.count("\n", begin, at)
            raw = text[begin:at].encode("utf-8", "surrogateescape")
            if len(raw) > ROW:
                found = RowError(1216, f"JSON object exceeds the maximum size of {ROW} bytes")
            yield Place(self.file, line, raw[:ROW]), found

    def _row(self, found: Any) -> list[str | None] | RowError:
        columns, mode = self.job.columns, self.job.options.json
        try:
            if self.paths is not None:
                values = [_at(found, path, column) for path, column in zip(self.paths, columns, strict=True)]
            elif mode == WHOLE:
                values = [found]
            elif not isinstance(found, dict):
                return RowError(1216, "Invalid JSON format: 'auto' needs an object")
            else:
                named = {key.lower(): value for key, value in found.items()} if mode == IGNORE_CASE else found
                values = [named.get(column.name) for column in columns]
        except RowError as error:
            return error
        return [_text(value, column) for value, column in zip(values, columns, strict=True)]


def paths(client: S3Client, mode: str, columns: Sequence[Column]) -> Paths | None:
    """Those of the jsonpaths file that ``mode`` names; None when it names none. Raises SqlError."""
    if mode == WHOLE and (len(columns) != 1 or columns[0].type != "super"):
        raise SqlError("JSON 'noshred' needs a single column of type SUPER", "0A000")
    if not mode.startswith("s3://"):
        if mode not in {"auto", IGNORE_CASE, WHOLE}:
            raise SqlError("Invalid JSON option", "22023", mode)
        return None
    at = Address.of(mode)
    with s3_errors("Problem reading jsonpaths file - "):
        text = client.get_object(Bucket=at.bucket, Key=at.key)["Body"].read()
    found = _read_paths(text, at)
    if len(found) != len(columns):
        said = f"jsonpath size: {len(found)}, Number of columns in table or column list: {len(columns)}"
        raise SqlError("Number of jsonpaths and the number of columns should match", "XX000", said)
    return found


def _read_paths(text: bytes, at: Address) -> list[Path]:
    try:
        said = json.loads(text)["jsonpaths"]
        if all(_PATH.fullmatch(path) for path in said):
            return [tuple(a or b or int(c) for a, b, c in _STEP.findall(path)) for path in said]
    except (ValueError, KeyError, TypeError):
        pass
    raise SqlError("Invalid JSONPath format", "XX000", str(at))


def _at(value: Any, path: Path, column: Column) -> Any:
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                error = RowError(1216, "Invalid JSONPath format: Not an array or index out of range.")
                error.column = column.name
                raise error
            value = value[step]
        else:
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            return None
    return value


def _text(value: Any, column: Column) -> str | None:
    if value is None:
        return None
    return value if isinstance(value, str) and column.type != "super" else _dumped(value)


def _dumped(value: Any) -> str:
    """JSON again, with the numbers as they were."""
    match value:
        case dict():
            return "{" + ",".join(f"{_dumped(str(k))}:{_dumped(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ",".join(map(_dumped, value)) + "]"
        case _Number():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)


def _blank(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    assert found, "nothing is blank too"
    return found.end()
