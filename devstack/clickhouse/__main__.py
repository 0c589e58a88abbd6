"""``python -m devstack.clickhouse``: serve one data folder until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from devstack.errors import StackError
from devstack.files import write_private

if TYPE_CHECKING:  # they import the engine, which takes longer than refusing a wrong option should
    from devstack.clickhouse.engine import Engine
    from devstack.clickhouse.handler import Server

_STOP = {signal.SIGTERM, signal.SIGINT}
_PATIENCE = 1.0  # seconds that running statements get to tell their clients that they are cancelled
_LIMIT = 1.5  # seconds after which the process ends whatever the engine does: its data is safe at any moment


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; prints, and writes to the ready file, the port it listens on."""
    options = _parser().parse_args(arguments)
    # Before any thread exists, so that all of them inherit it and the signal waits for the main thread.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
    try:
        server = _server(options)
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _announce(options, server)
    signal.sigwait(_STOP)
    _stop(server)
    return 0


def _server(options: argparse.Namespace) -> Server:
    password = _read(options.password_file, "the password file").strip()
    if options.config:
        _read(options.config, "the engine's config file")  # the engine ignores one that it cannot find
    if options.ready_file:
        options.ready_file.unlink(missing_ok=True)
    engine = _engine(options.path.resolve(), options.config and options.config.resolve())
    from devstack.clickhouse.call import Account
    from devstack.clickhouse.handler import Server

    try:
        return Server((options.host, options.port), engine, Account(options.user, password))
    except OSError as error:
        raise StackError(
            f"cannot listen on {options.host}:{options.port}: {error.strerror}; use a free port"
        ) from error


def _engine(path: Path, config: Path | None) -> Engine:
    # The engine is given both in the form of a URL, in which these have a meaning that cannot be escaped.
    if "?" in str(path) or "&" in str(config):
        raise StackError(f"the engine cannot open {path} with {config}: use a path without ? and a file without &")
    from devstack.clickhouse.engine import Engine

    try:
        path.mkdir(parents=True, exist_ok=True)
        return Engine(path, config)
    except (OSError, RuntimeError, ValueError) as error:
        reason = "does another server use it, or is the config file broken?"
        raise StackError(f"the engine cannot open {path}: {reason} It says: {error}") from error


def _announce(options: argparse.Namespace, server: Server) -> None:
    host, port = server.server_address[:2]
    if options.ready_file:
        write_private(options.ready_file, f"{port}\n")
    sys.stdout.write(f"listening on {host!s}:{port}\n")
    sys.stdout.flush()


def _stop(server: Server) -> None:
    threading.Timer(_LIMIT, os._exit, [0]).start()
    server.engine.stop(_PATIENCE)
    # Clients that stay connected hold threads, and the interpreter would wait for those of the engine too.
    os._exit(0)


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise StackError(f"{what} {path} cannot be read: {error.strerror}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devstack.clickhouse", description=__doc__)
    parser.add_argument("--path", type=Path, required=True, help="the data folder; made if it does not exist")
    parser.add_argument("--host", type=_loopback, default="127.0.0.1", help="an address of this machine only")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--user", default="default")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--config", type=Path, help="an XML configuration for the engine, such as <s3> endpoints")
    parser.add_argument("--ready-file", type=Path, help="gets the port as soon as requests are answered")
    return parser


def _loopback(text: str) -> str:
    try:
        if ip_address(text).is_loopback:
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text} is not a loopback address: this server is for one machine only")


if __name__ == "__main__":
    sys.exit(main())
