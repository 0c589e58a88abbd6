-- purpose: what the maintenance DAGs did, why, and what that saved.
-- why:     rows, bytes and objects (parts of a table, objects on S3) stay NULL where the work does not change them.

CREATE TABLE IF NOT EXISTS sluice.maintenance
(
    at             DateTime64(3, 'UTC') DEFAULT now64(3),
    pipeline       LowCardinality(String),
    kind           LowCardinality(String),
    action         LowCardinality(String),
    target         String,
    reason         String,
    did            String,
    rows_before    Nullable(Int64),
    rows_after     Nullable(Int64),
    bytes_before   Nullable(Int64),
    bytes_after    Nullable(Int64),
    objects_before Nullable(Int64),
    objects_after  Nullable(Int64),
    seconds        Float64,
    dry_run        Bool,
    error          String
)
ENGINE = MergeTree
ORDER BY (pipeline, at);
