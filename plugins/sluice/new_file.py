"""Writing a file that must not exist yet."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from sluice.errors import ConfigError


def write_new(path: Path, text: str, *, fix: str) -> None:
    """Write a file whole or not at all. Raises ConfigError, with what to do, where there is one or none can be."""
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.link(file.name, path)
        path.chmod(0o644)
    except FileExistsError:
        raise exists(path, fix) from None
    except OSError as error:
        raise ConfigError(f"cannot write {path}", why=str(error.strerror), fix=fix) from None


def exists(path: Path, fix: str) -> ConfigError:
    """The error for a file that would be overwritten."""
    return ConfigError(f"{path} is there already", why="nothing is overwritten", fix=fix)
