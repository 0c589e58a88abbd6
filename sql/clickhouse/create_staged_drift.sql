-- purpose:    A table for the drift of one attempt.
-- parameters: $staged
-- guarantee:  empty, and this attempt's own.
-- why:        as create_staged_rejects: what the worker sends carries no guard.
CREATE OR REPLACE TABLE $staged
(
    collection String, path String, types String, documents UInt64, sample String, first_batch UInt32, batch UInt32
)
ENGINE = MergeTree
ORDER BY tuple()
