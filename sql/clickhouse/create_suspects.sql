-- purpose:    A table for the keys of a collection whose document and rows may differ.
-- parameters: $suspects
-- guarantee:  empty; left by what tried before is replaced.
-- why:        in the order of the keys, so that they are fetched some at a time, however many there are (I6).
CREATE OR REPLACE TABLE $suspects (key String, found UInt32, hash UInt64, torn Bool)
ENGINE = MergeTree
ORDER BY key
