"""Rejects on ClickHouse: what a batch puts into quarantine and settles there, and what people ask of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from sluice.spec import Collection, Pipeline
from sluice.statements import Query, Sql, name, query
from sluice.warehouse.base import Batch, Commit
from sluice.warehouse.clickhouse.client import Client
from sluice.warehouse.clickhouse.fence import Fence
from sluice.warehouse.clickhouse.tables import place
from sluice.warehouse.quarantine import PLAIN_KEYS, RejectGroup, RejectRow, Which
from sluice.warehouse.records import tell_news

_STAGED = ("collection", "key", "column", "reason", "detail", "raw_uri", "position", "hash", "turn")
_ASKED = ("collection", "key")


def rejected_key(collection: Collection) -> Sql:
    """The key of a reject as the table has it."""
    return Sql("key" if collection.key.type.kind in PLAIN_KEYS else "replaceRegexpOne(key, '^(s|uuid):', '')")


def quarantine() -> Query:
    """Every reject, and what became of it."""
    return query("clickhouse/quarantine")


def drop(client: Client, pipeline: str, which: Which, who: str, why: str) -> int:
    """Mark those that are meant as dealt with."""
    chosen = {"quarantine": quarantine(), "pipeline": pipeline, **asdict(which)}
    found = client.number("count_open_rejects", **chosen)
    if found:
        client.run("drop_rejects", **chosen, who=who, why=why)
    return found


def stage_rejects(client: Client, staged: Sql, rejects: Iterable[RejectRow]) -> int:
    """Put rejects into a staging table of their own. Returns how many."""
    rows = (tuple(getattr(reject, column) for column in _STAGED) for reject in rejects)
    return client.insert(staged, _STAGED, rows)


@dataclass(frozen=True, slots=True)
class Rejects:
    """The rejects of one attempt to publish one batch. ``staged``, ``asked``: its own tables."""

    client: Client
    pipeline: Pipeline
    batch: Batch
    staged: Sql
    asked: Sql

    def stage(self) -> int:
        """Before the fence is taken: they are read from S3, which may take a while. Returns how many there are."""
        if self._staged_first:
            self.client.run("create_staged_rejects", staged=self.staged)
        if self.batch.for_rejects:
            self.client.run("create_asked", asked=self.asked)
            self.client.insert(self.asked, _ASKED, iter(self.batch.asked))
        staged = stage_rejects(self.client, self.staged, self.batch.rejects)
        if staged and self.batch.plan.turn:
            self._drop_read_again()
        return staged

    def publish(self, fence: Fence, commit: Commit, rejects: int) -> None:
        """Put the new ones beside the batch's rows, and settle those whose documents it read; tell the record."""
        whose, number = {"quarantine": quarantine(), **fence.guard}, {"batch": commit.batch}
        if rejects:
            fence.client.run("insert_rejects", staged=self.staged, cut=commit.cut.time, **number, **whose)
        with_open = self.batch.may_settle(self.pipeline, self._open())
        if with_open and not self._staged_first:
            fence.client.run("create_staged_rejects", staged=self.staged)
        for collection in with_open:
            self._settle(fence, commit, collection)
        tell_news(commit, fence.client.rows("count_news", pipeline=commit.pipeline, **number))

    def _open(self) -> list[RejectGroup]:
        rows = self.client.rows("reject_groups", quarantine=quarantine(), pipeline=self.pipeline.name)
        return [RejectGroup(*row) for row in rows]

    def _settle(self, fence: Fence, commit: Commit, collection: Collection) -> None:
        own = collection.tables[0]
        fence.client.run(
            "settle_rejects",
            quarantine=quarantine(),
            staging=place(self.pipeline, own).staging(self.batch.plan.staging),
            key=name(own.key[0]),
            rejected=rejected_key(collection),
            rejects=self.staged,
            # A batch that was not made for rejects asked for none: what it rejected itself is not settled anyway.
            asked=self.asked if self.batch.for_rejects else self.staged,
            whole=self.batch.reads_whole(collection),
            collection=collection.name,
            batch=commit.batch,
            cluster=commit.cut.cluster,
            plan=commit.plan,
            **fence.guard,
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

    @property
    def _staged_first(self) -> bool:
        rejected = any(manifest.rejected for manifest in self.batch.manifests)
        return rejected or any(map(self.batch.ends_missing, self.pipeline.collections))
