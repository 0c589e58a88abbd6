"""The fault file: what is to go wrong with which statement; and the log of all statements."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from devstack.redshift.errors import SqlError


@dataclass(frozen=True, slots=True)
class Fault:
    """``drop_before``: the connection is lost and nothing was done; ``drop_after``: it is lost and all was done."""

    action: Literal["error", "drop_before", "drop_after"]
    error: SqlError


@dataclass(frozen=True, slots=True)
class Faults:
    """Rules in a file: ``[{"match": regex, "action": …, "times": 1, "code": …, "message": …, "detail": …}]``."""

    file: Path | None

    def next(self, sql: str) -> Fault | None:
        """What the first rule says that this statement matches; the rule has been used once more."""
        rules = json.loads(self.file.read_text()) if self.file and self.file.exists() else []
        for rule in rules:
            if rule.get("times", 1) > 0 and re.search(rule["match"], sql):
                rule["times"] = rule.get("times", 1) - 1
                assert self.file
                self.file.write_text(json.dumps(rules))
                said = rule.get("message", "injected"), rule.get("code", "XX000"), rule.get("detail", "")
                return Fault(rule["action"], SqlError(*said))
        return None


class Log:
    """JSON lines: each statement as it is begun, with the session that sent it, without keys and passwords."""

    def __init__(self, file: Path | None) -> None:
        self._file = file.open("a", encoding="utf-8") if file else None

    def write(self, session: int, sql: str) -> None:
        """Add a line, and hand it to the system at once."""
        if self._file:
            self._file.write(json.dumps({"session": session, "time": time.time(), "sql": sql}) + "\n")
            self._file.flush()
