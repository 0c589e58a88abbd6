"""What the local stack says when it cannot do something."""

from __future__ import annotations


class StackError(Exception):
    """One clear sentence: what is missing or went wrong, and what to do about it."""
