"""A COPY of bytes, without any server: what it sends to PostgreSQL, what it logs, how it fails."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from devstack.redshift.copying import Column, Copy, CopyStatement, Report, parse_copy
from devstack.redshift.errors import SqlError
from devstack.redshift.lexer import lex

FILE = "s3://b/data"


def statement(options: str = "CSV") -> CopyStatement:
    return parse_copy(lex(f"COPY t FROM '{FILE}' IAM_ROLE default {options}"))


def column(type_: str, **more: Any) -> Column:
    return Column.of(more.pop("name", "c"), type_, **more)


@dataclass
class Objects:
    """As much of S3 as a COPY by prefix needs."""

    bodies: dict[str, bytes]

    def get_paginator(self, _: str) -> Objects:
        return self

    def paginate(self, **named: str) -> Any:
        return [{"Contents": [{"Key": key} for key in self.bodies if key.startswith(named["Prefix"])]}]

    def get_object(self, **named: str) -> Any:
        return {"Body": io.BytesIO(self.bodies[named["Key"]])}


@dataclass
class Result:
    """``rows`` as PostgreSQL would read them; ``failed`` is None when it succeeded."""

    output: bytes = b""
    report: Report = field(default_factory=Report)
    failed: SqlError | None = None

    @property
    def rows(self) -> list[tuple[str | None, ...]]:
        lines = self.output.decode().split("\n")[:-1]
        return [tuple(None if f == r"\N" else _plain(f) for f in line.split("\t")) for line in lines]

    @property
    def values(self) -> list[str | None]:
        return [row[0] for row in self.rows]

    @property
    def codes(self) -> list[int]:
        return [error.err_code for error in self.report.errors]


def copied(
    data: bytes | str, columns: Sequence[Column] | str, options: str = "CSV", *, carefully: bool = False
) -> Result:
    """What a COPY makes of one file. A type alone is one column of that type."""
    columns = [column(columns)] if isinstance(columns, str) else columns
    body = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    client: Any = Objects({"data": body})
    copy = Copy(statement(options), columns, client, carefully=carefully)
    result = Result(report=copy.report)
    try:
        for chunk in copy.chunks():
            result.output += chunk
    except SqlError as error:
        result.failed = error
    return result


def _plain(text: str) -> str:
    text = text.replace("\\\\", "\0").replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r")
    return text.replace("\0", "\\")
