"""docker-compose.yml and Dockerfile without containers: a service's command, in an environment as in its image.

Names of services become addresses of this machine, and fixed ports free ones, by replacing text; nothing else differs.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
VARIABLE = re.compile(r"\$(?:\$|\{(\w+):\?[^}]*\})")
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


def services() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return loaded


def build_home(home: Path) -> None:
    """What the Dockerfile copies to /opt/airflow."""
    for source, target in re.findall(r"^COPY --chown=airflow:0 (\w+) /opt/airflow/(\w+)$", dockerfile(), re.MULTILINE):
        shutil.copytree(ROOT / source, home / target, ignore=shutil.ignore_patterns("__pycache__"))


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


@dataclass
class Host:
    """Where the services run. ``values``: what .env has; ``replaced``: text of docker-compose.yml → text here."""

    venv: Path
    home: Path
    values: Mapping[str, str]
    replaced: Mapping[str, str]
    own: Mapping[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def text(self, written: str) -> str:
        """As Compose reads it, at the addresses of this machine."""
        text = VARIABLE.sub(lambda found: self.values[found[1]] if found[1] else "$", str(written))
        for there, here in self.replaced.items():
            text = text.replace(there, here)
        return text

    def environment(self, service: str) -> dict[str, str]:
        """The image's, the service's, and what keeps processes of one machine apart."""
        base = {name: os.environ[name] for name in KEPT if name in os.environ}
        image = {
            "VIRTUAL_ENV": str(self.venv),
            "PATH": f"{self.venv}/bin:{base['PATH']}",
            "PYTHONPATH": str(self.home / "plugins"),
            "AIRFLOW_HOME": str(self.home),
            "HOSTNAME": socket.gethostname(),
            "NO_PROXY": "127.0.0.1,localhost",
        }
        own = {name: self.text(value) for name, value in self.declared(service).items()}
        return base | image | own | dict(self.own)

    @staticmethod
    def declared(service: str) -> dict[str, str]:
        """A service's environment, as it is written."""
        found: dict[str, str] = services()[service].get("environment", {})
        return found

    def words(self, service: str) -> list[str]:
        """What /entrypoint of Airflow's image makes of a command: bash and python as they are, all else for airflow."""
        declared = services()[service]
        said = declared.get("entrypoint") or declared["command"]
        words = said.split() if isinstance(said, str) else list(said)
        return [self.text(word) for word in (words if words[0] in {"bash", "python"} else ["airflow", *words])]

    def run(self, service: str) -> subprocess.CompletedProcess[str]:
        return self.call(service, self.words(service))

    def call(self, service: str, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """A command in a service's container."""
        where = self.environment(service)
        program = shutil.which(words[0], path=where["PATH"]) or words[0]
        return subprocess.run(
            [program, *words[1:]], env=where, cwd=self.home, capture_output=True, text=True, timeout=300, check=False
        )

    def start(self, service: str) -> None:
        where = self.environment(service)
        words = self.words(service)
        program = shutil.which(words[0], path=where["PATH"]) or words[0]
        with (self.home / f"{service}.log").open("wb") as log:
            self.running[service] = subprocess.Popen(
                [program, *words[1:]], env=where, cwd=self.home, stdout=log, stderr=log, start_new_session=True
            )

    def log(self, service: str) -> str:
        return (self.home / f"{service}.log").read_text(errors="replace")[-4000:]

    def check(self, service: str) -> subprocess.CompletedProcess[str]:
        """The service's health check."""
        kind, *words = services()[service]["healthcheck"]["test"]
        words = [self.text(word) for word in words]
        return self.call(service, ["sh", "-c", *words] if kind == "CMD-SHELL" else words)

    def stop(self) -> dict[str, int]:
        """SIGTERM to each, as Compose does; exit codes."""
        for process in self.running.values():
            process.terminate()
        codes = {}
        for service, process in self.running.items():
            try:
                codes[service] = process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                codes[service] = process.wait()
        self.running.clear()
        return codes
