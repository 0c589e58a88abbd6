"""One line about the size of the code at the end of a run: a measure to look at, not a rule to game."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed"):
        for name, text in getattr(report, "user_properties", ()):
            terminalreporter.write_line(f"{name}: {text}")
