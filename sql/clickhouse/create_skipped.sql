-- purpose:    A table of the staged keys that this attempt does not publish.
-- parameters: $skipped, $type
-- guarantee:  empty, and this attempt's own.
-- why:        shared between attempts, a sleeper that wakes up could empty it under its successor, which would then
--             publish what it must skip (I4).
CREATE OR REPLACE TABLE $skipped (slice UInt16, key $type, superseded Bool)
ENGINE = MergeTree
ORDER BY (slice, key)
