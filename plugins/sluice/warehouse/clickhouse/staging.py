"""Load: from landed parts to staging tables, counted against the manifests, each key once (I1)."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sluice.columns import Kind
from sluice.errors import CountMismatch
from sluice.manifest import Manifest, Part, refuse_others
from sluice.spec import Collection, LandingFormat, Pipeline, Table, WarehouseKind
from sluice.statements import Sql, name, names
from sluice.warehouse.base import Loaded
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.landed import Access
from sluice.warehouse.clickhouse.quarantine import rejected_key, stage_rejects
from sluice.warehouse.clickhouse.replayed import Replayed
from sluice.warehouse.clickhouse.tables import STAGING, Place, definitions, key_type, plan_suffix, staged, structure
from sluice.warehouse.quarantine import RejectRow
from sluice.window import Plan

log = logging.getLogger(__name__)


def drop_staging(client: Client, plan: str) -> int:
    """Drop every staging table of a plan. Returns how many."""
    found = [table for table, _ in client.rows("staging_tables", database=STAGING, plan=f"__{plan_suffix(plan)}")]
    if found:
        client.run("drop_tables", tables=Sql(", ".join(name(STAGING, table).text for table in found)))
    return len(found)


def staged_plans(client: Client, pipeline: Pipeline) -> dict[str, datetime]:
    """The ids of the plans that have staging tables of the pipeline → when the newest was made."""
    tables = "|".join(re.escape(table.name) for table in pipeline.tables)
    ours = re.compile(
        rf"{re.escape(pipeline.name)}_(?:{tables}|_rejects|_asked|_drift)__(\d{{8}}T\d{{6}})_([0-9a-f]{{6}})(?:__|$)"
    )
    found = client.rows("staging_tables", database=STAGING, plan="")
    made = sorted((at, f"{match[1]}-{match[2]}") for table, at in found if (match := ours.match(table)))
    return {plan: datetime.fromtimestamp(at, UTC) for at, plan in made}


class Load:
    """One attempt to stage one collection.

    It fills tables of its own and puts them in place at the end, each in one step: a second attempt at the same time,
    or a sleeper that wakes up, can neither add rows to these tables nor show half of its own.
    """

    def __init__(self, client: Client, access: Access, plan: Plan, collection: Collection) -> None:
        self._client, self._access, self._plan, self._collection = client, access, plan, collection
        self._attempt = secrets.token_hex(4)

    def run(self, manifests: Sequence[Manifest], rejects: Iterable[RejectRow]) -> Loaded:
        """Stage the parts of all manifests. Raises CountMismatch."""
        begun = time.monotonic()
        refuse_others(manifests, WarehouseKind.CLICKHOUSE, (LandingFormat.PARQUET,))
        tables = self._collection.tables
        if self._collection.name not in self._plan.runs and not any(manifest.parts for manifest in manifests):
            return self._nothing(begun)
        for table in tables:
            self._fill(table, [part for m in manifests for part in m.parts if part.table == table.name])
        landed = {table.name: sum(m.rows(table.name) for m in manifests) for table in tables}
        if self._has_repeated_keys():
            for table in tables:
                self._keep(table, "keep_single", "keep_newest")
        if any(manifest.turn and manifest.rejected for manifest in manifests):
            self._find_rejected(rejects)
            for table in tables:
                self._keep(table, "keep_single")
        found = self._counts()
        if self._collection.name in self._plan.runs:
            self._complete()
        counts = self._counts()
        for table in tables:
            self._put_in_place(table)
        repeated = {table: landed[table] - rows for table, rows in found.items()}
        copied = {table: rows - found[table] for table, rows in counts.items()}
        return Loaded(self._collection.name, counts, repeated, time.monotonic() - begun, copied=copied)

    def _counts(self) -> dict[str, int]:
        return {table.name: self._count(self._own(table)) for table in self._collection.tables}

    def _complete(self) -> None:
        """Of a replay only what moves was landed: the rest of each row is in the master."""
        own, *children = self._collection.tables
        whole = self._at(own).staging(self._plan.id, self._attempt, "whole")
        self._create(own, whole)
        replayed = Replayed(self._client, self._plan, self._collection, self._own(own), whole)
        replayed.fill()
        for table in children:
            replayed.add_children(table, self._own(table))
        self._client.run("exchange_tables", one=whole, other=self._own(own))
        self._client.run("drop_tables", tables=whole)

    def _nothing(self, begun: float) -> Loaded:
        """A batch without changes: any attempt leaves the same empty tables."""
        for table in self._collection.tables:
            self._create(table, self._at(table).staging(self._plan.staging))
        none = {table.name: 0 for table in self._collection.tables}
        return Loaded(self._collection.name, none, dict(none), time.monotonic() - begun)

    def _fill(self, table: Table, parts: Sequence[Part]) -> None:
        columns = staged(self._collection, table)
        self._create(table, self._own(table))
        for source in self._access.sources([part.key for part in parts]):
            self._client.run(
                self._access.statement("stage_parts"),
                staging=self._own(table),
                columns=names(column.name for column in columns),
                structure=structure(columns),
                **source,
            )
        rows, expected = self._count(self._own(table)), sum(part.rows for part in parts)
        if rows != expected:
            raise self._mismatch(table, parts, rows)

    def _has_repeated_keys(self) -> bool:
        table = self._collection.tables[0]
        where = {"staging": self._own(table), "key": name(table.key[0])}
        repeated = self._client.number("count_repeated", **where)
        if repeated:
            log.info("load %s: %d keys were landed more than once", self._collection.name, repeated)
            self._find_repeated(table, where)
        return repeated > 0

    def _find_repeated(self, table: Table, where: dict[str, Sql]) -> None:
        modified = next((c for c in table.columns if c.path == self._collection.modified), None)
        dated = modified is not None and modified.type.kind in {Kind.TIMESTAMP, Kind.DATE}
        self._client.run("create_kept", kept=self._kept, type=key_type(table))
        newest = name(modified.name) if modified and dated else Sql("NULL")
        self._client.run("find_repeated", kept=self._kept, modified=newest, **where)

    def _find_rejected(self, rejects: Iterable[RejectRow]) -> None:
        """The keys of which a later turn rejected the document."""
        own = self._collection.tables[0]
        staged = self._at(own).staging(self._plan.staging, self._attempt, "rejects")
        self._client.run("create_staged_rejects", staged=staged)
        stage_rejects(self._client, staged, rejects)
        self._client.run("create_kept", kept=self._kept, type=key_type(own))
        self._client.run(
            "find_rejected",
            kept=self._kept,
            staging=self._own(own),
            key=name(own.key[0]),
            rejects=staged,
            rejected=rejected_key(self._collection),
        )
        self._client.run("drop_tables", tables=staged)

    def _keep(self, table: Table, *statements: str) -> None:
        """Leave in a table what these statements copy."""
        target = self._at(table).staging(self._plan.staging, self._attempt, "once")
        self._create(table, target)
        copied = {
            "target": target,
            "staging": self._own(table),
            "columns": names(column.name for column in staged(self._collection, table)),
            "key": name(table.key[0]),
            "kept": self._kept,
        }
        for statement in statements:
            keys = {"keys": names(table.key)} if statement == "keep_newest" else {}
            self._client.run(statement, **copied, **keys)
        self._client.run("exchange_tables", one=target, other=self._own(table))
        self._client.run("drop_tables", tables=target)

    def _put_in_place(self, table: Table) -> None:
        final = self._at(table).staging(self._plan.staging)
        self._client.run("create_staging_if_missing", **self._shape(table, final))
        self._client.run("exchange_tables", one=self._own(table), other=final)
        self._client.run("drop_tables", tables=self._own(table))

    def _create(self, table: Table, staging: Sql) -> None:
        self._client.run("create_staging", **self._shape(table, staging))

    def _shape(self, table: Table, staging: Sql) -> dict[str, Sql]:
        columns = definitions(staged(self._collection, table))
        return {"staging": staging, "definitions": columns, "order": names(table.key)}

    def _mismatch(self, table: Table, parts: Sequence[Part], rows: int) -> CountMismatch:
        found: dict[str, int] = {}
        for source in self._access.sources([part.key for part in parts]):
            found |= dict(self._client.rows(self._access.statement("count_parts"), **source))
        wrong = [
            f"{part.key} has {have} rows, its manifest says {part.rows}"
            for part in parts
            if (have := next((n for path, n in found.items() if path.endswith(part.key)), 0)) != part.rows
        ]
        return CountMismatch(
            f"{rows:,} rows of {table.name} were staged, {sum(part.rows for part in parts):,} were landed",
            why="; ".join(wrong) or "each object has the rows that its manifest says",
            fix="run the batch again: a new plan lands its documents again",
        )

    def _count(self, table: Sql) -> int:
        return self._client.number("count_rows", table=table)

    @property
    def _kept(self) -> Sql:
        return self._at(self._collection.tables[0]).staging(self._plan.staging, self._attempt, "kept")

    def _own(self, table: Table) -> Sql:
        return self._at(table).staging(self._plan.staging, self._attempt)

    def _at(self, table: Table) -> Place:
        return Place(self._plan.pipeline, "", table.name)
