"""What COPY is told about the parts of one landing, and about rows that it cannot load. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sluice.errors import ConfigError
from sluice.manifest import Manifest
from sluice.spec import CopyOptions
from sluice.statements import Sql, literal

CSV, PARQUET = "csv", "parquet"


def null_marker(plan: str) -> str:
    """What stands for NULL in the text columns of a plan's CSV: its random digits keep it out of the data."""
    return f"\\N:{plan[-6:]}"


def landed_format(manifests: Sequence[Manifest]) -> str:
    """The one format of a landing. Raises ConfigError for another, or for two."""
    found = sorted({manifest.format for manifest in manifests})
    if found and (len(found) > 1 or found[0] not in {CSV, PARQUET}):
        raise ConfigError(
            f"the landing of {manifests[0].collection} is {' and '.join(found)}, Redshift loads csv or parquet",
            why=f"plan {manifests[0].plan} was landed for another warehouse, or the pipeline file changed on the way",
            fix="make a new plan: its landing has one format, and this warehouse's",
        )
    return found[0] if found else CSV


def copy_options(format_: str, plan: str, options: CopyOptions, region: str | None) -> Sql:
    """The end of the COPY statement. Raises ConfigError for an option that the format does not take."""
    words = _parquet(options) if format_ == PARQUET else _csv(plan, options, region)
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


def _parquet(options: CopyOptions) -> Iterator[str]:
    if options.maxerror or options.acceptanydate or options.truncatecolumns:
        raise ConfigError(
            "copy_options has an option that COPY does not take for parquet",
            why="acceptanydate, truncatecolumns and maxerror are for formats made of lines",
            fix="set landing.format to csv, or take the option out of the pipeline file",
        )
    yield "PARQUET STATUPDATE OFF"
    if options.acceptinvchars:
        yield f"ACCEPTINVCHARS AS {literal(options.acceptinvchars).text}"
