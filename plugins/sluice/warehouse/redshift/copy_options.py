"""What COPY is told about the parts of one landing, and about rows that it cannot load. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sluice.errors import ConfigError
from sluice.manifest import Manifest, refuse_others
from sluice.spec import CopyOptions, WarehouseKind
from sluice.statements import Sql, literal

CSV, PARQUET = "csv", "parquet"


def null_marker(plan: str) -> str:
    """What stands for NULL in the text columns of a plan's CSV: its random digits keep it out of the data."""
    return f"\\N:{plan[-6:]}"


def landed_format(manifests: Sequence[Manifest]) -> str:
    """The one format of a landing. Raises ConfigError for one of another warehouse, and for two formats."""
    refuse_others(manifests, WarehouseKind.REDSHIFT, (CSV, PARQUET))
    found = sorted({manifest.format for manifest in manifests})
    if len(found) > 1:
        raise ConfigError(
            f"the landing of {manifests[0].collection} is {' and '.join(found)}, and one COPY loads one of them",
            why=f"landing.format changed in the pipeline file while plan {manifests[0].plan} was landed",
            fix="make a new plan: its landing has one format",
        )
    return found[0] if found else CSV


def copy_options(
    format_: str, plan: str, options: CopyOptions, region: str | None = None, *, has_super: bool = False
) -> Sql:
    """The end of the COPY statement. Raises ConfigError for an option that the format does not take.

    ``has_super``: a column of the table is SUPER.
    """
    words = _parquet(options, has_super=has_super) if format_ == PARQUET else _csv(plan, options, region)
    return Sql(" ".join(words))


def _csv(plan: str, options: CopyOptions, region: str | None) -> Iterator[str]:
    yield "CSV GZIP"
    yield f"NULL AS {literal(null_marker(plan)).text}"
    yield "TIMEFORMAT 'auto' COMPUPDATE OFF STATUPDATE OFF"
    if region:
        yield f"REGION {literal(region).text}"
    yield f"MAXERROR {options.maxerror}"
    if options.acceptanydate:
        yield "DATEFORMAT 'auto' ACCEPTANYDATE"
    if options.acceptinvchars:
        yield f"ACCEPTINVCHARS AS {literal(options.acceptinvchars).text}"
    if options.truncatecolumns:
        yield "TRUNCATECOLUMNS"


def _parquet(options: CopyOptions, *, has_super: bool) -> Iterator[str]:
    if options.maxerror or options.acceptanydate or options.truncatecolumns:
        raise ConfigError(
            "copy_options has an option that COPY does not take for parquet",
            why="acceptanydate, truncatecolumns and maxerror are for formats made of lines",
            fix="set landing.format to csv, or take the option out of the pipeline file",
        )
    yield "PARQUET STATUPDATE OFF"
    if has_super:
        yield "SERIALIZETOJSON"  # parses what the file marks as JSON; without it a SUPER would hold its text
    if options.acceptinvchars:
        yield f"ACCEPTINVCHARS AS {literal(options.acceptinvchars).text}"
