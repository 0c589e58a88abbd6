"""The browser of these tests leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from devstack.process import named
from tests.browser.chromium import PATIENCE, find

pytestmark = [pytest.mark.browser, pytest.mark.skipif(find() is None, reason="no Chromium here")]

KILLED = """
import os, signal, sys
from pathlib import Path
from tests.browser.chromium import Chromium, find

with Chromium(find(), Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_takes_its_browser_along(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=2 * PATIENCE)

    assert killed.returncode == -9
    assert (tmp_path / "DevToolsActivePort").exists()
    deadline = time.monotonic() + PATIENCE
    while left := named(str(tmp_path)):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
