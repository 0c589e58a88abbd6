"""A headless Chromium, driven by the protocol that it speaks itself: no driver, no download of a browser.

It is Debian's or Ubuntu's package ``chromium``, or whatever CHROMIUM names.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from websockets.sync.client import connect

PATIENCE = 20.0
_NAMES = ("chromium", "chromium-browser", "google-chrome")
# A run of tests that is killed takes its browser along: whoever kills it can do nothing about its children.
_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
_OPTIONS = ("--headless=new", "--no-first-run", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb")
_MIDDLE = """selector => {
    const element = document.querySelector(selector);
    element.scrollIntoView({block: "center"});
    const box = element.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
}"""


def find() -> str | None:
    """The browser's program; None where there is none."""
    named = os.environ.get("CHROMIUM")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, _NAMES)), None)


class Chromium:
    """One browser with one window, and what it remembers in ``folder``. To be used as a context manager."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder
        self._open = ExitStack()
        self._sent, self._width = 0, 0
        self._events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(_running(self._program, self._folder))
            # While nobody reads, such as when a test waits for a run, pings are not answered either.
            window = connect(_address_of_window(self._folder), max_size=2**27, ping_interval=None)
            self._socket = opened.enter_context(window)
            for domain in ("Page", "Runtime", "Network", "Log"):
                self.ask(f"{domain}.enable")
            self._open = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol; its result."""
        self._sent += 1
        self._socket.send(json.dumps({"id": self._sent, "method": method, "params": params}))
        while True:
            said = json.loads(self._socket.recv(PATIENCE))
            if said.get("id") == self._sent:
                assert "error" not in said, (method, said["error"])
                result: dict[str, Any] = said["result"]
                return result
            self._events.append(said)

    def complaints(self) -> list[str]:
        """What the browser said against the pages since it was last asked: scripts that failed, refused loads."""
        self.ask("Runtime.evaluate", expression="0")  # the events until now
        events, self._events = self._events, []
        thrown = [e["params"]["exceptionDetails"]["text"] for e in events if e["method"] == "Runtime.exceptionThrown"]
        logged = [e["params"]["entry"] for e in events if e["method"] == "Log.entryAdded"]
        return thrown + [f"{entry['text']} {entry.get('url', '')}" for entry in logged if entry["level"] == "error"]

    def open(self, url: str) -> None:
        """Go to a page, and wait until it is loaded."""
        self._events = [event for event in self._events if event["method"] != "Page.loadEventFired"]
        failed = self.ask("Page.navigate", url=url).get("errorText")
        assert failed is None, f"{url}: {failed}"
        deadline = time.monotonic() + PATIENCE
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            assert time.monotonic() < deadline, f"{url} did not load"
            self._events.append(json.loads(self._socket.recv(PATIENCE)))

    def run(self, script: str) -> Any:
        """The value of an expression on the page; a promise is waited for."""
        answer = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script: str) -> Any:
        """Wait until an expression is true; its value."""
        deadline = time.monotonic() + PATIENCE
        while not (value := self.run(script)):
            assert time.monotonic() < deadline, f"never true: {script}\n{self.run('document.body.innerText')[:2000]}"
            time.sleep(0.1)
        return value

    def click(self, selector: str) -> None:
        """Press the mouse in the middle of an element."""
        x, y = self.run(f"({_MIDDLE})({json.dumps(selector)})")
        at = {"x": x, "y": y, "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, **at)

    def log_in(self, url: str, token: str) -> None:
        """Carry the cookie that Airflow's login gives; without a token none."""
        self.ask("Network.clearBrowserCookies")
        if token:
            self.ask("Network.setCookie", name="_token", value=token, url=url)

    def dress(self, width: int, scheme: str) -> None:
        """A window of this width, for somebody who prefers this scheme."""
        self._width = width
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1 if width > 600 else 2,
            mobile=width < 600,
        )
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def shoot(self, file: Path, height: int | None = None, begin: str = "body") -> None:
        """A picture of the page from where an element begins: to its end, or so high."""
        top = self.run(f"Math.floor(document.querySelector({json.dumps(begin)}).getBoundingClientRect().top + scrollY)")
        tall = height or self.run("Math.ceil(document.documentElement.getBoundingClientRect().height)") - top
        clip = {"x": 0, "y": top, "width": self._width, "height": tall, "scale": 1}
        data = self.ask("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)["data"]
        file.write_bytes(base64.b64decode(data))


@contextmanager
def _running(program: str, folder: Path) -> Iterator[None]:
    # As root, as in most containers, its own sandbox cannot be made.
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    own = ["--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
    command = [*_WITH_PARENT, program, *_OPTIONS, *root, *own]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _address_of_window(folder: Path) -> str:
    port, deadline = folder / "DevToolsActivePort", time.monotonic() + PATIENCE
    while not (port.exists() and len(port.read_text().splitlines()) == 2):
        assert time.monotonic() < deadline, f"the browser did not start: {(folder / 'log').read_text()[-2000:]}"
        time.sleep(0.05)
    url = f"http://127.0.0.1:{port.read_text().splitlines()[0]}/json/list"
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        windows = json.load(answer)
    return str(next(window["webSocketDebuggerUrl"] for window in windows if window["type"] == "page"))
