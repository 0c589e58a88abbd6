"""Small things about files that more than one server needs."""

from __future__ import annotations

import os
from pathlib import Path

_CAUSES = ("Address already in use", "No space left on device", "Cannot allocate memory", "Too many open files")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, from its first byte on; whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.rename(path)


def size(folder: Path) -> int:
    """Bytes on disk below a folder, counted as ``du`` does; files that vanish meanwhile count nothing."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(where, name).lstat().st_blocks * 512
            except FileNotFoundError:
                continue
    return total


def last_words(log: Path) -> str:
    """Why a process ended, as far as its log tells: a well-known cause if it is there, else its last line."""
    try:
        text = log.read_bytes()[-16384:].decode(errors="replace")
    except OSError:
        return "it left no log"
    if cause := next((cause for cause in _CAUSES if cause in text), ""):
        return cause
    return next((line.strip()[:300] for line in reversed(text.split("\n")) if line.strip()), "it said nothing")
