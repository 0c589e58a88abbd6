"""Roles and grants: the engine has nowhere to keep them, so that they are read, written down, and not enforced.

Each is one line of a file beside the data, in the order in which they came: a test makes users of it.
"""

from __future__ import annotations

import threading
from itertools import islice
from pathlib import Path
from typing import Final

from devstack.clickhouse.handle import Handle, text_of
from devstack.clickhouse.statements import words_of

FILE: Final = "rights.sql"
_KINDS: Final = {b"ROLE", b"USER", b"PROFILE", b"QUOTA", b"POLICY"}
_VERBS: Final = {b"CREATE", b"ALTER", b"DROP"}


def gives_rights(text: bytes) -> bool:
    """Whether a statement is about who may do what."""
    first = list(islice(words_of(text), 3))
    return first[:1] in ([b"GRANT"], [b"REVOKE"]) or (first[:1] != [] and first[0] in _VERBS and _is_kind(first))


def _is_kind(first: list[bytes]) -> bool:
    return first[1:2] != [] and (first[1] in _KINDS or (first[1] in {b"SETTINGS", b"ROW"} and first[2] in _KINDS))


class Rights:
    """What was said so far."""

    def __init__(self, folder: Path) -> None:
        self._file, self._lock = folder / FILE, threading.Lock()

    def note(self, handle: Handle, text: bytes) -> None:
        """Write a statement down. Raises Failure where the engine cannot read it."""
        said = handle.run(f"SELECT formatQuerySingleLine({text_of(text.decode())})", "TabSeparatedRaw").data
        with self._lock, self._file.open("ab") as file:
            file.write(said)
