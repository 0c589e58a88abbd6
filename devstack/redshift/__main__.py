"""``python -m devstack.redshift``: a stand-in for Amazon Redshift, until SIGTERM or SIGINT. A test double."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from devstack.errors import StackError
from devstack.redshift import postgres


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop. The S3 keys that stand for any IAM role are taken from the environment."""
    options = _parser().parse_args(arguments)
    try:
        postgres.require()
        asyncio.run(_run(options))
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _run(options: argparse.Namespace) -> None:
    from devstack.redshift.copying import Storage
    from devstack.redshift.server import Options, run
    from devstack.redshift.shared import Account

    try:
        password = options.password_file.read_text(encoding="utf-8").strip()
        options.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StackError(f"{error.filename} cannot be used: {error.strerror}") from error
    keys = (os.environ.get(name, "") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    await run(
        Options(
            folder=options.folder.resolve(),
            host=options.host,
            port=options.port,
            account=Account(options.user, password),
            storage=Storage(options.s3_endpoint, *keys) if options.s3_endpoint else None,
            serializable=options.isolation == "serializable",
            fault_file=options.fault_file,
            statement_log=options.statement_log,
        )
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devstack.redshift", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="PostgreSQL's data, certificates; made if need be")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", required=True, help="who may log in")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--s3-endpoint", help="where COPY and UNLOAD find any bucket")
    parser.add_argument("--isolation", choices=["snapshot", "serializable"], default="snapshot")
    parser.add_argument("--fault-file", type=Path, help="JSON rules: which statements fail, and how")
    parser.add_argument("--statement-log", type=Path, help="gets a JSON line for each statement")
    return parser


if __name__ == "__main__":
    sys.exit(main())
