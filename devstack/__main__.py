"""``python -m devstack``: the local servers, from a shell."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from devstack import state
from devstack.errors import StackError
from devstack.host import MEGABYTE
from devstack.importing import import_file
from devstack.servers import SERVERS
from devstack.stack import HOME_VARIABLE, Stack

_COMMANDS = {
    "up": "start what does not run yet, and wait until all is healthy",
    "down": "end every process, and remove every file of the stack",
    "status": "what runs, where, and how large; exit code 1 when something is not healthy",
    "reset": "empty the data; ports and keys stay",
    "restart": "stop and start one server: " + ", ".join(server.name for server in SERVERS),
    "env": "print what the env file holds: URLs, keys, Airflow's settings and connections",
    "import": "fill a collection of MongoDB, named as the file, from Extended JSON",
    "sql": "ask a warehouse, and show the answer",
}
_EPILOG = """\
The state is in {home_variable}, or .devstack in the repository; its file `env` is for shells:

  source .devstack/env && sluice status

To use a server that runs elsewhere instead of starting one, set before `up`:

{externals}

It is remembered until `down`. An external ClickHouse must itself be able to read the landing bucket.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    options = _parser().parse_args(arguments)
    stack = Stack(getattr(options, "home", None), say=lambda line: print(line, flush=True))
    for signum in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(signum) is not signal.SIG_IGN:  # nohup
            signal.signal(signum, signal.default_int_handler)  # as Ctrl-C: what was started is taken back
    try:
        return _run(stack, options)
    except StackError as error:
        print(f"devstack: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("devstack: interrupted; what this command had started was ended", file=sys.stderr)
        return 130


def _run(stack: Stack, options: argparse.Namespace) -> int:
    match options.command:
        case "up":
            stack.up(airflow=options.airflow)
            _greet(stack)
        case "down":
            print(f"{stack.home}: all ended and removed" if stack.down() else f"there is no stack in {stack.home}")
        case "reset":
            stack.reset()
        case "restart":
            stack.restart(options.server)
        case "import":
            print(import_file(stack.env()["MONGO_URL"], options.database, options.file.expanduser()))
        case "sql":
            _ask(stack, options)
        case "env":
            sys.stdout.write("".join(f"export {n}={shlex.quote(v)}\n" for n, v in stack.env().items()))
        case "status":
            return _status(stack)
    return 0


def _greet(stack: Stack) -> None:
    print(f"\n  make shell, or: source {state.env_file(stack.home)}")
    _print_login(stack)


def _ask(stack: Stack, options: argparse.Namespace) -> None:
    from rich.console import Console

    from devstack.analyst import ask

    Console().print(ask(options.warehouse, stack.env(), options.query))


def _print_login(stack: Stack) -> None:
    env = stack.env()
    if "AIRFLOW_URL" in env:
        print(f"  Airflow: {env['AIRFLOW_URL']}  user {env['AIRFLOW_USER']}  password {env['AIRFLOW_PASSWORD']}")


def _status(stack: Stack) -> int:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=str(stack.home), title_justify="left")
    for heading in ("server", "pid", "address", "healthy", "data", "memory"):
        table.add_column(heading, no_wrap=heading != "pid")
    statuses = stack.status()
    for each in statuses:
        healthy = "[red]no[/red]" if each.problem else "[green]yes[/green]"
        pids = " ".join(map(str, each.pids)) or "-"
        table.add_row(each.name, pids, each.address, healthy, _megabytes(each.data), _megabytes(each.memory))
    Console().print(table)
    for each in statuses:
        if each.problem:
            print(f"  {each.name}: {each.problem}")
    _print_login(stack)
    return 1 if any(each.problem for each in statuses) else 0


def _megabytes(count: int) -> str:
    return f"{count / MEGABYTE:.1f} MB" if count else "-"


def _parser() -> argparse.ArgumentParser:
    # Understood before and after the command. SUPPRESS: one's default must not hide what the other was given.
    home = argparse.ArgumentParser(add_help=False)
    text = "where the state is; two stacks need two"
    home.add_argument("--home", type=Path, metavar="DIR", default=argparse.SUPPRESS, help=text)
    parser = argparse.ArgumentParser(
        parents=[home],
        prog="python -m devstack",
        description="Local servers for Sluice: MongoDB, S3, ClickHouse, Airflow, a stand-in for Redshift; no Docker.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EPILOG.format(home_variable=f"${HOME_VARIABLE}", externals=_externals()),
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    made = {
        name: commands.add_parser(name, help=text, description=text, parents=[home]) for name, text in _COMMANDS.items()
    }
    made["up"].add_argument(
        "--airflow", action=argparse.BooleanOptionalAction, default=True, help="with Airflow, or the other servers only"
    )
    made["import"].add_argument("database")
    made["import"].add_argument("file", type=Path)
    made["sql"].add_argument("query")
    made["sql"].add_argument("--warehouse", choices=("clickhouse", "redshift"), default="clickhouse")
    made["restart"].add_argument("server", help="a server, or one process of it, such as scheduler")
    return parser


def _externals() -> str:
    return "\n".join(f"  {server.external:<32} {server.external_form}" for server in SERVERS)


if __name__ == "__main__":
    sys.exit(main())
