-- purpose:    A table of the keys that were landed more than once in a plan, with the document to keep of each.
-- parameters: $kept, $type
-- guarantee:  empty.
-- why:        filled by find_repeated, read by keep_single and keep_newest.
CREATE OR REPLACE TABLE $kept (key $type, hash UInt64)
ENGINE = MergeTree
ORDER BY key
