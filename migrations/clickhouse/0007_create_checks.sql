-- purpose: what the checks of pipeline files found, also of batches that they stopped.

-- A batch that is checked again replaces what was found before.
CREATE TABLE IF NOT EXISTS sluice.checks
(
    pipeline   LowCardinality(String),
    plan       String,
    cut        DateTime64(3, 'UTC'),
    "table"    LowCardinality(String),
    name       String,
    severity   LowCardinality(String),
    failing    UInt64,
    samples    String,
    checked_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(checked_at)
ORDER BY (pipeline, plan, name);
