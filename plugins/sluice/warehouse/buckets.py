"""The audit's buckets of keys, in one definition that Python and every warehouse have exactly. Pure.

A key's bucket is the beginning of the MD5 of its text, in hexadecimal digits: no engine has a hash of its own in common
with the others, and all have this one.
"""

from __future__ import annotations

import hashlib
from typing import Final

DIGITS: Final = 3
BUCKETS: Final = 16**DIGITS
MODULUS: Final = 2**64
"""Sums of hashes are compared modulo this: one engine's overflow silently, another's would be an error."""


def bucket_of(key: str) -> int:
    """The bucket of a key's text."""
    return int(hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()[:DIGITS], 16)


def digits_of(bucket: int) -> str:
    """A bucket as SQL finds it."""
    return f"{bucket:0{DIGITS}x}"
