-- purpose: what could not be conformed, by batch (I7); the raw document stays on S3 at raw_uri, as its position-th.

CREATE TABLE IF NOT EXISTS sluice.rejects
(
    pipeline   LowCardinality(String),
    batch      UInt32,
    collection LowCardinality(String),
    key        String,
    column     LowCardinality(String),
    reason     LowCardinality(String),
    detail     String,
    raw_uri    String,
    position   UInt32,
    cut        DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (pipeline, batch, collection, key);
