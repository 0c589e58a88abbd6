-- purpose: what documents have that no column declares, and under which columns rows were written.

-- A row for each batch that saw a path: the newest says all.
CREATE TABLE IF NOT EXISTS sluice.drift
(
    pipeline    LowCardinality(String),
    batch       UInt32,
    collection  LowCardinality(String),
    path        String,
    types       String,
    documents   UInt64,
    sample      String,
    first_batch UInt32
)
ENGINE = MergeTree
ORDER BY (pipeline, batch, collection, path);

-- A row for each batch from which on a collection's columns were others.
CREATE TABLE IF NOT EXISTS sluice.columns
(
    pipeline   LowCardinality(String),
    batch      UInt32,
    collection LowCardinality(String),
    hash       String,
    columns    String
)
ENGINE = MergeTree
ORDER BY (pipeline, batch, collection);
