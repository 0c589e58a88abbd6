"""Load: from landed parts to staging tables, counted against the manifests, each key once (I1)."""

from __future__ import annotations

import gzip
import io
import logging
import re
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from sluice.errors import CountMismatch, SluiceError, Terminal
from sluice.manifest import Manifest, Part
from sluice.spec import Collection, Pipeline, Table
from sluice.statements import Sql, literal, name, names
from sluice.warehouse.base import Loaded
from sluice.warehouse.quarantine import RejectRow
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.copy_options import PARQUET, copy_options, landed_format
from sluice.warehouse.redshift.failures import CopyFailed
from sluice.warehouse.redshift.landed import Access, copy_manifest, manifest_key
from sluice.warehouse.redshift.load_errors import (
    await_load_errors,
    explained,
    load_errors,
    reject_rows,
    replacements,
)
from sluice.warehouse.redshift.rejects import refused_rows, stage_rejects
from sluice.warehouse.redshift.repeated import Staged
from sluice.warehouse.redshift.replayed import Replayed
from sluice.warehouse.redshift.tables import (
    STAGING,
    definitions,
    has_super,
    landed_columns,
    plan_suffix,
    staged,
    staged_attributes,
)
from sluice.window import Plan

log = logging.getLogger(__name__)

_AGAIN = "run the batch again: a new plan lands its documents again"


def drop_staging(client: Client, plan: str) -> int:
    """Drop every staging table of a plan. Returns how many."""
    mine = re.compile(rf"__{re.escape(plan_suffix(plan))}(__|$)")
    found = [table for (table,) in client.rows("staging_tables", schema=literal(STAGING)) if mine.search(table)]
    if found:
        client.run("drop_tables", tables=Sql(", ".join(name(STAGING, table).text for table in found)))
    return len(found)


def staged_plans(client: Client, pipeline: Pipeline) -> dict[str, datetime]:
    """The ids of the plans that have staging tables of the pipeline → when the newest was made."""
    mine = re.compile(rf"{re.escape(pipeline.name.lower())}__\w+?__(\d{{8}})t(\d{{6}})_([0-9a-f]{{6}})(?:__|$)")
    found = client.rows("staging_ages", schema=literal(STAGING))
    made = sorted((at, f"{match[1]}T{match[2]}-{match[3]}") for table, at in found if (match := mine.match(table)))
    return {plan: at.replace(tzinfo=UTC) for at, plan in made}


@dataclass(frozen=True, slots=True)
class Copied:
    """What one COPY did, by its number in the cluster's log."""

    table: Table
    number: int
    landed: int
    loaded: int

    @property
    def refused(self) -> int:
        """Rows that it passed over."""
        return self.landed - self.loaded


class Load:
    """One attempt to stage one collection: one transaction, on a session of its own.

    Whoever dies in it leaves what was there before. Two attempts at the same time wait for each other.
    """

    def __init__(self, client: Client, access: Access, plan: Plan, collection: Collection) -> None:
        self._access, self._plan, self._collection = access, plan, collection
        self._options = collection.redshift.copy_options
        self._client = client.masking(*access.secrets)
        self._log = client.another()
        self._staged = Staged(self._client, plan, collection)

    def run(self, manifests: Sequence[Manifest], rejects: Iterable[RejectRow]) -> Loaded:
        """Stage the parts of all manifests. Raises CountMismatch, ConfigError; Terminal names the row that is bad."""
        format_ = landed_format(manifests)
        with closing(self._client), closing(self._log):
            try:
                with self._client.transaction():
                    return self._load(manifests, format_, rejects)
            except Terminal as failed:
                raise self._explained(failed, manifests, format_) from None

    def _load(self, manifests: Sequence[Manifest], format_: str, rejects: Iterable[RejectRow]) -> Loaded:
        begun = time.monotonic()
        tables = self._collection.tables
        copied = [self._copy(table, parts_of(manifests, table), format_) for table in tables]
        refused = self._drop_refused(copied)
        self._staged.drop_repeated()
        if any(manifest.turn and manifest.rejected for manifest in manifests):
            self._staged.drop_rejected(rejects)
        found = self._counts()
        moved = Replayed(self._staged).complete() if self._collection.name in self._plan.runs else found
        staged = self._counts()
        repeated = {c.table.name: c.landed - refused[c.table.name] - moved[c.table.name] for c in copied}
        taken = {table: rows - moved[table] for table, rows in staged.items()}
        replaced = self._replaced(copied)
        seconds = time.monotonic() - begun
        return Loaded(self._collection.name, staged, repeated, seconds, refused, replaced, taken)

    def _counts(self) -> dict[str, int]:
        return {table.name: self._staged.count(table) for table in self._collection.tables}

    def _copy(self, table: Table, parts: Sequence[Part], format_: str) -> Copied:
        """One COPY of all parts of a table, into a new staging table."""
        self._create(table)
        if not parts:
            return Copied(table, -1, 0, 0)
        address = self._access.put(manifest_key(parts[0], self._plan), copy_manifest(self._access.bucket, parts))
        self._client.run(
            "copy_parts",
            staging=self._staged.at(table),
            columns=names(landed_columns(table)),
            manifest=address,
            authorization=self._access.authorization,
            options=copy_options(
                format_, self._plan.id, self._options, self._access.region, has_super=has_super(table)
            ),
        )
        number, loaded = self._client.row("last_copy")
        copied = Copied(table, number, sum(part.rows for part in parts), loaded)
        if not 0 <= copied.refused <= max(self._options.maxerror - 1, 0):
            raise self._mismatch(copied, parts, format_)
        return copied

    def _create(self, table: Table) -> None:
        staging, attached = self._staged.at(table), staged_attributes(self._collection, table)
        self._client.run("drop_tables", tables=staging)
        columns = definitions(staged(table))
        self._client.run("create_staging", staging=staging, definitions=columns, attributes=attached)

    def _drop_refused(self, copied: Sequence[Copied]) -> dict[str, int]:
        """Stage a reject for each row that COPY refused, and drop the children of such documents."""
        refused = {c.table.name: c.refused for c in copied}
        if any(refused.values()):
            rows = (
                row for c in copied for row in reject_rows(c.table, await_load_errors(self._log, c.number, c.refused))
            )
            stage_rejects(self._client, refused_rows(self._plan.pipeline, self._collection, self._plan.staging), rows)
            log.warning("load %s: COPY refused %s rows", self._collection.name, f"{sum(refused.values()):,}")
        if copied[0].refused:
            for table, orphans in self._staged.drop_orphans().items():
                refused[table] += orphans
        return refused

    def _replaced(self, copied: Sequence[Copied]) -> dict[str, dict[str, int]]:
        if not self._options.acceptinvchars:
            return {}
        found = {c.table.name: replacements(self._log, c.number) for c in copied if c.landed}
        return {table: columns for table, columns in found.items() if columns}

    def _mismatch(self, copied: Copied, parts: Sequence[Part], format_: str) -> CountMismatch:
        wrong = self._access.misfits(parts, rows_of(format_))
        return CountMismatch(
            f"{copied.loaded:,} rows of {copied.table.name} were staged, {copied.landed:,} were landed",
            why="; ".join(wrong) or "each object has the size that its manifest says",
            fix=_AGAIN,
        )

    def _explained(self, failed: Terminal, manifests: Sequence[Manifest], format_: str) -> SluiceError:
        """COPY says little: the object that is not as it was landed, or the row, is named here."""
        if type(failed) not in {Terminal, CopyFailed}:
            return failed
        parts = [part for manifest in manifests for part in manifest.parts]
        if wrong := self._access.misfits(parts, rows_of(format_)):
            return CountMismatch("a landed part is not as its manifest says", why="; ".join(wrong), fix=_AGAIN)
        if not isinstance(failed, CopyFailed):
            return failed
        number, _ = self._client.row("last_copy")
        return explained(failed, load_errors(self._log, number))


def parts_of(manifests: Sequence[Manifest], table: Table) -> list[Part]:
    """The landed parts of one table."""
    return [part for manifest in manifests for part in manifest.parts if part.table == table.name]


def rows_of(format_: str) -> Callable[[bytes], int]:
    """What counts the rows of a landed object."""
    return _parquet_rows if format_ == PARQUET else _csv_rows


def _csv_rows(body: bytes) -> int:
    """Lines that end outside quotes."""
    rows, quotes = 0, 0
    with gzip.open(io.BytesIO(body)) as lines:
        for line in lines:
            quotes += line.count(b'"')
            rows += quotes % 2 == 0
    return rows


def _parquet_rows(body: bytes) -> int:
    import pyarrow.parquet

    return int(pyarrow.parquet.read_metadata(io.BytesIO(body)).num_rows)
