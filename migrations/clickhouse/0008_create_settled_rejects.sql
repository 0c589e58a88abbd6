-- purpose: what became of rejects: which batch read their document again, or who dropped them and why.
-- why:     beside sluice.rejects, of which nothing is changed or deleted.

-- rejected: the batch of the reject. batch: the one that settled it, 0 where a person did.
CREATE TABLE IF NOT EXISTS sluice.settled_rejects
(
    pipeline   LowCardinality(String),
    batch      UInt32,
    collection LowCardinality(String),
    key        String,
    hash       UInt64,
    rejected   UInt32,
    outcome    LowCardinality(String),
    who        String,
    why        String,
    settled_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (pipeline, batch, collection, key);
