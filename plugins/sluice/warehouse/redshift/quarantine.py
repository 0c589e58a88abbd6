"""Rejects on Redshift: what a batch puts into quarantine and settles there, and what people ask of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

from sluice.spec import Collection, Pipeline
from sluice.statements import Query, Sql, name, query
from sluice.warehouse.base import Batch, Commit
from sluice.warehouse.quarantine import PLAIN_KEYS, RejectGroup, Which
from sluice.warehouse.records import tell_news
from sluice.warehouse.redshift.client import Client
from sluice.warehouse.redshift.rejects import refused_rows, stage_rejects
from sluice.warehouse.redshift.tables import place

_ASKED: Final = ("VARCHAR(256)", "VARCHAR(1024)")


def rejected_key(collection: Collection) -> Sql:
    """The key of a reject as the table has it."""
    return Sql('"key"' if collection.key.type.kind in PLAIN_KEYS else "REGEXP_REPLACE(\"key\", '^(s|uuid):', '')")


def quarantine() -> Query:
    """Every reject, and what became of it."""
    return query("redshift/quarantine")


def drop(client: Client, pipeline: str, which: Which, who: str, why: str) -> int:
    """Mark those that are meant as dealt with."""
    with client.transaction():
        client.run("lock_batches")
        chosen = {"quarantine": quarantine(), "pipeline": pipeline, **asdict(which)}
        return client.run("drop_rejects", **chosen, who=who, why=why)


@dataclass(frozen=True, slots=True)
class Rejects:
    """The rejects of one batch. ``staged``, ``asked``: its own tables."""

    client: Client
    pipeline: Pipeline
    batch: Batch
    staged: Sql
    asked: Sql

    def stage(self) -> int:
        """Before the transaction: they are read from S3, which may take a while. Returns how many there are."""
        if not self._staged_first:
            return sum(1 for _ in self.batch.rejects)
        with self.client.transaction():
            if self.batch.for_rejects:
                self._stage_asked(self.batch.asked)
            staged = stage_rejects(self.client, self.staged, self.batch.rejects)
            if staged and self.batch.plan.turn:
                self._drop_read_again()
            return staged

    def publish(self, commit: Commit) -> None:
        """Put the new ones beside the batch's rows, and settle those whose documents it read; tell the record."""
        number = {"pipeline": commit.pipeline, "batch": commit.batch}
        with_open = self.batch.may_settle(self.pipeline, self._open())
        if with_open and not self._staged_first:
            stage_rejects(self.client, self.staged, ())
        if self._staged_first:
            for collection in self._refusing:
                refused = refused_rows(commit.pipeline, collection, self.batch.plan.staging)
                self.client.run("insert_refused", staged=self.staged, refused=refused)
            whose = {"quarantine": quarantine(), **number}
            self.client.run("insert_rejects", staged=self.staged, cut=commit.cut.time, **whose)
        for collection in with_open:
            self._settle(commit, collection)
        tell_news(commit, self.client.rows("count_news", **number))

    def _open(self) -> list[RejectGroup]:
        rows = self.client.rows("reject_groups", quarantine=quarantine(), pipeline=self.pipeline.name)
        return [RejectGroup(*row) for row in rows]

    def _settle(self, commit: Commit, collection: Collection) -> None:
        own = collection.tables[0]
        self.client.run(
            "settle_rejects",
            quarantine=quarantine(),
            staging=place(self.pipeline, own).staging(self.batch.plan.staging),
            key=name(own.key[0]),
            rejected=rejected_key(collection),
            rejects=self.staged,
            # A batch that was not made for rejects asked for none: what it rejected itself is not settled anyway.
            asked=self.asked if self.batch.for_rejects else self.staged,
            whole=self.batch.reads_whole(collection),
            pipeline=commit.pipeline,
            collection=collection.name,
            batch=commit.batch,
            cluster=commit.cut.cluster,
            plan=commit.plan,
        )

    def _drop_read_again(self) -> None:
        for collection in self.pipeline.collections:
            own = collection.tables[0]
            self.client.run(
                "delete_reread_rejects",
                staged=self.staged,
                staging=place(self.pipeline, own).staging(self.batch.plan.staging),
                key=name(own.key[0]),
                rejected=rejected_key(collection),
                collection=collection.name,
            )

    def _stage_asked(self, asked: Iterable[tuple[str, str]]) -> None:
        self.client.run("drop_tables", tables=self.asked)
        self.client.run("create_asked", asked=self.asked)
        self.client.insert("insert_asked", _ASKED, asked, asked=self.asked)

    @property
    def _staged_first(self) -> bool:
        rejected = any(manifest.rejected for manifest in self.batch.manifests)
        ending = any(map(self.batch.ends_missing, self.pipeline.collections))
        return rejected or ending or self.batch.for_rejects or bool(self._refusing)

    @property
    def _refusing(self) -> list[Collection]:
        """The collections of which COPY refused lines."""
        refusing = {loaded.collection for loaded in self.batch.loaded if any(loaded.refused.values())}
        return [collection for collection in self.pipeline.collections if collection.name in refusing]
