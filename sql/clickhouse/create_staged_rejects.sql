-- purpose:    A table for the rejects of one attempt.
-- parameters: $staged
-- guarantee:  empty, and this attempt's own.
-- why:        rows sent by the worker carry no guard; the statement that moves them from here does.
CREATE OR REPLACE TABLE $staged
(
    collection String, key String, column String, reason String, detail String, raw_uri String, position UInt32,
    hash UInt64, turn Int16
)
ENGINE = MergeTree
ORDER BY tuple()
