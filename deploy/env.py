"""``make env``: complete .env, which docker-compose.yml reads, from .env.example.

A name that has a value in the example is a setting, and copied; one that has none is a secret, and made. What .env has
already stays as it is, so that a new version of the project adds what is new. Needs nothing but Python.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"^([A-Z][A-Z0-9_]*)=(\S*)", re.MULTILINE)
PROFILES = {"celery", "redshift", "worker"}


def secret(name: str) -> str:
    """A new value; of 20 characters for an access key, as S3 has them."""
    if name.endswith("FERNET_KEY"):
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_hex(10 if name.endswith("ACCESS_KEY") else 32)


def completed(present: str, example: str) -> str:
    """The text of .env with what it lacks at its end."""
    have = {name for name, _ in NAMED.findall(present)}
    lacking = [(name, value) for name, value in NAMED.findall(example) if name not in have]
    lines = [f"{name}={value if value and not value.startswith('#') else secret(name)}\n" for name, value in lacking]
    return present + ("\n" if present and not present.endswith("\n") else "") + "".join(lines)


def with_profiles(text: str, profiles: str) -> str:
    """The text with these profiles, and the executor that goes with them."""
    asked = profiles.split(",")
    if unknown := set(asked) - PROFILES:
        raise SystemExit(f"no profile {', '.join(sorted(unknown))}: there are {', '.join(sorted(PROFILES))}")
    celery = {"celery", "worker"} & set(asked)
    new = {"COMPOSE_PROFILES": profiles, "AIRFLOW_EXECUTOR": "CeleryExecutor" if celery else "LocalExecutor"}
    kept = [line for line in text.splitlines() if line.partition("=")[0] not in new]
    return "\n".join([*kept, *(f"{name}={value}" for name, value in new.items())]) + "\n"


def write(file: Path, text: str) -> None:
    """Whole or not at all, and readable by nobody else from its first byte on."""
    draft = file.with_name(f"{file.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)
    draft.replace(file)


def main(folder: Path, profiles: str) -> None:
    """Complete ``folder``/.env."""
    file = folder / ".env"
    present = file.read_text(encoding="utf-8") if file.exists() else ""
    text = completed(present, (ROOT / ".env.example").read_text(encoding="utf-8"))
    write(file, with_profiles(text, profiles) if profiles else text)
    added = len(NAMED.findall(text)) - len(NAMED.findall(present))
    sys.stdout.write(f"{file}: {added} values added, {len(NAMED.findall(present))} kept; keep a copy in a safe place\n")


if __name__ == "__main__":
    main(ROOT, "".join(sys.argv[1:]))
