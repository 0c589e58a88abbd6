"""Run the command line, and die by SIGKILL just before or just after the n-th durable write.

    python -m tests.faults.die_at count         sluice arguments…    run to the end, print the writes
    python -m tests.faults.die_at 17 before     sluice arguments…    die before the 17th write is sent
    python -m tests.faults.die_at 17 after      sluice arguments…    die after the 17th write was answered

A durable write is an S3 request that stores something, or a statement to the warehouse that is not a read; on Redshift
also the COMMIT of those in a transaction. They are caught where the drivers send them, so that no step of the product
knows of it. With RANGE_SIZE in the environment a range has so many documents.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

S3_WRITES = {"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "DeleteObjects"}
READS = ("SELECT", "WITH", "SHOW", "DESC", "EXISTS", "EXPLAIN", "BEGIN", "LOCK", "ROLLBACK", "FETCH", "CLOSE")


class Counter:
    """Counts writes, and ends the process at the chosen one."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.at, self.after, self.seen = at, after, 0
        self.names: list[str] = []

    def around(self, name: str, send: Callable[[], Any]) -> Any:
        """Send one write."""
        self.seen += 1
        self.names.append(name)
        mine = self.seen == self.at
        if mine and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = send()
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


def watch_s3(counter: Counter) -> None:
    """Catch boto3's requests."""
    from botocore.client import BaseClient

    send = BaseClient._make_api_call

    def make_api_call(self: Any, operation: str, arguments: Any) -> Any:
        if operation in S3_WRITES:
            return counter.around(f"s3 {operation}", lambda: send(self, operation, arguments))
        return send(self, operation, arguments)

    BaseClient._make_api_call = make_api_call


def watch_clickhouse(counter: Counter) -> None:
    """Catch clickhouse-connect's statements."""
    from clickhouse_connect.driver.httpclient import HttpClient

    for method in ("command", "data_insert", "raw_insert"):
        setattr(HttpClient, method, _caught(getattr(HttpClient, method), counter))


def watch_redshift(counter: Counter) -> None:
    """Catch redshift_connector's statements: those that open and close transactions go the same way."""
    from redshift_connector.core import Connection

    send = Connection.execute

    def execute(self: Any, cursor: Any, operation: str, vals: Any) -> Any:
        statement = operation.strip()
        if statement.upper().startswith(READS):
            return send(self, cursor, operation, vals)
        return counter.around(f"redshift {statement[:60]}", lambda: send(self, cursor, operation, vals))

    Connection.execute = execute


def _caught(send: Callable[..., Any], counter: Counter) -> Callable[..., Any]:
    def caught(self: Any, *args: Any, **kwargs: Any) -> Any:
        text = str(args[0] if args and isinstance(args[0], str) else kwargs.get("cmd", "INSERT"))
        words = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("--", "/*"))]
        statement = (words[0] if words else "").strip()
        if statement.upper().startswith(READS):
            return send(self, *args, **kwargs)
        return counter.around(f"clickhouse {statement[:60]}", lambda: send(self, *args, **kwargs))

    return caught


def main() -> None:
    """Parse ``count`` or ``N before|after``, and hand the rest to the command line."""
    if sys.argv[1] == "count":
        counter, rest = Counter(0, after=False), sys.argv[2:]
    else:
        counter, rest = Counter(int(sys.argv[1]), after=sys.argv[2] == "after"), sys.argv[3:]
    watch_s3(counter)
    watch_clickhouse(counter)
    watch_redshift(counter)
    if size := os.environ.get("RANGE_SIZE"):
        from sluice import mongo

        mongo.RANGE_SIZE = int(size)
    from sluice.cli import app

    app(rest, standalone_mode=False)
    if sys.argv[1] == "count":
        print("\n".join(f"WRITE {number} {name}" for number, name in enumerate(counter.names, 1)))


if __name__ == "__main__":
    main()
