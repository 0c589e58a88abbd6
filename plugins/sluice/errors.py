"""What can go wrong, by what to do about it.

SluiceError
├── Retryable            the same step may succeed when it is run again: nothing was half-written
│   ├── SourceUnavailable
│   ├── LandingUnavailable
│   ├── WarehouseUnavailable
│   ├── Fenced           another publisher took over; this attempt must stop touching the warehouse
│   └── Superseded       a later batch was published, and what readers saw before it is not kept
└── Terminal             running the same step again gives the same answer: a person has to change something
    ├── ConfigError      a pipeline file, connection or setting
    ├── CountMismatch    a hand-over lost or gained rows (I1): the batch stops
    ├── Cleaned          what is asked for was deleted when its retention was over
    ├── KeyCollision     two ids have one number: the batch stops
    ├── ChecksFailed     a check of the pipeline file does not hold: readers do not see the batch
    ├── TooManyRejects   above the pipeline's reject limit (I7)
    ├── MigrationError   the warehouse's schema and the code disagree
    └── AccessDenied     a server refused the credentials or a right is missing
"""

from __future__ import annotations


class SluiceError(Exception):
    """An error that names what failed, why, and what to do next."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        self.what, self.why, self.fix = what, why, fix
        super().__init__(what, why, fix)

    def __str__(self) -> str:
        lines = [self.what]
        if self.why:
            lines.append(f"  why: {self.why}")
        if self.fix:
            lines.append(f"  do:  {self.fix}")
        return "\n".join(lines)


class Retryable(SluiceError):
    """The same step may succeed when it is run again."""


class SourceUnavailable(Retryable):
    """MongoDB did not answer, or lost the snapshot that was being read."""


class LandingUnavailable(Retryable):
    """S3 did not answer."""


class WarehouseUnavailable(Retryable):
    """The warehouse did not answer, or ended the connection in the middle of a statement."""


class Fenced(Retryable):
    """Another publisher of the same pipeline took over; what this one still sends has no effect."""


class Superseded(Retryable):
    """A later batch was published, and the warehouse does not keep what readers saw before it."""


class Terminal(SluiceError):
    """Running the same step again gives the same answer."""


class ConfigError(Terminal):
    """A pipeline file, a connection or a setting is wrong or missing."""


class StreamLost(Terminal):
    """A change stream cannot go on from where it was read to."""


class CountMismatch(Terminal):
    """A hand-over did not carry every row (I1)."""


class Cleaned(Terminal):
    """What is asked for was deleted by cleanup, because its retention was over."""


class KeyCollision(Terminal):
    """Two different ids have the same numeric key."""


class ChecksFailed(Terminal):
    """With the batch, a check of the pipeline file would not hold."""


class TooManyRejects(Terminal):
    """More documents could not be conformed than the pipeline allows (I7)."""


class MigrationError(Terminal):
    """The warehouse's schema is not what the migrations and the pipeline file say."""


class AccessDenied(Terminal):
    """A server refused the credentials, or a right is missing."""
