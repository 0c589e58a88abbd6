-- purpose: Sluice's own state (I8): who may publish, what was migrated, what was published.
-- why:     every statement may run twice, because the lock that keeps a second runner out is made here.

CREATE DATABASE IF NOT EXISTS sluice ENGINE = Atomic;

-- One row for each sign of life of whoever publishes or migrates; merges keep the newest of each owner.
CREATE TABLE IF NOT EXISTS sluice.fences
(
    pipeline LowCardinality(String),
    fence    UInt64,
    owner    String,
    state    Enum8('held' = 0, 'released' = 1),
    at       DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (pipeline, fence, owner);

-- The winner of each fence. Every publishing statement asks this view whether its sender still holds the fence.
CREATE OR REPLACE VIEW sluice.holders AS
SELECT
    f.pipeline AS pipeline,
    max(f.fence) AS fence,
    argMax(f.owner, (f.fence, f.owner, f.state, f.at)) AS owner,
    argMax(f.state, (f.fence, f.owner, f.state, f.at)) AS state,
    argMax(f.at, (f.fence, f.owner, f.state, f.at)) AS at
FROM sluice.fences AS f
GROUP BY f.pipeline;

-- One row before and one after each statement of each migration.
CREATE TABLE IF NOT EXISTS sluice.migrations
(
    version    UInt16,
    name       String,
    checksum   String,
    statement  UInt16,
    state      Enum8('started' = 0, 'applied' = 1),
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3),
    duration   Float64
)
ENGINE = MergeTree
ORDER BY (version, statement, state);

-- The commit record: what a reader may see is decided by the greatest batch of its pipeline.
CREATE TABLE IF NOT EXISTS sluice.batches
(
    pipeline     LowCardinality(String),
    batch        UInt32,
    plan         String,
    kind         LowCardinality(String),
    cut          DateTime64(3, 'UTC'),
    cluster      UInt64,
    snapshot     Bool,
    positions    String,
    counts       String,
    spec_hash    String,
    code_version String,
    started_at   DateTime64(3, 'UTC'),
    committed_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (pipeline, batch);
