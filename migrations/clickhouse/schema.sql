CREATE TABLE sluice.batches
(
    `pipeline` LowCardinality(String),
    `batch` UInt32,
    `plan` String,
    `kind` LowCardinality(String),
    `cut` DateTime64(3, 'UTC'),
    `cluster` UInt64,
    `snapshot` Bool,
    `positions` String,
    `counts` String,
    `spec_hash` String,
    `code_version` String,
    `started_at` DateTime64(3, 'UTC'),
    `committed_at` DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (pipeline, batch)
SETTINGS index_granularity = 8192;

CREATE TABLE sluice.checks
(
    `pipeline` LowCardinality(String),
    `plan` String,
    `cut` DateTime64(3, 'UTC'),
    `table` LowCardinality(String),
    `name` String,
    `severity` LowCardinality(String),
    `failing` UInt64,
    `samples` String,
    `checked_at` DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(checked_at)
ORDER BY (pipeline, plan, name)
SETTINGS index_granularity = 8192;

CREATE TABLE sluice.columns
(
    `pipeline` LowCardinality(String),
    `batch` UInt32,
    `collection` LowCardinality(String),
    `hash` String,
    `columns` String
)
ENGINE = MergeTree
ORDER BY (pipeline, batch, collection)
SETTINGS index_granularity = 8192;

CREATE TABLE sluice.drift
(
    `pipeline` LowCardinality(String),
    `batch` UInt32,
    `collection` LowCardinality(String),
    `path` String,
    `types` String,
    `documents` UInt64,
    `sample` String,
    `first_batch` UInt32
)
ENGINE = MergeTree
ORDER BY (pipeline, batch, collection, path)
SETTINGS index_granularity = 8192;

CREATE TABLE sluice.fences
(
    `pipeline` LowCardinality(String),
    `fence` UInt64,
    `owner` String,
    `state` Enum8('held' = 0, 'released' = 1),
    `at` DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (pipeline, fence, owner)
SETTINGS index_granularity = 8192;

CREATE TABLE sluice.maintenance
(
    `at` DateTime64(3, 'UTC') DEFAULT now64(3),
    `pipeline` LowCardinality(String),
    `kind` LowCardinality(String),
    `action` LowCardinality(String),
    `target` String,
    `reason` String,
    `did` String,
    `rows_before` Nullable(Int64),
    `rows_after` Nullable(Int64),
    `bytes_before` Nullable(Int64),
    `bytes_after` Nullable(Int64),
    `objects_before` Nullable(Int64),
    `objects_after` Nullable(Int64),
    `seconds` Float64,
    `dry_run` Bool,
    `error` String
)
ENGINE = MergeTree
ORDER BY (pipeline, at)
SETTINGS index_granularity = 8192;

CREATE TABLE sluice.migrations
(
    `version` UInt16,
    `name` String,
    `checksum` String,
    `statement` UInt16,
    `state` Enum8('started' = 0, 'applied' = 1),
    `applied_at` DateTime64(3, 'UTC') DEFAULT now64(3),
    `duration` Float64
)
ENGINE = MergeTree
ORDER BY (version, statement, state)
SETTINGS index_granularity = 8192;

CREATE TABLE sluice.rejects
(
    `pipeline` LowCardinality(String),
    `batch` UInt32,
    `collection` LowCardinality(String),
    `key` String,
    `column` LowCardinality(String),
    `reason` LowCardinality(String),
    `detail` String,
    `raw_uri` String,
    `position` UInt32,
    `cut` DateTime64(3, 'UTC'),
    `hash` UInt64
)
ENGINE = MergeTree
ORDER BY (pipeline, batch, collection, key)
SETTINGS index_granularity = 8192;

CREATE TABLE sluice.settled_rejects
(
    `pipeline` LowCardinality(String),
    `batch` UInt32,
    `collection` LowCardinality(String),
    `key` String,
    `hash` UInt64,
    `rejected` UInt32,
    `outcome` LowCardinality(String),
    `who` String,
    `why` String,
    `settled_at` DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (pipeline, batch, collection, key)
SETTINGS index_granularity = 8192;

CREATE VIEW sluice.holders
(
    `pipeline` LowCardinality(String),
    `fence` UInt64,
    `owner` String,
    `state` Enum8('held' = 0, 'released' = 1),
    `at` DateTime64(6, 'UTC')
)
AS SELECT
    f.pipeline AS pipeline,
    max(f.fence) AS fence,
    argMax(f.owner, (f.fence, f.owner, f.state, f.at)) AS owner,
    argMax(f.state, (f.fence, f.owner, f.state, f.at)) AS state,
    argMax(f.at, (f.fence, f.owner, f.state, f.at)) AS at
FROM sluice.fences AS f
GROUP BY f.pipeline;
