"""One connection to the engine: its own current database, settings and temporary tables."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import chdb

from devstack.clickhouse.call import ExternalTable
from devstack.clickhouse.failure import SYNTAX_ERROR, Failure

# Formats whose blocks make a valid whole when put one after another; the others have a head, a foot or both.
_STREAMED = frozenset(
    "native rowbinary csv tsv tsvraw tabseparated tabseparatedraw"
    " jsoneachrow jsoncompacteachrow jsonstringseachrow".split()
)
_NOT_STREAMED_BY_ENGINE = "Streaming query is not supported"


class Result(NamedTuple):
    """A whole result, and the counters of ClickHouse's ``X-ClickHouse-Summary``."""

    data: bytes
    summary: dict[str, str]


class Handle:
    """Not for two threads at once; several handles of one process work in parallel."""

    def __init__(self, path: Path) -> None:
        self._connection: Any = chdb.connect(str(path))  # its types are incomplete

    def close(self) -> None:
        """Give the connection back, and drop its temporary tables with it."""
        self._connection.close()

    def reads(self, sql: bytes) -> bool:
        """Whether a statement changes nothing. Raises Failure for several statements in one, as the server does."""
        report = self._connection._conn.classify_query(sql)  # noqa: SLF001 - chdb has no public form of it
        if report["statement_count"] > 1:
            raise Failure.refusal(SYNTAX_ERROR, "Syntax error (Multi-statements are not allowed).")
        return str(report["query_class"].name) == "READ_ONLY"

    def run(self, sql: str | bytes, kind: str = "TabSeparated", parameters: Mapping[str, str] | None = None) -> Result:
        """Run any statement to its end; ``kind`` is the output format unless the statement names one."""
        with _failures():
            result = self._connection.query(sql, kind, params=dict(parameters or {}))
        summary = _summary(
            read_rows=result.storage_rows_read(),
            read_bytes=result.storage_bytes_read(),
            written_rows=result.rows_written(),
            written_bytes=result.bytes_written(),
            result_rows=result.rows_read(),
            result_bytes=result.bytes_read(),
            elapsed_ns=int(result.elapsed() * 1e9),
        )
        return Result(result.bytes() or b"", summary)

    def stream(self, sql: bytes, kind: str, parameters: Mapping[str, str]) -> Generator[bytes] | None:
        """The blocks of a SELECT one by one, or None when this statement or format can only be run as a whole."""
        if kind.lower() not in _STREAMED:
            return None
        try:
            with _failures():
                return self._blocks(self._connection.send_query(sql, kind, params=dict(parameters)))
        except Failure as failure:
            if _NOT_STREAMED_BY_ENGINE in str(failure):
                return None
            raise

    @staticmethod
    def _blocks(result: Any) -> Generator[bytes]:
        try:
            with _failures():
                for block in result:
                    yield block.bytes()
        finally:
            result.close()

    def insert(self, statement: str | bytes, kind: str, chunks: Iterable[bytes]) -> Result:
        """Insert rows as they arrive. Whatever breaks, also the client's connection, the rest is not committed."""
        with _failures():
            inserter = self._connection.send_insert(statement, kind)
            try:
                for chunk in chunks:
                    inserter.append(chunk)
                done = inserter.finish()
            except BaseException:
                inserter.cancel()
                raise
        rows, size, elapsed = done.rows_written, done.bytes_written, int(done.elapsed * 1e9)
        return Result(
            b"", _summary(read_rows=rows, read_bytes=size, written_rows=rows, written_bytes=size, elapsed_ns=elapsed)
        )

    def configure(self, database: str, settings: Mapping[str, str]) -> None:
        """Choose a database (unless empty) and settings for all that follows. Raises Failure for unknown ones."""
        if database:
            self.run(f"USE {name_of(database)}")
        if settings:
            self.run("SET " + ", ".join(f"{name_of(name)} = {text_of(value)}" for name, value in settings.items()))

    @contextmanager
    def tables(self, tables: Sequence[ExternalTable]) -> Iterator[None]:
        """A request's external tables are temporary tables for the time of the request."""
        made: list[str] = []
        try:
            for table in tables:
                self.run(f"CREATE TEMPORARY TABLE {name_of(table.name)} ({table.columns})")
                made.append(table.name)
                self.insert(f"INSERT INTO {name_of(table.name)}", table.format, [table.rows])
            yield
        finally:
            for name in made:
                self.run(f"DROP TEMPORARY TABLE {name_of(name)}")


@contextmanager
def _failures() -> Iterator[None]:
    """The engine raises RuntimeError and its children; a lost client (ConnectionError) is not its failure."""
    try:
        yield
    except RuntimeError as error:
        raise Failure.of(error) from error


def _summary(**counters: int) -> dict[str, str]:
    return {name: str(value) for name, value in counters.items()}


def text_of(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def name_of(value: str) -> str:
    """A quoted identifier."""
    return "`" + value.replace("\\", "\\\\").replace("`", "\\`") + "`"
